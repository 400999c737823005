// Gate: the load client sent as much as its schedule asked for.
import type { Gate, Measurement } from '#core/measurement/run'
import { percentiles } from '../series.ts'
import { sent, slack, sum, worst } from './slots.ts'
import { ratio } from './words.ts'

/** Sent ÷ what the schedule asked for. */
export const rate = (measurement: Measurement): Gate => {
  const { where, value } = worst(
    measurement,
    'open',
    (slots) => {
      const offered = sum(slots, (slot) => slot.offered)
      return offered === 0 ? null : sum(slots, sent) / offered
    },
    (share) => Math.abs(share - 1),
  )
  const ok = value === null || Math.abs(value - 1) <= 0.01 + slack
  return {
    gate: 'rate',
    where,
    value,
    limit: 0.01,
    unit: '± of 1',
    ok,
    says: ok
      ? `The load client sent what it was asked to send (${ratio(value)} of it, 0.99 to 1.01 is allowed).`
      : `The load client was saturated (rate ${ratio(value)} of the asked, 0.99 to 1.01 is allowed).`,
    spoils: [...percentiles],
  }
}
