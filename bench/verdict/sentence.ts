// What can be claimed, in one sentence: four kinds of it and no fifth. It never says more than the
// interval does: ends of intervals are rounded outwards, numbers of blocks up.

import type { Metric } from '#core/measurement/metrics'
import type { Gate, Verdict } from '#core/measurement/run'

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
  /** Where two runs are compared, which are no pairs: the blocks of each, and how many each would need. */
  ofRuns?: { old: number; fresh: number; fewest: number }
  /** The fewest blocks with which anything could be said, for so many comparisons at once. */
  fewestBlocks: number
  comparisons: number
  /** How many blocks would show a difference as large as the margin; null where nobody knows. */
  blocksToShow: number | null
  /** Under which load: `at 300 requests/s`, `under full load`. */
  where: string
  /** The metric that was asked for but cannot be told: for want of requests, or as the client was late. */
  insteadOf: Metric | null
  tooFew?: boolean
  /** Values of a and b where no ratio says it: exact counts, zeros, what a server takes at least. */
  values: { a: number; b: number; are: 'exact' | 'typical' | 'at least' } | null
  /** Requests in the smallest block and how many it takes, where nothing can be said for that. */
  requests: { are: number; needed: number } | null
  /** Whether nobody has proved what the contenders claim. */
  unproved?: boolean
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
      return `${difference(finding)} (${context(finding)})`
    case 'same':
      return `${sameness(finding)} (${context(finding)})`
    case 'undecided':
      return `no difference between ${b} and ${a} can be shown${whatIsKnown(finding)} (${context(finding)})`
    case 'invalid':
      return invalid(finding)
  }
}

/** How a metric is called in a sentence. */
const labels: Record<Metric, string> = {
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

/** What a contender does with what a metric counts; of time and of requests it is slower or faster. */
interface Words {
  verb: string
  more: string
  less: string
  times: string
  /** A number of it, `none` of it where there is none. */
  amount: (value: number) => string
}

const words: Partial<Record<Metric, Words>> = {
  cpu: {
    verb: 'uses',
    more: 'more CPU time per request than',
    less: 'less CPU time per request than',
    times: 'as much CPU time per request as',
    amount: (value) => `${figure(value)} ms of CPU time per request`,
  },
  'backend-calls': {
    verb: 'makes',
    more: 'more backend calls per request than',
    less: 'fewer backend calls per request than',
    times: 'as many backend calls per request as',
    amount: (value) => `${figure(value)} backend call${value === 1 ? '' : 's'} per request`,
  },
  bytes: {
    verb: 'moves',
    more: 'more bytes per request than',
    less: 'fewer bytes per request than',
    times: 'as many bytes per request as',
    amount: (value) => `${figure(value)} byte${value === 1 ? '' : 's'} per request`,
  },
  gc: {
    verb: 'spends',
    more: 'more time in garbage collection than',
    less: 'less time in garbage collection than',
    times: 'as much time in garbage collection as',
    amount: (value) => `${figure(value)} ms per 1,000 requests in garbage collection`,
  },
  rss: {
    verb: 'keeps',
    more: 'more memory than',
    less: 'less memory than',
    times: 'as much memory as',
    amount: (value) => `${figure(value)} MB of memory`,
  },
}

/** "B is slower than A by 12 % [9, 15]". */
const difference = (finding: Finding): string => {
  const { metric, verdict, a, b, ratio, values } = finding
  const own = words[metric]
  if (own && values) return inValues(finding, own, values)
  const { size, manifold } = sizeOf(finding)
  if (own && manifold) return `${b} ${own.verb} ${size} ${own.times} ${a}`
  if (own)
    return `${b} ${own.verb} ${size} ${ratio !== null && ratio > 1 ? own.more : own.less} ${a}`
  const slower = `${b} is ${verdict} than ${a}`
  if (!manifold) return `${slower} by ${size}`
  return metric === 'throughput'
    ? `${slower}: it answers ${size} as many requests`
    : `${slower}: it takes ${size} as long`
}

/** "B makes 2 backend calls per request where A makes none". */
const inValues = (
  { a, b, ratio }: Finding,
  { verb, amount }: Words,
  values: { a: number; b: number },
): string => {
  if (values.b === 0) return `${b} ${verb} none where ${a} ${verb} ${amount(values.a)}`
  if (values.a === 0) return `${b} ${verb} ${amount(values.b)} where ${a} ${verb} none`
  const change = ratio === null ? '' : `: ${ratio > 1 ? '+' : '−'}${nearly(ratio)} %`
  return `${b} ${verb} ${amount(values.b)} where ${a} ${verb} ${figure(values.a)}${change}`
}

const sameness = ({ metric, a, b, margin, values }: Finding): string => {
  const own = words[metric]
  if (own && values && values.a === 0 && values.b === 0)
    return `neither ${b} nor ${a} ${own.verb} any ${labels[metric].replace(' per request', '')}`
  if (own && values && values.a === values.b)
    return `${b} and ${a} are exactly the same: each ${own.verb} ${own.amount(values.a)}`
  const same = `${b} and ${a} are the same within ±${text(margin * 100, 2)} %`
  return own && values ? `${same}: ${figure(values.b)} and ${own.amount(values.a)}` : same
}

const whatIsKnown = (finding: Finding): string => {
  const { blocks, ofRuns, fewestBlocks, comparisons, requests, low, high, margin } = finding
  if (blocks === 0) return ': no block was finished'
  if (requests)
    return requests.are === 0
      ? ': it was not measured'
      : `: ${count(requests.are)} requests in a block are too few, it takes ${count(requests.needed)}`
  if (blocks < fewestBlocks) {
    const all = comparisons > 1 ? ` for ${comparisons} comparisons at once` : ''
    return ofRuns
      ? `: ${blocksInWords(finding)} are too few, it takes ${ofRuns.fewest} of each run${all}`
      : `: ${blocksInWords(finding)} ${blocks === 1 ? 'is' : 'are'} too few, it takes ${fewestBlocks}${all}`
  }
  if (low === null || high === null) return ''
  const furthest = Math.max(high, 1 / low) - 1
  const known =
    furthest <= 0.25
      ? `; more than ±${upwards(furthest * 100)} % is ruled out`
      : `; anything from ${signed((low - 1) * 100)} to ${signed((high - 1) * 100)} is possible`
  const { blocksToShow } = finding
  if (blocksToShow === null || blocksToShow <= blocks) return known
  const asked = `${text(margin * 100, 2)} %`
  return blocksToShow > 1000
    ? `${known}; to show ${asked} would take more than 1,000 blocks`
    : `${known}; ${blocksToShow} blocks would show ${asked}`
}

const invalid = ({ failed, metric, a, b, values, where, unproved }: Finding): string => {
  const [first] = failed
  const why = lowerFirst((first?.says ?? 'A gate failed.').replace(/\.$/, ''))
  const others = failed.length - 1
  const more = others > 0 ? `; ${others} more gate${others === 1 ? '' : 's'} failed` : ''
  const least =
    values?.are === 'at least'
      ? `; ${b} takes at least ${figure(values.b)} requests per second, ${a} at least ${figure(values.a)}`
      : ''
  return `invalid: ${why}${more}${least} (${b} against ${a}, ${labels[metric]} ${where}${unproved ? `; ${quickLook}` : ''})`
}

/** `p95 at 300 requests/s, 12 blocks; too few requests for p99` */
const context = (finding: Finding): string => {
  const { metric, verdict, where, insteadOf, tooFew = true } = finding
  const { unproved, serversAlone } = finding
  // Slower or faster in what? "Uses 12 % more CPU time" has said it already.
  const named = words[metric] && (verdict === 'slower' || verdict === 'faster')
  const what = named ? where : `${labels[metric]} ${where}`
  return [
    `${what}, ${blocksInWords(finding)}`,
    ...(insteadOf
      ? [
          `${tooFew ? 'too few requests' : 'the client was not punctual enough'} for ${labels[insteadOf]}`,
        ]
      : []),
    ...(serversAlone ? ['servers alone, as the CPU time of the backends could not be read'] : []),
    ...(unproved ? [quickLook] : []),
  ].join('; ')
}

/** "12 blocks"; of two runs, which have no twelve pairs, "6 and 6 blocks". */
const blocksInWords = ({ blocks, ofRuns }: Finding): string =>
  ofRuns
    ? `${ofRuns.old} and ${ofRuns.fresh} blocks`
    : blocks === 1
      ? '1 block'
      : `${blocks} blocks`

const quickLook = 'quick look: claims not proved'

/** "12 % [9, 15]", or "4.2 times [3.9, 4.5]" from double on. */
const sizeOf = ({ ratio, low, high }: Finding): { size: string; manifold: boolean } => {
  if (ratio === null || low === null || high === null)
    return { size: 'an unknown share', manifold: false }
  const manifold = ratio >= 2
  const unit = manifold ? 'times' : '%'
  const none = manifold ? 1 : 0
  const [value, least, most] = manifold
    ? [ratio, low, high]
    : ratio > 1
      ? [(ratio - 1) * 100, (low - 1) * 100, (high - 1) * 100]
      : [(1 - ratio) * 100, (1 - high) * 100, (1 - low) * 100]
  // Holm's test can tell the direction where the interval, made for all pairs at once, cannot.
  if (least <= none) return { size: `at most ${upwards(most)} ${unit}`, manifold }
  const digits = digitsFor(least - none, most - least)
  return {
    size: `${value.toFixed(digits)} ${unit} [${floor(least, digits)}, ${ceil(most, digits)}]`,
    manifold,
  }
}

/** As few decimals as tell the ends of the interval apart, and its beginning from nothing. */
const digitsFor = (least: number, width: number): number => {
  for (let digits = 0; digits < mostDigits; digits++) {
    const step = 10 ** -digits
    if ((width >= 2 * step || width === 0) && least >= step) return digits
  }
  return mostDigits
}

const mostDigits = 6

// Sums of decimals may end a trifle beside the number that they are.
const slack = 1e-9
const floor = (value: number, digits: number): string =>
  (Math.floor(value * 10 ** digits * (1 + slack)) / 10 ** digits).toFixed(digits)
const ceil = (value: number, digits: number): string =>
  (Math.ceil(value * 10 ** digits * (1 - slack)) / 10 ** digits).toFixed(digits)

/** Rounded up to two digits that count: 3.21 → 3.3, 14.2 → 15. */
const upwards = (value: number): string => {
  const digits = value >= 10 ? 0 : value >= 1 ? 1 : 2
  return text(Number(ceil(value, digits)), digits)
}

/** "−12 %" */
const signed = (value: number): string => `${value < 0 ? '−' : '+'}${upwards(Math.abs(value))} %`

/** The change that a ratio is, without its sign: 1.066 → 6.6. */
const nearly = (ratio: number): string => {
  const percent = Math.abs(ratio - 1) * 100
  return text(percent, percent >= 10 ? 0 : percent >= 1 ? 1 : 2)
}

/** At most `digits` decimals, and none at the end that are zero. */
const text = (value: number, digits: number): string => String(Number(value.toFixed(digits)))

/** With commas, and three digits that count below a hundred: 12,345 · 0.0213 · 2. */
const figure = (value: number): string =>
  value >= 100 ? count(value) : value.toLocaleString('en-US', { maximumSignificantDigits: 3 })

/** 12,345 */
const count = (value: number): string => Math.round(value).toLocaleString('en-US')

/** As it stands behind a colon. */
export const lowerFirst = (sentence: string): string =>
  sentence.charAt(0).toLowerCase() + sentence.slice(1)
