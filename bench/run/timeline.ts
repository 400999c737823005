// What visitors meet while a server is gone. Each contender in turn gets a steady open load, and a
// server of its own that is killed and brought back meanwhile: never one that somebody else uses.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '#core/measurement/events'
import type { Fault, Measurement, Timeline } from '#core/measurement/run'
import type { Setup } from '../../core/course/setup.ts'
import { findOwnServer, type OwnServer } from '../../core/lab/servers.ts'
import { machineNowMs } from '../client/clock.ts'
import type { LoadClient } from '../client/start.ts'
import { timelineTailMs } from '../plan/plan.ts'
import { decodeHistogram } from '../stats/histogram.ts'
import { runSetup } from './contender.ts'
import { seedFor } from './seeds.ts'

export interface WatchOptions {
  client: LoadClient
  scenariosFolder?: string
  /** Addresses of servers by backend, from the configuration. */
  urls?: Record<string, string>
  /** How long each is watched after the last fault; 10 s if left out. */
  tailMs?: number
  onProgress?(event: Progress): void
  /** Called after every timeline. */
  save?(): void
  /** Ends the watching; the timeline that is under way is lost. */
  signal?: AbortSignal
}

const bucketMs = 250
const warmUpSliceMs = 200

/**
 * Adds the timelines that `measurement` lacks. `setups` are those of its contenders, undefined for
 * the reference. Throws BACKEND_UNAVAILABLE where a server cannot be started, or does not come back.
 */
export const watchFaults = async (
  setups: readonly (Setup | undefined)[],
  measurement: Measurement,
  options: WatchOptions,
): Promise<void> => {
  for (const [contender, setup] of setups.entries()) {
    const there = measurement.timelines.some((one) => one.contender === contender)
    if (!setup || there || options.signal?.aborted) continue
    const timeline = await watchOne(contender, setup, measurement, options)
    if (!timeline) return
    measurement.timelines.push(timeline)
    options.save?.()
  }
}

/** Whether every contender has been watched, if there is anything to watch. */
export const allWatched = ({ plan, timelines }: Measurement): boolean =>
  plan.faults.length === 0 ||
  plan.contenders.every(
    ({ reference }, i) => reference || timelines.some(({ contender }) => contender === i),
  )

/** One timeline; undefined where it was interrupted. */
const watchOne = async (
  id: number,
  setup: Setup,
  { plan, calibration }: Measurement,
  options: WatchOptions,
): Promise<Timeline | undefined> => {
  const { client, scenariosFolder, urls, signal, tailMs = timelineTailMs } = options
  const folder = scenariosFolder === undefined ? {} : { scenariosFolder }
  const says = `${plan.contenders[id]?.name ?? ''}: ${setup.id}`
  options.onProgress?.({ type: 'phase', phase: 'timeline', says })
  const own = new Map<string, OwnServer>()
  let lab: Awaited<ReturnType<typeof runSetup>> | undefined
  try {
    for (const backend of new Set(plan.faults.map((fault) => fault.backend)))
      own.set(backend, await (await findOwnServer(backend))())
    lab = await withAddresses([...own.values()], () =>
      runSetup(setup, { workers: plan.workers, ...folder, ...(urls ? { urls } : {}) }),
    )
    const { workload, connections, timeoutMs } = plan
    const target = { id, setup: setup.id, url: lab.url, workload, connections, timeoutMs }
    await client.ask('open', { ...target, ...folder })
    for (let spentMs = 0; spentMs < plan.warmUpMs && !signal?.aborted; spentMs += warmUpSliceMs)
      await client.ask('closedSlice', { id, ms: warmUpSliceMs })
    await lab.settle()
    if (signal?.aborted) return undefined

    const lastMs = Math.max(...plan.faults.map(({ atMs }) => atMs))
    const ratePerSecond = calibration.ratePerSecond / 2
    const load = client.ask('openTimeline', {
      id,
      ms: lastMs + tailMs,
      ratePerSecond,
      arrivals: plan.arrivals,
      seed: seedFor(plan.seed, plan.blocks),
      bucketMs,
    })
    const [happened, { buckets, beganAtMs, whole }] = await orAborted(
      Promise.all([cause(plan.faults, own, signal), load]),
      signal,
    )
    return {
      contender: id,
      ratePerSecond,
      bucketMs,
      faults: happened.map((fault) => ({ ...fault, atMs: Math.max(0, fault.atMs - beganAtMs) })),
      lagP99Ms: decodeHistogram(whole.lag).getValueAtPercentile(99) / 1000,
      buckets,
    }
  } catch (error) {
    if (signal?.aborted) return undefined
    throw error
  } finally {
    await lab?.stop()
    await Promise.all([...own.values()].map((server) => server.stop()))
  }
}

/** Does what the plan says when it says so; returns when each was done, by `machineNowMs`. */
const cause = async (
  faults: readonly Fault[],
  own: ReadonlyMap<string, OwnServer>,
  signal: AbortSignal | undefined,
): Promise<Fault[]> => {
  const beganMs = machineNowMs()
  const happened: Fault[] = []
  for (const fault of faults) {
    const waitMs = Math.max(0, beganMs + fault.atMs - machineNowMs())
    await sleep(waitMs, undefined, signal ? { signal } : {})
    const server = own.get(fault.backend) as OwnServer
    const atMs = machineNowMs()
    await server[fault.do]()
    happened.push({ ...fault, atMs: fault.do === 'kill' ? atMs : machineNowMs() })
  }
  return happened
}

/** Names these servers in the environment, which is asked before all else, while `start` runs. */
const withAddresses = async <Result>(
  servers: readonly OwnServer[],
  start: () => Promise<Result>,
): Promise<Result> => {
  const before = servers.map(({ variable }) => [variable, process.env[variable]] as const)
  for (const { variable, url } of servers) process.env[variable] = url
  try {
    return await start()
  } finally {
    for (const [variable, url] of before)
      if (url === undefined) delete process.env[variable]
      else process.env[variable] = url
  }
}

/** Rejects as soon as the signal says so: the load is of no use then, and may end when it will. */
const orAborted = <Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> =>
  new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
