// A decision of a limiter, compared with rate-limiter-flexible: fixed windows on both sides, the
// same limit and the same keys; in memory, and on one and the same Redis. A fresh process per round
// decides in turns. By hand: `npx tsx bench/by-hand/limiter.ts [--rounds 8] [--blocks 10] [--all]`;
// `--all` lets the other algorithms of rate-limits compete as well.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Router from '@koa/router'
import { createClient } from '@redis/client'
import Koa from 'koa'
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import { loadAdapter, loadScenario } from '../../core/course/find.ts'
import { loopbackFetch } from '../../core/http/loopback-fetch.ts'
import { startLab } from '../../core/lab/lab.ts'
import { inBlocks, inPercent, median, ratioOf, type Slice, table } from './compare.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '8' },
    blocks: { type: 'string', default: '10' },
    all: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const blocks = Number(values.blocks)
const warmUpMs = 400

/** How one backend is loaded. */
interface Case {
  title: string
  backend: string
  /** How many keys take turns; with one, nearly all decisions are refusals. */
  keys: number
  limit: number
  /** How many decisions are asked for at once. */
  together: number
  sliceMs: number
}
const cases: Case[] = [
  {
    title: 'memory, admitted',
    backend: 'memory',
    keys: 1000,
    limit: 1e6,
    together: 1,
    sliceMs: 20,
  },
  { title: 'memory, refused', backend: 'memory', keys: 1, limit: 10, together: 1, sliceMs: 20 },
  {
    title: 'redis, one by one',
    backend: 'redis',
    keys: 1000,
    limit: 1e6,
    together: 1,
    sliceMs: 100,
  },
  {
    title: 'redis, 50 at once',
    backend: 'redis',
    keys: 1000,
    limit: 1e6,
    together: 50,
    sliceMs: 100,
  },
  { title: 'redis, refused', backend: 'redis', keys: 1, limit: 10, together: 50, sliceMs: 100 },
]
const flexible = 'rate-limiter-flexible'
const fixedWindow = 'fixed-window'

const main = async () => {
  const lab = await startLab()
  const url = await lab.locate('redis').catch((error: Error) => {
    console.error(`Without Redis: ${error.message}`)
    return undefined
  })
  const rows = [['', '', 'µs', 'more than theirs (95 %)', 'CPU µs', 'more than theirs (95 %)']]
  try {
    for (const one of cases.filter(({ backend }) => backend === 'memory' || url)) {
      const samples = new Map<string, Figures[]>()
      for (let round = 1; round <= rounds; round++) {
        console.error(`${one.title}: round ${round} of ${rounds}`)
        for (const [name, figures] of Object.entries(await measureApart(one, url ?? '')))
          samples.set(name, [...(samples.get(name) ?? []), figures])
      }
      const column = (name: string, figure: keyof Figures) =>
        samples.get(name)!.map((figures) => figures[figure])
      for (const name of samples.keys())
        rows.push([
          one.title,
          name,
          ...(['us', 'cpuUs'] as const).flatMap((figure) => [
            median(column(name, figure)).toFixed(2),
            name === flexible
              ? ''
              : inPercent(ratioOf(column(name, figure), column(flexible, figure))),
          ]),
        ])
    }
  } finally {
    await lab.stop()
  }
  console.log(
    `One decision; medians of ${rounds} rounds of ${blocks} mirrored blocks, a fresh process`,
  )
  console.log('in every round; a pair is a round.')
  console.log(table(rows))
}

interface Figures {
  /** Of a clock on the wall. */
  us: number
  /** Of this process and of Redis; the system's share of both is in it. */
  cpuUs: number
}

const measureApart = async (one: Case, url: string): Promise<Record<string, Figures>> => {
  const words = ['round', JSON.stringify(one), url, '--blocks', `${blocks}`]
  const child: ChildProcess = fork(
    fileURLToPath(import.meta.url),
    [...words, ...(values.all ? ['--all'] : [])],
    { execArgv: ['--import', 'tsx'] },
  )
  const ended = once(child, 'exit').then(() => {
    throw new Error('The process that measures ended early.')
  })
  const [figures] = await Promise.race([once(child, 'message'), ended])
  ended.catch(() => {})
  return figures
}

// ---- the process that measures

/** Decides about one request of `client`; returns whether it is admitted. */
type Decide = (client: string) => Promise<boolean>

const round = async (one: Case, url: string): Promise<Record<string, Figures>> => {
  const scenario = await loadScenario('rate-limits')
  const names = values.all ? Object.keys(scenario.variants) : [fixedWindow]
  const contenders: Record<string, Decide> = { [flexible]: await theirs(one, url) }
  for (const name of names) contenders[name] = await ours(one, url, scenario.variants[name]!)
  const all = Object.keys(contenders)

  const clients = Array.from({ length: one.keys }, (_, i) => `client-${i}`)
  const run = async (name: string, ms: number) => {
    const decide = contenders[name]!
    const untilMs = performance.now() + ms
    let count = 0
    const decideOn = async () => {
      while (performance.now() < untilMs)
        // The clock is looked at now and then, for it costs as much as a decision.
        for (let i = 0; i < (one.backend === 'memory' ? 100 : 1); i++)
          await decide(clients[count++ % clients.length]!)
    }
    await Promise.all(Array.from({ length: one.together }, decideOn))
    return count
  }

  for (let i = 0; i < 3; i++) for (const name of all) await run(name, warmUpMs)
  const measure = (slice: (name: string) => Promise<Slice>) => inBlocks(all, blocks, slice)
  const readServerUs = one.backend === 'memory' ? () => 0 : await openServerClock(url)
  const cpuUs = await measure(async (name) => {
    const serverBeforeUs = await readServerUs()
    const before = process.cpuUsage()
    const count = await run(name, one.sliceMs)
    const { user, system } = process.cpuUsage(before)
    return { cost: user + system + (await readServerUs()) - serverBeforeUs, count }
  })
  const us = await measure(async (name) => {
    const beganMs = performance.now()
    const count = await run(name, one.sliceMs)
    return { cost: (performance.now() - beganMs) * 1000, count }
  })
  return Object.fromEntries(
    all.map((name) => [name, { us: median(us[name]!), cpuUs: median(cpuUs[name]!) }]),
  )
}

/** Reads how much CPU time the Redis server has used so far. */
const openServerClock = async (url: string) => {
  const client = await createClient({ url }).connect()
  return async () => {
    const info = await client.info('cpu')
    const seconds = [...info.matchAll(/^used_cpu_(?:sys|user):(.*)\r$/gm)].map(([, s]) => Number(s))
    return seconds.reduce((sum, one) => sum + one, 0) * 1e6
  }
}

const theirs = async ({ backend, limit }: Case, url: string): Promise<Decide> => {
  const options = { points: limit, duration: 1 }
  const limiter =
    backend === 'memory'
      ? new RateLimiterMemory(options)
      : new RateLimiterRedis({
          ...options,
          keyPrefix: 'seesaw-bench',
          storeClient: await createClient({ url }).connect(),
          useRedisPackage: true,
        })
  return (client) =>
    limiter.consume(client).then(
      () => true,
      () => false,
    )
}

type Variant = Awaited<ReturnType<typeof loadScenario>>['variants'][string]

const ours = async ({ backend, limit }: Case, url: string, variant: Variant): Promise<Decide> => {
  const adapter = await loadAdapter('limiter', backend)
  const namespace = `seesaw-bench:${variant.title}`
  const limiter = await adapter.open({ namespace, folder: '', url, nowMs: Date.now })
  const { step, options } = await askedOf(variant, { limit, windowMs: 1000 })
  return async (client) => {
    const { allowed } = await limiter.update(client, step, options)
    return allowed
  }
}

/** What a variant asks of its limiter: it serves one request, with a limiter that listens. */
const askedOf = async (variant: Variant, knobs: { limit: number; windowMs: number }) => {
  let asked: { step: Step; options: { ttlMs: number } } | undefined
  const limiter = {
    update: async (_: string, step: Step, options: { ttlMs: number }) => {
      asked = { step, options }
      return step(undefined, Date.now()).result
    },
  }
  const router = new Router()
  variant.mount(router, { limiter, knobs, nowMs: Date.now, secret: new Uint8Array(32) })
  const server = new Koa().use(router.routes()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await loopbackFetch(`http://127.0.0.1:${(server.address() as { port: number }).port}/`)
  server.close().closeAllConnections()
  return asked!
}

type State = { [name: string]: number }
type Step = (
  state: State | undefined,
  nowMs: number,
) => { state: State; result: { allowed: boolean } }

if (positionals[0] === 'round') {
  const [, one = '', url = ''] = positionals
  const figures = await round(JSON.parse(one) as Case, url)
  process.send?.(figures, () => process.exit())
} else await main()
