// Which metric answers the question.

import type { Metric } from '#core/measurement/metrics'
import type { Gate } from '#core/measurement/run'
import { isPercentile, percentiles } from './series.ts'

/**
 * The metric that answers the question: the primary one, or, where that percentile cannot be told
 * because a block has too few requests (`isKnown`) or the client sent too many of them late, the next
 * lower one that can.
 */
export const metricToTell = (
  primary: Metric,
  isKnown: (metric: Metric) => boolean,
  gates: readonly Gate[],
): Metric => {
  if (!isPercentile(primary)) return primary
  const known = percentiles.slice(percentiles.indexOf(primary)).filter(isKnown)
  const isLate = (metric: Metric) =>
    gates.some(
      ({ ok, gate, spoils }) =>
        !ok && /^lag/.test(gate) && spoils !== 'all' && spoils.includes(metric),
    )
  return known.find((metric) => !isLate(metric)) ?? known[0] ?? primary
}
