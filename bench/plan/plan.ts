// From what somebody asks for to what is to be measured: contenders, load, number of blocks. All is
// fixed before the first request; nothing that is seen meanwhile can change it.
import { randomInt } from 'node:crypto'
import type { Metric } from '#core/measurement/metrics'
import type { Contender, Fault, Measurement, Plan, Preset } from '#core/measurement/run'
import { adapterIndex, loadConfig, loadScenario } from '../../core/course/find.ts'
import { parseSetup, type Setup, selectSetups } from '../../core/course/setup.ts'
import { SeesawError } from '../../core/errors.ts'
import { fewestFor } from '../stats/signed-rank.ts'
import { isPercentile, loadFor, requestsNeeded } from '../verdict/series.ts'
import { checkFaults } from './faults.ts'

export interface PlanOptions {
  /** Scenarios or setups; two of the same setup are an A/A run. */
  targets: string[]
  variants?: string[]
  backends?: string[]
  knobs?: Record<string, string>
  workers?: number
  workload?: string
  preset?: Preset
  load?: Plan['load']
  ratePerSecond?: number
  arrivals?: Plan['arrivals']
  /** Answers the question in place of the scenario's own primary metric. */
  metric?: Metric
  blocks?: number
  seed?: number
  faults?: Fault[]
  scenariosFolder?: string
}

export interface Planned {
  plan: Plan
  /** The scenario's primary metric where the load cannot tell it, and another one answers. */
  untold?: Metric
  /** The setup of each contender; absent for the reference. */
  setups: (Setup | undefined)[]
}

/** What a preset stands for. `blockMs`: of one contender in one block, warm-up included. */
const efforts: Record<Preset, Effort> = {
  duel: {
    blocks: 6,
    warmUpMs: 2_400,
    blockMs: 900,
    sliceMs: 50,
    openSliceMs: 0,
    margin: 0.1,
  },
  quick: {
    blocks: 6,
    warmUpMs: 2_200,
    blockMs: 4_700,
    sliceMs: 50,
    openSliceMs: 250,
    margin: 0.05,
  },
  standard: {
    blocks: 14,
    warmUpMs: 3_600,
    blockMs: 9_400,
    sliceMs: 50,
    openSliceMs: 250,
    margin: 0.03,
  },
  strict: {
    blocks: 24,
    warmUpMs: 4_000,
    blockMs: 14_000,
    sliceMs: 50,
    openSliceMs: 500,
    margin: 0.02,
  },
  publish: {
    blocks: 40,
    warmUpMs: 5_000,
    blockMs: 20_000,
    sliceMs: 50,
    openSliceMs: 500,
    margin: 0.01,
  },
}

interface Effort {
  blocks: number
  warmUpMs: number
  blockMs: number
  /**
   * Of the closed load. Two slices side by side differ by as much whether they last 25 or 100 ms, so
   * many short ones tell more in the same time; below 50 ms each begins with cold caches, and shows it.
   */
  sliceMs: number
  /**
   * Longer: a stall that outlasts its slice would be seen only in part. So short that a block has four
   * of a contender, which it takes to see whether warm-up had ended.
   */
  openSliceMs: number
  margin: number
}

/** What a preset spends on one contender in one block, in milliseconds, its warm-up included. */
export const blockMsOf = (preset: Preset): number => efforts[preset].blockMs

const mostContenders = 8
/** So many blocks more may be measured, of all of them. */
const spareShare = 0.2
/** A duel's processes are the same in all blocks; see docs/benchmarks.md for where this comes from. */
const duelLuck = 0.05

/**
 * Makes the plan. Throws whatever is wrong with the names, WRONG_USE for contenders that cannot be
 * compared.
 */
export const makePlan = async (options: PlanOptions): Promise<Planned> => {
  const { preset = 'quick', scenariosFolder } = options
  const setups = await findSetups(options)
  const [first] = setups
  if (!first) throw wrong('Name a scenario or setups to measure; seesaw list shows them.')
  const scenarioId = first.scenario
  if (setups.some(({ scenario }) => scenario !== scenarioId))
    throw wrong('Setups of different scenarios answer different questions: name those of one.')
  if (setups.length < 2)
    throw wrong(
      `One contender has nobody to be compared with: name two setups, or --variants, or --backends. ` +
        `${first.id} twice shows this machine's noise.`,
    )
  if (setups.length > mostContenders)
    throw wrong(
      `${setups.length} contenders are too many at once, ${mostContenders} is the most: choose with --variants or --backends.`,
    )
  const duel = preset === 'duel'
  if (duel) refuseMoreThanDuel(options, setups.length)

  const scenario = await loadScenario(scenarioId, scenariosFolder)
  const { workload, says } = chooseWorkload(scenario, scenarioId, options.workload)
  const effort = efforts[preset]
  const contenders = [
    ...setups.map((setup, i) => contenderOf(setup, i, setups, scenario.mine?.version)),
    ...(duel ? [] : [reference]),
  ]
  const load = options.load ?? (duel ? 'closed' : 'both')
  refuseUnusedSchedule(options, load)
  const asked = options.metric ?? (duel ? 'throughput' : scenario.primary)
  const untold = loadFor(asked, { load }) === null
  if (untold && options.metric)
    throw wrong(
      `${asked} cannot be told of a load that is ${load}: leave --load out, or ask for another --metric.`,
    )
  const rounds = roundsOf(effort)
  const blocks = options.blocks ?? Math.max(effort.blocks, fewestBlocks(setups.length))
  return {
    setups: [...setups, ...(duel ? [] : [undefined])],
    ...(untold ? { untold: asked } : {}),
    plan: {
      scenario: scenarioId,
      question: scenario.question,
      contenders,
      workload,
      says,
      preset,
      // What a request costs can be told of any load.
      primary: untold ? 'cpu' : asked,
      load,
      arrivals: options.arrivals ?? 'poisson',
      workers: options.workers ?? 1,
      connections: 10,
      ratePerSecond: options.ratePerSecond ?? null,
      blocks,
      // What is told of the duration must stay true; a duel's blocks take two seconds.
      spare: duel ? blocks : Math.floor(blocks * spareShare),
      closed: { slices: rounds, sliceMs: effort.sliceMs },
      open: { slices: duel ? 0 : 2, sliceMs: effort.openSliceMs },
      warmUpMs: effort.warmUpMs,
      timeoutMs: 5_000,
      faults: await checkFaults(options.faults ?? [], setups),
      ...(duel ? { luck: duelLuck } : {}),
      margin: effort.margin,
      seed: options.seed ?? randomInt(2 ** 31),
    },
  }
}

/** A duel answers one question, quickly; the other presets answer the others. */
const refuseMoreThanDuel = ({ load, faults = [] }: PlanOptions, contenders: number): void => {
  if (contenders > 2)
    throw wrong(`A duel is between two, not ${contenders}: name two, or another --preset.`)
  if (load !== undefined && load !== 'closed')
    throw wrong(`A duel has a closed load only, not '${load}': name another --preset.`)
  if (faults.length > 0) throw wrong('Nothing is made to fail in a duel: name another --preset.')
}

/** Requests that are sent as fast as answers come follow no schedule, but for the runs with faults. */
const refuseUnusedSchedule = (
  { ratePerSecond, arrivals, faults = [] }: PlanOptions,
  load: Plan['load'],
): void => {
  if (load !== 'closed' || faults.length > 0) return
  const [unused] = [
    ratePerSecond && `--rate ${ratePerSecond}`,
    arrivals && `--arrivals ${arrivals}`,
  ].filter(Boolean)
  if (unused)
    throw wrong(
      `${unused} means nothing to a closed load, which sends as fast as answers come: leave it out, or say --load open or both.`,
    )
}

/** The more pairs, the more blocks it takes before any of them can be told apart. */
const fewestBlocks = (contenders: number): number =>
  fewestFor(1 - 0.05 / ((contenders * (contenders - 1)) / 2))

/** Mirrored rounds of short slices in a block, until calibration knows better. */
const roundsOf = ({ blockMs, warmUpMs, sliceMs }: Effort): number =>
  Math.max(2, Math.floor((blockMs - warmUpMs) / 4 / sliceMs))

const reference: Contender = {
  name: 'reference',
  setup: '',
  title: 'a bare HTTP server',
  reference: true,
}

/**
 * How many seconds a plan takes, proof included, before anything is known of the machine; only what is
 * left of `earlier`, whose blocks say how long one takes here.
 */
export const estimateSeconds = (
  plan: Plan,
  earlier?: Pick<Measurement, 'blocks' | 'timelines'>,
): number => {
  const contenders = contendersOf(plan)
  const { blocks = [], timelines = [] } = earlier ?? {}
  const left = plan.blocks - blocks.length
  const blockSeconds =
    blocks.length > 0
      ? blocks.reduce((sum, { seconds }) => sum + seconds, 0) / blocks.length
      : Math.max((contenders + 0.5) * efforts[plan.preset].blockMs, leastBlockMs(plan)) / 1000
  if (plan.preset === 'duel') return duelStartSeconds + (contenders * duelMs(plan, left)) / 1000
  return (
    proofSeconds +
    overheadSeconds * contenders +
    left * blockSeconds +
    watchingSeconds(plan, timelines.length)
  )
}

/** At a rate that is known to be low, a percentile takes longer than the preset has for a block. */
const leastBlockMs = (plan: Plan): number => {
  const { ratePerSecond, load, open, closed } = plan
  if (ratePerSecond === null || load === 'closed') return 0
  const sides = contendersOf(plan)
  const openMs = (sides + 1) * 2 * slicesNeeded(plan, ratePerSecond) * open.sliceMs
  const closedMs = load === 'both' ? (sides + 0.5) * 2 * fewestClosedSlices * closed.sliceMs : 0
  return warmUpLastsMs(plan) + openMs + closedMs
}

/** Slices of open load that it takes to tell the percentile that was asked for, within reason. */
export const slicesNeeded = (
  { primary, open, preset }: Pick<Plan, 'primary' | 'open' | 'preset'>,
  ratePerSecond: number,
): number => {
  if (!isPercentile(primary)) return 1
  const perSlice = (ratePerSecond * open.sliceMs) / 1000
  const slices = (requestsNeeded(primary) * 1.1) / perSlice / 2
  const most = (preset === 'quick' ? 3_000 : 6_000) / open.sliceMs
  return Math.min(Math.floor(most), Math.ceil(slices))
}
export const fewestClosedSlices = 3

/** How many seconds it takes to watch those that have not been watched yet while things go wrong. */
export const watchingSeconds = (plan: Plan, watched: number): number =>
  plan.faults.length === 0 ? 0 : (contendersOf(plan) - watched) * timelineSecondsOf(plan)

const contendersOf = ({ contenders }: Plan): number =>
  contenders.filter(({ reference }) => !reference).length

const duelMs = ({ warmUpMs }: Plan, blocks: number): number =>
  warmUpMs / atOnceGain + blocks * efforts.duel.blockMs

/** So much more of two servers' work gets done when they are loaded at once than in turns. */
const atOnceGain = 1.4

/** How long all are loaded at once, so that each gets what `warmUpMs` alone would give it. */
export const warmUpLastsMs = (plan: Plan): number =>
  (plan.warmUpMs * contendersOf(plan)) / atOnceGain

/** Starting two labs and a client. */
const duelStartSeconds = 4
/** Proving the claims of all. */
const proofSeconds = 12
/** Starting and calibrating one contender. */
const overheadSeconds = 4
/** Starting one contender. */
const startSeconds = 2

/** How long a contender is watched after the last thing that goes wrong. */
export const timelineTailMs = 10_000

/** How long watching one contender takes while things go wrong, its start included, in seconds. */
const timelineSecondsOf = ({ faults, warmUpMs }: Plan): number =>
  (Math.max(...faults.map(({ atMs }) => atMs)) + timelineTailMs + warmUpMs) / 1000 + startSeconds

/** The workload of this name, the first if left out. Throws EXERCISE_NOT_FOUND. */
export const chooseWorkload = (
  { workloads = {} }: Awaited<ReturnType<typeof loadScenario>>,
  scenarioId: string,
  name: string | undefined,
): { workload: string; says: string } => {
  const workload = name ?? Object.keys(workloads)[0] ?? 'visit'
  const known = Object.hasOwn(workloads, workload) ? workloads[workload] : undefined
  if (!known && Object.keys(workloads).length > 0)
    throw new SeesawError(
      'EXERCISE_NOT_FOUND',
      `No workload '${workload}' of ${scenarioId}. There are: ${Object.keys(workloads).join(', ')}.`,
    )
  return { workload, says: known?.says ?? 'a visit to the front door' }
}

/** The setups that the targets name, narrowed down by the options. Throws whatever is wrong with them. */
export const findSetups = async (
  options: Pick<PlanOptions, 'targets' | 'variants' | 'backends' | 'knobs' | 'scenariosFolder'>,
): Promise<Setup[]> => {
  const { backends: defaults } = await loadConfig()
  const found = await Promise.all(
    options.targets.map(async (target) => {
      const parts = parseSetup(target)
      const scenario = await loadScenario(parts.scenario, options.scenariosFolder)
      return selectSetups(parts, scenario, options, { adapters: adapterIndex, defaults })
    }),
  )
  return found.flat()
}

/** Titles name what tells the contenders apart, and nothing else. */
const contenderOf = (
  setup: Setup,
  index: number,
  all: readonly Setup[],
  /** Of the learner's own variant, which is another one with every text. */
  version = '',
): Contender => {
  const name = String.fromCharCode(65 + index)
  const [, rest = setup.id] = setup.id.split(/\/(.*)/)
  const sameVariant = all.filter(({ variant }) => variant === setup.variant)
  const twice = all.filter(({ id }) => id === setup.id).length > 1
  const own = setup.variant === 'mine' ? ` (${version.slice(0, 6)})` : ''
  const title = (sameVariant.length > 1 ? rest : setup.variant) + own
  return { name, setup: setup.id, title: twice ? `${title} (${name})` : title, reference: false }
}

const wrong = (message: string): SeesawError => new SeesawError('WRONG_USE', message)
