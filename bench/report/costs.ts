// The cost table: what one request of each contender costs, taken apart. The bare server stands
// beside them, because it shows how much of a figure HTTP and the client alone make up.

import { type Metric, metricFacts } from '#core/measurement/metrics'
import type { Measurement, Slot } from '#core/measurement/run'
import { backendCpuKnown, loadFor, seriesOf } from '../verdict/series.ts'
import {
  highestPercentile,
  type Load,
  merged,
  type Spread,
  slotsByBlock,
  spreadOf,
  sum,
} from './numbers.ts'
import { isSpoilt } from './summary.ts'
import type { Table } from './table.ts'
import { alike, count, number } from './text.ts'

/** One line of the table: a value per contender, in the order of the plan. */
export interface CostRow {
  label: string
  unit: string
  cells: (Spread | null)[]
}

/** Everything that is counted per request, in the order in which it is read. */
const costRows = (measurement: Measurement): CostRow[] => {
  const { plan } = measurement
  const all = plan.contenders.map((_, i) => seriesOf(measurement, i))
  const metric = (name: Metric, label: string): CostRow => ({
    label: isSpoilt(measurement, name) ? `${label} ✗` : label,
    unit: metricFacts[name].unit,
    cells: all.map((series) => spreadOf(series[name].values ?? [])),
  })
  const row = (
    label: string,
    unit: string,
    of: (slots: Slot[]) => number | null,
    from?: Load,
  ): CostRow => ({
    label,
    unit,
    cells: plan.contenders.map((_, i) =>
      spreadOf(
        slotsByBlock(measurement, i, from)
          .map(({ slots }) => of(slots))
          .filter((value): value is number => value !== null),
      ),
    ),
  })
  const each = (slots: Slot[], of: (slot: Slot) => number) => {
    const answered = sum(slots, (slot) => slot.answered)
    return answered > 0 ? sum(slots, of) / answered : null
  }
  const cpuLoad = loadFor('cpu', plan) ?? 'open'
  const callsLoad = loadFor('backend-calls', plan) ?? 'open'
  const slots = measurement.blocks.flatMap((block) => block.slots)
  const names = (of: (slot: Slot) => object) =>
    [...new Set(slots.flatMap((slot) => Object.keys(of(slot))))].sort()
  const served = backendCpuKnown(measurement)
  const used = ({ cpuMs }: Slot) => cpuMs.server + (served ? (cpuMs.backend ?? 0) : 0)

  const cpu = metric('cpu', 'CPU time')
  const afterwards: CostRow = {
    label: '… after the answers',
    unit: metricFacts.cpu.unit,
    cells: all.map((series, i) =>
      spreadOf(
        slotsByBlock(measurement, i, cpuLoad).flatMap(({ slots }, at) => {
          const total = series.cpu.values?.[at]
          const within = each(slots, used)
          return total === undefined || within === null ? [] : [Math.max(0, total - within)]
        }),
      ),
    ),
  }

  return [
    metric('throughput', 'Throughput'),
    cpu,
    row(
      '… server processes',
      metricFacts.cpu.unit,
      (of) => each(of, ({ cpuMs }) => cpuMs.server),
      cpuLoad,
    ),
    ...(served
      ? [
          row(
            '… backends',
            metricFacts.cpu.unit,
            (of) => each(of, ({ cpuMs }) => cpuMs.backend ?? 0),
            cpuLoad,
          ),
        ]
      : []),
    // A hundredth is not worth a line.
    ...(afterwards.cells.some((cell, i) => (cell?.median ?? 0) > 0.01 * (cpu.cells[i]?.median ?? 0))
      ? [afterwards]
      : []),
    // Mostly idle, a server pays the same for waking up and waking others whatever else it does.
    ...(plan.load === 'both'
      ? [row('CPU time, fixed rate', metricFacts.cpu.unit, (of) => each(of, used), 'open')]
      : []),
    metric('gc', 'Garbage collection'),
    metric('bytes', 'Bytes'),
    metric('backend-calls', 'Backend calls'),
    ...names(({ calls }) => calls).map((name) =>
      row(
        `… ${name}`,
        metricFacts['backend-calls'].unit,
        (of) => each(of, ({ calls }) => calls[name]?.calls ?? 0),
        callsLoad,
      ),
    ),
    ...names(({ roundTrips }) => roundTrips).map((name) =>
      row(
        `Round trips to ${name}`,
        'trips/request',
        (of) => each(of, ({ roundTrips }) => roundTrips[name] ?? 0),
        callsLoad,
      ),
    ),
    metric('rss', 'Memory (RSS)'),
    row('Event loop busy', '%', (of) => Math.max(...of.map(({ busy }) => busy.server)) * 100),
    ...names(({ judged }) => judged).map((name) =>
      row(`Answers: ${name}`, '%', (of) => {
        const judged = sum(of, ({ judged }) => Object.values(judged).reduce((a, b) => a + b, 0))
        return judged > 0 ? (100 * sum(of, ({ judged }) => judged[name] ?? 0)) / judged : null
      }),
    ),
    row('Failed or timed out', '%', (of) => {
      const sent = sum(of, (slot) => slot.sent)
      return sent > 0 ? (100 * sum(of, (slot) => slot.failed + slot.timedOut)) / sent : null
    }),
  ].filter(
    // A line of nothing but nothing tells nothing, but that no request failed does.
    ({ label, cells }) =>
      cells.some((cell) => cell !== null) &&
      (label.startsWith('Failed') || cells.some((cell) => cell !== null && cell.median > 0)),
  )
}

/** The heads of the columns: the letter, below it what it stands for. */
const headOf = ({ plan }: Measurement): string[] => [
  '',
  'unit',
  ...plan.contenders.map(({ name, title, reference }) =>
    reference ? 'bare server' : `${name}\n${title}`,
  ),
]

/** As a table with a column per contender. */
export const costTable = (measurement: Measurement): Table => ({
  caption: `Per contender, ${captionOf(measurement)}${legendOf(costRows(measurement))}`,
  head: headOf(measurement),
  wordy: [1],
  rows: [
    ...costRows(measurement).map(({ label, unit, cells }) => [label, unit, ...cells.map(cellOf)]),
    [
      'Answered requests',
      'requests',
      ...measurement.plan.contenders.map((_, i) =>
        count(
          sum(
            slotsByBlock(measurement, i).flatMap(({ slots }) => slots),
            ({ answered }) => answered,
          ),
        ),
      ),
    ],
  ],
})

/** Which figure comes from which load, and what full load does to the price of a request. */
export const loadsInWords = ({ plan }: Measurement): string => {
  if (plan.load !== 'both') return ''
  const from = (load: Load) =>
    (['throughput', 'cpu', 'gc', 'rss', 'bytes', 'backend-calls'] as const)
      .filter((metric) => loadFor(metric, plan) === load)
      .map((metric) => metricFacts[metric].label)
      .join(', ')
  return (
    `Under full load: ${from('closed')}. At the fixed rate: ${from('open')}. ` +
    'Under full load whoever answers also pays for waking the client up, the slower the more often: a small difference looks larger there than at a fixed rate.'
  )
}

const captionOf = ({ blocks }: Measurement) => `${blocks.length} blocks: median, [95 % interval]`

/** The value, and below it the interval where there is one. */
const cellOf = (cell: Spread | null): string => {
  if (cell === null) return '–'
  const { median, low, high } = cell
  const [value, least, most] = alike([median, low ?? median, high ?? median])
  return least === value && most === value ? number(median) : `${value}\n[${least}, ${most}]`
}

const percentiles = [50, 90, 95, 99, 99.9, 99.99]

const counted = {
  latency: 'intended sending',
  service: 'actual sending',
  lag: 'the client’s lag',
} as const

/** The latency percentiles that enough requests stand for, by block, and how late the client was. */
const latencyRows = (measurement: Measurement): CostRow[] => {
  const { contenders } = measurement.plan
  return (['latency', 'service', 'lag'] as const).flatMap((which) =>
    percentiles.flatMap((percentile) => {
      const cells = contenders.map((_, i) =>
        spreadOf(
          slotsByBlock(measurement, i, 'open').flatMap(({ slots }) => {
            const histogram = merged(slots, which)
            return histogram && percentile <= highestPercentile(histogram.totalCount)
              ? [histogram.getValueAtPercentile(percentile) / 1000]
              : []
          }),
        ),
      )
      // What is higher needs a client that is as punctual as for p99.
      const metric = percentile === 50 || percentile === 90 || percentile === 95 ? percentile : 99
      const spoilt = which !== 'lag' && isSpoilt(measurement, `p${metric}`)
      return cells.some((cell) => cell !== null)
        ? [{ label: `p${percentile}, ${counted[which]}${spoilt ? ' ✗' : ''}`, unit: 'ms', cells }]
        : []
    }),
  )
}

export const latencyTable = (measurement: Measurement): Table => {
  const rows = latencyRows(measurement)
  return {
    caption: `Latency of the open load in milliseconds, counted from the intended or from the actual sending; ${captionOf(measurement)} of the blocks’ percentiles${legendOf(rows)}`,
    head: headOf(measurement).filter((head) => head !== 'unit'),
    rows: rows.map(({ label, cells }) => [label, ...cells.map(cellOf)]),
  }
}

/** What the mark behind a label means, where there is one. */
const legendOf = (rows: readonly CostRow[]): string =>
  rows.some(({ label }) => label.endsWith('✗')) ? '; ✗ not valid, a gate has failed' : ''
