// What a burst of imports does to every answer that queue-types has, on every engine that is here:
// how long the answers take, how much is left to do when the last is given, and when all of it is
// done. And one import alone: when it is answered, when it is done. In every round each contender
// has a fresh process of its own, one after another in random order; servers are shared. By hand:
// `npx tsx bench/by-hand/queue-drain.ts [--rounds 3] [--burst 300] [--connections 20] [--concurrency 10]
//  [--check-ms 0,50] [--backends memory,sqlite,redis,mongodb,postgres]`
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startLab } from '../../core/lab/lab.ts'
import { median, shuffled, table } from './compare.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    burst: { type: 'string', default: '300' },
    connections: { type: 'string', default: '20' },
    concurrency: { type: 'string', default: '10' },
    'check-ms': { type: 'string', default: '0,50' },
    backends: { type: 'string', default: 'memory,sqlite,redis,mongodb,postgres' },
  },
})
const rounds = Number(values.rounds)
const burst = Number(values.burst)
const connections = Number(values.connections)
const checkTimesMs = values['check-ms'].split(',').map(Number)
const alone = 10
const bookingsPerFile = 10
const doneWithinMs = 60_000

interface Contender {
  name: string
  setup: string
  /** With a number of jobs at once; without a queue it is as many as come. */
  hasQueue: boolean
}

/** What one round found out about one contender. */
interface Found {
  /** Of each import of the burst. */
  answersMs: number[]
  /** Imports not yet booked when the last answer came, and when all were, since the first left. */
  backlog: number
  drainedMs: number
  /** One import at a time. */
  aloneAnswersMs: number[]
  aloneDoneMs: number[]
}

const main = async () => {
  const probe = await startLab({ only: [] })
  try {
    const urls: Record<string, string> = {}
    const missing: string[] = []
    for (const backend of values.backends.split(','))
      await probe.locate(backend).then(
        (url) => {
          urls[backend] = url
        },
        (error: Error) => missing.push(error.message),
      )
    const contenders = contendersOn(Object.keys(urls))
    const found = new Map<string, Found[]>()
    for (let round = 1; round <= rounds; round++) {
      console.error(`round ${round} of ${rounds}`)
      for (const contender of shuffled(contenders))
        for (const [key, figures] of await measure(contender, urls))
          found.set(key, [...(found.get(key) ?? []), figures])
    }
    for (const checkMs of checkTimesMs) report(contenders, checkMs, found)
    for (const why of missing) console.log(why)
  } finally {
    await probe.stop()
  }
}

const contendersOn = (backends: string[]): Contender[] => [
  ...['inline', 'in-process'].map((variant) => ({
    name: variant,
    setup: `queue-types/${variant}@sqlite`,
    hasQueue: false,
  })),
  ...['queued', 'queued-once'].flatMap((variant) =>
    backends.map((backend) => ({
      name: `${variant}, ${backend}`,
      // The ledger is the same for all, so that only the queues differ.
      setup: `queue-types/${variant}@queue=${backend},db=sqlite`,
      hasQueue: true,
    })),
  ),
]

const measure = async ({ name, setup, hasQueue }: Contender, urls: Record<string, string>) => {
  const lab = await startLab({ only: ['queue-types'], urls })
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const found: [string, Found][] = []
  try {
    for (const checkMs of checkTimesMs) {
      const knobs = [
        `checkMs=${checkMs}`,
        ...(hasQueue ? [`concurrency=${values.concurrency}`] : []),
      ]
      const server = talkTo(`${lab.url}/run/${setup}~${knobs.join(',')}`, agent)
      // Cold code, and what is made at the first call, is not what is asked for here.
      await sendBurst(server, Math.min(burst, 100))
      const { answersMs, backlog, drainedMs } = await sendBurst(server, burst)
      const singles: Awaited<ReturnType<typeof sendBurst>>[] = []
      for (let i = 0; i < alone; i++) singles.push(await sendBurst(server, 1))
      found.push([
        `${name} ${checkMs}`,
        {
          answersMs,
          backlog,
          drainedMs,
          aloneAnswersMs: singles.flatMap((single) => single.answersMs),
          aloneDoneMs: singles.map((single) => single.drainedMs),
        },
      ])
    }
    return found
  } finally {
    agent.destroy()
    await lab.stop()
  }
}

/** Sends `count` files over all connections, and waits until all are booked. */
const sendBurst = async (server: ReturnType<typeof talkTo>, count: number) => {
  const account = `a-${nextAccount++}`
  const booking = `${account},1`
  const body = JSON.stringify({
    csv: ['account,cents', ...Array.from({ length: bookingsPerFile }, () => booking)].join('\n'),
  })
  const left = async () => {
    const answer = await server('GET', `/accounts/${account}`)
    const { bookings } = JSON.parse(answer) as { bookings: number }
    return count - bookings / bookingsPerFile
  }

  const beganMs = performance.now()
  const answersMs: number[] = []
  let unsent = count
  const converse = async () => {
    while (unsent-- > 0) {
      const sentMs = performance.now()
      await server('POST', '/imports', body)
      answersMs.push(performance.now() - sentMs)
    }
  }
  await Promise.all(Array.from({ length: connections }, converse))
  const backlog = await left()
  for (let open = backlog; open > 0; open = await left()) {
    if (performance.now() - beganMs > doneWithinMs)
      throw new Error(`${open} of ${count} imports are not done after ${doneWithinMs} ms.`)
    await sleep(count > 1 ? 10 : 1)
  }
  return { answersMs, backlog, drainedMs: performance.now() - beganMs }
}
let nextAccount = 0

/** Sends one request and returns the answer's text; throws where it is no 2xx. */
const talkTo =
  (address: string, agent: Agent) =>
  (method: string, path: string, body?: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = body ? { 'content-type': 'application/json' } : {}
      request(`${address}${path}`, { method, agent, headers }, (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
        })
        answer.once('error', reject).once('end', () => {
          if (String(answer.statusCode).startsWith('2')) resolve(text)
          else reject(new Error(`${address}${path} answers ${answer.statusCode}: ${text}`))
        })
      })
        .once('error', reject)
        .end(body)
    })

const report = (contenders: Contender[], checkMs: number, found: Map<string, Found[]>) => {
  const rows = contenders.map(({ name }) => {
    const all = found.get(`${name} ${checkMs}`)!
    const answersMs = all.flatMap((one) => one.answersMs)
    const perMs = median(all.map(({ drainedMs }) => burst / drainedMs))
    return [
      name,
      quantile(answersMs, 0.5).toFixed(1),
      quantile(answersMs, 0.99).toFixed(1),
      spread(all.map(({ backlog }) => backlog)),
      spread(all.map(({ drainedMs }) => drainedMs)),
      (perMs * 60_000).toFixed(0),
      median(all.flatMap((one) => one.aloneAnswersMs)).toFixed(1),
      median(all.flatMap((one) => one.aloneDoneMs)).toFixed(1),
    ]
  })
  console.log(
    checkMs > 0
      ? `\nEach import asks elsewhere for ${checkMs} ms before it books (modelled):`
      : '\nEach import is nothing but its own work:',
  )
  const title = [
    '',
    'answer p50',
    'p99',
    'backlog',
    'all done',
    'per minute',
    'alone: answer',
    'done',
  ]
  console.log(table([title, ...rows]))
  console.log(
    `Milliseconds, but imports where it says backlog and per minute. Bursts of ${burst} files of ` +
      `${bookingsPerFile} bookings\nover ${connections} connections, ${values.concurrency} jobs at ` +
      `once, one server process; ${rounds} rounds: n = ${rounds * burst} answers, ${rounds} bursts ` +
      `(median,\nleast–most) and ${rounds * alone} imports alone (median).`,
  )
}

const quantile = (sample: readonly number[], q: number): number => {
  const sorted = [...sample].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] as number
}

const spread = (sample: readonly number[]): string => {
  const [low, high] = [Math.min(...sample), Math.max(...sample)]
  return `${median(sample).toFixed(0)} (${low.toFixed(0)}–${high.toFixed(0)})`
}

await main()
process.exit()
