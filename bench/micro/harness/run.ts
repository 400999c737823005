// Compares functions: hashes, token checks, steps of an algorithm. Each variant runs in a process of
// its own, for two functions in one process are compiled by what ran before them, and the second one
// is judged by the first one's past. Processes are made anew for every block, for how a process was
// laid out changes its speed for as long as it lives; no number of samples shows that.
import { randomInt } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Progress } from '#core/measurement/events'
import type { MicroBlock, MicroMeasurement, MicroPlan } from '#core/measurement/micro'
import type { Preset } from '#core/measurement/run'
import { notThere, SeesawError } from '../../../core/errors.ts'
import { describeMachine } from '../../run/machine.ts'
import { readSteal } from '../../run/processes.ts'
import { permutation, seedFor } from '../../run/seeds.ts'
import { analyseMicro, fewestBlocks } from './analyse.ts'
import { type Child, startChild } from './calls.ts'
import { loadComparison, microNames } from './names.ts'

export interface MicroOptions {
  preset?: Preset
  /** Random if left out. */
  seed?: number
  /** Those to compare; one that is named twice competes with itself. All if left out. */
  variants?: string[]
  /** In place of the preset's. */
  blocks?: number
  /** The version of Seesaw. */
  seesaw: string
  /** The line that does the same again. */
  command: string
  /** One of the same functions that was interrupted; its plan goes on. */
  resume?: MicroMeasurement
  onProgress?(event: Progress): void
  /** Called after every block with all there is, so that nothing is lost. */
  save?(measurement: MicroMeasurement): void
  /** Ends the measurement after the slice that is under way. */
  signal?: AbortSignal
}

/** What a preset stands for. */
const efforts: Record<Exclude<Preset, 'duel'>, Effort> = {
  quick: { blocks: 8, rounds: 3, margin: 0.03, seconds: 75 },
  standard: { blocks: 16, rounds: 5, margin: 0.02, seconds: 330 },
  strict: { blocks: 24, rounds: 6, margin: 0.01, seconds: 900 },
  publish: { blocks: 40, rounds: 8, margin: 0.01, seconds: 3600 },
}
interface Effort {
  blocks: number
  rounds: number
  margin: number
  /** Where calls are so long that it would take longer, there are fewer rounds. */
  seconds: number
}
const sliceMs = 40
const warmUpMs = 250
const mostContenders = 12

/** Every comparison of functions with its question and its variants. */
export const listMicro = async () =>
  Promise.all(
    microNames.map(async (name) => {
      const { question, variants } = await loadComparison(name)
      return { name, question, variants: Object.keys(variants) }
    }),
  )

/**
 * Compares the functions of `name`. Returns what was measured, `finishedAt` null where `signal` ended
 * it early. Throws COMPARISON_NOT_FOUND, VARIANT_NOT_FOUND, WRONG_USE, WORKER_FAILED.
 */
export const runMicro = async (name: string, options: MicroOptions): Promise<MicroMeasurement> => {
  const say = options.onProgress ?? (() => {})
  const plan = options.resume?.plan ?? (await planMicro(name, options))
  const measurement: MicroMeasurement = options.resume ?? {
    seesaw: options.seesaw,
    format: 1,
    kind: 'micro',
    startedAt: new Date().toISOString(),
    finishedAt: null,
    command: options.command,
    machine: await describeMachine(async () => [], []),
    seed: plan.seed,
    plan,
    blocks: [],
    gates: [],
    figures: [],
    groups: [],
    verdicts: [],
  }
  const conclude = (): MicroMeasurement => Object.assign(measurement, analyseMicro(measurement))
  const folder = mkdtempSync(join(tmpdir(), 'seesaw-micro-'))
  const stage: Stage = { plan, folder, signal: options.signal, say, children: new Map() }
  try {
    say({
      type: 'phase',
      phase: 'starting',
      says: 'is each of them right, and how long is a call?',
    })
    const callsNs = await tryAll(stage, options.resume === undefined)
    const { seconds } = efforts[plan.preset]
    while (!options.resume && plan.rounds > 1 && estimateMicroSeconds(plan, callsNs) > seconds)
      plan.rounds--
    say({
      type: 'plan',
      seconds: Math.round(
        estimateMicroSeconds(plan, callsNs) * (1 - measurement.blocks.length / plan.blocks),
      ),
      contenders: plan.contenders.map(({ name, variant, title }) => ({
        name,
        setup: `${plan.name}/${variant}`,
        title,
        reference: false,
      })),
      blocks: plan.blocks,
      primary: 'p50',
    })
    const enough = plan.contenders.filter(({ wrong }) => wrong === null).length > 1
    while (enough && measurement.blocks.length < plan.blocks && !options.signal?.aborted) {
      const block = await measureBlock(stage, measurement.blocks.length)
      if (!block) break
      measurement.blocks.push(block)
      options.save?.(conclude())
      say({
        type: 'block',
        done: measurement.blocks.length,
        of: plan.blocks,
        halfWidth: halfWidthOf(measurement),
        secondsLeft: Math.round(secondsLeft(measurement)),
      })
    }
    const finished = !enough || measurement.blocks.length === plan.blocks
    if (finished && !options.signal?.aborted) measurement.finishedAt = new Date().toISOString()
    return conclude()
  } finally {
    await endAll(stage)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/**
 * From what somebody asks for to what is to be measured; fixed before the first call. Throws
 * COMPARISON_NOT_FOUND, VARIANT_NOT_FOUND, WRONG_USE.
 */
export const planMicro = async (
  name: string,
  options: Pick<MicroOptions, 'variants' | 'preset' | 'blocks' | 'seed'>,
): Promise<MicroPlan> => {
  const { question, call, variants } = await loadComparison(name)
  const all = Object.keys(variants)
  const chosen = options.variants ?? all.filter((id) => !variants[id]?.aside)
  for (const id of chosen)
    if (!Object.hasOwn(variants, id))
      throw new SeesawError('VARIANT_NOT_FOUND', notThere(`variant of ${name}`, id, all))
  if (chosen.length < 2 || chosen.length > mostContenders)
    throw new SeesawError(
      'WRONG_USE',
      `${chosen.length} of ${name} cannot be compared: name 2 to ${mostContenders} of ${all.join(', ')}. ` +
        'One that is named twice shows the noise of this machine.',
    )
  const { preset = 'quick' } = options
  if (preset === 'duel')
    throw new SeesawError('WRONG_USE', 'A duel is between two setups: name another --preset.')
  const effort = efforts[preset]
  const twice = new Set(chosen).size < chosen.length
  return {
    name,
    question,
    call,
    contenders: chosen.map((variant, i) => ({
      name: String.fromCharCode(65 + i),
      variant,
      title: variants[variant]?.title ?? variant,
      wrong: null,
      batch: 1,
    })),
    preset,
    // So many pairs need so many blocks, or nothing could be said of any.
    blocks:
      options.blocks ?? Math.max(effort.blocks, fewestBlocks(chosen.length) + (twice ? 0 : 1)),
    rounds: effort.rounds,
    sliceMs,
    warmUpMs,
    margin: effort.margin,
    seed: options.seed ?? randomInt(2 ** 31),
  }
}

/** Starting one more process on a machine where others start, too. */
const startMs = 400

/** How many seconds the blocks of a plan take, where one call takes so many nanoseconds. */
const estimateMicroSeconds = (plan: MicroPlan, callsNs: readonly number[]): number => {
  const contenderMs = (ns: number) => {
    const callMs = ns / 1e6
    const warmMs = Math.max(plan.warmUpMs, callMs)
    return startMs + 4 * callMs + warmMs + 2 * plan.rounds * Math.max(plan.sliceMs, callMs)
  }
  return (plan.blocks * callsNs.reduce((sum, ns) => sum + contenderMs(ns), 0)) / 1000
}

interface Stage {
  plan: MicroPlan
  folder: string
  signal: AbortSignal | undefined
  say(event: Progress): void
  /** By index of the contender: those that run now. */
  children: Map<number, Child>
}

/** Starts a fresh process for each contender that is right so far. */
const startAll = async (stage: Stage, seed: number): Promise<void> => {
  const { plan, folder, children } = stage
  const opened = plan.contenders.map(async (contender, index) => {
    if (contender.wrong !== null) return
    const own = join(folder, contender.name)
    mkdirSync(own)
    const child = startChild(own)
    children.set(index, child)
    const { name } = plan
    const { variant } = contender
    contender.wrong = await child.ask('open', { name, variant, seed })
  })
  const [failed] = (await Promise.allSettled(opened)).filter(({ status }) => status === 'rejected')
  if (failed) throw (failed as PromiseRejectedResult).reason
  for (const [index, child] of children)
    if (plan.contenders[index]?.wrong !== null) {
      children.delete(index)
      await child.end()
    }
}

/** Ends all processes, and removes what they have written. */
const endAll = async ({ children, folder }: Stage): Promise<void> => {
  const all = [...children.values()]
  children.clear()
  await Promise.all(all.map((child) => child.end()))
  for (const name of readdirSync(folder))
    rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 5 })
}

/**
 * Finds out who is right and, unless the plan says so already, how many calls make a sample; returns the
 * time of a call by contender.
 */
const tryAll = async (stage: Stage, isNew: boolean): Promise<number[]> => {
  const { plan, children, signal } = stage
  await startAll(stage, seedFor(plan.seed, plan.blocks))
  const callsNs: number[] = []
  for (const [index, child] of children) {
    if (signal?.aborted) break
    const { ns, batch } = await child.ask('warmUp', { ms: plan.warmUpMs, batch: 1 })
    callsNs.push(ns)
    const contender = plan.contenders[index]
    // What is measured later is measured like what was measured before.
    if (contender && isNew) contender.batch = batch
  }
  await endAll(stage)
  return callsNs
}

/** One block; undefined where it was interrupted: half a block says nothing. */
const measureBlock = async (stage: Stage, index: number): Promise<MicroBlock | undefined> => {
  const { plan, children, signal, say } = stage
  const startedAt = new Date().toISOString()
  const beganMs = performance.now()
  const seed = seedFor(plan.seed, index)
  say({ type: 'phase', phase: 'warming up', says: `block ${index + 1} of ${plan.blocks}` })
  await startAll(stage, seed)
  for (const [id, child] of children) {
    if (signal?.aborted) return undefined
    const batch = plan.contenders[id]?.batch ?? 1
    await child.ask('warmUp', { ms: plan.warmUpMs, batch })
  }

  say({ type: 'phase', phase: 'measuring', says: `block ${index + 1} of ${plan.blocks}` })
  const stealBefore = readSteal()
  const running = [...children.keys()]
  const slices: MicroBlock['slices'] = []
  const orderOf = (round: number) =>
    permutation(running.length, seedFor(seed, round)).map((i) => running[i] as number)
  for (let round = 0; round < plan.rounds; round++)
    for (const half of ['forward', 'mirrored'] as const)
      for (const contender of half === 'forward' ? orderOf(round) : orderOf(round).reverse()) {
        if (signal?.aborted) return undefined
        const child = children.get(contender) as Child
        const about = plan.contenders[contender] as MicroPlan['contenders'][number]
        const { wrong, ...figures } = await child.ask('slice', {
          ms: plan.sliceMs,
          batch: about.batch,
        })
        about.wrong ??= wrong
        slices.push({ contender, half, ...figures })
      }
  const stealAfter = readSteal()
  await endAll(stage)
  return {
    index,
    startedAt,
    seconds: (performance.now() - beganMs) / 1000,
    order: orderOf(0),
    steal:
      stealBefore && stealAfter
        ? (stealAfter.stolen - stealBefore.stolen) / Math.max(1, stealAfter.all - stealBefore.all)
        : null,
    slices,
  }
}

const halfWidthOf = ({ verdicts }: MicroMeasurement): number | null => {
  const widths = verdicts.flatMap(({ low, high }) =>
    low !== null && high !== null ? [Math.sqrt(high / low) - 1] : [],
  )
  return widths.length > 0 ? Math.max(...widths) : null
}

const secondsLeft = ({ blocks, plan }: MicroMeasurement): number =>
  ((plan.blocks - blocks.length) * blocks.reduce((sum, { seconds }) => sum + seconds, 0)) /
  blocks.length

export { microNames }
