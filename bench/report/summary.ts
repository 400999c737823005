// What every form of the report says first, and in which words: page, Markdown and terminal agree.

import { type Metric, metricFacts } from '#core/measurement/metrics'
import type { Contender, Gate, Measurement, Verdict } from '#core/measurement/run'
import { lowerFirst } from '../verdict/sentence.ts'
import { count, moment, number, percent } from './text.ts'

export interface Summary {
  /** Whatever must be read before any number: each a sentence. */
  warnings: string[]
  /** Gates that failed and leave the answer as it is: each a sentence, to be read after it. */
  beside: string[]
  /** Verdicts on the metric that the scenario asks about. */
  primary: Verdict[]
  /** Why no pair has an answer, once for all of them; null where one has, or where there is one pair. */
  unanswered: string | null
  /** Where no pair has an answer: what can be told of the work that requests make. */
  instead: Verdict[]
  /** Verdicts on all others: intervals to look at, not answers. */
  exploratory: Verdict[]
  /** Which contenders cannot be told apart, best first, in words; null for two. */
  groups: string | null
  contenders: Contender[]
  /** Answered requests of all of them. */
  requests: number
}

export const summarise = (measurement: Measurement): Summary => {
  const { plan, verdicts, blocks } = measurement
  const primary = verdicts.filter(({ exploratory }) => !exploratory)
  const exploratory = verdicts.filter(({ exploratory }) => exploratory)
  const lost = primary.length > 0 && primary.every(isInvalid)
  return {
    warnings: warningsOf(measurement),
    beside: besideOf(measurement),
    primary,
    unanswered:
      lost && primary.length > 1
        ? `${nameOf(metricTold(measurement))} can be told of none of them; why stands above.`
        : null,
    instead: lost ? workOf(exploratory) : [],
    exploratory,
    groups: groupsOf(measurement),
    contenders: plan.contenders.filter(({ reference }) => !reference),
    requests: blocks
      .flatMap(({ slots }) => slots)
      .filter(({ contender }) => !plan.contenders[contender]?.reference)
      .reduce((sum, { answered }) => sum + answered, 0),
  }
}

const isInvalid = ({ verdict }: Verdict): boolean => verdict === 'invalid'

/** CPU time per request, or else throughput, where that is valid. */
const workOf = (verdicts: readonly Verdict[]): Verdict[] => {
  const told = (['cpu', 'throughput'] as const).map((wanted) =>
    verdicts.filter((one) => one.metric === wanted && !isInvalid(one)),
  )
  return told.find(({ length }) => length > 0) ?? []
}

/** What stands before `instead`. */
export const insteadSays = 'It was not the question, but can be told:'

/** The failed gates that spoil the answer, and those that do not. */
const failuresOf = (measurement: Measurement): { ofAnswer: Gate[]; others: Gate[] } => {
  const told = metricTold(measurement)
  const failed = measurement.gates.filter(({ ok }) => !ok)
  const ofAnswer = failed.filter((gate) => isSpoilt({ gates: [gate] }, told))
  return { ofAnswer, others: failed.filter((gate) => !ofAnswer.includes(gate)) }
}

const besideOf = (measurement: Measurement): string[] =>
  failuresOf(measurement).others.flatMap(({ says, spoils }) =>
    spoils === 'all' || spoils.length === 0
      ? []
      : [
          `The answer stands; not valid is only ${spoils.map(nameOf).join(', ')}: ${lowerFirst(says)}`,
        ],
  )

const warningsOf = (measurement: Measurement): string[] => {
  const { finishedAt, plan, blocks } = measurement
  const warnings: string[] = []
  for (const { says, spoils } of failuresOf(measurement).ofAnswer)
    warnings.push(
      `Not valid: ${lowerFirst(says)} This spoils ${spoils === 'all' ? 'everything' : spoils.map(nameOf).join(', ')}.`,
    )
  if (finishedAt === null)
    warnings.push(
      `It was interrupted: ${count(blocks.length)} of ${count(plan.blocks)} blocks were measured.`,
    )
  return warnings
}

/** The metric that answers the question: the primary one, or the percentile that has enough requests. */
export const metricTold = ({ plan, verdicts }: Pick<Measurement, 'plan' | 'verdicts'>): Metric =>
  verdicts.find(({ exploratory }) => !exploratory)?.metric ?? plan.primary

/** Whether a gate that failed spoils this metric. */
export const isSpoilt = ({ gates }: Pick<Measurement, 'gates'>, metric: Metric): boolean =>
  gates.some(({ ok, spoils }) => !ok && (spoils === 'all' || spoils.includes(metric)))

/** How many gates are passed, how many are not, and how many had nothing to go by. */
export const gatesInWords = (gates: readonly Gate[]): string => {
  if (gates.length === 0) return 'No gate was checked.'
  const failed = gates.filter(({ ok }) => !ok).length
  const unknown = gates.filter(isUnchecked).length
  const passed = gates.length - failed - unknown
  if (passed === gates.length) return `All ${gates.length} gates are passed.`
  return `${[
    `${passed} of ${gates.length} gates ${passed === 1 ? 'is' : 'are'} passed`,
    ...(failed > 0 ? [`${failed} ${failed === 1 ? 'is' : 'are'} not`] : []),
    ...(unknown > 0 ? [`${unknown} could not be checked`] : []),
  ].join(', ')}.`
}

/** A gate without a value had nothing to go by: it neither passes nor fails. */
export const isUnchecked = ({ ok, value }: Gate): boolean => ok && value === null

/** A verdict's sentence as it stands on its own. */
export const sentenceAlone = ({ sentence }: Pick<Verdict, 'sentence'>): string =>
  sentence.replace(/^(no|neither|invalid)\b/, (word) => word[0]!.toUpperCase() + word.slice(1))

const nameOf = (metric: Metric) => metricFacts[metric].label

/** A gate's value or limit as it is read: a share of 0.02 as `2 %`. */
const withUnit = (value: number, unit: string): string =>
  unit === 'share'
    ? percent(value)
    : unit === '%'
      ? `${number(value)} %`
      : `${number(value)} ${unit}`

/** A gate's value and limit. */
export const valueAndLimit = ({ value, limit, unit }: Gate): [string, string] => {
  // A rate that should be kept: how far it may be from what was asked.
  if (unit === '± of 1')
    return [value === null ? 'unknown' : value.toFixed(3), `1 ± ${number(limit)}`]
  return [value === null ? 'unknown' : withUnit(value, unit), withUnit(limit, unit)]
}

const groupsOf = ({ plan, groups, verdicts }: Measurement): string | null => {
  const { length } = plan.contenders.filter(({ reference }) => !reference)
  if (length < 3 || groups.length === 0) return null
  const all = groups.map((group) => group.join(', '))
  const by = metricFacts[metricTold({ plan, verdicts })].label
  if (groups.length === 1) return `By ${by}, none of ${all[0]} can be told from another.`
  return `By ${by}, best first: ${all.join(' | ')}. Within a group none can be told from another.`
}

/** One line: machine, date, size of the run. */
export const factsOf = (measurement: Measurement, { requests }: Summary): string => {
  const { machine, startedAt, plan, blocks } = measurement
  return [
    `measured ${moment(startedAt)}`,
    `${machine.cpu}, ${machine.cores} cores${machine.container ? ' (in a container)' : ''}`,
    `Node ${machine.node.replace(/^v/, '')}`,
    `${plan.preset}: ${blocks.length} blocks, ${count(requests)} requests`,
    `margin ±${percent(plan.margin)}`,
  ].join(' · ')
}
