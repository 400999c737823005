// `seesaw bench …`: from words to a measurement, and from a measurement to words.
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Progress } from '#core/measurement/events'
import type { MicroMeasurement, MicroPlan } from '#core/measurement/micro'
import type { Measurement, Plan } from '#core/measurement/run'
import { home, loadConfig } from '../../core/course/find.ts'
import { SeesawError } from '../../core/errors.ts'
import type { CapacityMeasurement } from '../capacity/measurement.ts'
import { estimateSeconds, makePlan, type Planned, type PlanOptions } from '../plan/plan.ts'
import { readPlan } from '../plan/plan-file.ts'
import {
  capacityToHtml,
  capacityToMarkdown,
  capacityToTerminal,
  readCapacity,
} from '../report/capacity.ts'
import { readMeasurement, refuseUnwritable, reportFile, writeAside } from '../report/file.ts'
import { toHtml } from '../report/html.ts'
import { toMarkdown } from '../report/markdown.ts'
import { microToHtml, microToMarkdown, microToTerminal, readMicro } from '../report/micro.ts'
import { metricWords } from '../report/summary.ts'
import { type TerminalOptions, terminalOptions, toTerminal } from '../report/terminal.ts'
import { interruption, wasInterrupted } from '../run/interruption.ts'
import { thisMachine } from '../run/machine.ts'
import { isRefuted, run } from '../run/run.ts'
import { type Keeper, keeper } from './keeper.ts'
import { takeTurn } from './lock.ts'
import { type BenchOptions, jsonFile, refuseOtherLine, refuseUnused } from './options.ts'
import { endLine, inMinutes, line, talkJson, talkToPerson } from './talk.ts'

/** Lets this process meet the variants of one's own that these targets name. */
type HoldMine = (targets: readonly string[]) => Promise<void>

/** Measures what `targets` name and prints what can be said about it. */
export const bench = async (
  targets: string[],
  options: BenchOptions,
  holdMine: HoldMine,
): Promise<void> => {
  if (options.selfTest) return proveHarness(targets, options)
  const { resume, md, html } = options
  // What goes on says itself of which kind it is.
  if (resume !== undefined && targets.length === 0) {
    if (readCapacity(resume)) return capacity(undefined, options, holdMine)
    if (readMicro(resume)) return micro(undefined, options)
  }
  refuseUnused('measure', options)
  const file = jsonFile(options) ?? resume
  const earlier = resume === undefined ? undefined : readUnfinished(resume)
  if (earlier)
    refuseOtherLine(earlier, commandLine(targets, options, earlier.seed), options, targets)
  const asked = earlier ? askedOf(earlier) : withPlan(targets, options)
  await holdMine(namesIn(asked))
  const planned = await makePlan({
    ...asked,
    ...(options.scenarios === undefined ? {} : { scenariosFolder: options.scenarios }),
  })
  if (earlier) refuseOther(earlier.plan, planned.plan)
  // Tried before anything is measured: minutes of load for a folder that is not there would hurt.
  for (const where of [file, md, html]) if (where !== undefined) refuseUnwritable(where)
  const talk = options.progress === 'json' ? talkJson : talkToPerson
  const interrupted = interruption()
  if (options.progress !== 'json') process.stderr.write(`${summaryOf(planned, earlier)}\n`)
  const turn = await takeOurTurn(interrupted, talk)
  const { connections } = await loadConfig()
  const kept = keeper<Measurement>({
    file,
    ownFile: ({ plan, seed }) => `seesaw-${plan.scenario}-${seed}.json`,
    partOf: blocksInWords,
    begun: earlier && resume !== undefined ? { measurement: earlier, file: resume } : undefined,
    goOn: goOnLine(options),
  })
  try {
    const measurement = await run({
      planned,
      seesaw: versionOf(),
      command: earlier?.command ?? commandLine(targets, options, planned.plan.seed),
      urls: connections,
      signal: interrupted,
      onProgress: talk,
      save: kept.keep,
      ...(earlier ? { resume: earlier } : {}),
      ...(options.scenarios === undefined ? {} : { scenariosFolder: options.scenarios }),
    })
    conclude(measurement, kept, { ...options, file })
  } catch (error) {
    if (await isFromInterrupting(error, interrupted)) return endInterrupted(kept)
    // What was measured before it went wrong is not lost.
    kept.tellFailed()
    throw error
  } finally {
    turn.release()
  }
}

/** `seesaw bench --self-test` */
const proveHarness = async (targets: string[], options: BenchOptions): Promise<void> => {
  refuseUnused('selfTest', options, targets)
  const { quick = false } = options
  const json = jsonFile(options)
  const { selfTest } = await import('../self-test/self-test.ts')
  const interrupted = interruption()
  process.stderr.write(
    quick
      ? 'The short way: about ten minutes. Without --quick every trial is run, which takes hours.\n'
      : `All trials take hours; ${json ? `what is done is kept in ${json}` : 'name a file by --json to have them in pieces'}.\n`,
  )
  const turn = await takeOurTurn(interrupted, talkToPerson)
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
    const proved = summaries.every(({ ok, of }) => ok || of === 0)
    process.exitCode = interrupted.aborted ? 130 : proved ? 0 : 1
  } finally {
    turn.release()
  }
}

const conclude = (
  measurement: Measurement,
  kept: Keeper<Measurement>,
  {
    file,
    md,
    html,
    progress,
  }: Pick<BenchOptions, 'md' | 'html' | 'progress'> & { file?: string | undefined },
): void => {
  if (measurement.finishedAt === null) {
    endInterrupted(kept)
    return
  }
  kept.keep(measurement)
  if (md !== undefined) writeAside(md, toMarkdown(measurement))
  if (html !== undefined) writeAside(html, toHtml(measurement))
  if (progress === 'json') talkResult(file)
  else {
    endLine()
    print(toTerminal(measurement, terminalOptions(process.stdout)))
    for (const [what, where] of [
      ['measurement', file],
      ['report', html],
      ['summary', md],
    ])
      if (where !== undefined) print(`${what}: ${where}`)
  }
  const spoiled = measurement.verdicts.some((one) => !one.exploratory && one.verdict === 'invalid')
  process.exitCode = spoiled || isRefuted(measurement) ? 1 : 0
}

const endInterrupted = (kept: { tellInterrupted(): void }): void => {
  kept.tellInterrupted()
  process.exitCode = 130
}

/** What goes wrong after Ctrl-C is of no interest, unless it is what keeps the measurement from being kept. */
const isFromInterrupting = async (error: unknown, interrupted: AbortSignal): Promise<boolean> =>
  !(error instanceof SeesawError && error.code === 'FILE_NOT_WRITTEN') &&
  (await wasInterrupted(interrupted))

/** The last that is said to a program. */
const talkResult = (file: string | undefined): void => {
  if (file !== undefined) talkJson({ type: 'result', file })
  talkJson({ type: 'done' })
}

/** `seesaw bench micro`; without a name, what there is to compare, or what `--resume` names. */
export const micro = async (name: string | undefined, options: BenchOptions): Promise<void> => {
  const { listMicro, planMicro, runMicro } = await import('../micro/harness/run.ts')
  const { md, html, resume } = options
  refuseUnused('micro', options)
  const file = jsonFile(options) ?? resume
  const earlier = resume === undefined ? undefined : readUnfinishedMicro(resume)
  const functions = earlier?.plan.name ?? name
  if (earlier)
    refuseOtherLine(
      earlier,
      microLine(name ?? earlier.plan.name, options, earlier.seed),
      options,
      name === undefined ? [] : [name],
    )
  if (functions === undefined) {
    for (const one of await listMicro())
      print(`${one.name}  ${one.question}\n  ${one.variants.join(', ')}`)
    return
  }
  const { variants, preset, blocks } = earlier ? askedOfMicro(earlier) : options
  const asked = {
    ...(variants && { variants }),
    ...(preset && { preset }),
    ...(blocks !== undefined && { blocks }),
    seed: earlier?.seed ?? options.seed ?? randomInt(2 ** 31),
  }
  // Said now, and not when it is our turn.
  const plan = await planMicro(functions, asked)
  for (const where of [file, md, html]) if (where !== undefined) refuseUnwritable(where)
  const isForPrograms = options.progress === 'json'
  const talk = (event: Progress) => {
    if (isForPrograms) return talkJson(event)
    // How long a call takes nobody knows before each has been tried.
    if (event.type === 'plan') {
      endLine()
      process.stderr.write(`${microSummary(plan, event.seconds)}\n`)
    } else talkToPerson(event)
  }
  const interrupted = interruption()
  const turn = await takeOurTurn(interrupted, talk)
  const kept = keeper<MicroMeasurement>({
    file,
    ownFile: ({ seed }) => `seesaw-micro-${functions}-${seed}.json`,
    partOf: ({ blocks, plan }) =>
      blocks.length > 0 ? `${blocks.length} of ${plan.blocks} blocks` : '',
    begun: earlier && resume !== undefined ? { measurement: earlier, file: resume } : undefined,
    goOn: goOnLine(options),
  })
  try {
    const measurement = await runMicro(functions, {
      ...asked,
      seesaw: versionOf(),
      command: microLine(functions, options, asked.seed),
      ...(earlier ? { resume: earlier } : {}),
      onProgress: talk,
      save: kept.keep,
      signal: interrupted,
    })
    tell(measurement, kept, options, formsOfFunctions(measurement))
    if (measurement.finishedAt === null) return endInterrupted(kept)
    if (isForPrograms) talkResult(file)
    const spoiled = measurement.verdicts.some(({ verdict }) => verdict === 'invalid')
    process.exitCode = spoiled ? 1 : 0
  } catch (error) {
    if (await isFromInterrupting(error, interrupted)) return endInterrupted(kept)
    kept.tellFailed()
    throw error
  } finally {
    turn.release()
  }
}

const microSummary = (
  { question, contenders, blocks, preset, seed }: MicroPlan,
  seconds: number,
): string =>
  `${question}\n` +
  contenders.map(({ name, title, variant }) => `  ${name}  ${title} (${variant})`).join('\n') +
  `\n${blocks} blocks, ${preset}, seed ${seed}; about ${inMinutes(seconds)}.`

/** What a comparison of functions that goes on was asked for. */
const askedOfMicro = ({ plan }: MicroMeasurement) => ({
  variants: plan.contenders.map(({ variant }) => variant),
  preset: plan.preset,
  blocks: plan.blocks,
})

const readUnfinishedMicro = (file: string): MicroMeasurement => {
  const earlier = readMicro(file)
  if (!earlier) throw new SeesawError('WRONG_USE', `${file} is no comparison of functions.`)
  if (earlier.finishedAt !== null) throw isFinished(file, `${earlier.plan.blocks} blocks are there`)
  refuseToMix(earlier)
  return earlier
}

const isFinished = (file: string, all: string): SeesawError =>
  new SeesawError(
    'WRONG_USE',
    `${file} is finished: all ${all}. To measure anew leave --resume out.`,
  )

/** What goes on with what is in a file, from the same folders. */
const goOnLine =
  ({ scenarios, data }: Pick<BenchOptions, 'scenarios' | 'data'>) =>
  (file: string): string =>
    [
      `npx seesaw bench --resume ${file}`,
      ...(scenarios === undefined ? [] : [`--scenarios ${scenarios}`]),
      ...(data === undefined ? [] : [`--data ${data}`]),
    ].join(' ')

const microLine = (
  name: string,
  { variants, preset = 'quick', blocks }: Pick<BenchOptions, 'variants' | 'preset' | 'blocks'>,
  seed: number,
): string =>
  [
    `npx seesaw bench micro ${name} --preset ${preset} --seed ${seed}`,
    ...(variants ? [`--variants ${variants}`] : []),
    ...(blocks === undefined ? [] : [`--blocks ${blocks}`]),
  ].join(' ')

/** `seesaw bench capacity`; without a setup it goes on with what `--resume` names. */
export const capacity = async (
  setup: string | undefined,
  options: BenchOptions,
  holdMine: HoldMine,
): Promise<void> => {
  const { chooseSubject, estimateCapacitySeconds, measureCapacity } = await import(
    '../capacity/capacity.ts'
  )
  const { knob, workers, arrivals, seed, seconds, md, html, resume } = options
  refuseUnused('capacity', options)
  const file = jsonFile(options) ?? resume
  const earlier = resume === undefined ? undefined : readUnfinishedCapacity(resume)
  const target = earlier?.setup ?? setup
  if (target === undefined)
    throw new SeesawError('WRONG_USE', 'Name a setup to measure, such as rate-limits/gcra@redis.')
  if (earlier)
    refuseOtherLine(
      earlier,
      `${capacityCommand(setup ?? target, options)} --seed ${earlier.seed}`,
      options,
      setup === undefined ? [] : [setup],
    )
  await holdMine([target])
  const workload = earlier?.workload ?? options.workload
  const subject = {
    ...(knob && { knobs: knob }),
    ...(workload !== undefined && { workload }),
    ...(options.scenarios === undefined ? {} : { scenariosFolder: options.scenarios }),
  }
  // Said before it waits its turn.
  await chooseSubject(target, subject)
  for (const where of [file, md, html]) if (where !== undefined) refuseUnwritable(where)
  const hold = seconds === undefined ? {} : { holdMs: seconds * 1000 }
  const talk = options.progress === 'json' ? talkJson : talkToPerson
  const interrupted = interruption()
  if (options.progress !== 'json')
    process.stderr.write(
      `How much can ${target} take? About ${inMinutes(estimateCapacitySeconds(hold, earlier))}.\n`,
    )
  const turn = await takeOurTurn(interrupted, talk)
  const kept = keeper<CapacityMeasurement>({
    file,
    ownFile: ({ scenario, seed }) => `seesaw-capacity-${scenario}-${seed}.json`,
    partOf: ({ holds, rates }) =>
      holds.length > 0 ? `${holds.length} of ${2 * rates.length} holds` : '',
    begun: earlier && resume !== undefined ? { measurement: earlier, file: resume } : undefined,
    goOn: goOnLine(options),
  })
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
      save: kept.keep,
      signal: interrupted,
    })
    tell(measurement, kept, options, formsOfCapacity(measurement))
    if (measurement.finishedAt === null) return endInterrupted(kept)
    if (options.progress === 'json') talkResult(file)
    process.exitCode = measurement.knee === null ? 1 : 0
  } catch (error) {
    if (await isFromInterrupting(error, interrupted)) return endInterrupted(kept)
    kept.tellFailed()
    throw error
  } finally {
    turn.release()
  }
}

const readUnfinishedCapacity = (file: string): CapacityMeasurement => {
  const earlier = readCapacity(file)
  if (!earlier) throw new SeesawError('WRONG_USE', `${file} is no measurement of a capacity.`)
  if (earlier.finishedAt !== null)
    throw isFinished(file, `${earlier.rates.length} rates were held twice`)
  if (earlier.holds.length > 0 && earlier.heldMs === undefined)
    throw new SeesawError(
      'WRONG_USE',
      `${file} does not say how long each of its rates is held, as files of an older Seesaw do not; so it ` +
        'cannot go on. Leave --resume out to measure anew.',
    )
  refuseToMix(earlier)
  return earlier
}

const capacityCommand = (
  setup: string,
  options: Pick<BenchOptions, 'knob' | 'workload' | 'workers' | 'arrivals' | 'seconds'>,
): string => {
  const { knob = {}, workload, workers, arrivals, seconds } = options
  const words = Object.entries({ workload, workers, arrivals, seconds }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  )
  const knobs = Object.entries(knob).map(([name, value]) => `--knob ${name}=${value}`)
  return ['npx seesaw bench capacity', setup, ...words, ...knobs].join(' ')
}

/** Waits until nobody else measures, and says for whom. */
const takeOurTurn = (interrupted: AbortSignal, talk: (event: Progress) => void) =>
  takeTurn({ signal: interrupted, onWait: (behind) => talk({ type: 'queued', behind }) })

/** `seesaw bench report` */
export const report = async (file: string, options: BenchOptions): Promise<void> => {
  refuseUnused('report', options)
  const ofCapacity = readCapacity(file)
  if (ofCapacity) return put(options, formsOfCapacity(ofCapacity))
  const ofFunctions = readMicro(file)
  if (ofFunctions) return put(options, formsOfFunctions(ofFunctions))
  const { measurement, differences } = await reportFile(file, options)
  if (options.html === undefined && options.md === undefined)
    print(toTerminal(measurement, terminalOptions(process.stdout)))
  for (const difference of differences) process.stderr.write(`${difference}\n`)
}

/** The forms that a report has. */
interface Forms {
  html(): string
  md(): string
  text(look: TerminalOptions): string
}

const formsOfCapacity = (measurement: CapacityMeasurement): Forms => ({
  html: () => capacityToHtml(measurement),
  md: () => capacityToMarkdown(measurement),
  text: (look) => capacityToTerminal(measurement, look),
})

const formsOfFunctions = (measurement: MicroMeasurement): Forms => ({
  html: () => microToHtml(measurement),
  md: () => microToMarkdown(measurement),
  text: (look) => microToTerminal(measurement, look),
})

/** Into the files that are asked for; without any, on the terminal. */
const put = ({ html, md }: Pick<BenchOptions, 'html' | 'md'>, as: Forms): void => {
  write({ html, md }, as)
  if (html === undefined && md === undefined) print(as.text(terminalOptions(process.stdout)))
}

const write = (
  { html, md }: { html: string | undefined; md: string | undefined },
  as: Forms,
): void => {
  if (md !== undefined) writeAside(md, as.md())
  if (html !== undefined) writeAside(html, as.html())
}

/** What has been measured, also of one that was interrupted: kept, written, and shown to a person. */
const tell = <Stored>(
  measurement: Stored,
  kept: Keeper<Stored>,
  { html, md, progress }: BenchOptions,
  as: Forms,
): void => {
  kept.keep(measurement)
  if (!kept.isWorthKeeping(measurement)) return
  write({ html, md }, as)
  if (progress === 'json') return
  endLine()
  print(as.text(terminalOptions(process.stdout)))
}

/** `seesaw bench compare`; with `--json` and no file, or `-`, JSON and nothing else on standard output. */
export const compare = async (
  older: string,
  newer: string,
  options: BenchOptions,
): Promise<void> => {
  refuseUnused('compare', options)
  const { compareRuns, comparisonToMarkdown, comparisonToText } = await import(
    '../compare/compare-runs.ts'
  )
  const comparison = compareRuns(
    readMeasurement(older).measurement,
    readMeasurement(newer).measurement,
  )
  const { json, md } = options
  const text = JSON.stringify(comparison, null, 2)
  if (md !== undefined) writeAside(md, comparisonToMarkdown(comparison))
  if (json === true || json === '-') print(text)
  else {
    if (json !== undefined) writeAside(json, `${text}\n`)
    print(comparisonToText(comparison))
  }
  process.exitCode = comparison.exitCode
}

const readUnfinished = (file: string): Measurement => {
  const { measurement } = readMeasurement(file)
  if (measurement.finishedAt !== null)
    throw isFinished(file, `${measurement.plan.blocks} blocks are there`)
  refuseToMix(measurement)
  return measurement
}

/** What a measurement that goes on was asked for; what its load is to tell stands in its plan. */
const askedOf = ({ plan, seed }: Measurement): PlanOptions => ({
  targets: plan.contenders.flatMap(({ reference, setup }) => (reference ? [] : [setup])),
  workload: plan.workload,
  workers: plan.workers,
  preset: plan.preset,
  load: plan.load,
  blocks: plan.blocks,
  faults: plan.faults,
  seed,
})

/** What is asked for by name, variants as in `rate-limits/gcra`. */
const namesIn = ({ targets, variants = [] }: PlanOptions): string[] => [
  ...targets,
  ...targets.flatMap((target) => variants.map((variant) => `${target.split('/')[0]}/${variant}`)),
]

/** Blocks of two machines, or of two versions, are no blocks of one measurement. */
const refuseToMix = ({ machine, seesaw }: Pick<Measurement, 'machine' | 'seesaw'>): void => {
  const inWords = ({ cpu, cores, node }: ReturnType<typeof thisMachine>) =>
    `${cpu}, ${cores} cores, Node ${node}`
  const [then, now] = [inWords(machine), inWords(thisMachine())]
  if (then !== now)
    throw new SeesawError(
      'WRONG_USE',
      `It was begun on another machine (${then}; this is ${now}): go on there, or leave --resume out.`,
    )
  if (seesaw !== versionOf())
    throw new SeesawError(
      'WRONG_USE',
      `It was begun by Seesaw ${seesaw}, and this is ${versionOf()}: go on with that one, or leave --resume out.`,
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

/** `3 of 6 blocks`, and how many were watched where things go wrong; empty where nothing is measured. */
const blocksInWords = ({ blocks, plan, timelines }: Measurement): string => {
  if (blocks.length === 0) return ''
  const watched = plan.contenders.filter(({ reference }) => !reference).length
  const faulty =
    plan.faults.length > 0 ? ` and ${timelines.length} of ${watched} runs with faults` : ''
  return `${blocks.length} of ${plan.blocks} blocks${faulty}`
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
  return ['npx', 'seesaw', 'bench', ...targets, ...words, ...knobs, ...faults].join(' ')
}

const summaryOf = ({ plan: made, untold }: Planned, earlier: Measurement | undefined): string => {
  const plan = earlier?.plan ?? made
  const setups = plan.contenders.filter(({ reference }) => !reference)
  return [
    plan.question,
    ...setups.map(({ name, setup }) => `  ${name}  ${setup}`),
    `Workload ${plan.workload}: ${plan.says}`,
    ...(untold && !earlier
      ? [
          `${metricWords[untold].label} cannot be told of a load that is ${plan.load}, so ${metricWords[plan.primary].label} is what the verdict is about.`,
        ]
      : []),
    `${plan.blocks} blocks, ${plan.preset}, seed ${plan.seed}; about ${inMinutes(estimateSeconds(plan, earlier))}.`,
  ].join('\n')
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}
