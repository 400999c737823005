// Gate: the load client sent on time.

import type { Metric } from '#core/measurement/metrics'
import type { Gate, Measurement } from '#core/measurement/run'
import { mergeHistograms } from '../../stats/histogram.ts'
import { worst } from './slots.ts'
import { milliseconds } from './words.ts'

/**
 * How late the requests of a schedule were sent. A percentile can be told where as many requests
 * were on time as it speaks of: where 2 of 100 were late, p99 may be the client's own, p95 is not.
 */
export const lags = (measurement: Measurement): Gate[] => [
  lag(measurement, 99, ['p99']),
  lag(measurement, 95, ['p95', 'p90', 'p50']),
]

const lag = (measurement: Measurement, onTime: 95 | 99, spoils: Metric[]): Gate => {
  const { where, value } = worst(measurement, 'open', (slots) => {
    const late = mergeHistograms(slots.map((slot) => slot.lag))
    return late.totalCount === 0 ? null : late.getValueAtPercentile(onTime) / 1000
  })
  const ok = value === null || value <= 1
  return {
    gate: onTime === 99 ? 'lag' : 'lag-p95',
    where,
    value,
    limit: 1,
    unit: 'ms',
    ok,
    says: ok
      ? `Requests were sent on time: ${onTime} of 100 less than ${milliseconds(value)} late, 1 ms is allowed.`
      : `The load client sent too late: ${100 - onTime} of 100 requests ${onTime === 99 ? 'was' : 'were'} sent ${milliseconds(value)} late or more, 1 ms is allowed.`,
    spoils,
  }
}
