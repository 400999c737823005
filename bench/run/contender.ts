// One contender, up and running: a setup in a lab of its own, or the bare server that anchors a run.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Slot } from '#core/measurement/run'
import type { Setup } from '../../core/course/setup.ts'
import { type Lab, startLab } from '../../core/lab/lab.ts'
import { type CpuReader, cpuOf, listenerOn } from './processes.ts'
import { type Reference, startReference } from './reference.ts'

/** What a contender has done and used since its server processes began. */
export interface Reading {
  requests: number
  serverCpuMs: number
  /** Null where the system does not let us read it. */
  backendCpuMs: number | null
  gcMs: number
  /** Of the busiest process. */
  busyMs: number
  rssBytes: number
  calls: Slot['calls']
  roundTrips: Slot['roundTrips']
}

export interface Running {
  url: string
  read(): Promise<Reading>
  /**
   * Waits until the last requests' work has ended, for as long as it uses CPU time, ten seconds at
   * the most. When it had, by `performance.now()`. `ownOnly`: whatever the backends do, which may be
   * for others.
   */
  settle(ownOnly?: boolean): Promise<number>
  /** Empties the namespace and puts fresh server processes in place of the old ones. */
  refresh(): Promise<void>
  stop(): Promise<void>
}

/** Short, for it is waited after every slice; what ends later is counted as done afterwards. */
const lookEveryMs = 4
/** Less CPU time than this share counts as idle: timers, pings, a collection now and then. */
const idleShare = 0.2
const settledWithinMs = 10_000

/** Starts the lab of one setup. `scenariosFolder` as in LabOptions. */
export const runSetup = async (
  setup: Setup,
  options: { workers: number; scenariosFolder?: string; urls?: Record<string, string> },
): Promise<Running & { lab: Lab }> => {
  const { workers, scenariosFolder, urls } = options
  const lab = await startLab({
    workers,
    only: [setup.scenario],
    backends: setup.backends,
    ...(scenariosFolder === undefined ? {} : { scenariosFolder }),
    ...(urls ? { urls } : {}),
  })
  try {
    const backends = await Promise.all(
      Object.values(setup.backends).map((name) => lab.locate(name)),
    )
    const backendCpu = readerOf(backends.filter(Boolean))
    let serverCpu = cpuOf(lab.pids())

    const read = async (): Promise<Reading> => {
      const meters = await lab.readMeter()
      const sum = (of: (meter: (typeof meters)[number]) => number) =>
        meters.reduce((all, meter) => all + of(meter), 0)
      return {
        requests: sum(({ requests }) => requests),
        serverCpuMs: serverCpu?.() ?? sum(({ cpuMs }) => cpuMs),
        backendCpuMs: backendCpu === null ? null : backendCpu(),
        gcMs: sum(({ gcMs }) => gcMs),
        busyMs: Math.max(...meters.map(({ busyMs }) => busyMs)),
        rssBytes: sum(({ rssBytes }) => rssBytes),
        calls: addUp(meters.map(({ calls }) => calls)),
        roundTrips: sumsOf(meters.map(({ roundTrips }) => roundTrips)),
      }
    }
    const cpuMs = async () => serverCpu?.() ?? (await read()).serverCpuMs
    const allCpuMs = async () => (await cpuMs()) + (backendCpu?.() ?? 0)

    return {
      lab,
      url: lab.url,
      read,
      settle: (ownOnly) => settled(ownOnly ? cpuMs : allCpuMs),
      async refresh() {
        await lab.reset(setup.id)
        await lab.restart()
        serverCpu = cpuOf(lab.pids())
      },
      stop: lab.stop,
    }
  } catch (error) {
    await lab.stop()
    throw error
  }
}

/** Starts the bare server. */
export const runReference = async (): Promise<Running> => {
  let server: Reference = await startReference()
  return {
    get url() {
      return server.url
    },
    async read() {
      const { requests, cpuMs, busyMs, rssBytes, gcMs } = await server.readMeter()
      const nothing = { backendCpuMs: 0, calls: {}, roundTrips: {} }
      return { requests, serverCpuMs: cpuMs, busyMs, rssBytes, gcMs, ...nothing }
    },
    settle: async () => performance.now(),
    async refresh() {
      await server.stop()
      server = await startReference()
    },
    stop: () => server.stop(),
  }
}

/** Reads the CPU time of the servers at these addresses; null where one of them cannot be read. */
const readerOf = (urls: readonly string[]): CpuReader | null => {
  const pids = [...new Set(urls.map((url) => listenerOn(Number(new URL(url).port))))]
  if (pids.some((pid) => pid === undefined)) return null
  return pids.length === 0 ? () => 0 : (cpuOf(pids as number[]) ?? null)
}

const settled = async (cpuMs: () => Promise<number>): Promise<number> => {
  const untilMs = performance.now() + settledWithinMs
  let before = { cpuMs: await cpuMs(), atMs: performance.now() }
  while (before.atMs < untilMs) {
    await sleep(lookEveryMs)
    const now = { cpuMs: await cpuMs(), atMs: performance.now() }
    if (now.cpuMs - before.cpuMs < idleShare * (now.atMs - before.atMs)) break
    before = now
  }
  return before.atMs
}

const sumsOf = (records: Readonly<Record<string, number>>[]): Record<string, number> => {
  const sums: Record<string, number> = {}
  for (const record of records)
    for (const [name, value] of Object.entries(record)) sums[name] = (sums[name] ?? 0) + value
  return sums
}

const addUp = (records: Slot['calls'][]): Slot['calls'] => {
  const sums: Slot['calls'] = {}
  for (const record of records)
    for (const [name, { calls, failures, ms }] of Object.entries(record)) {
      const sum = sums[name] ?? { calls: 0, failures: 0, ms: 0 }
      sums[name] = {
        calls: sum.calls + calls,
        failures: sum.failures + failures,
        ms: sum.ms + ms,
      }
    }
  return sums
}

/** What happened between two readings. */
export const between = (before: Reading, after: Reading): Reading => ({
  requests: after.requests - before.requests,
  serverCpuMs: after.serverCpuMs - before.serverCpuMs,
  backendCpuMs:
    before.backendCpuMs === null || after.backendCpuMs === null
      ? null
      : after.backendCpuMs - before.backendCpuMs,
  gcMs: after.gcMs - before.gcMs,
  busyMs: after.busyMs - before.busyMs,
  rssBytes: after.rssBytes,
  calls: addUp([after.calls, negative(before.calls)]),
  roundTrips: sumsOf([
    after.roundTrips,
    Object.fromEntries(Object.entries(before.roundTrips).map(([name, n]) => [name, -n])),
  ]),
})

const negative = (calls: Slot['calls']): Slot['calls'] =>
  Object.fromEntries(
    Object.entries(calls).map(([name, total]) => [
      name,
      { calls: -total.calls, failures: -total.failures, ms: -total.ms },
    ]),
  )
