// What can be claimed, in one sentence: four kinds of it and no fifth. It never says more than the
// interval does, and numbers are rounded against the claim: bounds outwards, counts of blocks up.
import type { Gate, Metric, Verdict } from './measurement.ts'

/** What a sentence is made of. */
export interface Finding {
  verdict: Verdict['verdict']
  metric: Metric
  /** As a reader calls them; the sentence is about b, compared with a. */
  a: string
  b: string
  /** b ÷ a with its interval. */
  ratio: number | null
  low: number | null
  high: number | null
  margin: number
  blocks: number
  /** The fewest blocks with which anything could be said, for so many comparisons at once. */
  fewestBlocks: number
  comparisons: number
  /** How many blocks would show a difference as large as the margin; null where nobody knows. */
  blocksToShow: number | null
  /** Under which load: `at 300 requests/s`, `under full load`. */
  where: string
  /** The metrics that should have been told but for which there were too few requests. */
  insteadOf: Metric | null
  /** Typical values of a and b, where it takes them to say it: exact counts, zeros, limits. */
  values: { a: number; b: number } | null
  /** How the values are meant: as they are, or as the least that it can be. */
  valuesAre: 'exact' | 'typical' | 'at least'
  /** Requests in the smallest block and how many it takes, where they are too few. */
  requests: { are: number; needed: number } | null
  /** The CPU time is that of the servers alone. */
  serversAlone: boolean
  /** The gates that failed and spoil this metric. */
  failed: readonly Gate[]
}

/** The verdict as one sentence, without a full stop. */
export const sentenceOf = (finding: Finding): string => {
  const { verdict, a, b } = finding
  switch (verdict) {
    case 'slower':
    case 'faster':
      return `${differs(finding)} (${context(finding)})`
    case 'same':
      return `${sameness(finding)} (${context(finding)})`
    case 'undecided':
      return `no difference between ${b} and ${a} can be shown${whatIsKnown(finding)} (${context(finding)})`
    case 'invalid':
      return invalid(finding)
  }
}

/** How a metric is called in a sentence. */
export const labels: Record<Metric, string> = {
  throughput: 'requests per second',
  p50: 'p50',
  p90: 'p90',
  p95: 'p95',
  p99: 'p99',
  cpu: 'CPU time per request',
  'backend-calls': 'backend calls per request',
  bytes: 'bytes per request',
  gc: 'time in garbage collection',
  rss: 'memory',
}

/** How much of what, by metric, with `more` or `as much` put in. Latency has words of its own. */
const predicates: Record<string, { verb: string; more: string; less: string; times: string }> = {
  cpu: {
    verb: 'uses',
    more: 'more CPU time per request than',
    less: 'less CPU time per request than',
    times: 'as much CPU time per request as',
  },
  'backend-calls': {
    verb: 'makes',
    more: 'more backend calls per request than',
    less: 'fewer backend calls per request than',
    times: 'as many backend calls per request as',
  },
  bytes: {
    verb: 'moves',
    more: 'more bytes per request than',
    less: 'fewer bytes per request than',
    times: 'as many bytes per request as',
  },
  gc: {
    verb: 'spends',
    more: 'more time in garbage collection than',
    less: 'less time in garbage collection than',
    times: 'as much time in garbage collection as',
  },
  rss: {
    verb: 'keeps',
    more: 'more memory than',
    less: 'less memory than',
    times: 'as much memory as',
  },
}

const differs = (finding: Finding): string => {
  const { metric, verdict, a, b, ratio, values, valuesAre } = finding
  if (values && valuesAre !== 'at least' && predicates[metric])
    return inNumbers(finding, predicates[metric], values)
  const { amount, interval, manifold } = sizeOf(finding)
  const predicate = predicates[metric]
  if (predicate)
    return manifold
      ? `${b} ${predicate.verb} ${amount}${interval} ${predicate.times} ${a}`
      : `${b} ${predicate.verb} ${amount}${interval} ${(ratio ?? 1) > 1 ? predicate.more : predicate.less} ${a}`
  const slower = `${b} is ${verdict} than ${a}`
  if (manifold)
    return metric === 'throughput'
      ? `${slower}: it answers ${amount}${interval} as many requests`
      : `${slower}: it takes ${amount}${interval} as long`
  return `${slower} by ${amount}${interval}`
}

/** "makes 2 backend calls per request where A makes none". */
const inNumbers = (
  { metric, a, b, ratio }: Finding,
  { verb }: { verb: string },
  values: { a: number; b: number },
): string => {
  const what = labels[metric]
  const change =
    ratio === null || ratio === 0 ? '' : `, ${ratio > 1 ? '+' : '−'}${plainPercent(ratio)} %`
  if (values.b === 0) return `${b} ${verb} no ${what} where ${a} ${verb} ${figure(values.a)}`
  const theirs = values.a === 0 ? 'none' : figure(values.a)
  return `${b} ${verb} ${figure(values.b)} ${what} where ${a} ${verb} ${theirs}${change}`
}

const sameness = ({ metric, a, b, margin, values, valuesAre, ratio }: Finding): string => {
  if (values && valuesAre === 'exact') {
    const { verb } = predicates[metric] ?? { verb: 'has' }
    if (values.a === 0 && values.b === 0)
      return `neither ${b} nor ${a} ${verb} any ${labels[metric]}`
    if (ratio === 1)
      return `${b} and ${a} are exactly the same: ${figure(values.a)} ${labels[metric]}`
  }
  return `${b} and ${a} are the same within ±${percentText(margin * 100, 2)} %`
}

const whatIsKnown = (finding: Finding): string => {
  const { blocks, fewestBlocks, comparisons, requests, low, high, margin } = finding
  if (requests)
    return requests.are === 0
      ? ': it was not measured under this load'
      : `: ${count(requests.are)} requests in a block are too few, it takes ${count(requests.needed)}`
  if (blocks < fewestBlocks) {
    const all = comparisons > 1 ? ` for ${comparisons} comparisons at once` : ''
    return `: ${blocks === 1 ? '1 block is' : `${blocks} blocks are`} too few, it takes ${fewestBlocks}${all}`
  }
  if (low === null || high === null) return ''
  const furthest = Math.max(high, 1 / low) - 1
  const known =
    furthest <= 0.25
      ? `; more than ±${outwards(furthest * 100)} % is ruled out`
      : `; anything from ${signed((low - 1) * 100)} to ${signed((high - 1) * 100)} is possible`
  const { blocksToShow } = finding
  if (blocksToShow === null || blocksToShow <= blocks) return known
  const asked = `${percentText(margin * 100, 2)} %`
  return blocksToShow > 1000
    ? `${known}; to show ${asked} would take more than 1,000 blocks`
    : `${known}; ${blocksToShow} blocks would show ${asked}`
}

const invalid = (finding: Finding): string => {
  const { failed, metric, a, b, values, valuesAre, where } = finding
  const [first] = failed
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : ''
  const why = first ? `${lowerFirst(first.says.replace(/\.$/, ''))}${more}` : 'a gate failed'
  const least =
    values && valuesAre === 'at least'
      ? `; ${b} takes at least ${figure(values.b)} ${labels[metric]}, ${a} at least ${figure(values.a)}`
      : ''
  return `invalid: ${why}${least} (${b} against ${a}, ${labels[metric]} ${where})`
}

/** `p99 at 300 requests/s, 12 blocks; too few requests for p99` */
const context = ({ metric, where, blocks, insteadOf, serversAlone }: Finding): string =>
  [
    `${labels[metric]} ${where}, ${blocks === 1 ? '1 block' : `${blocks} blocks`}`,
    ...(insteadOf ? [`too few requests for ${labels[insteadOf]}`] : []),
    ...(serversAlone ? ['of the servers alone, that of the backends could not be read'] : []),
  ].join('; ')

/** "12 %" and " [9, 15]", or "4.2 times" and " [3.9, 4.5]". */
const sizeOf = ({
  ratio,
  low,
  high,
}: Finding): { amount: string; interval: string; manifold: boolean } => {
  if (ratio === null || low === null || high === null)
    return { amount: 'an unknown amount', interval: '', manifold: false }
  const manifold = ratio >= 2
  const [size, least, most] = manifold
    ? [ratio, low, high]
    : ratio > 1
      ? [(ratio - 1) * 100, (low - 1) * 100, (high - 1) * 100]
      : [(1 - ratio) * 100, (1 - high) * 100, (1 - low) * 100]
  const unit = manifold ? 'times' : '%'
  const none = manifold ? 1 : 0
  // Holm's test can tell the direction where the interval, made for all pairs at once, cannot.
  if (least <= none) return { amount: `at most ${outwards(most)} ${unit}`, interval: '', manifold }
  const digits = digitsFor(least - none, most - least)
  return {
    amount: `${size.toFixed(digits)} ${unit}`,
    interval: ` [${floor(least, digits)}, ${ceil(most, digits)}]`,
    manifold,
  }
}

/** As few decimals as tell the ends of the interval apart, and its beginning from nothing. */
const digitsFor = (least: number, width: number): number => {
  for (let digits = 0; digits < 4; digits++) {
    const step = 10 ** -digits
    if (width >= 2 * step && least >= step) return digits
    if (width === 0 && least >= 10 * step) return digits
  }
  return 4
}

const slack = 1e-9
const floor = (value: number, digits: number): string =>
  plainNumber(Math.floor(value * 10 ** digits * (1 + slack)) / 10 ** digits, digits)
const ceil = (value: number, digits: number): string =>
  plainNumber(Math.ceil(value * 10 ** digits * (1 - slack)) / 10 ** digits, digits)
const plainNumber = (value: number, digits: number): string =>
  value.toFixed(digits).replace('-', '−')

/** Rounded up to two digits that count: 3.21 → 3.3, 14.2 → 15. */
const outwards = (value: number): string => {
  const digits = value >= 10 ? 0 : value >= 1 ? 1 : 2
  return percentText(Math.ceil(value * 10 ** digits * (1 - slack)) / 10 ** digits, digits)
}

/** "+12 %" */
const signed = (value: number): string => `${value < 0 ? '−' : '+'}${outwards(Math.abs(value))} %`

const plainPercent = (ratio: number): string => {
  const percent = Math.abs(ratio - 1) * 100
  return percentText(percent, percent >= 10 ? 0 : percent >= 1 ? 1 : 2)
}

/** At most `digits` decimals, and none that are zero. */
const percentText = (value: number, digits: number): string => String(Number(value.toFixed(digits)))

/** Three digits that count, with commas: 12,345 · 0.0213 · 2. */
const figure = (value: number): string =>
  value >= 100 ? count(value) : value.toLocaleString('en-US', { maximumSignificantDigits: 3 })

/** 12,345 */
const count = (value: number): string => Math.round(value).toLocaleString('en-US')

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
