// `seesaw bench`: setups of one scenario against each other.
import { metricFacts } from '#core/measurement/metrics'
import type { Measurement, Plan } from '#core/measurement/run'
import { loadConfig } from '../../core/course/find.ts'
import { SeesawError } from '../../core/errors.ts'
import { estimateSeconds, makePlan, type Planned, type PlanOptions } from '../plan/plan.ts'
import { readPlan } from '../plan/plan-file.ts'
import { readCapacity } from '../report/capacity.ts'
import { readMeasurement } from '../report/file.ts'
import { toHtml } from '../report/html.ts'
import { toMarkdown } from '../report/markdown.ts'
import { readMicro } from '../report/micro.ts'
import { toTerminal } from '../report/terminal.ts'
import { isRefuted, run } from '../run/run.ts'
import { capacity } from './capacity.ts'
import type { Forms } from './forms.ts'
import { micro } from './micro.ts'
import { type BenchOptions, type HoldMine, refuseOtherLine, refuseUnused } from './options.ts'
import { isFinished, refuseToMix, seesawVersion } from './resume.ts'
import { proveHarness } from './self-test.ts'
import { fileOf, runSession } from './session.ts'
import { inMinutes } from './talk.ts'

/** Measures what `targets` name and prints what can be said about it. */
export const bench = async (
  targets: string[],
  options: BenchOptions,
  holdMine: HoldMine,
): Promise<void> => {
  if (options.selfTest) return proveHarness(targets, options)
  const { resume } = options
  // What goes on says itself of which kind it is.
  if (resume !== undefined && targets.length === 0) {
    if (readCapacity(resume)) return capacity(undefined, options, holdMine)
    if (readMicro(resume)) return micro(undefined, options)
  }
  refuseUnused('measure', options)
  const file = fileOf(options)
  const earlier = resume === undefined ? undefined : readUnfinished(resume)
  if (earlier)
    refuseOtherLine(earlier, commandLine(targets, options, earlier.seed), options, targets)
  const asked = earlier ? askedOf(earlier) : withPlan(targets, options)
  const scenariosFolder =
    options.scenarios === undefined ? {} : { scenariosFolder: options.scenarios }
  await holdMine(namesIn(asked))
  const planned = await makePlan({ ...asked, ...scenariosFolder })
  if (earlier) refuseOther(earlier.plan, planned.plan)
  await runSession<Measurement>(
    {
      earlier,
      summary: summaryOf(planned, earlier),
      ownFile: ({ plan, seed }) => `seesaw-${plan.scenario}-${seed}.json`,
      partOf: blocksInWords,
      measure: async (around) =>
        run({
          planned,
          seesaw: seesawVersion(),
          command: earlier?.command ?? commandLine(targets, options, planned.plan.seed),
          urls: (await loadConfig()).connections,
          ...(earlier ? { resume: earlier } : {}),
          ...scenariosFolder,
          ...around,
        }),
      // Blocks that are too few would be read as a result.
      forms: (measurement) =>
        measurement.finishedAt === null ? undefined : formsOf(measurement, { ...options, file }),
      isSpoiled: (measurement) =>
        measurement.verdicts.some((one) => !one.exploratory && one.verdict === 'invalid') ||
        isRefuted(measurement),
    },
    options,
  )
}

const formsOf = (
  measurement: Measurement,
  { file, html, md }: Pick<BenchOptions, 'html' | 'md'> & { file: string | undefined },
): Forms => ({
  html: () => toHtml(measurement),
  md: () => toMarkdown(measurement),
  text: (look) => {
    const places = Object.entries({ measurement: file, report: html, summary: md })
    return [
      toTerminal(measurement, look),
      ...places.flatMap(([what, where]) => (where === undefined ? [] : [`${what}: ${where}`])),
    ].join('\n')
  },
})

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
          `${metricFacts[untold].label} cannot be told of a load that is ${plan.load}, so ${metricFacts[plan.primary].label} is what the verdict is about.`,
        ]
      : []),
    `${plan.blocks} blocks, ${plan.preset}, seed ${plan.seed}; about ${inMinutes(estimateSeconds(plan, earlier))}.`,
  ].join('\n')
}
