// Gate: every request has one end.
import type { Gate, Measurement } from '#core/measurement/run'
import { worst } from './slots.ts'
import { things } from './words.ts'

export const balance = (measurement: Measurement): Gate => {
  const { where, value } = worst(measurement, null, (slots) =>
    Math.max(
      0,
      ...slots.map((slot) => Math.abs(slot.sent - slot.answered - slot.failed - slot.timedOut)),
    ),
  )
  const ok = (value ?? 0) === 0
  return {
    gate: 'balance',
    where,
    value,
    limit: 0,
    unit: 'requests',
    ok,
    says: ok
      ? 'Every request that was sent was answered, failed or timed out.'
      : `The load client lost count: ${things(value ?? 0, 'request')} of a slot neither answered nor failed nor timed out, or did so twice.`,
    spoils: 'all',
  }
}
