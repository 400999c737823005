// How much one setup can take: open loads from a low rate to the first that is too high for the server
// or the client, each held for a few seconds, in an order that is random and then reversed, so that
// what the machine does meanwhile does not look like what the load does.

import { randomInt } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { Progress } from '#core/measurement/events'
import { loadScenario } from '../../core/course/find.ts'
import type { Setup } from '../../core/course/setup.ts'
import { SeesawError } from '../../core/errors.ts'
import type { SliceResult } from '../client/calls.ts'
import { chooseWorkload, findSetups } from '../plan/plan.ts'
import { between, type Running } from '../run/contender.ts'
import { describeMachine } from '../run/machine.ts'
import { noRightAnswer, refuseOtherBackends } from '../run/run.ts'
import { permutation, seedFor } from '../run/seeds.ts'
import { proveFirst, type Started, startAll } from '../run/stage.ts'
import { requestsFor } from '../stats/histogram.ts'
import { median } from '../stats/median.ts'
import {
  analyseCapacity,
  type CapacityMeasurement,
  type Hold,
  isTooMuch,
  leastRight,
} from './measurement.ts'

export interface CapacityOptions {
  knobs?: Record<string, string>
  workload?: string
  workers?: number
  arrivals?: 'even' | 'poisson'
  /** Random if left out. */
  seed?: number
  /** How long a rate is held on average, in milliseconds; 3,000 if left out. */
  holdMs?: number
  /** How long it is loaded before anything counts, in milliseconds; 2,500 if left out. */
  warmUpMs?: number
  /** The rates, as shares of the highest; ten from 0.1 to 1 if left out. */
  shares?: readonly number[]
  scenariosFolder?: string
  /** Addresses of servers by backend, from the configuration. */
  urls?: Record<string, string>
  /** The version of Seesaw. */
  seesaw: string
  /** The line that does the same again, without its seed. */
  command: string
  /** One of the same setup that was interrupted; its seed, calibration and rates go on. */
  resume?: CapacityMeasurement
  onProgress?(event: Progress): void
  /** Called after every rate with all there is, so that nothing is lost. */
  save?(measurement: CapacityMeasurement): void
  /** Ends the measurement after the rate that is under way. */
  signal?: AbortSignal
}

const usualShares = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
const usualHoldMs = 3_000
/** A rate so low that its p95 would take longer is held for so many times the usual, the others for less. */
const mostPatience = 4
/**
 * Where the highest rate is looked for: up from a twentieth of the capacity. A server may take more of
 * an open load than of ten connections.
 */
const lowestClimb = 0.05
const highestClimb = 1.5
const climbStep = 1.3
const climbMs = 500
/** One trial may be spoilt by something else. */
const tooMuchInARow = 2
/** So many unanswered requests are a queue; more of them would only drown the client. */
const mostUnderWay = 1_000
const usualWarmUpMs = 2_500
const warmUpSliceMs = 200
const calibrationMs = 300
const calibrationSlices = 5
/** Proving, starting and calibrating. */
const overheadSeconds = 17
/** From the end of one hold to the beginning of the next. */
const betweenMs = 150

/**
 * How many seconds `measureCapacity` takes, before anything is known of the machine; only what is left
 * of `earlier`.
 */
export const estimateCapacitySeconds = (
  { holdMs = usualHoldMs, shares = usualShares }: Pick<CapacityOptions, 'holdMs' | 'shares'>,
  earlier?: CapacityMeasurement,
): number => {
  if (!earlier || earlier.rates.length === 0)
    return overheadSeconds + (2 * shares.length * (holdMs + betweenMs)) / 1000
  const { heldMs = [], holds } = earlier
  const allMs = 2 * heldMs.reduce((sum, ms) => sum + ms + betweenMs, 0)
  const doneMs = holds.reduce((sum, one) => sum + one.heldMs + betweenMs, 0)
  return overheadSeconds + (allMs - doneMs) / 1000
}

/**
 * Finds out what the setup with the id `target` can take. Returns what was measured, `finishedAt`
 * null where `signal` ended it early. Throws whatever is wrong with the names, WRONG_USE where they
 * name several setups, BACKEND_UNAVAILABLE, MEASUREMENT_FAILED where it answers nothing right any more;
 * what was held until then has been saved.
 */
export const measureCapacity = async (
  target: string,
  options: CapacityOptions,
): Promise<CapacityMeasurement> => {
  const { signal, scenariosFolder, urls, resume } = options
  const say = options.onProgress ?? (() => {})
  if (signal) setMaxListeners(0, signal)
  const folder = scenariosFolder === undefined ? {} : { scenariosFolder }
  const lab = { ...folder, ...(urls ? { urls } : {}) }
  const { setup, question, workload, says } = await chooseSubject(target, options)
  const seed = resume?.seed ?? options.seed ?? randomInt(2 ** 31)
  const workers = resume?.workers ?? options.workers ?? 1

  let stop = async () => {}
  try {
    say({ type: 'phase', phase: 'starting', says: 'a lab and a bare server' })
    const started = await startAll([setup], workers, lab)
    stop = started.stop
    const machine = await describeMachine(started.doctor, Object.values(setup.backends))
    if (resume) refuseOtherBackends(resume.machine, machine)
    const measurement: CapacityMeasurement = resume ?? {
      seesaw: options.seesaw,
      format: 1,
      kind: 'capacity',
      startedAt: new Date().toISOString(),
      finishedAt: null,
      command: `${options.command} --seed ${seed}`,
      machine,
      seed,
      scenario: setup.scenario,
      question,
      setup: setup.id,
      title: setup.variant,
      workload,
      says,
      arrivals: options.arrivals ?? 'poisson',
      workers,
      connections: 10,
      timeoutMs: 5_000,
      proof: { ok: false, verdicts: 0, wrong: [] },
      calibration: { ceilingPerSecond: 0, capacityPerSecond: 0 },
      rates: [],
      heldMs: [],
      holds: [],
      points: [],
      knee: null,
    }
    const conclude = (finished: boolean): CapacityMeasurement => {
      if (finished) measurement.finishedAt = new Date().toISOString()
      return Object.assign(measurement, analyseCapacity(measurement))
    }
    const proof = await proveFirst([setup], lab, options)
    // One that was ended early has proved nothing, and nothing against it.
    if (signal?.aborted) return conclude(false)
    measurement.proof = proof
    if (!measurement.proof.ok) return conclude(true)

    say({ type: 'phase', phase: 'calibrating', says: 'how much it can take at once' })
    await open(started, measurement, folder)
    const calibration = await calibrate(started, measurement, {
      warmUpMs: options.warmUpMs ?? usualWarmUpMs,
      signal,
    })
    if (signal?.aborted) return conclude(false)
    if (calibration.capacityPerSecond < 1)
      throw new SeesawError('MEASUREMENT_FAILED', `${setup.id} answered no request at all.`)
    if (measurement.rates.length === 0) {
      measurement.calibration = calibration
      say({ type: 'phase', phase: 'calibrating', says: 'which rate is too high' })
      const highest = await climb(started, measurement, signal)
      if (signal?.aborted) return conclude(false)
      measurement.rates = (options.shares ?? usualShares).map((share) =>
        Math.max(1, Math.round(share * highest)),
      )
      measurement.heldMs = holdTimes(measurement.rates, options.holdMs ?? usualHoldMs)
    }
    const { rates, heldMs = [] } = measurement
    const order = permutation(rates.length, seed)
    const turns = [
      ...order.map((i) => [1, i] as const),
      ...order.toReversed().map((i) => [2, i] as const),
    ]
    for (const [pass, i] of turns.slice(measurement.holds.length)) {
      if (signal?.aborted) return conclude(false)
      const ratePerSecond = rates[i] as number
      say({
        type: 'phase',
        phase: 'measuring',
        says: `${measurement.holds.length + 1} of ${turns.length}: ${ratePerSecond} requests/s`,
      })
      measurement.holds.push(
        await hold(started, measurement, {
          pass,
          ratePerSecond,
          heldMs: heldMs[i] as number,
          seed: seedFor(seed, pass, i),
        }),
      )
      options.save?.(conclude(false))
    }
    return conclude(true)
  } finally {
    await stop()
  }
}

/**
 * Looks up what is to be measured. Throws whatever is wrong with the names, WRONG_USE where they name
 * several setups.
 */
export const chooseSubject = async (
  target: string,
  {
    knobs,
    workload,
    scenariosFolder,
  }: Pick<CapacityOptions, 'knobs' | 'workload' | 'scenariosFolder'>,
): Promise<{ setup: Setup; question: string; workload: string; says: string }> => {
  const setups = await findSetups({
    targets: [target],
    ...(knobs ? { knobs } : {}),
    ...(scenariosFolder === undefined ? {} : { scenariosFolder }),
  })
  const [setup, another] = setups
  if (!setup || another)
    throw new SeesawError(
      'WRONG_USE',
      `The capacity of one setup is measured at a time; this names ${setups.length}: ` +
        `${setups.map(({ id }) => id).join(', ')}.`,
    )
  const scenario = await loadScenario(setup.scenario, scenariosFolder)
  const { question } = scenario
  return { setup, question, ...chooseWorkload(scenario, setup.scenario, workload) }
}

/** How long each rate is held: `holdMs` on average, more where a p95 would otherwise have too few requests. */
const holdTimes = (rates: readonly number[], holdMs: number): number[] => {
  const wanted = rates.map((ratePerSecond) => {
    const neededMs = (1.1 * requestsFor(0.95) * 1000) / ratePerSecond
    return Math.min(mostPatience * holdMs, Math.max(holdMs, neededMs))
  })
  const all = wanted.reduce((sum, ms) => sum + ms, 0)
  return wanted.map((ms) => Math.round((ms * holdMs * rates.length) / all))
}

/** The first rate that is too much, or the highest that is tried. */
const climb = async (
  started: Started,
  measurement: CapacityMeasurement,
  signal: AbortSignal | undefined,
): Promise<number> => {
  const { capacityPerSecond, ceilingPerSecond } = measurement.calibration
  let lowest: Hold | undefined
  let inARow = 0
  let rate = lowestClimb * capacityPerSecond
  for (let trial = 0; !signal?.aborted; trial++) {
    const one = await hold(started, measurement, {
      ...{ pass: 1, ratePerSecond: rate, heldMs: climbMs },
      seed: seedFor(measurement.seed, 3, trial),
    })
    // At a request every few seconds there may be none in half a one.
    if (one.answered > 0) lowest ??= one
    inARow = isTooMuch(one, lowest ?? one, ceilingPerSecond) ? inARow + 1 : 0
    if (inARow === tooMuchInARow || rate * climbStep > highestClimb * capacityPerSecond) break
    rate *= climbStep
  }
  return rate
}

const itself = 0
const bareServer = 1

const open = async (
  { running, client }: Started,
  { setup, workload, connections, timeoutMs }: CapacityMeasurement,
  folder: { scenariosFolder?: string },
): Promise<void> => {
  for (const id of [itself, bareServer])
    await client.ask('open', {
      id,
      setup: id === itself ? setup : '',
      url: (running[id] as Running).url,
      workload,
      connections,
      timeoutMs,
      ...folder,
    })
}

/** As fast as answers come, after warming up; the two in turns. Throws MEASUREMENT_FAILED. */
const calibrate = async (
  started: Started,
  { setup }: CapacityMeasurement,
  { warmUpMs, signal }: { warmUpMs: number; signal: AbortSignal | undefined },
): Promise<CapacityMeasurement['calibration']> => {
  const slice = async (id: number, ms: number) => {
    const result = await started.client.ask('closedSlice', { id, ms })
    await started.running[id]?.settle()
    if (rightOf(result) === 0)
      throw noRightAnswer(id === itself ? setup : 'The bare server', result)
    return result.answered / result.seconds
  }
  for (let spentMs = 0; spentMs < warmUpMs && !signal?.aborted; spentMs += warmUpSliceMs)
    for (const id of [itself, bareServer]) await slice(id, warmUpSliceMs)
  const perSecond: [number[], number[]] = [[], []]
  for (let i = 0; i < calibrationSlices && !signal?.aborted; i++)
    for (const id of [itself, bareServer] as const)
      perSecond[id].push(await slice(id, calibrationMs))
  const [own, bare] = perSecond.map((rates) => (rates.length > 0 ? Math.round(median(rates)) : 0))
  return { ceilingPerSecond: bare as number, capacityPerSecond: own as number }
}

/**
 * Holds one rate, and waits until all that it has caused is over. Throws MEASUREMENT_FAILED where
 * nothing is answered right afterwards either.
 */
const hold = async (
  started: Started,
  measurement: CapacityMeasurement,
  of: { pass: 1 | 2; ratePerSecond: number; heldMs: number; seed: number },
): Promise<Hold> => {
  const { pass, ratePerSecond, heldMs, seed } = of
  const { arrivals } = measurement
  const lab = started.running[itself] as Running
  await lab.settle()
  const before = await lab.read()
  const result = await started.client.ask('openSlice', {
    ...{ id: itself, ms: heldMs },
    ...{ ratePerSecond, arrivals, seed, mostUnderWay },
  })
  await lab.settle()
  const used = between(before, await lab.read())
  await refuseRuin(started, measurement, result)
  const { seconds, offered, sent, answered, failed, timedOut, judged, latency, lag } = result
  return {
    ...{ pass, ratePerSecond, heldMs },
    ...{ seconds, offered, sent, answered, failed, timedOut, judged, latency, lag },
    cpuMs: { server: used.serverCpuMs, backend: used.backendCpuMs, client: result.cpuMs },
  }
}

/**
 * A rate that is too high looks like a backend that has died: few right answers, or none. Asked
 * without a pause, the one answers and the other does not; a knee made of the other would be a lie.
 */
const refuseRuin = async (
  { client, running }: Started,
  { setup }: CapacityMeasurement,
  held: SliceResult,
): Promise<void> => {
  if (rightOf(held) >= leastRight * held.sent) return
  const after = await client.ask('closedSlice', { id: itself, ms: warmUpSliceMs })
  await running[itself]?.settle()
  if (rightOf(after) === 0) throw noRightAnswer(setup, after)
}

const rightOf = ({ answered, judged }: SliceResult): number => answered - (judged.wrong ?? 0)
