// The cost table: what one request of each contender costs, taken apart. The bare server stands
// beside them, because it shows how much of a figure HTTP and the client alone make up.
import type { Measurement, Slot } from '../measurement.ts'
import {
  highestPercentile,
  type Load,
  merged,
  type Spread,
  slotsByBlock,
  spreadOf,
  sum,
} from './numbers.ts'
import type { Table } from './table.ts'
import { count, number } from './text.ts'

/** One line of the table: a value per contender, in the order of the plan. */
export interface CostRow {
  label: string
  unit: string
  cells: (Spread | null)[]
}

/** Everything that is counted per request, in the order in which it is read. */
export const costRows = (measurement: Measurement): CostRow[] => {
  const { contenders, load } = measurement.plan
  // What a request costs is asked where the server is not at its limit, if that was measured.
  const calm: Load = load === 'closed' ? 'closed' : 'open'
  const row = (
    label: string,
    unit: string,
    of: (slots: Slot[]) => number | null,
    from: Load | undefined = calm,
  ): CostRow => ({
    label,
    unit,
    cells: contenders.map((_, i) =>
      spreadOf(
        slotsByBlock(measurement, i, from)
          .map(({ slots }) => of(slots))
          .filter((value): value is number => value !== null),
      ),
    ),
  })
  const answered = (slots: Slot[]) => sum(slots, (slot) => slot.answered)
  const each = (slots: Slot[], of: (slot: Slot) => number) =>
    answered(slots) > 0 ? sum(slots, of) / answered(slots) : null
  const slots = measurement.blocks.flatMap((block) => block.slots)
  const names = (of: (slot: Slot) => object) =>
    [...new Set(slots.flatMap((slot) => Object.keys(of(slot))))].sort()

  return [
    row(
      'Throughput, at saturation',
      'requests/s',
      (slots) => answered(slots) / sum(slots, ({ seconds }) => seconds),
      'closed',
    ),
    row('CPU per request', 'ms', (slots) =>
      each(slots, ({ cpuMs }) => cpuMs.server + (cpuMs.backend ?? 0)),
    ),
    row('… of the server processes', 'ms', (slots) => each(slots, ({ cpuMs }) => cpuMs.server)),
    row('… of the backends', 'ms', (slots) =>
      slots.some(({ cpuMs }) => cpuMs.backend === null)
        ? null
        : each(slots, ({ cpuMs }) => cpuMs.backend ?? 0),
    ),
    row('Garbage collection per request', 'µs', (slots) => each(slots, ({ gcMs }) => gcMs * 1000)),
    row('Bytes per request, sent and received', 'B', (slots) =>
      each(slots, ({ sentBytes, receivedBytes }) => sentBytes + receivedBytes),
    ),
    row('Backend calls per request', 'calls', (slots) =>
      each(slots, ({ calls }) => Object.values(calls).reduce((all, { calls }) => all + calls, 0)),
    ),
    ...names(({ calls }) => calls).map((name) =>
      row(`… ${name}`, 'calls', (slots) => each(slots, ({ calls }) => calls[name]?.calls ?? 0)),
    ),
    ...names(({ roundTrips }) => roundTrips).map((name) =>
      row(`Round trips per request, ${name}`, 'trips', (slots) =>
        each(slots, ({ roundTrips }) => roundTrips[name] ?? 0),
      ),
    ),
    row(
      'Memory (RSS) of the server processes',
      'MB',
      (slots) => Math.max(...slots.map(({ rssBytes }) => rssBytes)) / 1e6,
      undefined,
    ),
    row(
      'Busiest event loop',
      '%',
      (slots) => Math.max(...slots.map(({ busy }) => busy.server)) * 100,
    ),
    ...names(({ judged }) => judged).map((name) =>
      row(
        `Answers that were ${name}`,
        '%',
        (slots) => {
          const all = sum(slots, ({ judged }) => Object.values(judged).reduce((a, b) => a + b, 0))
          return all > 0 ? (100 * sum(slots, ({ judged }) => judged[name] ?? 0)) / all : null
        },
        undefined,
      ),
    ),
    row(
      'Failed or timed out',
      '%',
      (slots) => {
        const sent = sum(slots, (slot) => slot.sent)
        return sent > 0 ? (100 * sum(slots, (slot) => slot.failed + slot.timedOut)) / sent : null
      },
      undefined,
    ),
  ].filter(
    // A line of nothing but nothing tells nothing, but that no request failed does.
    ({ label, cells }) =>
      cells.some((cell) => cell !== null) &&
      (label.startsWith('Failed') || cells.some((cell) => cell !== null && cell.high > 0)),
  )
}

const nameOf = ({ plan }: Measurement, i: number): string => {
  const { name, reference } = plan.contenders[i]!
  return reference ? 'bare server' : name
}

/** As a table with a column per contender. */
export const costTable = (measurement: Measurement): Table => ({
  caption: `Per contender, ${captionOf(measurement)}`,
  head: ['', 'unit', ...measurement.plan.contenders.map((_, i) => nameOf(measurement, i))],
  wordy: [1],
  rows: [
    ...costRows(measurement).map(({ label, unit, cells }) => [label, unit, ...cells.map(cellOf)]),
    [
      'Requests that this is made from',
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

const captionOf = ({ blocks }: Measurement) => `${blocks.length} blocks: median, [95 % interval]`

/** The value, and below it the interval where there is one. */
export const cellOf = (cell: Spread | null): string => {
  if (cell === null) return '–'
  const [median, low, high] = [cell.median, cell.low, cell.high].map(number)
  return low === high ? median! : `${median}\n[${low}, ${high}]`
}

const percentiles = [50, 90, 95, 99, 99.9, 99.99]

/** The latency percentiles that enough requests stand for, by block. */
export const latencyRows = (measurement: Measurement): CostRow[] => {
  const { contenders } = measurement.plan
  return (['latency', 'service'] as const).flatMap((which) =>
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
      const counted = which === 'latency' ? 'from the intended sending' : 'from the actual sending'
      return cells.some((cell) => cell !== null)
        ? [{ label: `p${percentile}, ${counted}`, unit: 'ms', cells }]
        : []
    }),
  )
}

export const latencyTable = (measurement: Measurement): Table => ({
  caption: `Latency of the open load, ${captionOf(measurement)} of the blocks' percentiles`,
  head: ['', 'unit', ...measurement.plan.contenders.map((_, i) => nameOf(measurement, i))],
  wordy: [1],
  rows: latencyRows(measurement).map(({ label, unit, cells }) => [
    label,
    unit,
    ...cells.map(cellOf),
  ]),
})
