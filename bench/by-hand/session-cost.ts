// What it costs to know who is asking: CPU time, bytes and backend calls of one GET /me, for every
// answer that session-vs-token has. All contenders are up at once and take turns in short slices.
// One of them competes twice: what is found between the two is what this machine makes of no
// difference. By hand: `npx tsx bench/by-hand/session-cost.ts [--rounds 6] [--blocks 15] [--slice-ms 100]`
import { Agent, get } from 'node:http'
import type { Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { createClient as createRedis } from '@redis/client'
import { type Lab, startLab } from '../../core/lab/lab.ts'
import { requestsFor } from '../../core/traffic/workload.ts'
import { inBlocks, inPercent, median, ratioOf, table } from './compare.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '6' },
    blocks: { type: 'string', default: '15' },
    'slice-ms': { type: 'string', default: '100' },
  },
})
const rounds = Number(values.rounds)
const blocks = Number(values.blocks)
const sliceMs = Number(values['slice-ms'])
const connections = 10
/** Each contender is warmed up in this many turns of 250 ms. */
const warmUps = 8

const base = 'server-session@memory'
const contenders = [
  base,
  'server-session@memory, again',
  'server-session@redis',
  'signed-token',
  'token-with-denylist@memory',
  'token-with-denylist@redis',
  'signed-cookie-session',
] as const
type Contender = (typeof contenders)[number]

/** A setup in a lab of its own, and somebody who is signed in there and asks /me. */
interface Server {
  /** Asks for `ms` milliseconds and says how often it was answered. */
  ask(ms: number): Promise<number>
  /** Bytes of requests and answers together, headers included. */
  readBytes(): number
  /** User and system time so far: of the server process, and of its backend's. */
  readCpuMs(): Promise<number>
  /** Adapter calls so far, of all kinds. */
  readCalls(): Promise<number>
  stop(): Promise<void>
}

const main = async () => {
  const names = contenders.filter((name) => !name.includes('redis') || hasRedis)
  const cpu = new Map<Contender, number[]>(names.map((name) => [name, []]))
  const exact = new Map<Contender, { bytes: number; calls: number }>()
  for (let round = 1; round <= rounds; round++) {
    console.error(`round ${round} of ${rounds}`)
    // Fresh processes: how the compiler treats one is partly chance, and does not change anymore.
    for (const [name, found] of Object.entries(await measureRound(names))) {
      cpu.get(name as Contender)!.push(found.cpuMs)
      exact.set(name as Contender, found)
    }
  }
  const rows = names.map((name) => {
    const { bytes, calls } = exact.get(name)!
    const sample = cpu.get(name)!
    const range = [Math.min(...sample), Math.max(...sample)].map((ms) => (ms * 1000).toFixed(0))
    return [
      name,
      (median(sample) * 1000).toFixed(0),
      range.join('–'),
      name === base ? '' : inPercent(ratioOf(sample, cpu.get(base)!)),
      bytes.toFixed(0),
      calls.toFixed(2),
    ]
  })
  const title = ['GET /me', 'CPU µs', 'of rounds', `against ${base} (95 %)`, 'bytes', 'calls']
  console.log(`Per request, all of it that Koa and HTTP cost included. CPU: server and backend;`)
  console.log(`medians of ${rounds} rounds of ${blocks} mirrored blocks, slices of ${sliceMs} ms,`)
  console.log('fresh processes in every round; a pair is a round. Bytes: request and answer.')
  console.log(table([title, ...rows]))
  if (!hasRedis) console.log('Without Redis: there is none on this machine.')
}

const measureRound = async (names: readonly Contender[]) => {
  const servers = new Map<Contender, Server>()
  try {
    for (const name of names) servers.set(name, await serve(name))
    const of = (name: Contender) => servers.get(name)!
    for (let i = 0; i < warmUps; i++) for (const name of names) await of(name).ask(250)

    const samples = await inBlocks(names, blocks, async (name) => {
      const beforeMs = await of(name).readCpuMs()
      const count = await of(name).ask(sliceMs)
      return { cost: (await of(name).readCpuMs()) - beforeMs, count }
    })
    const found = {} as Record<Contender, { cpuMs: number; bytes: number; calls: number }>
    for (const name of names) {
      const bytes = of(name).readBytes()
      const calls = await of(name).readCalls()
      const count = await of(name).ask(sliceMs)
      found[name] = {
        cpuMs: median(samples[name]),
        bytes: (of(name).readBytes() - bytes) / count,
        calls: ((await of(name).readCalls()) - calls) / count,
      }
    }
    return found
  } finally {
    for (const server of servers.values()) await server.stop()
  }
}

const serve = async (name: Contender): Promise<Server> => {
  const setup = `session-vs-token/${name.replace(', again', '')}`
  const lab = await startLab({ only: ['session-vs-token'] })
  const redis = name.includes('redis') ? await openRedis(lab) : undefined
  const { requests } = await requestsFor(setup, lab.url, 'me')
  const { url, headers } = requests[0]!
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const sockets = new Set<Socket>()

  const askOnce = () =>
    new Promise<void>((resolve, reject) => {
      get(url, { agent, headers }, (answer) => {
        if (answer.statusCode !== 200) reject(new Error(`${setup} answers ${answer.statusCode}.`))
        answer.resume().once('end', resolve).once('error', reject)
      })
        .once('socket', (socket) => sockets.add(socket))
        .once('error', reject)
    })

  return {
    async ask(ms) {
      const untilMs = performance.now() + ms
      let answers = 0
      const converse = async () => {
        for (; performance.now() < untilMs; answers++) await askOnce()
      }
      await Promise.all(Array.from({ length: connections }, converse))
      return answers
    },
    readBytes: () => {
      let bytes = 0
      for (const { bytesRead, bytesWritten } of sockets) bytes += bytesRead + bytesWritten
      return bytes
    },
    readCpuMs: async () => (await lab.readMeter())[0]!.cpuMs + ((await redis?.readCpuMs()) ?? 0),
    readCalls: async () => {
      const { calls } = (await lab.readMeter())[0]!
      return Object.values(calls).reduce((sum, total) => sum + total.calls, 0)
    },
    async stop() {
      agent.destroy()
      redis?.close()
      await lab.stop()
    },
  }
}

/** Asks the Redis server that `lab` uses for its own CPU time. */
const openRedis = async (lab: Lab) => {
  const client = createRedis({ url: await lab.locate('redis') })
  await client.connect()
  return {
    readCpuMs: async () => {
      const info = await client.info('cpu')
      const used = [...info.matchAll(/used_cpu_(?:sys|user):([\d.]+)/g)]
      return used.reduce((sum, [, seconds]) => sum + Number(seconds) * 1000, 0)
    },
    close: () => client.destroy(),
  }
}

const probe = await startLab({ only: [] })
const hasRedis = await probe.locate('redis').then(
  () => true,
  () => false,
)
await probe.stop()
await main()
process.exit()
