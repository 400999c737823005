// Gate: rate, latency and connections agree.
import type { Gate, Measurement } from '#core/measurement/run'
import { meanMs, mergeHistograms } from '../../stats/histogram.ts'
import { sum, worst } from './slots.ts'
import { percent } from './words.ts'

/**
 * Little's law (Operations Research 9, 1961): requests in flight = rate × time of one. A closed load
 * keeps `connections` of them in flight from the first sending to the last, and fewer while the
 * last ones come in; so the sum of all latencies lies between connections × sending time and
 * connections × whole time. Beyond that some clock or some count is wrong, or connections idled.
 */
export const littlesLaw = (measurement: Measurement): Gate => {
  const { connections, closed } = measurement.plan
  const { where, value } = worst(measurement, 'closed', (slots) => {
    const all = mergeHistograms(slots.map(({ latency }) => latency))
    const seconds = sum(slots, (slot) => slot.seconds)
    const sending = Math.min(
      seconds,
      (sum(slots, (slot) => slot.slices.length) * closed.sliceMs) / 1000,
    )
    if (all.totalCount === 0 || seconds === 0 || sending === 0 || connections === 0) return null
    const inFlight = (meanMs(all) * all.totalCount) / 1000 / connections
    return Math.max(0, inFlight / seconds - 1, 1 - inFlight / sending)
  })
  const ok = value === null || value <= 0.05
  return {
    gate: 'littles-law',
    where,
    value,
    limit: 0.05,
    unit: 'share',
    ok,
    says: ok
      ? `Rate, latency and connections agree: requests in flight = rate × latency, ${value === 0 ? 'as far as can be told' : `within ${percent(value)}`} (5 % is allowed).`
      : `Rate, latency and connections contradict each other (requests in flight = rate × latency is off by ${percent(value)}, 5 % is allowed).`,
    spoils: ['throughput'],
  }
}
