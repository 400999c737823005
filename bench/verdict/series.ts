// From slots to one value per block: what a contender's requests cost there, whichever metric it is
// told in. A block is the unit of everything that follows; both slots of it are merged first.

import type { Metric } from '#core/measurement/metrics'
import type { Block, Measurement, Plan, Slot } from '#core/measurement/run'
import { mergeHistograms, quantileMs, requestsFor } from '../stats/histogram.ts'

/** One contender's metric over the blocks. */
export interface Series {
  metric: Metric
  /** Which load it was taken from; null where that load was not part of the plan. */
  load: Slot['load'] | null
  /** One value per block, in the metric's unit; null where it cannot be said. */
  values: number[] | null
  /** The requests that it comes from: of all blocks, and of the block with the fewest. */
  requests: number
  fewestInBlock: number
}

const quantiles = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 } as const
/** A percentile of the latency, of which there may be too few requests. */
export type Percentile = keyof typeof quantiles
/** From the one that needs most requests downwards. */
export const percentiles: readonly Percentile[] = ['p99', 'p95', 'p90', 'p50']

export const isPercentile = (metric: Metric): metric is Percentile => metric in quantiles

/** How many requests a block needs for a percentile to be taken from it: 2,000 for p99. */
export const requestsNeeded = (percentile: Percentile): number => requestsFor(quantiles[percentile])

/**
 * The load that a metric is taken from. What a request costs is told best by the load that makes
 * most of them; what is counted exactly, by the one in which all contenders get the same requests.
 */
export const loadFor = (metric: Metric, { load }: Pick<Plan, 'load'>): Slot['load'] | null => {
  if (metric === 'throughput') return load === 'open' ? null : 'closed'
  if (isPercentile(metric)) return load === 'closed' ? null : 'open'
  if (metric === 'backend-calls' || metric === 'bytes') return load === 'closed' ? 'closed' : 'open'
  return load === 'open' ? 'open' : 'closed'
}

/**
 * Whether the CPU time of the backends could be read for every contender. Where not, nobody's is
 * counted: a contender must not look cheap because its database could not be watched.
 */
export const backendCpuKnown = ({ blocks, plan }: Measurement): boolean =>
  blocks.every(({ slots }) =>
    slots.every(
      ({ contender, cpuMs }) => plan.contenders[contender]?.reference || cpuMs.backend !== null,
    ),
  )

/** Every metric of the contender with the index `contender`. */
export const seriesOf = (measurement: Measurement, contender: number): Record<Metric, Series> => {
  const blocks = measurement.blocks.map((block) => ({
    block,
    open: block.slots.filter((slot) => slot.contender === contender && slot.load === 'open'),
    closed: block.slots.filter((slot) => slot.contender === contender && slot.load === 'closed'),
  }))
  const latencies = blocks.map(({ open }) => mergeHistograms(open.map(({ latency }) => latency)))
  const withBackend = backendCpuKnown(measurement)

  const series = (
    metric: Metric,
    valueIn: (slots: readonly Slot[], block: Block, at: number) => number | null,
  ): Series => {
    const load = loadFor(metric, measurement.plan)
    const requests = blocks.map((one, at) => {
      if (load === null) return 0
      return isPercentile(metric) ? latencies[at]!.totalCount : sum(one[load], answered)
    })
    const values = blocks.map((one, at) =>
      load === null || one[load].length === 0 || requests[at] === 0
        ? null
        : valueIn(one[load], one.block, at),
    )
    return {
      metric,
      load,
      values: values.length > 0 && values.every(isNumber) ? values : null,
      requests: requests.reduce((all, one) => all + one, 0),
      fewestInBlock: requests.length === 0 ? 0 : Math.min(...requests),
    }
  }
  const percentile = (metric: Percentile) =>
    series(metric, (_slots, _block, at) => quantileMs(latencies[at]!, quantiles[metric]))
  const perRequest = (metric: Metric, amount: (slot: Slot) => number, factor = 1) =>
    series(metric, (slots) => (factor * sum(slots, amount)) / sum(slots, answered))

  return {
    throughput: series('throughput', (slots) => sum(slots, answered) / sum(slots, seconds)),
    p50: percentile('p50'),
    p90: percentile('p90'),
    p95: percentile('p95'),
    p99: percentile('p99'),
    cpu: series('cpu', (slots, block) => cpuMsOf(slots, block, withBackend) / sum(slots, answered)),
    'backend-calls': perRequest('backend-calls', callsOf),
    bytes: perRequest('bytes', ({ sentBytes, receivedBytes }) => sentBytes + receivedBytes),
    gc: perRequest('gc', ({ gcMs }) => gcMs, 1000),
    rss: series('rss', (slots) => sum(slots, ({ rssBytes }) => rssBytes) / slots.length / 1e6),
  }
}

/**
 * CPU time of some slots of one contender and one load, with their share of what its server did
 * outside of its slots: work that goes on after the answer is part of the price. Where both loads
 * were measured it is shared between them by the time that they used.
 */
const cpuMsOf = (slots: readonly Slot[], block: Block, withBackend: boolean): number => {
  const { contender } = slots[0]!
  const used = ({ cpuMs }: Slot) => cpuMs.server + (withBackend ? (cpuMs.backend ?? 0) : 0)
  const own = sum(slots, used)
  const all = sum(
    block.slots.filter((slot) => slot.contender === contender),
    used,
  )
  const afterwards = block.afterwardsCpuMs[contender] ?? 0
  return own + (all > 0 ? (afterwards * own) / all : 0)
}

const callsOf = ({ calls }: Slot): number =>
  Object.values(calls).reduce((all, one) => all + one.calls, 0)
const answered = (slot: Slot) => slot.answered
const seconds = (slot: Slot) => slot.seconds
const sum = (slots: readonly Slot[], amount: (slot: Slot) => number): number =>
  slots.reduce((all, slot) => all + amount(slot), 0)
const isNumber = (value: number | null): value is number => value !== null && Number.isFinite(value)
