// From what was measured to what can be claimed. Pure: the same measurement gives the same words for
// ever, to the bit, on whatever machine it is read. The unit is the block; within a block contenders
// are compared by the logarithm of their ratio, and between blocks nothing is compared at all.

import { type Metric, metricFacts, metrics } from '#core/measurement/metrics'
import type { Contender, Figure, Gate, Measurement, Verdict } from '#core/measurement/run'
import { blocksToShow } from '../stats/blocks-to-show.ts'
import { equivalent } from '../stats/equivalence.ts'
import { holm } from '../stats/holm.ts'
import { letterGroups } from '../stats/letters.ts'
import { median } from '../stats/median.ts'
import { medianInterval } from '../stats/order-interval.ts'
import { precise } from '../stats/precise.ts'
import { fewestFor, hodgesLehmann, type Interval, signedRankP } from '../stats/signed-rank.ts'
import { alpha, decide } from './decide.ts'
import { gatesOf, limitsClient } from './gates/index.ts'
import { metricToTell } from './metric-to-tell.ts'
import { readerName } from './names.ts'
import { checksOf, estimateOf, snapped } from './paired.ts'
import { type Finding, sentenceOf } from './sentence.ts'
import { backendCpuKnown, isPercentile, requestsNeeded, type Series, seriesOf } from './series.ts'

/**
 * The gates, figures, groups and verdicts of a measurement, from its plan, machine, proof,
 * calibration and blocks; whatever it says itself of these four is not looked at.
 */
export const analyse = (
  measurement: Measurement,
): Pick<Measurement, 'gates' | 'figures' | 'groups' | 'verdicts'> => {
  const gates = gatesOf(measurement)
  const { contenders, primary } = measurement.plan
  const all = contenders.map(
    (contender, index): Side => ({
      contender,
      index,
      name: readerName(contender, measurement),
      series: seriesOf(measurement, index),
    }),
  )
  const sides = all.filter(({ contender }) => !contender.reference)
  const isKnown = (metric: Metric) => sides.every(({ series }) => series[metric].values)
  const told = metricToTell(primary, isKnown, gates)
  const context = { measurement, gates, sides }
  const answers = verdictsOf(context, told, primary)
  return {
    gates,
    figures: all.flatMap((side) => figuresOf(side, measurement)),
    groups: groupsOf(sides, told, answers),
    verdicts: [
      ...answers,
      ...metrics
        .filter((metric) => metric !== told && sides.every((side) => side.series[metric].values))
        .flatMap((metric) => verdictsOf(context, metric, null)),
    ],
  }
}

/** One contender with all that was measured of it. */
interface Side {
  contender: Contender
  index: number
  name: string
  series: Record<Metric, Series>
}

interface Context {
  measurement: Measurement
  gates: readonly Gate[]
  sides: readonly Side[]
}

/** The verdicts of one metric over all pairs; `primary` is the one asked for, null for the others. */
const verdictsOf = (
  { measurement, gates, sides }: Context,
  metric: Metric,
  primary: Metric | null,
): Verdict[] => {
  const pairs = sides.flatMap((a, i) => sides.slice(i + 1).map((b) => ({ a, b })))
  const contrasts = pairs.map(({ a, b }) => contrastOf(a.series[metric], b.series[metric]))
  const luck = luckOf(measurement)
  const tested = contrasts.map((contrast) =>
    contrast.kind === 'ratios' || contrast.kind === 'differences'
      ? signedRankP(contrast.kind === 'ratios' ? beyond(contrast.values, luck) : contrast.values)
      : 1,
  )
  const corrected = holm(tested)
  const failed = gates.filter(
    ({ ok, spoils }) => !ok && (spoils === 'all' || spoils.includes(metric)),
  )
  return pairs.map(({ a, b }, i) =>
    verdictOf({
      measurement,
      metric,
      primary,
      a,
      b,
      contrast: contrasts[i]!,
      p: corrected[i]!,
      comparisons: pairs.length,
      failed,
    }),
  )
}

/** Half-width of what two processes of the same program may differ by, as a logarithm. */
const luckOf = ({ plan }: Measurement): number => Math.log1p(plan.luck ?? 0)

/** What is left of the differences beyond luck: tested, it asks what the widened interval asks. */
const beyond = (values: readonly number[], luck: number): number[] => {
  if (luck === 0) return [...values]
  const centre = hodgesLehmann(values)
  const off = Math.sign(centre) * Math.min(luck, Math.abs(centre))
  return values.map((value) => snapped(value - off))
}

/** What two contenders' blocks look like side by side. */
type Contrast =
  /** log(b ÷ a) of each block. */
  | { kind: 'ratios'; values: number[] }
  /** b − a of each block, where a zero leaves no ratio. */
  | { kind: 'differences'; values: number[] }
  /** Counted, and the same in every block. */
  | { kind: 'exact'; a: number; b: number }
  | { kind: 'missing' }

const contrastOf = (a: Series, b: Series): Contrast => {
  if (!a.values || !b.values) return { kind: 'missing' }
  const ours = b.values
  const theirs = a.values
  const counted = a.metric === 'backend-calls' || a.metric === 'bytes'
  if (counted && isConstant(ours) && isConstant(theirs))
    return { kind: 'exact', a: precise(theirs[0]!), b: precise(ours[0]!) }
  // The logarithm of each by itself: then b against a is a against b with the sign turned, exactly.
  if (ours.every(isPositive) && theirs.every(isPositive))
    return {
      kind: 'ratios',
      values: ours.map((one, i) => snapped(Math.log(one) - Math.log(theirs[i]!))),
    }
  return { kind: 'differences', values: ours.map((one, i) => one - theirs[i]!) }
}

interface Question {
  measurement: Measurement
  metric: Metric
  primary: Metric | null
  a: Side
  b: Side
  contrast: Contrast
  p: number
  comparisons: number
  failed: readonly Gate[]
}

const verdictOf = (question: Question): Verdict => {
  const { measurement, metric, primary, a, b, contrast, comparisons, failed } = question
  const { margin, seed } = measurement.plan
  const blocks = measurement.blocks.length
  const level = 1 - alpha / comparisons
  const fewestBlocks = fewestFor(level)
  const enough = blocks >= fewestBlocks
  const ratios = contrast.kind === 'ratios' ? contrast.values : null
  const luck = luckOf(measurement)
  const estimate = ratios && estimateOf(ratios, level, luck)
  const { low = null, high = null, interval = null } = estimate ?? {}
  const ratio = estimate ? estimate.ratio : ratioOf(contrast)
  const p = enough && 'values' in contrast ? precise(question.p) : null
  const most = Math.expm1(Math.log1p(margin) - luck)
  const verdict = decide({
    isSpoiled: failed.length > 0,
    isEnough: enough,
    isSame: isSame(contrast, margin, () => equivalent(ratios ?? [], most, alpha / comparisons)),
    isApart: contrast.kind === 'exact' || (p !== null && p <= alpha),
    isWorse: isWorse(metric, contrast),
  })
  const invalid = verdict === 'invalid'
  const series = a.series[metric]
  const finding: Finding = {
    verdict,
    metric,
    a: a.name,
    b: b.name,
    ratio,
    low,
    high,
    margin,
    blocks,
    fewestBlocks,
    comparisons,
    blocksToShow: interval && !luck ? blocksNeeded(interval, blocks, margin, level) : null,
    where: placeOf(series, measurement),
    insteadOf: primary !== null && primary !== metric ? primary : null,
    tooFew: primary === null || !a.series[primary].values || !b.series[primary].values,
    requests: contrast.kind === 'missing' ? requestsOf(metric, a, b) : null,
    unproved: measurement.proof.skipped === true,
    serversAlone: metric === 'cpu' && !backendCpuKnown(measurement),
    failed,
    values: valuesOf(metric, contrast, a, b, failed),
  }
  return {
    metric,
    a: a.contender.name,
    b: b.contender.name,
    verdict,
    // Of a run that cannot be trusted no number is left lying about.
    ratio: invalid ? null : ratio,
    low: invalid ? null : low,
    high: invalid ? null : high,
    blocks,
    exploratory: primary === null,
    p: invalid ? null : p,
    checks: invalid || !ratios ? null : checksOf(ratios, level, seed),
    sentence: sentenceOf(finding),
  }
}

/** b ÷ a of what is counted; null where one of them is zero, and for all else. */
const ratioOf = (contrast: Contrast): number | null =>
  contrast.kind === 'exact' && contrast.a > 0 && contrast.b > 0
    ? precise(contrast.b / contrast.a)
    : null

/** Whether two are shown to be the same; `equivalent` tests their ratios. */
const isSame = (contrast: Contrast, margin: number, equivalent: () => boolean): boolean => {
  switch (contrast.kind) {
    case 'missing':
      return false
    case 'exact': {
      const ratio = ratioOf(contrast)
      const within = ratio !== null && Math.abs(Math.log(ratio)) < Math.log1p(margin)
      return contrast.a === contrast.b || within
    }
    case 'ratios':
      return equivalent()
    case 'differences':
      return contrast.values.every((value) => value === 0)
  }
}

const isWorse = (metric: Metric, contrast: Contrast): boolean => {
  if (contrast.kind === 'missing') return false
  const difference =
    contrast.kind === 'exact' ? contrast.b - contrast.a : hodgesLehmann(contrast.values)
  return difference > 0 === (metricFacts[metric].better === 'less')
}

const blocksNeeded = (interval: Interval, blocks: number, margin: number, level: number): number =>
  blocksToShow(interval, blocks, Math.log1p(margin), level)

/** The values that a sentence needs where no ratio says it. */
const valuesOf = (
  metric: Metric,
  contrast: Contrast,
  a: Side,
  b: Side,
  failed: readonly Gate[],
): Finding['values'] => {
  if (contrast.kind === 'exact') return { a: contrast.a, b: contrast.b, are: 'exact' }
  const values = { a: typical(a.series[metric]), b: typical(b.series[metric]) }
  if (contrast.kind === 'differences') return { ...values, are: 'typical' }
  // A client that could send no faster still shows what the server can take at the least.
  const clientLimited = metric === 'throughput' && failed.length > 0 && failed.every(limitsClient)
  return clientLimited ? { ...values, are: 'at least' } : null
}

const typical = ({ values }: Series): number => (values ? median(values) : 0)

const requestsOf = (metric: Metric, a: Side, b: Side): { are: number; needed: number } => ({
  are: Math.min(a.series[metric].fewestInBlock, b.series[metric].fewestInBlock),
  needed: isPercentile(metric) ? requestsNeeded('p50') : 1,
})

const placeOf = ({ load }: Series, { calibration }: Measurement): string =>
  load === 'open'
    ? `at ${rateText(calibration.ratePerSecond)} requests/s`
    : load === 'closed'
      ? 'under full load'
      : 'under this load'

const rateText = (rate: number): string =>
  rate.toLocaleString(
    'en-US',
    rate < 10 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 0 },
  )

/** Best first; letters only where the primary metric has verdicts that tell or do not tell apart. */
const groupsOf = (
  sides: readonly Side[],
  metric: Metric,
  verdicts: readonly Verdict[],
): string[][] => {
  const judged = verdicts.every(
    ({ verdict, low, p }) =>
      verdict !== 'invalid' && (verdict !== 'undecided' || low !== null || p !== null),
  )
  if (verdicts.length === 0 || !judged) return []
  const better = metric === 'throughput' ? -1 : 1
  const standing = new Map(sides.map((side) => [side, relative(side, sides, metric)]))
  const ranked = [...sides].sort(
    (a, b) => better * (standing.get(a)! - standing.get(b)!) || a.index - b.index,
  )
  const told = (i: number, j: number): boolean => {
    const names = [ranked[i]!.contender.name, ranked[j]!.contender.name]
    const found = verdicts.find(({ a, b }) => names.includes(a) && names.includes(b))
    return found?.verdict === 'slower' || found?.verdict === 'faster'
  }
  return letterGroups(ranked.length, told).map((group) =>
    group.map((i) => ranked[i]!.contender.name),
  )
}

/** A contender's values beside the average of all in the same block: its median. */
const relative = (side: Side, sides: readonly Side[], metric: Metric): number =>
  median(
    (side.series[metric].values ?? []).map((value, block) => {
      const all = sides.reduce((sum, { series }) => sum + (series[metric].values?.[block] ?? 0), 0)
      return all === 0 ? 1 : (value * sides.length) / all
    }),
  )

/** Medians over the blocks with their intervals, of every metric and of what the workload counts. */
const figuresOf = (side: Side, measurement: Measurement): Figure[] => [
  ...metrics
    .map((metric) => side.series[metric])
    .filter(({ load, requests }) => load !== null && requests > 0)
    .map(({ metric, values, requests }) =>
      figureOf(side, metric, metricFacts[metric].unit, values, requests),
    ),
  ...judgedOf(side, measurement),
]

const figureOf = (
  { contender }: Side,
  metric: string,
  unit: string,
  values: readonly number[] | null,
  samples: number,
): Figure => {
  const interval = values && medianInterval(values, 1 - alpha)
  return {
    contender: contender.name,
    metric,
    unit,
    median: values && precise(median(values)),
    low: interval && precise(interval.low),
    high: interval && precise(interval.high),
    samples,
  }
}

/** The share of answers of each kind that the workload tells beside right and wrong: `stale`. */
const judgedOf = (side: Side, { blocks }: Measurement): Figure[] => {
  const slots = blocks.map((block) =>
    block.slots.filter(({ contender }) => contender === side.index),
  )
  const kinds = new Set(slots.flat().flatMap(({ judged }) => Object.keys(judged)))
  const answers = slots.flat().reduce((sum, { answered }) => sum + answered, 0)
  return [...kinds]
    .filter((kind) => kind !== 'right' && kind !== 'wrong')
    .sort()
    .map((kind) => {
      const shares = slots.map(
        (ofBlock) =>
          ofBlock.reduce((sum, { judged }) => sum + (judged[kind] ?? 0), 0) /
          Math.max(
            1,
            ofBlock.reduce((sum, { answered }) => sum + answered, 0),
          ),
      )
      return figureOf(side, kind, 'share of answers', shares, answers)
    })
}

const isConstant = (values: readonly number[]): boolean => {
  const least = Math.min(...values)
  return Math.max(...values) - least <= Math.abs(least) * 1e-9
}
const isPositive = (value: number): boolean => value > 0
