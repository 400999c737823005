// "From 500 ms to under 50 ms", "70 % less load on the database": under which hit rate and with how
// slow a database does a cache keep what textbooks promise of it? Every strategy and "no cache" are
// up at once, each in a process of its own, and get the same requests at the same fixed rate, one
// after the other in turn, so that whatever else this machine does hits all of them alike. Nobody
// waits with sending for an answer, so slow answers hide nothing. Where the client itself was late,
// that is said and no conclusion drawn. How slow the database is, is modelled; all else is real.
// By hand: `npx tsx bench/by-hand/cache-promise.ts [--cache memory] [--db sqlite] [--seconds 18] [--rate 120]`
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Lab, startLab } from '../../core/lab/lab.ts'
import { type ReadyRequests, requestsFor } from '../../core/traffic/workload.ts'
import { ratioOf, table } from './compare.ts'

const { values } = parseArgs({
  options: {
    cache: { type: 'string', default: 'memory' },
    db: { type: 'string', default: 'sqlite' },
    seconds: { type: 'string', default: '18' },
    rate: { type: 'string', default: '120' },
  },
})
const seconds = Number(values.seconds)
/** Requests per second, to each contender. */
const rate = Number(values.rate)
/** Intervals come from this many stretches of time. */
const blocks = 9

const base = 'none'
const names = [
  base,
  'cache-aside',
  'read-through-stamped',
  'write-through',
  'write-behind',
  'stale-while-revalidate',
] as const
type Name = (typeof names)[number]

/** From what is nearly always in the cache to what hardly ever is. */
const loads = [
  { workload: 'zipf', ttlMs: 60_000 },
  { workload: 'zipf', ttlMs: 1_000 },
  { workload: 'even', ttlMs: 300 },
]
const delaysMs = [0, 5, 50, 500]

/** What came of one request. */
interface Sample {
  block: number
  isLook: boolean
  /** From when it was sent to when its answer was complete. */
  ms: number
  /** How long after its time it was sent. */
  lateMs: number
  isHit: boolean
  /** The answer was older than a change that had been acknowledged before it was asked for. */
  isStale: boolean
}

interface Figures {
  samples: Sample[]
  databaseCalls: number
}

const main = async () => {
  const labs = new Map<Name, Lab>()
  try {
    for (const name of names) labs.set(name, await startLab({ only: ['cache-strategies'] }))
    const conclusions: string[][] = []
    for (const load of loads)
      for (const dbDelayMs of delaysMs) {
        const found = await measure(labs, load, dbDelayMs)
        print(load, dbDelayMs, found)
        conclusions.push(...conclude(load, dbDelayMs, found))
      }
    console.log(
      '\nWhat became of the promises. Ten times as fast: the mean of all looks, by its 95 %',
    )
    console.log(
      'interval. 70 % less: calls to the database, of looks and changes together, counted.',
    )
    const head = ['load', 'database', 'hit rate', 'ten times as fast', 'under 50 ms', '70 % less']
    console.log(table([head, ...conclusions]))
    console.log(
      '"under 50 ms": mean / 99 of 100 looks. One row per cell, for the best strategy that',
    )
    console.log('serves no stale answer to whoever was told of a change.')
  } finally {
    for (const lab of labs.values()) await lab.stop()
  }
}

type Load = (typeof loads)[number]

/** Sends one cell's requests to all contenders in turn. */
const measure = async (labs: Map<Name, Lab>, load: Load, dbDelayMs: number) => {
  const clients = new Map<Name, Awaited<ReturnType<typeof openClient>>>()
  for (const [name, lab] of labs)
    clients.set(name, await openClient(lab, setupOf(name, load, dbDelayMs), load.workload))
  await Promise.all([...clients.values()].map((client) => client.fill()))

  const countCalls = async (name: Name) => databaseCalls(labs.get(name)!)
  const before = new Map<Name, number>()
  for (const name of names) before.set(name, await countCalls(name))

  const count = seconds * rate
  const gapMs = 1000 / rate / names.length
  const beganMs = performance.now() + 20
  for (let i = 0; i < count * names.length; i++) {
    const turn = Math.floor(i / names.length)
    // The order changes, so that nobody always comes after the same one.
    const name = names[(i + turn) % names.length]!
    const dueMs = beganMs + i * gapMs
    const waitMs = dueMs - performance.now()
    if (waitMs > 0) await sleep(waitMs)
    clients.get(name)!.send(turn, dueMs, Math.floor((turn / count) * blocks))
  }
  const found = new Map<Name, Figures>()
  for (const name of names) {
    const samples = await clients.get(name)!.finish()
    found.set(name, { samples, databaseCalls: 0 })
  }
  // What was put off goes to the database now.
  await sleep(1_500)
  for (const name of names)
    found.get(name)!.databaseCalls = (await countCalls(name)) - before.get(name)!
  return found
}

const setupOf = (name: Name, { ttlMs }: Load, dbDelayMs: number): string =>
  name === base
    ? `cache-strategies/${name}@db=${values.db}~dbDelayMs=${dbDelayMs}`
    : `cache-strategies/${name}@cache=${values.cache},db=${values.db}` +
      `~ttlMs=${ttlMs},dbDelayMs=${dbDelayMs}`

const databaseCalls = async (lab: Lab): Promise<number> => {
  const meters = await lab.readMeter()
  // One that is too busy to answer in time is left out, and must not count as none.
  if (meters.length === 0) return databaseCalls(lab)
  return meters
    .flatMap(({ calls }) => Object.entries(calls))
    .filter(([name]) => name.startsWith('db.query'))
    .reduce((sum, [, total]) => sum + total.calls, 0)
}

/** One contender's requests, in the order of the workload, each when it is told to. */
const openClient = async (lab: Lab, setup: string, workload: string) => {
  const { requests } = await requestsFor(setup, lab.url, workload)
  const agent = new Agent({ keepAlive: true })
  const acknowledged = new Map<string, number>()
  const samples: Sample[] = []
  const underWay = new Set<Promise<void>>()

  const ask = ({ url, method, headers, body }: ReadyRequests['requests'][number]) =>
    new Promise<{ text: string; isHit: boolean }>((resolve, reject) => {
      const sent = request(url, { method, headers, agent }, (answer) => {
        if (answer.statusCode !== 200) reject(new Error(`${url} answers ${answer.statusCode}.`))
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        const isHit = /; hit\b/.test(String(answer.headers['cache-status']))
        answer.once('end', () => resolve({ text, isHit })).once('error', reject)
      })
      sent.once('error', reject).end(body)
    })

  const sendOne = async (turn: number, dueMs: number, block: number) => {
    const next = requests[turn % requests.length]!
    const isLook = next.method === 'GET'
    const product = next.url.replace(/\/price$/, '')
    const known = acknowledged.get(product) ?? 0
    const sentMs = performance.now()
    const { text, isHit } = await ask(next)
    const ms = performance.now() - sentMs
    const { version } = JSON.parse(text) as { version: number }
    if (!isLook) acknowledged.set(product, Math.max(version, acknowledged.get(product) ?? 0))
    samples.push({
      block,
      isLook,
      ms,
      lateMs: Math.max(0, sentMs - dueMs),
      isHit,
      isStale: isLook && version < known,
    })
  }

  return {
    /** Looks at everything once, so that nobody is measured with an empty cache. */
    async fill() {
      const urls = new Set(requests.map(({ url }) => url.replace(/\/price$/, '')))
      const left = [...urls]
      const look = (url: string) => ask({ method: 'GET', url, headers: {} })
      const visit = async () => {
        for (let url = left.pop(); url; url = left.pop()) await look(url)
      }
      // The first one of all opens the database and makes the tables.
      await look(left[0]!)
      await Promise.all(Array.from({ length: 50 }, visit))
    },
    send(turn: number, dueMs: number, block: number) {
      const sending = sendOne(turn, dueMs, block).finally(() => underWay.delete(sending))
      underWay.add(sending)
    },
    async finish() {
      await Promise.all(underWay)
      agent.destroy()
      return samples
    },
  }
}

const print = (load: Load, dbDelayMs: number, found: Map<Name, Figures>): void => {
  const rows = names.map((name) => {
    const { samples, databaseCalls } = found.get(name)!
    const looks = samples.filter(({ isLook }) => isLook)
    const changes = samples.filter(({ isLook }) => !isLook)
    return [
      name,
      percent(shareOf(looks, ({ isHit }) => isHit)),
      meanMs(looks).toFixed(1),
      quantile(looks, 0.5),
      quantile(looks, 0.99),
      name === base ? '' : faster(speedUp(found, name)),
      quantile(changes, 0.5),
      (databaseCalls / samples.length).toFixed(3),
      name === base ? '' : percent(saved(found, name)),
      percent(shareOf(looks, ({ isStale }) => isStale)),
    ]
  })
  const { samples } = found.get(base)!
  const looks = samples.filter(({ isLook }) => isLook).length
  console.log(`\n${nameOf(load)}; the database ${dbDelayMs} ms slower (modelled)`)
  console.log(`each: ${looks} looks and ${samples.length - looks} changes, ${rate}/s`)
  console.log(
    isInTime(found) ? lateness(found) : `INVALID, this machine is too busy: ${lateness(found)}`,
  )
  const head = ['', 'hits', 'mean ms', 'p50', 'p99', 'faster by mean (95 %)', 'change p50']
  console.log(table([[...head, 'db calls/request', 'fewer', 'stale'], ...rows]))
}

/** One line: the best of those whose readers see every change that was told to the cache. */
const conclude = (load: Load, dbDelayMs: number, found: Map<Name, Figures>): string[][] => {
  const fair = names.filter((name) => name !== base && name !== 'stale-while-revalidate')
  const [best] = fair.sort((a, b) => looksMean(found, a) - looksMean(found, b))
  if (!best) return []
  const looks = found.get(best)!.samples.filter(({ isLook }) => isLook)
  const { ratio, low, high } = speedUp(found, best)
  const tenfold = low >= 10 ? 'yes' : high < 10 ? 'no' : 'cannot tell'
  const mean = looksMean(found, best) < 50 ? 'yes' : 'no'
  const p99 = Number(quantile(looks, 0.99))
  const slowest = Number.isNaN(p99) ? '?' : p99 < 50 ? 'yes' : 'no'
  return [
    [
      nameOf(load),
      `+${dbDelayMs} ms`,
      percent(shareOf(looks, ({ isHit }) => isHit)),
      // Times are worth nothing where the client was late; what was counted is.
      isInTime(found) ? `${tenfold}: ${faster({ ratio, low, high })}` : 'invalid',
      isInTime(found) ? `${mean} / ${slowest}` : 'invalid',
      `${saved(found, best) >= 0.7 ? 'yes' : 'no'}: ${percent(saved(found, best))}`,
    ],
  ]
}

/** Most of a look takes about a millisecond; a client that is later than this measures itself. */
const latestMs = 5

const lateMs = (found: Map<Name, Figures>) =>
  [...found.values()].flatMap(({ samples }) => samples.map((sample) => ({ ms: sample.lateMs })))

const isInTime = (found: Map<Name, Figures>): boolean =>
  Number(quantile(lateMs(found), 0.95)) <= latestMs

const lateness = (found: Map<Name, Figures>): string =>
  `sent late by ${quantile(lateMs(found), 0.5)} ms (p50), ${quantile(lateMs(found), 0.95)} ms (p95)`

const nameOf = ({ workload, ttlMs }: Load) => `${workload}, fresh for ${ttlMs / 1000} s`

const looksMean = (found: Map<Name, Figures>, name: Name): number =>
  meanMs(found.get(name)!.samples.filter(({ isLook }) => isLook))

const meanMs = (samples: Sample[]): number =>
  samples.reduce((sum, { ms }) => sum + ms, 0) / samples.length

/** How many times as fast as without a cache a look is on average, block by block. */
const speedUp = (found: Map<Name, Figures>, name: Name) => {
  const means = (of: Name) =>
    Array.from({ length: blocks }, (_, block) =>
      meanMs(found.get(of)!.samples.filter((s) => s.isLook && s.block === block)),
    )
  return ratioOf(means(base), means(name))
}

const faster = ({ ratio, low, high }: { ratio: number; low: number; high: number }): string =>
  `${ratio.toFixed(2)} × [${low.toFixed(2)}, ${high.toFixed(2)}]`

/** The share of the database's calls that the cache saves. */
const saved = (found: Map<Name, Figures>, name: Name): number =>
  1 - found.get(name)!.databaseCalls / found.get(base)!.databaseCalls

/** In milliseconds; of a tail only where twenty samples lie in it. */
const quantile = (samples: { ms: number }[], p: number): string => {
  if (samples.length * (1 - p) < 20) return '–'
  const sorted = samples.map(({ ms }) => ms).sort((a, b) => a - b)
  return sorted[Math.ceil(p * sorted.length) - 1]!.toFixed(1)
}

const shareOf = (samples: Sample[], is: (sample: Sample) => boolean): number =>
  samples.filter(is).length / samples.length

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

await main()
process.exit()
