// Which charts a measurement has, and what each says in words.
import { metricFacts } from '#core/measurement/metrics'
import type { Measurement, Verdict } from '#core/measurement/run'
import { median } from '../stats/median.ts'
import { loadFor, seriesOf } from '../verdict/series.ts'
import { courseOf } from '../verdict/steady.ts'
import type { Chart } from './chart.ts'
import { course } from './course.ts'
import { type CurveSeries, curve, marked, quickest } from './curve.ts'
import type { ForestRow } from './forest.ts'
import { forestChart } from './forest-chart.ts'
import { lookOf } from './looks.ts'
import { highestPercentile, type Load, merged, slotsByBlock, spreadOf } from './numbers.ts'
import { outagesInWords } from './outage.ts'
import { slope } from './slope.ts'
import { isSpoilt, metricTold } from './summary.ts'
import { mark } from './svg.ts'
import { change, count, duration, escaped, number } from './text.ts'
import { timeline } from './timeline.ts'

export interface Charts {
  forest: Chart[]
  /** What the latency section says above its chart, or why there is none. */
  latencySays: string
  latency: Chart[]
  slope: Chart[]
  timelines: Chart[]
  steadiness: Chart[]
}

export const chartsOf = (measurement: Measurement): Charts => ({
  forest: forestCharts(measurement),
  ...latencyCharts(measurement),
  slope: slopeCharts(measurement),
  timelines: timelineCharts(measurement),
  steadiness: steadinessCharts(measurement),
})

// ---- the forest

const forestCharts = (measurement: Measurement): Chart[] => {
  const { verdicts, plan } = measurement
  const [primary, others] = [false, true].map((exploratory) =>
    verdicts.filter((verdict) => verdict.exploratory === exploratory),
  ) as [Verdict[], Verdict[]]
  const chart = (id: string, title: string, of: Verdict[]): Chart =>
    forestChart({
      ...{ id, title, verdicts: of, margin: plan.margin },
      rows: of.map((verdict) => rowOf(measurement, verdict)),
      says: whoWithWhom(measurement),
      labels: of.map(({ metric }) => metricFacts[metric].label),
    })
  // Of two contenders all metrics share a chart; of more, each has one of its own, which fits a page.
  const asked = new Set(others.map(({ metric }) => metric))
  const alsoMeasured =
    asked.size === others.length
      ? others.length > 0
        ? [chart('forest-others', 'Also measured', others)]
        : []
      : [...asked].map((metric) =>
          chart(
            `forest-${metric}`,
            `Also measured: ${metricFacts[metric].label}`,
            others.filter((verdict) => verdict.metric === metric),
          ),
        )
  return [
    ...(primary.length > 0
      ? [chart('forest', `The question: ${metricFacts[metricTold(measurement)].label}`, primary)]
      : []),
    ...alsoMeasured,
  ]
}

const whoWithWhom = ({ plan }: Measurement): string => {
  const [first, second, ...others] = plan.contenders.filter(({ reference }) => !reference)
  return first && second && others.length === 0
    ? `${second.name} compared with ${first.name}`
    : 'the first named, compared with the second'
}

const rowOf = ({ plan }: Measurement, verdict: Verdict): ForestRow => {
  const { metric, a, b } = verdict
  const pairs = plan.contenders.filter(({ reference }) => !reference).length > 2
  const direction = metricFacts[metric].better === 'more' ? ' (more is better)' : ''
  const group = `${metricFacts[metric].label}${direction}`
  return { ...verdict, group, label: pairs ? `${b} against ${a}` : '' }
}

// ---- the latency curve

const latencyCharts = (measurement: Measurement): Pick<Charts, 'latency' | 'latencySays'> => {
  const { plan, calibration } = measurement
  const series = plan.contenders.flatMap(
    ({ name, reference }, i): (CurveSeries & { n: number })[] => {
      if (reference) return []
      const slots = slotsByBlock(measurement, i, 'open').flatMap((block) => block.slots)
      return (['corrected', 'naive'] as const).flatMap((kind) => {
        const histogram = merged(slots, kind === 'corrected' ? 'latency' : 'service')
        if (!histogram) return []
        const most = highestPercentile(histogram.totalCount)
        const points = percentilesUpTo(most).map((percentile) => ({
          percentile,
          ms: histogram.getValueAtPercentile(percentile) / 1000,
        }))
        return [{ name, kind, points, look: lookOf(measurement, i), n: histogram.totalCount }]
      })
    },
  )
  if (series.length === 0)
    return {
      latency: [],
      latencySays:
        'Only the closed load was measured, as fast as answers come. How long requests wait in it says nothing about how long they take, so no latency is shown.',
    }
  const at = (percentile: number) => (one: CurveSeries) =>
    one.points.find((point) => point.percentile === percentile)?.ms
  const corrected = series.filter(({ kind }) => kind === 'corrected')
  const counted = { corrected: 'intended', naive: 'actual' }
  return {
    latencySays: `Open load: ${plan.arrivals === 'poisson' ? 'random (Poisson)' : 'even'} arrivals at ${number(calibration.ratePerSecond)} requests/s, whatever the server does. Time is counted from the moment at which a request was meant to be sent, so a stall counts for everybody who had to wait behind it. All blocks together; a line ends where fewer than twenty requests are left to speak for it.`,
    latency: [
      {
        id: 'latency-curve',
        title: 'From the quickest to the slowest request',
        says: corrected
          .map(
            (one) =>
              `${one.name}: half within ${inMs(at(50)(one))}, 99 of 100 within ${inMs(at(99)(one))}, ${count(one.n)} requests.`,
          )
          .join(' '),
        draw: curve(series),
        // Its middle may be valid where its end is not: the table says which.
        spoilt: isSpoilt(measurement, 'p50'),
        legend: contenderLegend(measurement) + toggle,
        note: escaped(
          `Bold lines and full marks count from the intended sending; thin lines and hollow marks from the actual one. ${lateness(measurement)}`,
        ),
        table: {
          caption: 'All blocks together, in milliseconds',
          head: [
            'contender, counted from',
            'requests',
            ...marked
              .filter((p) => series.some((one) => at(p)(one) !== undefined))
              .map((p) => `p${p}`),
          ],
          rows: series.map((one) => [
            `${one.name}, ${counted[one.kind]} sending`,
            count(one.n),
            ...marked
              .filter((p) => series.some((other) => at(p)(other) !== undefined))
              .map((p) => at(p)(one))
              .map((ms) => (ms === undefined ? 'too few' : number(ms))),
          ]),
        },
      },
    ],
  }
}

/** How far both ways of counting part for no other reason than the client. */
const lateness = (measurement: Measurement): string => {
  const slots = measurement.blocks.flatMap(({ slots }) =>
    slots.filter(
      ({ load, contender }) =>
        load === 'open' && !measurement.plan.contenders[contender]?.reference,
    ),
  )
  const lag = merged(slots, 'lag')
  if (!lag) return ''
  const [half, most] = [50, 95].map((percent) => number(lag.getValueAtPercentile(percent) / 1000))
  return `The client itself sent half of the requests ${half} ms late or more, and 5 of 100 by ${most} ms or more: where the lines part by no more than that, it is the client. Where they part by more, requests had to wait to be sent, and a naive measurement would have flattered.`
}

const inMs = (ms: number | undefined) =>
  ms === undefined ? 'a time not known' : `${number(ms)} ms`

/** Evenly spread over the axis, and those that are marked. */
const percentilesUpTo = (most: number): number[] => {
  const steps = Array.from({ length: 100 }, (_, i) => 100 * (1 - 10 ** (-i / 20)))
  return [...new Set([quickest, ...steps, ...marked, most])]
    .filter((percentile) => percentile >= quickest && percentile <= most)
    .sort((a, b) => a - b)
}

const toggle = `<fieldset class="toggle"><legend>Time counted from</legend>
<label><input type="radio" name="latency" id="latency-both" checked> both</label>
<label><input type="radio" name="latency" id="latency-corrected"> the intended sending</label>
<label><input type="radio" name="latency" id="latency-naive"> the actual sending (naive)</label>
</fieldset>`

/** Whose mark is whose. */
const contenderLegend = (measurement: Measurement): string =>
  `<ul>${measurement.plan.contenders
    .flatMap(({ name, title, reference }, i) => {
      if (reference) return []
      const { class: colour, shape, dash } = lookOf(measurement, i)
      return [
        `<li><span class="key"><svg viewBox="0 0 34 16" class="${colour} swatch" aria-hidden="true"><path d="M0 8H34" class="line"${dash ? ` stroke-dasharray="${dash}"` : ''}/>${mark(shape, 17, 8, 5, { class: 'solid' })}</svg> ${escaped(name)}</span> ${escaped(title)}</li>`,
      ]
    })
    .join('')}</ul>`

// ---- block by block

const slopeCharts = (measurement: Measurement): Chart[] => {
  const { plan, blocks } = measurement
  const told = metricTold(measurement)
  const unit = metricFacts[told].unit
  const places = plan.contenders.flatMap(({ reference }, i) => (reference ? [] : [i]))
  const series = places.map((i) => seriesOf(measurement, i)[told].values)
  if (blocks.length === 0 || places.length < 2 || series.every((values) => values === null))
    return []
  const values = blocks.map((_, at) => series.map((of) => of?.[at] ?? null))
  const medians = places.map(
    (_, i) =>
      spreadOf(values.map((of) => of[i]).filter((one): one is number => typeof one === 'number'))
        ?.median ?? null,
  )
  const names = places.map((i) => plan.contenders[i]!)
  const spoilt = isSpoilt(measurement, told)
  const { label, better } = metricFacts[told]
  // What would be read as an answer is said only where there is one.
  const shown = measurement.verdicts.some(
    ({ metric, exploratory, verdict }) =>
      metric === told && !exploratory && (verdict === 'slower' || verdict === 'faster'),
  )
  const direction =
    names.length !== 2
      ? `${count(values.length)} blocks.`
      : shown
        ? `${agreement(values, medians, names)} (${better === 'more' ? 'More' : 'Less'} is better.)`
        : `${count(values.length)} blocks, which show no direction.`
  return [
    {
      id: 'slope',
      title: `${label} in every block`,
      says: direction,
      spoilt,
      draw: slope({
        contenders: places.map((i) => ({ ...plan.contenders[i]!, look: lookOf(measurement, i) })),
        blocks: values,
        medians,
        unit,
      }),
      note: `${escaped(direction)} The thick line joins the medians. How far the thin ones are spread shows how much the machine changed; the more alike they run, the narrower the interval.`,
      table: {
        caption: `${label} per block, in ${unit}`,
        head: [
          'block',
          ...names.map(({ name }) => name),
          ...(names.length === 2 ? ['change'] : []),
        ],
        rows: values.map((of, i) => [
          String((blocks[i]?.index ?? i) + 1),
          ...of.map((one) => (one === null ? '–' : number(one))),
          ...(of.length === 2 ? [of[0] && of[1] ? change(of[1] / of[0]) : '–'] : []),
        ]),
      },
    },
  ]
}

const agreement = (
  values: (number | null)[][],
  medians: (number | null)[],
  names: { name: string }[],
): string => {
  const [first, second] = medians
  if (typeof first !== 'number' || typeof second !== 'number') return ''
  const higher = second > first
  const agree = values.filter(([a, b]) => a != null && b != null && (higher ? b > a : b < a)).length
  return `${names[1]?.name} is ${higher ? 'above' : 'below'} ${names[0]?.name} in ${agree} of ${values.length} blocks${agree < values.length ? '; the others are dashed' : ''}.`
}

// ---- within a block

const steadinessCharts = (measurement: Measurement): Chart[] => {
  const { plan } = measurement
  const load = loadFor('cpu', plan)
  const series = plan.contenders.flatMap(({ name, reference }, i) => {
    const values = reference || load === null ? [] : levelsOf(measurement, i, load)
    return values.length > 0 ? [{ name, look: lookOf(measurement, i), values }] : []
  })
  if (series.length === 0) return []
  const says = series
    .map(({ name, values }) => {
      const [first, last] = [values[0]!, values.at(-1)!]
      return `${name} began at ${change(first)} and ended at ${change(last)}`
    })
    .join('; ')
  return [
    {
      id: 'steadiness',
      title: 'CPU per request in the course of a block',
      says: `${says}.`,
      draw: course(series),
      legend: contenderLegend(measurement),
      note: 'Each block’s slices in parts of equal length, in per cent of the block’s own level; the median over the blocks. A line that falls at the left would be a server that was still warming up. The gate “steady” looks at the same parts and decides.',
      table: {
        caption: 'Median over the blocks, in per cent of the block’s level',
        head: ['part', ...series.map(({ name }) => name)],
        rows: series[0]!.values.map((_, at) => [
          String(at + 1),
          ...series.map(({ values }) => (values[at] === undefined ? '–' : change(values[at]))),
        ]),
      },
    },
  ]
}

/** CPU per request in the parts of a block, as a ratio to its middle one; medians over the blocks. */
const levelsOf = (measurement: Measurement, contender: number, load: Load): number[] => {
  const courses = slotsByBlock(measurement, contender, load).flatMap(
    ({ slots }) => courseOf(slots, 'CPU time per request', 0) ?? [],
  )
  const parts = Math.min(...courses.map(({ levels }) => levels.length))
  return courses.length === 0
    ? []
    : Array.from({ length: parts }, (_, at) =>
        Math.exp(median(courses.map(({ levels }) => levels[at]! - median(levels)))),
      )
}

// ---- faults

const timelineCharts = (measurement: Measurement): Chart[] =>
  measurement.timelines.map((of) => {
    const { name, title } = measurement.plan.contenders[of.contender]!
    const { buckets, bucketMs, faults, ratePerSecond } = of
    const total = (key: 'offered' | 'right' | 'other') =>
      buckets.reduce((all, bucket) => all + bucket[key], 0)
    const events = faults.map(
      ({ atMs, do: what, backend }) =>
        `${backend} ${what === 'kill' ? 'dies' : 'is back'} at ${number(atMs / 1000)} s`,
    )
    const says = `${outagesInWords(of)} In all, ${count(total('right'))} of ${count(total('offered'))} requests were answered right, ${count(total('other'))} wrongly or not at all; ${events.join(', ')}.`
    return {
      id: `timeline-${of.contender}`,
      title: `${name}: ${title}`,
      says,
      draw: timeline(of, lookOf(measurement, of.contender)),
      legend:
        '<ul><li><svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><rect width="16" height="16" class="right"/></svg> answered right</li><li><svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><rect width="16" height="16" class="other"/></svg> wrongly, or not at all</li><li>line: median, rings: slowest</li></ul>',
      note: `${escaped(says)} One run at ${number(ratePerSecond)} requests/s, in steps of ${duration(bucketMs / 1000)}, by the moment at which a request was meant to be sent.`,
      table: {
        caption: `Every ${duration(bucketMs / 1000)}`,
        head: ['from, s', 'offered', 'right', 'other', 'median, ms', 'slowest, ms'],
        rows: buckets.map(({ offered, right, other, medianMs, maxMs }, i) => [
          number((i * bucketMs) / 1000),
          count(offered),
          count(right),
          count(other),
          medianMs === null ? '–' : number(medianMs),
          maxMs === null ? '–' : number(maxMs),
        ]),
      },
    }
  })
