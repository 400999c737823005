// Does the open model tell the truth? Servers whose latencies follow from arithmetic, and what the
// client says of them.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { arrivalTimes, type Schedule } from './arrivals.ts'
import type { SliceResult } from './calls.ts'
import type { LoadClient } from './start.ts'

/** What an oracle came to. */
export interface Oracle {
  /** Figures as they must be, and as the client measured them. */
  figures: { what: string; expectedMs: number; measuredMs: number }[]
  /** How late the client itself was: above a millisecond, this machine is too busy to be believed. */
  lagP99Ms: number
}

/**
 * A server that blocks for `stallMs` every `everyMs`, under requests that go on arriving. A share of
 * stallMs / everyMs of them meets a stall and waits for what is left of it; the others are answered at
 * once. A client that waits for an answer before it sends again sees none of that: it sends one request
 * into each stall. (Tene, "How NOT to Measure Latency", 2013.) The rate is low, so that what has piled
 * up is soon worked off: that wait would be real, but is not on this paper.
 */
export const stallOracle = (
  client: LoadClient,
  { stallMs = 500, everyMs = 5_000, stalls = 4, ratePerSecond = 100 } = {},
): Promise<Oracle> =>
  against(client, { stallMs, everyMs }, async (measure) => {
    const ms = stalls * everyMs
    const result = await measure({ ms, ratePerSecond, arrivals: 'even', seed: 1 })
    const latency = decodeFromCompressedBase64(result.latency)
    const figures = [95, 99].map((percent) => ({
      what: `p${percent}`,
      expectedMs: stallMs * (1 - (1 - percent / 100) / (stallMs / everyMs)),
      measuredMs: latency.getValueAtPercentile(percent) / 1000,
    }))
    return { figures, lagP99Ms: lagOf(result) }
  })

/**
 * A server that takes exactly `serviceMs` for each request, one after another, under Poisson arrivals
 * that keep it busy for `load` of the time. On average a request takes serviceMs + load × serviceMs /
 * (2 − 2 load) (Pollaczek and Khinchine). A short schedule need not be average: what its own arrivals
 * lead to is worked out beside it, one by one (Lindley, 1952). No server is as on paper: waking up takes
 * it about a millisecond on a virtual machine, others take its time. The third figure is free of that:
 * when each request was due, and when the server itself says that it had answered.
 */
export const queueOracle = (
  client: LoadClient,
  { serviceMs = 10, load = 0.5, ms = 60_000, seed = 3 } = {},
): Promise<Oracle> =>
  against(client, { serviceMs }, async (measure) => {
    const schedule = {
      ms,
      ratePerSecond: (load / serviceMs) * 1000,
      arrivals: 'poisson',
      seed,
    } as const
    const { answeredAtMs, beganAtMs, ...result } = await measure(schedule)
    const measuredMs = decodeFromCompressedBase64(result.latency).mean / 1000
    const arrivals = arrivalTimes(schedule)
    const averageMs = serviceMs + (load * serviceMs) / (2 - 2 * load)
    const scheduleMs = queuedMs(arrivals, serviceMs)
    const serverMs = mean(answeredAtMs) - beganAtMs - mean([...arrivals])
    return {
      figures: [
        { what: 'mean, by the formula', expectedMs: averageMs, measuredMs },
        { what: 'mean, by this schedule', expectedMs: scheduleMs, measuredMs },
        { what: 'mean, by the server’s clock', expectedMs: serverMs, measuredMs },
      ],
      lagP99Ms: lagOf(result),
    }
  })

const mean = (values: number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

const lagOf = ({ lag }: Pick<SliceResult, 'lag'>): number =>
  decodeFromCompressedBase64(lag).getValueAtPercentile(99) / 1000

/** The mean time from arrival to answer where each request is served for `serviceMs`, in turn. */
export const queuedMs = (arrivals: Float64Array, serviceMs: number): number => {
  let freeAtMs = 0
  let sumMs = 0
  for (const atMs of arrivals) {
    freeAtMs = Math.max(freeAtMs, atMs) + serviceMs
    sumMs += freeAtMs - atMs
  }
  return sumMs / arrivals.length
}

type Measure = (schedule: Schedule) => Promise<{
  latency: string
  lag: string
  /** When the schedule began and when the server had answered, by the machine's clock. */
  beganAtMs: number
  answeredAtMs: number[]
}>

/** An id that no contender has. */
const oracleId = -1

const against = async <Result>(
  client: LoadClient,
  does: Record<string, number>,
  use: (measure: Measure) => Promise<Result>,
): Promise<Result> => {
  const server = fork(
    fileURLToPath(new URL('./oracle-server.mjs', import.meta.url)),
    [JSON.stringify(does)],
    { execArgv: [], detached: true },
  )
  try {
    const url = `http://127.0.0.1:${await portOf(server)}`
    // As many lines as a stall needs, and all that takes part warm: none of that is on paper.
    const target = { id: oracleId, setup: '', url, workload: '', connections: 100 }
    await client.ask('open', { ...target, timeoutMs: 10_000 })
    const warmUp = { ms: 1_000, ratePerSecond: 1_000, arrivals: 'even', seed: 1 } as const
    await client.ask('openSlice', { id: oracleId, ...warmUp })
    server.send('begin')
    return await use(async (schedule) => {
      const of = { id: oracleId, bucketMs: schedule.ms, ...schedule }
      const { beganAtMs, whole } = await client.ask('openTimeline', of)
      const reported = once(server, 'message') as Promise<[number[]]>
      server.send('report')
      const [answeredAtMs] = await reported
      return { latency: whole.latency, lag: whole.lag, beganAtMs, answeredAtMs }
    })
  } finally {
    await client.ask('close', oracleId).catch(() => {})
    server.kill()
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
  }
}

const portOf = async (server: ChildProcess): Promise<number> => {
  const [{ port }] = (await once(server, 'message')) as [{ port: number }]
  return port
}
