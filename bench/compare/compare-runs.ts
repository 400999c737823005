// Two runs of the same plan, made at different times: did something get worse? The machine is not
// the same machine an hour later, so what is compared is not a figure but a figure in terms of the
// bare server that was measured beside it in the same block. Then the blocks of the old run and of
// the new one are two independent samples: Hodges and Lehmann's shift, and the interval by inversion
// of the rank-sum test of Mann and Whitney (Annals of Mathematical Statistics 18, 1947). No contender
// feels the machine exactly as the bare server does; what that may amount to widens the interval.

import { type Metric, metricFacts, metrics } from '#core/measurement/metrics'
import type { Measurement, Verdict } from '#core/measurement/run'
import { plain } from '../../core/plain.ts'
import { inWords, verdictLooks } from '../report/forest.ts'
import { sentenceAlone } from '../report/summary.ts'
import { markdown, toMarkdownTable } from '../report/table.ts'
import { change, count, moment, number, wrap } from '../report/text.ts'
import { median } from '../stats/median.ts'
import { precise } from '../stats/precise.ts'
import { rankSum, rankSumCdf } from '../stats/rank-sum.ts'
import { alpha, decide } from '../verdict/decide.ts'
import { metricToTell } from '../verdict/metric-to-tell.ts'
import { sentenceOf } from '../verdict/sentence.ts'
import { isPercentile, loadFor, requestsNeeded, seriesOf } from '../verdict/series.ts'

/** What became of one metric of one setup. `slower` stands for worse, `faster` for better. */
export interface Change {
  setup: string
  title: string
  metric: Metric
  verdict: Verdict['verdict']
  /** new ÷ old with its interval; null where there is none. */
  ratio: number | null
  low: number | null
  high: number | null
  oldBlocks: number
  newBlocks: number
  /**
   * How the bare server's own figure changed, new ÷ old, where both were taken in terms of it first;
   * null for what is counted and not timed.
   */
  bareServer: number | null
  /** Not what the scenario asks about: it sets no exit code. */
  exploratory: boolean
  sentence: string
}

export interface Comparison {
  comparable: boolean
  /** Why not: one sentence each; empty where they can be compared. */
  why: string[]
  /** What a reader should know though it does not stand in the way. */
  notes: string[]
  verdicts: Change[]
  /** All of it in one sentence. */
  sentence: string
  /** 0 same, better or nothing to be shown, 1 worse, 3 not comparable. */
  exitCode: 0 | 1 | 3
}

/** Compares two analysed measurements; never throws. */
export const compareRuns = (old: Measurement, fresh: Measurement): Comparison => {
  const pairs = matchContenders(old, fresh)
  const read = (run: Measurement) => run.plan.contenders.map((_, i) => seriesOf(run, i))
  const sides = { old: read(old), fresh: read(fresh) }
  const isTold = (metric: Metric) =>
    pairs.every((pair) => isKnown(metric, { old, fresh, pair, sides }))
  const told = metricToTell(old.plan.primary, isTold, [...old.gates, ...fresh.gates])
  const others = whyNot(old, fresh, pairs, told)
  // Only where nothing else stands in the way: of a run without blocks nothing is known either.
  const why = others.length > 0 || isTold(told) ? others : [whyUnknown(told, old)]
  const notes = notesOf(old, fresh)
  if (why.length > 0)
    return {
      comparable: false,
      why,
      notes,
      verdicts: [],
      sentence: `These two runs cannot be compared: ${why.join('; ')}.`,
      exitCode: 3,
    }
  const verdicts = [told, ...metrics.filter((metric) => metric !== told)].flatMap((metric) =>
    pairs.flatMap((pair) => changeOf({ old, fresh, pair, metric, told, sides, all: pairs.length })),
  )
  const answers = verdicts.filter(({ exploratory }) => !exploratory)
  const bare = answers[0]?.bareServer ?? 1
  if (Math.abs(Math.log(bare)) > 0.02)
    notes.push(
      `the bare server itself changed by ${change(bare)} (${metricFacts[told].label}): every interval is wider by half of that`,
    )
  const worse = answers.filter(({ verdict }) => verdict === 'slower')
  return {
    comparable: true,
    why,
    notes,
    verdicts,
    sentence: inOneSentence(answers, told),
    exitCode: worse.length > 0 ? 1 : 0,
  }
}

// ---- whether they can be compared

interface Pair {
  setup: string
  title: string
  /** Places in the plans. */
  old: number
  fresh: number
}

/** By setup; the first of two alike with the first, the second with the second. */
const matchContenders = (old: Measurement, fresh: Measurement): Pair[] => {
  const taken = new Set<number>()
  return old.plan.contenders.flatMap(({ setup, reference }, i) => {
    if (reference) return []
    const place = fresh.plan.contenders.findIndex(
      (other, j) => !other.reference && other.setup === setup && !taken.has(j),
    )
    if (place < 0) return []
    taken.add(place)
    return [{ setup, title: fresh.plan.contenders[place]!.title, old: i, fresh: place }]
  })
}

const whyNot = (old: Measurement, fresh: Measurement, pairs: Pair[], told: Metric): string[] => [
  ...(pairs.length === 0 ? ['no setup is in both'] : []),
  ...unlike('the machine', machineOf(old), machineOf(fresh)),
  ...unlike('the software', softwareOf(old), softwareOf(fresh)),
  ...unlike('the plan', planOf(old), planOf(fresh)),
  ...unlikeRates(old, fresh),
  ...troubleOf('the old run', old, told),
  ...troubleOf('the new run', fresh, told),
]

/** Nothing is known of the metric that was asked about, nor of a lower percentile. */
const whyUnknown = (metric: Metric, { plan }: Measurement): string =>
  isPercentile(metric)
    ? `${metricFacts[metric].label} cannot be told, nor can a lower percentile: in both runs each block needs ` +
      `${requestsNeeded('p50')} requests of each setup and of the bare server for p50; measure both at a higher --rate`
    : `${metricFacts[metric].label} cannot be told of a load that is ${plan.load}`

const machineOf = ({ machine }: Measurement): Record<string, string> => ({
  processor: machine.cpu,
  cores: count(machine.cores),
  // The system keeps a little for itself, now more, now less.
  memory: `${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB`,
  system: machine.os,
  container: machine.container ? 'in one' : 'not in one',
})

const softwareOf = ({ machine }: Measurement): Record<string, string> => ({
  Node: machine.node,
  V8: machine.v8,
  ...Object.fromEntries(
    Object.entries(machine.backends).map(([name, { version, via, standIn }]) => [
      name,
      `${version} from ${via}${standIn ? ', a stand-in' : ''}`,
    ]),
  ),
})

/** What decides which requests are sent and how; how many blocks there were does not. */
const planOf = ({ plan }: Measurement): Record<string, string> => ({
  scenario: plan.scenario,
  workload: `${plan.workload} (${plan.says})`,
  'metric asked about': plan.primary,
  load: plan.load,
  arrivals: plan.arrivals,
  'server processes': count(plan.workers),
  connections: count(plan.connections),
  'closed slices': `${plan.closed.sliceMs} ms`,
  'open slices': `${plan.open.sliceMs} ms`,
  'warm-up': `${plan.warmUpMs} ms`,
  timeout: `${plan.timeoutMs} ms`,
  margin: `±${plan.margin * 100} %`,
})

const unlike = (
  where: string,
  old: Record<string, string>,
  fresh: Record<string, string>,
): string[] =>
  [...new Set([...Object.keys(old), ...Object.keys(fresh)])]
    .filter((key) => old[key] !== fresh[key])
    .map(
      (key) =>
        `${where} differs in ${key}: ${old[key] ?? 'none'} then, ${fresh[key] ?? 'none'} now`,
    )

/** Latency at another rate is another question; what a closed load says is not touched by it. */
const unlikeRates = (old: Measurement, fresh: Measurement): string[] => {
  const [then, now] = [old.calibration.ratePerSecond, fresh.calibration.ratePerSecond]
  const asked = loadFor(old.plan.primary, old.plan) === 'open'
  if (!asked || Math.abs(now - then) <= rateTolerance * then) return []
  return [
    `the open load was ${number(then)} requests/s then and is ${number(now)} now; give the new run --rate ${Math.round(then)}`,
  ]
}

const rateTolerance = 0.01

const troubleOf = (
  which: string,
  { proof, finishedAt, blocks, gates, plan }: Measurement,
  told: Metric,
): string[] => {
  const bare = plan.contenders.some(({ reference }) => reference)
  const failed = gates.filter(
    ({ ok, spoils }) => !ok && (spoils === 'all' || spoils.includes(told)),
  )
  return [
    ...(proof.ok || proof.skipped ? [] : [`the claims did not come out as declared in ${which}`]),
    ...(finishedAt === null
      ? [`${which} was interrupted after ${blocks.length} of ${plan.blocks} blocks`]
      : []),
    ...(bare ? [] : [`${which} has no bare server to compare with`]),
    ...failed.map(({ gate, where }) => `${which} is invalid: ${gate}${where ? ` (${where})` : ''}`),
  ]
}

const notesOf = (old: Measurement, fresh: Measurement): string[] => {
  const setups = (run: Measurement) =>
    run.plan.contenders.filter(({ reference }) => !reference).map(({ setup }) => setup)
  const only = (here: Measurement, there: Measurement, which: string) =>
    setups(here)
      .filter((setup) => !setups(there).includes(setup))
      .map((setup) => `${setup} is only in ${which}`)
  return [
    `Seesaw ${old.seesaw} (${moment(old.startedAt)}) against ${fresh.seesaw} (${moment(fresh.startedAt)})`,
    ...(Date.parse(old.startedAt) > Date.parse(fresh.startedAt)
      ? ['the old run is the younger of the two']
      : []),
    ...(old.seed === fresh.seed
      ? []
      : [`the seeds differ (${old.seed}, ${fresh.seed}): other moments, in part other requests`]),
    ...only(old, fresh, 'the old run'),
    ...only(fresh, old, 'the new run'),
  ]
}

// ---- what became of a metric

interface Sides {
  old: ReturnType<typeof seriesOf>[]
  fresh: ReturnType<typeof seriesOf>[]
}

/** The metric of the bare server in terms of which a metric is taken; none for what it cannot sway. */
const anchors: Partial<Record<Metric, Metric>> = {
  throughput: 'throughput',
  p50: 'p50',
  p90: 'p90',
  p95: 'p95',
  p99: 'p99',
  cpu: 'cpu',
  gc: 'cpu',
}

/** One value per block, in terms of the bare server where that is called for; null where not known. */
const valuesOf = (
  { plan }: Measurement,
  series: Sides['old'],
  contender: number,
  metric: Metric,
): readonly number[] | null => {
  const own = series[contender]![metric].values
  const anchor = anchors[metric]
  if (anchor === undefined || own === null) return own
  const bare = series[plan.contenders.findIndex(({ reference }) => reference)]?.[anchor].values
  return bare?.every((value) => value > 0) ? own.map((value, i) => value / bare[i]!) : null
}

/** Whether both runs have enough requests for a metric, of a setup and of what it is taken in terms of. */
const isKnown = (
  metric: Metric,
  { old, fresh, pair, sides }: Pick<Question, 'old' | 'fresh' | 'pair' | 'sides'>,
): boolean =>
  valuesOf(old, sides.old, pair.old, metric) !== null &&
  valuesOf(fresh, sides.fresh, pair.fresh, metric) !== null

interface Question {
  old: Measurement
  fresh: Measurement
  pair: Pair
  metric: Metric
  told: Metric
  sides: Sides
  /** How many setups the same is asked of. */
  all: number
}

const changeOf = ({ old, fresh, pair, metric, told, sides, all }: Question): Change[] => {
  const spoilt = [...old.gates, ...fresh.gates].some(
    ({ ok, spoils }) => !ok && (spoils === 'all' || spoils.includes(metric)),
  )
  const before = valuesOf(old, sides.old, pair.old, metric)
  const after = valuesOf(fresh, sides.fresh, pair.fresh, metric)
  const exploratory = metric !== told
  const load = loadFor(metric, old.plan)
  const otherRate =
    load === 'open' &&
    Math.abs(fresh.calibration.ratePerSecond / old.calibration.ratePerSecond - 1) > rateTolerance &&
    isPercentile(metric)
  if (exploratory && (before === null || after === null || spoilt || otherRate)) return []
  const { margin } = old.plan
  const bareServer = before && after ? changeOfBare(old, fresh, sides, metric) : null
  const level = alpha / all
  const result = judge(before ?? [], after ?? [], {
    margin,
    alpha: level,
    moreIsWorse: metricFacts[metric].better === 'less',
    bareServer: bareServer ?? 1,
  })
  const at =
    load === 'open' ? `at ${number(old.calibration.ratePerSecond)} requests/s` : 'under full load'
  const blocks = { old: before?.length ?? 0, fresh: after?.length ?? 0 }
  const tooFew = areTooFew(blocks, level)
  const sentence = sentenceOf({
    ...result,
    metric,
    a: 'the old one',
    b: `the new ${pair.title}`,
    margin,
    blocks: blocks.old + blocks.fresh,
    ofRuns: { ...blocks, fewest: fewestOfEach(level) },
    fewestBlocks: tooFew ? blocks.old + blocks.fresh + 1 : 0,
    comparisons: all,
    blocksToShow: null,
    where: bareServer !== null ? `${at}, in terms of the bare server’s` : at,
    insteadOf: exploratory || metric === old.plan.primary ? null : old.plan.primary,
    tooFew: !isKnown(old.plan.primary, { old, fresh, pair, sides }),
    values: amountsOf(sides.old[pair.old]![metric].values, sides.fresh[pair.fresh]![metric].values),
    requests: null,
    serversAlone: false,
    failed: [],
  })
  return [
    {
      setup: pair.setup,
      title: pair.title,
      metric,
      ...result,
      oldBlocks: blocks.old,
      newBlocks: blocks.fresh,
      bareServer,
      exploratory,
      sentence,
    },
  ]
}

/** What a sentence says where a zero leaves no ratio; null where there is none. */
const amountsOf = (
  before: readonly number[] | null,
  after: readonly number[] | null,
): Parameters<typeof sentenceOf>[0]['values'] => {
  if (!before || !after || [...before, ...after].every((value) => value > 0)) return null
  return { a: median(before), b: median(after), are: 'typical' }
}

/** How many blocks each run has. */
interface Blocks {
  old: number
  fresh: number
}

/** Whether no interval can be had of so many, whatever they say. */
const areTooFew = ({ old, fresh }: Blocks, level: number): boolean =>
  rankSumCdf(old, fresh, 0) > (level / 2) * (1 + 1e-9)

/** How many blocks each of two runs needs, if both have as many. */
const fewestOfEach = (level: number): number => {
  let blocks = 1
  while (areTooFew({ old: blocks, fresh: blocks }, level)) blocks++
  return blocks
}

/** New ÷ old of the bare server's own figure; null where a metric is not taken in terms of it. */
const changeOfBare = (
  old: Measurement,
  fresh: Measurement,
  sides: Sides,
  metric: Metric,
): number | null => {
  const anchor = anchors[metric]
  if (anchor === undefined) return null
  const [then, now] = (
    [
      [old, sides.old],
      [fresh, sides.fresh],
    ] as const
  ).map(([run, series]) =>
    median(
      series[run.plan.contenders.findIndex(({ reference }) => reference)]![anchor].values ?? [],
    ),
  )
  return precise(now! / then!)
}

/**
 * How much more or less than the bare server a program may feel it that the machine is slower: a
 * half. (From block to block of one run on a busy machine, when the bare server became 10 % slower,
 * programs became 4 to 16 % slower.) By that share of the bare server's own change every interval is
 * widened. On a machine that is as it was this costs nothing; on one that is another machine today
 * nobody can see two per cent.
 */
const leaning = 0.5

/** How two samples are compared. */
export interface Rules {
  margin: number
  alpha: number
  moreIsWorse: boolean
  /** New ÷ old of what both were divided by; 1 if by nothing. */
  bareServer: number
}

/** The ratio of two independent samples with its interval, and what it means. */
export const judge = (
  before: readonly number[],
  after: readonly number[],
  { margin, alpha, moreIsWorse, bareServer }: Rules,
): Pick<Change, 'verdict' | 'ratio' | 'low' | 'high'> => {
  const nothing = { ratio: null, low: null, high: null }
  const all = [...before, ...after]
  const tooFew = areTooFew({ old: before.length, fresh: after.length }, alpha)
  if (all.length > 0 && all.every((value) => value === all[0])) {
    const exactly = all[0] === 0 ? nothing : { ratio: 1, low: 1, high: 1 }
    return { verdict: tooFew ? 'undecided' : 'same', ...exactly }
  }
  const worseIf = (more: boolean) => (more === moreIsWorse ? 'slower' : 'faster')
  if (all.some((value) => value <= 0)) {
    // A count that was zero, or is now, has no ratio; how far the two are apart can be told all the
    // same, where nothing about it is the machine's.
    const { interval } = rankSum(before, after, 1 - alpha)
    const isApart = interval !== null && (interval.low > 0 || interval.high < 0)
    if (!isApart || bareServer !== 1) return { verdict: 'undecided', ...nothing }
    return { verdict: worseIf(interval.low > 0), ...nothing }
  }
  const [then, now] = [before, after].map((values) => values.map(Math.log)) as [number[], number[]]
  const wider = leaning * Math.abs(Math.log(bareServer))
  const widened = (confidence: number) => {
    const { interval } = rankSum(then, now, confidence)
    return interval && { low: interval.low - wider, high: interval.high + wider }
  }
  const { shift } = rankSum(then, now, 1 - alpha)
  const [interval, core] = [widened(1 - alpha), widened(1 - 2 * alpha)]
  const most = Math.log1p(margin)
  return {
    verdict: decide({
      isSpoiled: false,
      isEnough: !tooFew,
      isSame: core !== null && core.low > -most && core.high < most,
      isApart: interval !== null && (interval.low > 0 || interval.high < 0),
      isWorse: shift > 0 === moreIsWorse,
    }),
    ratio: precise(Math.exp(shift)),
    low: interval && precise(Math.exp(interval.low)),
    high: interval && precise(Math.exp(interval.high)),
  }
}

const inOneSentence = (answers: readonly Change[], told: Metric): string => {
  const of = (verdict: Change['verdict']) => answers.filter((answer) => answer.verdict === verdict)
  const [only] = answers
  if (only && answers.length === 1) return `${sentenceAlone(only)}.`
  const level = alpha / answers.length
  const tooFew = answers.some(({ oldBlocks: old, newBlocks: fresh }) =>
    areTooFew({ old, fresh }, level),
  )
  const want = tooFew ? `, for too few blocks: it takes ${fewestOfEach(level)} of each run` : ''
  const parts = [
    [of('slower').length, 'worse'],
    [of('faster').length, 'better'],
    [of('same').length, 'the same'],
    [of('undecided').length, `not decided${want}`],
  ] as const
  return `${metricFacts[told].label} of ${answers.length} setups: ${parts
    .filter(([many]) => many > 0)
    .map(([many, what]) => `${many} ${what}`)
    .join(', ')}.`
}

// ---- as text

/** For a terminal or a log, at most 100 columns. */
export const comparisonToText = (comparison: Comparison): string => {
  const { verdicts, notes, why, sentence, comparable } = comparison
  const lines = (text: string, indent: string) =>
    wrap(plain(text), 100 - indent.length).map((line, i) => (i === 0 ? '' : indent) + line)
  const answers = verdicts.filter(({ exploratory }) => !exploratory)
  const others = verdicts.filter(({ exploratory }) => exploratory)
  return [
    ...(comparable ? lines(sentence, '') : ['These two runs cannot be compared:']),
    ...why.flatMap((text) => lines(`- ${text}`, '  ')),
    ...(answers.length > 1 ? answers.flatMap((one) => lines(`- ${sentenceAlone(one)}`, '  ')) : []),
    ...(others.length > 0 ? ['', 'Also compared, to look at, not to conclude from:'] : []),
    ...others.map(
      ({ title, metric, verdict, ratio, low, high }) =>
        `  ${plain(title)}, ${metricFacts[metric].label}: ${ratio === null ? 'no ratio' : inWords(ratio, low, high)}, ${verdictLooks[verdict].word}`,
    ),
    '',
    ...notes.flatMap((text) => lines(`- ${text}`, '  ')),
    '',
  ].join('\n')
}

/** For a pull request. */
export const comparisonToMarkdown = (comparison: Comparison): string => {
  const { verdicts, notes, why, sentence, comparable } = comparison
  const title = comparable ? `**${markdown(sentence)}**` : '**These two runs cannot be compared.**'
  const table = toMarkdownTable({
    caption: '',
    head: ['setup', 'metric', 'change', 'blocks, old + new', 'verdict'],
    wordy: [1, 4],
    rows: verdicts.map(
      ({ setup, metric, ratio, low, high, oldBlocks, newBlocks, verdict, exploratory }) => [
        setup,
        metricFacts[metric].label + (exploratory ? '' : ' (asked)'),
        ratio === null ? 'no ratio' : inWords(ratio, low, high),
        `${oldBlocks} + ${newBlocks}`,
        verdictLooks[verdict].word,
      ],
    ),
  })
  return [
    title,
    why.map((text) => `- ${markdown(text)}`).join('\n'),
    verdicts.length > 0 ? table : '',
    notes.map((text) => `- ${markdown(text)}`).join('\n'),
  ]
    .filter(Boolean)
    .join('\n\n')
    .concat('\n')
}
