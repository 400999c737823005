// Gate: as good as every request was answered.
import type { Gate, Measurement } from '#core/measurement/run'
import { sent, sum, worst } from './slots.ts'
import { percent } from './words.ts'

export const errors = (measurement: Measurement): Gate => {
  const { where, value } = worst(measurement, null, (slots) => {
    const all = sum(slots, sent)
    return all === 0 ? null : sum(slots, (slot) => slot.failed + slot.timedOut) / all
  })
  const ok = value === null || value <= 0.001
  return {
    gate: 'errors',
    where,
    value,
    limit: 0.001,
    unit: 'share',
    ok,
    says: ok
      ? `As good as every request was answered (${percent(value)} were not, 0.1 % is allowed).`
      : `Too many requests were not answered (${percent(value)}, 0.1 % is allowed): what fails is quick, or waits for nothing.`,
    spoils: 'all',
  }
}
