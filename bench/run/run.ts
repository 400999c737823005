// Runs a plan: all contenders are up at once and take turns in short slices, in an order that is
// mirrored, so that whatever the machine does hits them alike; every block has fresh processes.
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '#core/measurement/events'
import type { Block, Machine, Measurement, Plan, Slot } from '#core/measurement/run'
import { SeesawError } from '../../core/errors.ts'
import { findOwnServer } from '../../core/lab/servers.ts'
import type { SliceResult } from '../client/calls.ts'
import type { LoadClient } from '../client/start.ts'
import {
  blockMsOf,
  estimateSeconds,
  fewestClosedSlices,
  type Planned,
  slicesNeeded,
  warmUpLastsMs,
  watchingSeconds,
} from '../plan/plan.ts'
import {
  decodeHistogram,
  encodeHistogram,
  mergeHistograms,
  quantileMs,
} from '../stats/histogram.ts'
import { median } from '../stats/median.ts'
import { analyse } from '../verdict/analyse.ts'
import { mostSteal } from '../verdict/gates/steal.ts'
import { properName } from '../verdict/names.ts'
import { isPercentile } from '../verdict/series.ts'
import { between, type Reading, type Running } from './contender.ts'
import { describeMachine } from './machine.ts'
import { readSteal } from './processes.ts'
import { permutation, seedFor } from './seeds.ts'
import { proveFirst, startAll } from './stage.ts'
import { allWatched, watchFaults } from './timeline.ts'

export interface RunOptions {
  planned: Planned
  /** The version of Seesaw. */
  seesaw: string
  /** The line that does the same again. */
  command: string
  scenariosFolder?: string
  /** Addresses of servers by backend, from the configuration. */
  urls?: Record<string, string>
  /** A measurement that was interrupted; its plan, seed and calibration go on. */
  resume?: Measurement
  onProgress?(event: Progress): void
  /** Called after every block with all there is, so that nothing is lost. */
  save?(measurement: Measurement): void
  /** Ends the measurement after the slice that is under way. */
  signal?: AbortSignal
}

interface Stage {
  plan: Plan
  /** In the order of the plan's contenders. */
  running: Running[]
  client: LoadClient
  options: RunOptions
  beganMs: number
  /** Whether the processes are warm; they stay so in a duel, whose blocks have the same ones. */
  warm: boolean
}

/** Lists of its own for every measurement: blocks are added to them. */
const nothing = () => ({
  blocks: [],
  timelines: [],
  gates: [],
  figures: [],
  groups: [],
  verdicts: [],
})

/**
 * Measures. Returns what was measured, `finishedAt` null where `signal` ended it early. Throws
 * BACKEND_UNAVAILABLE, MEASUREMENT_FAILED; what was measured until then has been saved.
 */
export const run = async (options: RunOptions): Promise<Measurement> => {
  const { planned, scenariosFolder, urls, signal } = options
  const plan = options.resume?.plan ?? planned.plan
  const say = options.onProgress ?? (() => {})
  const beganMs = performance.now()
  // Everything that can be waited for listens to the same signal.
  if (signal) setMaxListeners(0, signal)
  // Said now, not after all blocks.
  for (const { backend } of plan.faults) await findOwnServer(backend)
  say({
    type: 'plan',
    seconds: Math.round(estimateSeconds(plan, options.resume)),
    contenders: plan.contenders,
    blocks: plan.blocks,
    primary: plan.primary,
  })
  const duel = sameProcesses(plan)
  const setups = planned.setups.flatMap((setup) => setup ?? [])
  const lab = {
    ...(scenariosFolder === undefined ? {} : { scenariosFolder }),
    ...(urls ? { urls } : {}),
  }
  let stopAll = async () => {}
  try {
    say({
      type: 'phase',
      phase: 'starting',
      says: duel ? 'two labs' : `${setups.length} labs and a bare server`,
    })
    const { running, client, doctor, stop } = await startAll(setups, plan.workers, {
      ...lab,
      reference: !duel,
    })
    stopAll = stop
    const stage: Stage = { plan, running, client, options, beganMs, warm: false }

    const backends = [...new Set(setups.flatMap((setup) => Object.values(setup.backends)))]
    const machine = await describeMachine(doctor, backends)
    if (options.resume) refuseOtherBackends(options.resume.machine, machine)
    const measurement: Measurement = options.resume ?? {
      seesaw: options.seesaw,
      format: 1,
      kind: 'http',
      startedAt: new Date().toISOString(),
      finishedAt: null,
      command: options.command,
      machine,
      seed: plan.seed,
      plan,
      proof: { ok: false, verdicts: 0, wrong: [] },
      calibration: { ceilingPerSecond: 0, capacityPerSecond: [], ratePerSecond: 0 },
      ...nothing(),
    }
    const conclude = (finished: boolean): Measurement => {
      if (finished) measurement.finishedAt = new Date().toISOString()
      Object.assign(measurement, analyse(measurement))
      if (measurement.blocks.length > 0) options.save?.(measurement)
      return measurement
    }

    if (duel) measurement.proof.skipped = true
    else {
      const proof = await proveFirst(setups, lab, options)
      // One that was ended early has proved nothing, and nothing against anybody.
      if (signal?.aborted) return conclude(false)
      measurement.proof = proof
    }
    if (isRefuted(measurement)) return conclude(true)
    if (!options.resume && !duel) {
      say({ type: 'phase', phase: 'calibrating', says: 'how much each can take' })
      measurement.calibration = await calibrate(stage)
    }
    while (measurement.blocks.length < plan.blocks && !signal?.aborted) {
      const block = await measureBlock(stage, measurement)
      if (!block) break
      if (isDisturbed(block) && (measurement.setAside?.length ?? 0) < (plan.spare ?? 0)) {
        const { index, startedAt, seconds } = block
        measurement.setAside ??= []
        measurement.setAside.push({ index, startedAt, seconds, steal: block.steal ?? 0 })
        continue
      }
      measurement.blocks.push(block)
      conclude(false)
      const done = measurement.blocks.length
      say({
        type: 'block',
        done,
        of: plan.blocks,
        halfWidth: halfWidthOf(measurement),
        secondsLeft: Math.round(secondsLeft(measurement)),
      })
    }
    if (measurement.blocks.length < plan.blocks) return conclude(false)
    if (!allWatched(measurement))
      await watchFaults(planned.setups, measurement, {
        client,
        ...lab,
        onProgress: say,
        save: () => conclude(false),
        ...(signal ? { signal } : {}),
      })
    return conclude(allWatched(measurement))
  } finally {
    await stopAll()
  }
}

/** Whether a contender does not do what it claims; of a duel nobody knows. */
export const isRefuted = ({ proof }: Measurement): boolean => !proof.ok && !proof.skipped

/** Whether others had so much of the machine's time meanwhile that the block is measured again. */
const isDisturbed = ({ steal }: Block): boolean => (steal ?? 0) > mostSteal

/** Whether all blocks have the same processes, which is as quick as it is less than the whole truth. */
const sameProcesses = ({ luck }: Plan): boolean => luck !== undefined

/** Prepares every contender's workload anew. */
const openAll = async ({ plan, running, client, options }: Stage): Promise<void> => {
  for (const [id, contender] of plan.contenders.entries())
    await client.ask('open', {
      id,
      setup: contender.setup,
      url: (running[id] as Running).url,
      workload: plan.workload,
      connections: plan.connections,
      timeoutMs: plan.timeoutMs,
      ...(options.scenariosFolder === undefined
        ? {}
        : { scenariosFolder: options.scenariosFolder }),
    })
}

const calibrationSlices = 3
/**
 * An open request costs the client three to five times what a closed one does, for somebody has to
 * wake up for each; and it has to be awake on time.
 */
const ceilingShare = 10

/** What each contender can take, and the rate of the open load that follows from it. */
const calibrate = async (stage: Stage): Promise<Measurement['calibration']> => {
  const { plan, client } = stage
  await openAll(stage)
  await warmUp(stage)
  const perSecond = plan.contenders.map((): number[] => [])
  for (let i = 0; i < calibrationSlices; i++)
    for (const id of plan.contenders.keys()) {
      const { answered, seconds } = await client.ask('closedSlice', { id, ms: 200 })
      await stage.running[id]?.settle()
      perSecond[id]?.push(answered / seconds)
    }
  const capacities = perSecond.map((rates) => Math.round(median(rates)))
  const at = plan.contenders.findIndex(({ reference }) => reference)
  const ceiling = capacities[at] as number
  const others = capacities.filter((_, i) => i !== at)
  const most = rounded(Math.min(...others.map((rate) => rate / 2), ceiling / ceilingShare))
  return {
    ceilingPerSecond: ceiling,
    capacityPerSecond: capacities,
    ratePerSecond: plan.ratePerSecond ?? (await rateOnTime(stage, most)),
  }
}

/** Of the rates that are considered the last is taken untried. */
const mostRates = 4
const rateStep = 0.6
/** Half of what the gate allows: a trial is short. */
const trialLagMs = 0.5

/**
 * The highest of a few rates, from `most` downwards, at which the client sends on time: only the
 * clock of the client is looked at, and where it is worst, whoever is being asked. Servers that
 * use both cores at half their capacity leave the client none.
 */
const rateOnTime = async ({ plan, client, running }: Stage, most: number): Promise<number> => {
  if (plan.load === 'closed') return most
  let rate = most
  for (let trial = 1; trial < mostRates; trial++) {
    const lags: number[] = []
    for (const [id, one] of running.entries()) {
      const { lag } = await client.ask('openSlice', {
        id,
        ms: plan.open.sliceMs,
        ratePerSecond: rate,
        arrivals: plan.arrivals,
        seed: seedFor(plan.seed, trial),
      })
      await one.settle()
      lags.push(decodeHistogram(lag).getValueAtPercentile(95) / 1000)
    }
    if (Math.max(...lags) <= trialLagMs) break
    rate = rounded(rate * rateStep)
  }
  return rate
}

/** Down to two digits that matter: 2,437 becomes 2,400. */
const rounded = (rate: number): number => {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(rate, 1))) - 1)
  return Math.max(1, Math.floor(rate / step) * step)
}

const warmUpSliceMs = 200
/** The bare server is warm soon, and would take the client's time from the others. */
const referenceFrom = 2 / 3
/** The client's own way of sending on a schedule has to be warm, too. */
const openWarmUpMs = 300

/** Loads all contenders at once. */
const warmUp = async (stage: Stage): Promise<void> => {
  const { plan, running, client, options } = stage
  const lastsMs = warmUpLastsMs(plan)
  const untilMs = performance.now() + lastsMs
  await Promise.all(
    plan.contenders.map(async ({ reference }, id) => {
      if (reference) await sleep(lastsMs * referenceFrom)
      while (performance.now() < untilMs && !options.signal?.aborted) {
        const result = await client.ask('closedSlice', { id, ms: warmUpSliceMs })
        saySlice(stage, { id, load: 'closed', result, calls: null })
        refuseRuin(stage, id, result)
        // Jobs that pile up while warming up would be worked off in the time of the others.
        await running[id]?.settle(true)
      }
    }),
  )
  for (const one of running) await one.settle()
}

/** Puts fresh processes in place, unless none has served yet, and loads them until they are warm. */
const warmProcesses = async (stage: Stage, openRate: number): Promise<void> => {
  const { plan, running } = stage
  if (!sameProcesses(plan)) {
    // All must have come to an end before anything is stopped: what is only being started cannot be.
    const refreshed = await Promise.allSettled(running.map((one) => one.refresh()))
    const failure = refreshed.find((one) => one.status === 'rejected')
    if (failure) throw failure.reason
  }
  await openAll(stage)
  // First what comes last: the closed slices go on where the closed warm-up ends.
  if (plan.load !== 'closed')
    for (const [id] of plan.contenders.entries())
      await takeSlice(stage, { id, load: 'open', ms: openWarmUpMs, openRate, seed: 0 })
  await warmUp(stage)
}

interface Turn {
  id: number
  load: Slot['load']
  half: Slot['half']
  result: SliceResult
  used: Reading
  /** From the first request until the work of the last one had ended. */
  workedMs: number
}

/** One block; undefined where it was interrupted: half a block says nothing. */
const measureBlock = async (stage: Stage, measurement: Measurement): Promise<Block | undefined> => {
  const { plan, running, options } = stage
  const index = measurement.blocks.length
  const startedAt = new Date().toISOString()
  let beganMs = performance.now()
  const say = options.onProgress ?? (() => {})
  const openRate = measurement.calibration.ratePerSecond
  if (!stage.warm) {
    say({ type: 'phase', phase: 'warming up', says: `block ${index + 1} of ${plan.blocks}` })
    await warmProcesses(stage, openRate)
    stage.warm = sameProcesses(plan)
    // What is done once is no part of a block.
    if (stage.warm) beganMs = performance.now()
  }
  if (index === 0 && !measurement.setAside)
    await spendBlock(stage, measurement, performance.now() - beganMs)

  const again = measurement.setAside?.some((one) => one.index === index)
  const why = again ? ' again: other machines on the host took time from this one' : ''
  say({ type: 'phase', phase: 'measuring', says: `block ${index + 1} of ${plan.blocks}${why}` })
  const order = permutation(plan.contenders.length, seedFor(plan.seed, index))
  const stealBefore = readSteal()
  const before = await Promise.all(running.map((one) => one.read()))
  const turns: Turn[] = []
  for (const load of ['closed', 'open'] as const) {
    if (plan.load !== load && plan.load !== 'both') continue
    const { slices, sliceMs } = plan[load]
    for (let slice = 0; slice < slices; slice++)
      for (const half of ['forward', 'mirrored'] as const)
        for (const id of half === 'forward' ? order : order.toReversed()) {
          if (options.signal?.aborted) return undefined
          // Of the closed load the bare server needs no more than every second round. Of the open one
          // it takes all: a percentile of two runs is compared in terms of the bare server's own.
          if (load === 'closed' && plan.contenders[id]?.reference && slice % 2 === 1) continue
          // The same for all contenders: they are sent the same at the same moments.
          const seed = seedFor(plan.seed, index, slice, half === 'forward' ? 1 : 2)
          const turn = await takeSlice(stage, { id, load, ms: sliceMs, openRate, seed })
          turns.push({ id, load, half, ...turn })
        }
  }
  const after = await Promise.all(running.map((one) => one.read()))
  const stealAfter = readSteal()
  const slots = plan.contenders.flatMap((_, id) =>
    (['closed', 'open'] as const).flatMap((load) =>
      (['forward', 'mirrored'] as const).flatMap((half) => {
        const own = turns.filter(
          (turn) => turn.id === id && turn.load === load && turn.half === half,
        )
        return own.length > 0 ? [slotOf(own)] : []
      }),
    ),
  )
  return {
    index,
    startedAt,
    seconds: (performance.now() - beganMs) / 1000,
    order,
    afterwardsCpuMs: running.map((_, id) => {
      const all = between(before[id] as Reading, after[id] as Reading).serverCpuMs
      const own = slots.filter(({ contender }) => contender === id)
      return Math.max(0, all - own.reduce((sum, { cpuMs }) => sum + cpuMs.server, 0))
    }),
    steal:
      stealBefore && stealAfter
        ? (stealAfter.stolen - stealBefore.stolen) / Math.max(1, stealAfter.all - stealBefore.all)
        : null,
    slots,
  }
}

/** One slice, and what it made the contender use until all of its work had ended. */
const takeSlice = async (
  stage: Stage,
  of: { id: number; load: Slot['load']; ms: number; openRate: number; seed: number },
): Promise<{ result: SliceResult; used: Reading; workedMs: number }> => {
  const { plan, client } = stage
  const one = stage.running[of.id] as Running
  const before = await one.read()
  const beganMs = performance.now()
  const result =
    of.load === 'closed'
      ? await client.ask('closedSlice', { id: of.id, ms: of.ms })
      : await client.ask('openSlice', {
          id: of.id,
          ms: of.ms,
          ratePerSecond: of.openRate,
          arrivals: plan.arrivals,
          seed: of.seed,
        })
  refuseRuin(stage, of.id, result)
  const workedMs = (await one.settle()) - beganMs
  const used = between(before, await one.read())
  saySlice(stage, { id: of.id, load: of.load, result, calls: used.calls })
  return { result, used, workedMs }
}

/** Tells whoever looks what came of a slice; `calls` null: it is for warming up and does not count. */
const saySlice = (
  { plan, options, beganMs }: Stage,
  of: { id: number; load: Slot['load']; result: SliceResult; calls: Slot['calls'] | null },
): void => {
  const { id, load, result, calls } = of
  options.onProgress?.({
    type: 'slice',
    contender: plan.contenders[id]?.name ?? '',
    load,
    counts: calls !== null,
    answered: result.answered,
    seconds: result.seconds,
    p50Ms: result.medianMs,
    p99Ms: quantileMs(decodeHistogram(result.latency), 0.99),
    backendCalls: calls && Object.values(calls).reduce((sum, one) => sum + one.calls, 0),
    atMs: performance.now() - beganMs,
  })
}

/**
 * Fills the time of a block with slices, once it is known what starting over and warming up cost
 * here; the number is the same for all blocks.
 */
const spendBlock = async (
  stage: Stage,
  measurement: Measurement,
  spentMs: number,
): Promise<void> => {
  const { plan } = stage
  const sharesOf = (bareServer: number) =>
    plan.contenders.reduce((sum, { reference }) => sum + (reference ? bareServer : 1), 0)
  const shares = { closed: sharesOf(0.5), open: sharesOf(1) }
  const trials: number[] = []
  for (const id of plan.contenders.keys()) {
    const beganMs = performance.now()
    await takeSlice(stage, { id, load: 'closed', ms: plan.closed.sliceMs, openRate: 0, seed: 0 })
    trials.push(performance.now() - beganMs)
  }
  const overheadMs = Math.max(0, median(trials) - plan.closed.sliceMs)
  const leftMs = Math.max(0, blockMsOf(plan.preset) * shares.closed - spentMs)
  const costMs = (load: Slot['load']) => shares[load] * 2 * (plan[load].sliceMs + overheadMs)
  const whole = (slices: number, least: number) => Math.max(least, Math.floor(slices))
  if (plan.load !== 'closed') {
    const share = plan.load === 'both' ? leftMs * openShareOf(plan) : leftMs
    plan.open.slices = Math.max(
      whole(share / costMs('open'), 1),
      slicesNeeded(plan, measurement.calibration.ratePerSecond),
    )
  }
  if (plan.load !== 'open') {
    const openMs = plan.load === 'both' ? plan.open.slices * costMs('open') : 0
    plan.closed.slices = whole((leftMs - openMs) / costMs('closed'), fewestClosedSlices)
  }
  measurement.plan = plan
}

/** Most of the time goes to the load that answers the question. */
const openShareOf = ({ primary }: Plan): number => (isPercentile(primary) ? 1 / 2 : 1 / 4)

/** Ends a measurement that measures nothing any more. */
const refuseRuin = ({ plan }: Stage, id: number, result: SliceResult): void => {
  if (result.sent < 5 || (result.judged.wrong ?? 0) < result.answered) return
  if (result.answered > 0 && Object.keys(result.judged).some((label) => label !== 'wrong')) return
  throw noRightAnswer(plan.contenders[id]?.setup || 'The bare server', result)
}

/** What is said where whoever is measured answers nothing right any more. */
export const noRightAnswer = (
  who: string,
  { sent, firstTrouble }: Pick<SliceResult, 'sent' | 'firstTrouble'>,
): SeesawError =>
  new SeesawError(
    'MEASUREMENT_FAILED',
    `${who} gave no right answer to ${sent} requests. The first: ${firstTrouble || 'none came'}.`,
  )

/**
 * Throws WRONG_USE where the backends are not those with which a measurement was begun: what two
 * versions of Redis do is nothing that one number says.
 */
export const refuseOtherBackends = (
  then: Pick<Machine, 'backends'>,
  now: Pick<Machine, 'backends'>,
): void => {
  const inWords = ({ backends }: Pick<Machine, 'backends'>, name: string) => {
    const found = backends[name]
    return found ? `${found.version}${found.standIn ? ' (a stand-in)' : ''}` : 'not used'
  }
  const names = new Set([...Object.keys(then.backends), ...Object.keys(now.backends)])
  const other = [...names].find((name) => inWords(then, name) !== inWords(now, name))
  if (other !== undefined)
    throw new SeesawError(
      'WRONG_USE',
      `It was begun with ${properName(other)} ${inWords(then, other)}, and here it is ${inWords(now, other)}: ` +
        'go on with that one, or leave --resume out.',
    )
}

const slotOf = (turns: Turn[]): Slot => {
  const [{ id, load, half }] = turns as [Turn, ...Turn[]]
  const sum = (of: (turn: Turn) => number) => turns.reduce((all, turn) => all + of(turn), 0)
  const sums = (of: (turn: Turn) => Record<string, number>) => {
    const all: Record<string, number> = {}
    for (const turn of turns)
      for (const [name, n] of Object.entries(of(turn))) if (n > 0) all[name] = (all[name] ?? 0) + n
    return all
  }
  const merged = (of: (result: SliceResult) => string) =>
    encodeHistogram(mergeHistograms(turns.map(({ result }) => of(result))))
  const calls: Slot['calls'] = {}
  for (const { used } of turns)
    for (const [name, total] of Object.entries(used.calls)) {
      const sum = calls[name] ?? { calls: 0, failures: 0, ms: 0 }
      if (total.calls + sum.calls > 0)
        calls[name] = {
          calls: sum.calls + total.calls,
          failures: sum.failures + total.failures,
          ms: sum.ms + total.ms,
        }
    }
  const seconds = sum(({ result }) => result.seconds)
  const unread = turns.some(({ used }) => used.backendCpuMs === null)
  return {
    contender: id,
    load,
    half,
    seconds,
    offered: sum(({ result }) => result.offered),
    sent: sum(({ result }) => result.sent),
    answered: sum(({ result }) => result.answered),
    failed: sum(({ result }) => result.failed),
    timedOut: sum(({ result }) => result.timedOut),
    counted: sum(({ used }) => used.requests),
    judged: sums(({ result }) => result.judged),
    statuses: sums(({ result }) => result.statuses),
    sentBytes: sum(({ result }) => result.sentBytes),
    receivedBytes: sum(({ result }) => result.receivedBytes),
    latency: merged(({ latency }) => latency),
    service: merged(({ service }) => service),
    lag: load === 'open' ? merged(({ lag }) => lag) : '',
    cpuMs: {
      server: sum(({ used }) => used.serverCpuMs),
      backend: unread ? null : sum(({ used }) => used.backendCpuMs ?? 0),
      client: sum(({ result }) => result.cpuMs),
    },
    calls,
    roundTrips: sums(({ used }) => used.roundTrips),
    gcMs: sum(({ used }) => used.gcMs),
    busy: {
      server: sum(({ used }) => used.busyMs) / sum(({ workedMs }) => workedMs),
      client: sum(({ result }) => result.busy * result.seconds) / seconds,
    },
    rssBytes: Math.max(...turns.map(({ used }) => used.rssBytes)),
    slices: turns.map(({ result, used }) => ({
      seconds: result.seconds,
      answered: result.answered,
      cpuMs: used.serverCpuMs + (used.backendCpuMs ?? 0),
      medianMs: result.medianMs,
    })),
  }
}

const halfWidthOf = ({ verdicts }: Measurement): number | null => {
  const widths = verdicts
    .filter(({ exploratory }) => !exploratory)
    .flatMap(({ low, high }) => (low && high ? [(high / low) ** 0.5 - 1] : []))
  return widths.length > 0 ? Math.max(...widths) : null
}

/** At the pace so far, with the runs in which things go wrong. */
const secondsLeft = ({ blocks, plan, timelines }: Measurement): number =>
  (plan.blocks - blocks.length) *
    (blocks.reduce((sum, { seconds }) => sum + seconds, 0) / blocks.length) +
  watchingSeconds(plan, timelines.length)
