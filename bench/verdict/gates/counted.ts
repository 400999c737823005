// Gate: the servers counted what the load client sent.
import type { Gate, Measurement } from '#core/measurement/run'
import { worst } from './slots.ts'
import { things } from './words.ts'

/** A request that broke off may have reached the server or not; every other must be on its books. */
export const counted = (measurement: Measurement): Gate => {
  const { where, value } = worst(measurement, null, (slots) =>
    Math.max(
      0,
      ...slots.map((slot) => Math.abs(slot.counted - slot.sent) - slot.failed - slot.timedOut),
    ),
  )
  const ok = (value ?? 0) === 0
  return {
    gate: 'counted',
    where,
    value,
    limit: 0,
    unit: 'requests',
    ok,
    says: ok
      ? 'The servers counted as many requests as the load client sent.'
      : `The servers counted others than the load client sent: ${things(value ?? 0, 'request')} too many or too few in a slot.`,
    spoils: 'all',
  }
}
