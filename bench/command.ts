// `seesaw bench …`: from words to a measurement, and from a measurement to words.
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SeesawError } from '../core/errors.ts'
import { home, loadConfig } from '../core/load.ts'
import type { CapacityMeasurement } from './capacity-measurement.ts'
import { takeTurn } from './lock.ts'
import { thisMachine } from './machine.ts'
import type { Fault, Measurement, Metric, Plan, Preset } from './measurement.ts'
import type { MicroMeasurement } from './micro/harness/measurement.ts'
import { estimateSeconds, makePlan, type PlanOptions } from './plan.ts'
import { readPlan } from './plan-file.ts'
import {
  capacityToHtml,
  capacityToMarkdown,
  capacityToTerminal,
  readCapacity,
} from './report/capacity.ts'
import { readMeasurement, refuseUnwritable, reportFile, writeAside } from './report/file.ts'
import { toHtml } from './report/html.ts'
import { toMarkdown } from './report/markdown.ts'
import { microToHtml, microToMarkdown, microToTerminal, readMicro } from './report/micro.ts'
import { type TerminalOptions, terminalOptions, toTerminal } from './report/terminal.ts'
import { isRefuted, run } from './run.ts'
import { endLine, inMinutes, line, talkJson, talkToPerson } from './talk.ts'

export interface BenchOptions {
  variants?: string[]
  backends?: string[]
  knob?: Record<string, string>
  workers?: number
  workload?: string
  preset?: Preset
  load?: 'open' | 'closed' | 'both'
  rate?: number
  arrivals?: 'even' | 'poisson'
  metric?: Metric
  blocks?: number
  seed?: number
  fault?: Fault[]
  plan?: string
  json?: string
  md?: string
  html?: string
  resume?: string
  progress?: 'json'
  scenarios?: string
  selfTest?: boolean
  quick?: boolean
}

/** Measures what `targets` name and prints what can be said about it. */
export const bench = async (targets: string[], options: BenchOptions): Promise<void> => {
  if (options.selfTest) return proveHarness(options)
  if (options.resume !== undefined) {
    if (readCapacity(options.resume)) return capacity(undefined, options)
    if (readMicro(options.resume)) return micro(undefined, options)
  }
  const earlier = options.resume === undefined ? undefined : readUnfinished(options.resume)
  const asked = earlier ? askedOf(earlier) : withPlan(targets, options)
  const planned = await makePlan({
    ...asked,
    ...(options.scenarios === undefined ? {} : { scenariosFolder: options.scenarios }),
  })
  if (earlier) {
    refuseOtherMachine(earlier)
    refuseOther(earlier.plan, planned.plan)
  }
  const file = options.json ?? options.resume
  // Tried before anything is measured: minutes of load for a folder that is not there would hurt.
  for (const where of [file, options.md, options.html])
    if (where !== undefined) refuseUnwritable(where)
  const command = earlier?.command ?? commandLine(targets, options, planned.plan.seed)
  const talk = options.progress === 'json' ? talkJson : talkToPerson
  const interrupted = interruption()
  const seconds = estimateSeconds(planned.plan)
  if (options.progress !== 'json')
    process.stderr.write(`${summaryOf(planned.plan, seconds, earlier)}\n`)
  const turn = await takeTurn({
    signal: interrupted,
    onWait: (behind) => talk({ type: 'queued', behind }),
  })
  const { connections } = await loadConfig()
  let last: Measurement | undefined
  const keep = (measurement: Measurement) => {
    last = measurement
    if (file !== undefined) writeAside(file, serialised(measurement))
  }
  try {
    const measurement = await run({
      planned,
      seesaw: versionOf(),
      command,
      urls: connections,
      signal: interrupted,
      onProgress: talk,
      save: keep,
      ...(earlier ? { resume: earlier } : {}),
      ...(options.scenarios === undefined ? {} : { scenariosFolder: options.scenarios }),
    })
    conclude(measurement, options, file)
  } catch (error) {
    // What was measured before it went wrong is not lost.
    if (last && last.blocks.length > 0) {
      const kept = file ?? unfinishedFile(last)
      if (file === undefined) writeAside(kept, serialised(last))
      process.stderr.write(`\n${keptIn(last, kept)}\n`)
    }
    throw error
  } finally {
    turn.release()
  }
}

/** `seesaw bench --self-test` */
const proveHarness = async ({ quick = false, json }: BenchOptions): Promise<void> => {
  const { selfTest } = await import('./self-test.ts')
  const interrupted = interruption()
  process.stderr.write(
    quick
      ? 'The short way: about ten minutes. Without --quick every trial is run, which takes hours.\n'
      : `All trials take hours; ${json ? `what is done is kept in ${json}` : 'name a file by --json to have them in pieces'}.\n`,
  )
  const turn = await takeTurn({ signal: interrupted })
  try {
    const summaries = await selfTest({
      quick,
      ...(json === undefined ? {} : { file: json }),
      signal: interrupted,
      onProgress: line,
    })
    endLine()
    for (const { says, done, of, good, ok, figures, facts } of summaries) {
      if (of === 0) continue
      const mark = done < of ? '…' : ok ? '✓' : '✗'
      const seen = Object.entries(figures).map(
        ([name, value]) => `${name} ${Number(value.toPrecision(3))}`,
      )
      print(`${mark} ${says}: ${good} of ${done}${done < of ? `, ${of - done} not run` : ''}`)
      const held = Object.entries(facts).map(([fact, count]) => `${fact} ${count} of ${done}`)
      if (seen.length > 0) print(`    medians: ${seen.join(', ')}`)
      if (held.length > 0) print(`    ${held.join(', ')}`)
    }
    process.exitCode = summaries.every(({ ok, of, done }) => ok || of === 0 || done < of) ? 0 : 1
  } finally {
    turn.release()
  }
}

const conclude = (measurement: Measurement, options: BenchOptions, file?: string): void => {
  const finished = measurement.finishedAt !== null
  endLine()
  if (!finished) {
    if (measurement.blocks.length > 0) {
      const kept = file ?? unfinishedFile(measurement)
      if (file === undefined) writeAside(kept, serialised(measurement))
      process.stderr.write(`${keptIn(measurement, kept)}\n`)
    } else process.stderr.write('Interrupted before the first block had ended: nothing to keep.\n')
    process.exitCode = 130
    return
  }
  if (file !== undefined) writeAside(file, serialised(measurement))
  if (options.md !== undefined) writeAside(options.md, toMarkdown(measurement))
  if (options.html !== undefined) writeAside(options.html, toHtml(measurement))
  if (options.progress === 'json') {
    if (file !== undefined) talkJson({ type: 'result', file })
    talkJson({ type: 'done' })
  } else {
    print(toTerminal(measurement, terminalOptions(process.stdout)))
    for (const [what, where] of [
      ['measurement', file],
      ['report', options.html],
      ['summary', options.md],
    ])
      if (where !== undefined) print(`${what}: ${where}`)
  }
  const spoiled = measurement.verdicts.some((one) => !one.exploratory && one.verdict === 'invalid')
  process.exitCode = spoiled || isRefuted(measurement) ? 1 : 0
}

/** `seesaw bench micro`; without a name, what there is to compare, or what `--resume` names. */
export const micro = async (
  name: string | undefined,
  options: Pick<
    BenchOptions,
    'variants' | 'preset' | 'blocks' | 'seed' | 'json' | 'md' | 'html' | 'resume' | 'progress'
  >,
): Promise<void> => {
  const { listMicro, planMicro, runMicro } = await import('./micro.ts')
  const { variants, preset, blocks, json, md, html, resume } = options
  const earlier = resume === undefined ? undefined : readUnfinishedMicro(resume)
  const functions = earlier?.plan.name ?? name
  if (functions === undefined) {
    for (const one of await listMicro())
      print(`${one.name}  ${one.question}\n  ${one.variants.join(', ')}`)
    return
  }
  // Said now, and not when it is our turn.
  await planMicro(functions, { ...(variants && { variants }), ...(preset && { preset }), seed: 0 })
  const seed = earlier?.seed ?? options.seed ?? randomInt(2 ** 31)
  const file = json ?? resume
  for (const where of [file, md, html]) if (where !== undefined) refuseUnwritable(where)
  const talk = options.progress === 'json' ? talkJson : talkToPerson
  const interrupted = interruption()
  const turn = await takeTurn({
    signal: interrupted,
    onWait: (behind) => talk({ type: 'queued', behind }),
  })
  const keep = (measurement: MicroMeasurement) => {
    if (file !== undefined) writeAside(file, serialised(measurement))
  }
  try {
    const measurement = await runMicro(functions, {
      ...(variants && { variants }),
      ...(preset && { preset }),
      ...(blocks !== undefined && { blocks }),
      seed,
      seesaw: versionOf(),
      command: microLine(functions, options, seed),
      ...(earlier ? { resume: earlier } : {}),
      onProgress: talk,
      save: keep,
      signal: interrupted,
    })
    keep(measurement)
    if (md !== undefined) writeAside(md, microToMarkdown(measurement))
    if (html !== undefined) writeAside(html, microToHtml(measurement))
    endLine()
    if (measurement.finishedAt === null)
      keepPart(measurement, {
        file: file ?? `seesaw-micro-${functions}-${seed}.json`,
        isKept: file !== undefined,
        done: measurement.blocks.length,
        what: `${measurement.blocks.length} of ${measurement.plan.blocks} blocks`,
      })
    print(microToTerminal(measurement, terminalOptions(process.stdout)))
    const spoiled = measurement.verdicts.some(({ verdict }) => verdict === 'invalid')
    process.exitCode = measurement.finishedAt === null ? 130 : spoiled ? 1 : 0
  } finally {
    turn.release()
  }
}

const readUnfinishedMicro = (file: string): MicroMeasurement => {
  const earlier = readMicro(file)
  if (!earlier) throw new SeesawError('WRONG_USE', `${file} is no comparison of functions.`)
  if (earlier.finishedAt !== null) throw isFinished(file, `${earlier.plan.blocks} blocks are there`)
  refuseOtherMachine(earlier)
  return earlier
}

const isFinished = (file: string, all: string): SeesawError =>
  new SeesawError(
    'WRONG_USE',
    `${file} is finished: all ${all}. To measure anew leave --resume out.`,
  )

/** Says where the first part of an interrupted measurement is; puts it there unless it is kept already. */
const keepPart = (
  measurement: object,
  { file, isKept, done, what }: { file: string; isKept: boolean; done: number; what: string },
): void => {
  if (done === 0) {
    process.stderr.write('Interrupted before the first part had ended: nothing to keep.\n')
    return
  }
  if (!isKept) writeAside(file, serialised(measurement))
  process.stderr.write(`${what} are kept in ${file}. To go on: seesaw bench --resume ${file}\n`)
}

const microLine = (
  name: string,
  { variants, preset = 'quick', blocks }: Pick<BenchOptions, 'variants' | 'preset' | 'blocks'>,
  seed: number,
): string =>
  [
    `seesaw bench micro ${name} --preset ${preset} --seed ${seed}`,
    ...(variants ? [`--variants ${variants}`] : []),
    ...(blocks === undefined ? [] : [`--blocks ${blocks}`]),
  ].join(' ')

/** `seesaw bench capacity`; without a setup it goes on with what `--resume` names. */
export const capacity = async (
  setup: string | undefined,
  options: Pick<
    BenchOptions,
    | 'knob'
    | 'workload'
    | 'workers'
    | 'arrivals'
    | 'seed'
    | 'progress'
    | 'scenarios'
    | 'json'
    | 'md'
    | 'html'
    | 'resume'
  > & { seconds?: number },
): Promise<void> => {
  const { chooseSubject, estimateCapacitySeconds, measureCapacity } = await import('./capacity.ts')
  const { knob, workers, arrivals, seed, seconds, json, md, html, resume } = options
  const earlier = resume === undefined ? undefined : readUnfinishedCapacity(resume)
  const target = earlier?.setup ?? setup
  if (target === undefined)
    throw new SeesawError('WRONG_USE', 'Name a setup to measure, such as rate-limits/gcra@redis.')
  const workload = earlier?.workload ?? options.workload
  const subject = {
    ...(knob && { knobs: knob }),
    ...(workload !== undefined && { workload }),
    ...(options.scenarios === undefined ? {} : { scenariosFolder: options.scenarios }),
  }
  // Said before it waits its turn.
  await chooseSubject(target, subject)
  const file = json ?? resume
  for (const where of [file, md, html]) if (where !== undefined) refuseUnwritable(where)
  const hold = seconds === undefined ? {} : { holdMs: seconds * 1000 }
  const talk = options.progress === 'json' ? talkJson : talkToPerson
  const interrupted = interruption()
  if (options.progress !== 'json')
    process.stderr.write(
      `How much can ${target} take? About ${inMinutes(estimateCapacitySeconds(hold, earlier))}.\n`,
    )
  const turn = await takeTurn({
    signal: interrupted,
    onWait: (behind) => talk({ type: 'queued', behind }),
  })
  const keep = (measurement: CapacityMeasurement) => {
    if (file !== undefined) writeAside(file, serialised(measurement))
  }
  try {
    const { connections } = await loadConfig()
    const measurement = await measureCapacity(target, {
      ...subject,
      ...(workers !== undefined && { workers }),
      ...(arrivals && { arrivals }),
      ...(seed !== undefined && { seed }),
      ...hold,
      urls: connections,
      seesaw: versionOf(),
      command: capacityCommand(target, options),
      ...(earlier ? { resume: earlier } : {}),
      onProgress: talk,
      save: keep,
      signal: interrupted,
    })
    keep(measurement)
    if (md !== undefined) writeAside(md, capacityToMarkdown(measurement))
    if (html !== undefined) writeAside(html, capacityToHtml(measurement))
    endLine()
    if (measurement.finishedAt === null)
      keepPart(measurement, {
        file: file ?? `seesaw-capacity-${measurement.scenario}-${measurement.seed}.json`,
        isKept: file !== undefined,
        done: measurement.holds.length,
        what: `${measurement.holds.length} of ${2 * measurement.rates.length} holds`,
      })
    if (options.progress === 'json') {
      if (json !== undefined) talkJson({ type: 'result', file: json })
      talkJson({ type: 'done' })
    } else print(capacityToTerminal(measurement, terminalOptions(process.stdout)))
    process.exitCode = measurement.finishedAt === null ? 130 : measurement.knee === null ? 1 : 0
  } finally {
    turn.release()
  }
}

const readUnfinishedCapacity = (file: string): CapacityMeasurement => {
  const earlier = readCapacity(file)
  if (!earlier) throw new SeesawError('WRONG_USE', `${file} is no measurement of a capacity.`)
  if (earlier.finishedAt !== null)
    throw isFinished(file, `${earlier.rates.length} rates were held twice`)
  refuseOtherMachine(earlier)
  return earlier
}

const capacityCommand = (
  setup: string,
  options: Pick<BenchOptions, 'knob' | 'workload' | 'workers' | 'arrivals'> & { seconds?: number },
): string => {
  const { knob = {}, workload, workers, arrivals, seconds } = options
  const words = Object.entries({ workload, workers, arrivals, seconds }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  )
  const knobs = Object.entries(knob).map(([name, value]) => `--knob ${name}=${value}`)
  return ['seesaw bench capacity', setup, ...words, ...knobs].join(' ')
}

/** Ctrl-C ends what is measured in good order, a second one at once. */
const interruption = (): AbortSignal => {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(130)
    process.stderr.write(
      '\nStopping after the slice that is under way; Ctrl-C again to leave now.\n',
    )
    controller.abort(new SeesawError('BUSY', 'Interrupted before it began.'))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  return controller.signal
}

/** `seesaw bench report` */
export const report = async (
  file: string,
  options: { html?: string; md?: string },
): Promise<void> => {
  const ofCapacity = readCapacity(file)
  if (ofCapacity)
    return put(options, {
      html: () => capacityToHtml(ofCapacity),
      md: () => capacityToMarkdown(ofCapacity),
      text: (look) => capacityToTerminal(ofCapacity, look),
    })
  const ofFunctions = readMicro(file)
  if (ofFunctions)
    return put(options, {
      html: () => microToHtml(ofFunctions),
      md: () => microToMarkdown(ofFunctions),
      text: (look) => microToTerminal(ofFunctions, look),
    })
  const { measurement, differences } = await reportFile(file, options)
  if (options.html === undefined && options.md === undefined)
    print(toTerminal(measurement, terminalOptions(process.stdout)))
  for (const difference of differences) process.stderr.write(`${difference}\n`)
}

/** Into the files that are asked for; without any, on the terminal. */
const put = (
  { html, md }: { html?: string; md?: string },
  as: { html(): string; md(): string; text(look: TerminalOptions): string },
): void => {
  if (html !== undefined) writeAside(html, as.html())
  if (md !== undefined) writeAside(md, as.md())
  if (html === undefined && md === undefined) print(as.text(terminalOptions(process.stdout)))
}

/** `seesaw bench compare` */
export const compare = async (
  older: string,
  newer: string,
  options: { json?: boolean; md?: string },
): Promise<void> => {
  const { compareRuns, comparisonToMarkdown, comparisonToText } = await import('./compare-runs.ts')
  const comparison = compareRuns(
    readMeasurement(older).measurement,
    readMeasurement(newer).measurement,
  )
  if (options.md !== undefined) writeAside(options.md, comparisonToMarkdown(comparison))
  print(options.json ? JSON.stringify(comparison, null, 2) : comparisonToText(comparison))
  process.exitCode = comparison.exitCode
}

const readUnfinished = (file: string): Measurement => {
  const { measurement } = readMeasurement(file)
  if (measurement.finishedAt === null) return measurement
  throw isFinished(file, `${measurement.plan.blocks} blocks are there`)
}

/** What a measurement that goes on was asked for. */
const askedOf = ({ plan, seed }: Measurement): PlanOptions => ({
  targets: plan.contenders.flatMap(({ reference, setup }) => (reference ? [] : [setup])),
  workload: plan.workload,
  workers: plan.workers,
  preset: plan.preset,
  load: plan.load,
  blocks: plan.blocks,
  metric: plan.primary,
  seed,
})

/** Blocks of two machines are no blocks of one measurement. */
const refuseOtherMachine = ({ machine }: Pick<Measurement, 'machine'>): void => {
  const inWords = ({ cpu, cores, node }: ReturnType<typeof thisMachine>) =>
    `${cpu}, ${cores} cores, Node ${node}`
  const [then, now] = [inWords(machine), inWords(thisMachine())]
  if (then !== now)
    throw new SeesawError(
      'WRONG_USE',
      `It was begun on another machine (${then}; this is ${now}): go on there, or leave --resume out.`,
    )
}

/** A learner's own variant may be another one by now, under the same name. */
const refuseOther = (began: Plan, now: Plan): void => {
  const titles = ({ contenders }: Plan) => contenders.map(({ title }) => title).join(' · ')
  if (titles(began) !== titles(now))
    throw new SeesawError(
      'WRONG_USE',
      `It began with ${titles(began)}, and what there is now is ${titles(now)}: measure it anew.`,
    )
}

/** The options of a plan in bench/plans/ or in a file of one's own; what is said besides goes before. */
const withPlan = (targets: string[], options: BenchOptions): PlanOptions => {
  const { variants, backends, knob, workers, workload, preset, load } = options
  const { rate, arrivals, metric, blocks, seed, fault } = options
  const said = {
    ...(variants && { variants }),
    ...(backends && { backends }),
    ...(knob && { knobs: knob }),
    ...(workers !== undefined && { workers }),
    ...(workload !== undefined && { workload }),
    ...(preset && { preset }),
    ...(load && { load }),
    ...(rate !== undefined && { ratePerSecond: rate }),
    ...(arrivals && { arrivals }),
    ...(metric && { metric }),
    ...(blocks !== undefined && { blocks }),
    ...(seed !== undefined && { seed }),
    ...(fault && { faults: fault }),
  }
  if (options.plan === undefined) return { targets, ...said }
  const written = readPlan(options.plan)
  return { ...written, ...(targets.length > 0 ? { targets } : {}), ...said }
}

const serialised = (measurement: object): string => `${JSON.stringify(measurement)}\n`

const unfinishedFile = ({ plan, seed }: Measurement): string =>
  `seesaw-${plan.scenario}-${seed}.json`

const keptIn = ({ blocks, plan, timelines }: Measurement, file: string): string => {
  const watched = plan.contenders.filter(({ reference }) => !reference).length
  const faulty =
    plan.faults.length > 0 ? ` and ${timelines.length} of ${watched} runs with faults` : ''
  return `${blocks.length} of ${plan.blocks} blocks${faulty} are kept in ${file}. To go on: seesaw bench --resume ${file}`
}

const versionOf = (): string =>
  (JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string }).version

/** The line that does the same again, its seed included. */
const commandLine = (targets: string[], options: BenchOptions, seed: number): string => {
  const { json, md, html, progress, resume, knob, fault, ...rest } = options
  const words = Object.entries({ ...rest, seed }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  )
  const knobs = Object.entries(knob ?? {}).flatMap(([name, value]) => [
    '--knob',
    `${name}=${value}`,
  ])
  const faults = (fault ?? []).flatMap((one) => [
    '--fault',
    `${one.do}:${one.backend}@${one.atMs / 1000}`,
  ])
  return ['seesaw', 'bench', ...targets, ...words, ...knobs, ...faults].join(' ')
}

const summaryOf = (
  plan: Measurement['plan'],
  seconds: number,
  earlier: Measurement | undefined,
): string => {
  const setups = plan.contenders.filter(({ reference }) => !reference)
  const left = earlier ? 1 - earlier.blocks.length / plan.blocks : 1
  return (
    `${plan.question}\n` +
    setups.map(({ name, setup }) => `  ${name}  ${setup}`).join('\n') +
    `\nWorkload ${plan.workload}: ${plan.says}\n` +
    `${plan.blocks} blocks, ${plan.preset}, seed ${plan.seed}; about ${inMinutes(seconds * left)}.`
  )
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}
