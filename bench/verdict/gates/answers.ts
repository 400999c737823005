// Gate: every answer was right.
import type { Gate, Measurement } from '#core/measurement/run'
import { sum, worst } from './slots.ts'
import { things } from './words.ts'

export const answers = (measurement: Measurement): Gate => {
  const { where, value } = worst(measurement, null, (slots) =>
    sum(slots, ({ judged }) => judged.wrong ?? 0),
  )
  const ok = (value ?? 0) === 0
  return {
    gate: 'answers',
    where,
    value,
    limit: 0,
    unit: 'answers',
    ok,
    says: ok
      ? 'Every answer was right.'
      : `Answers were wrong, ${things(value ?? 0, 'answer')} of one contender: what does not do the work needs no time for it.`,
    spoils: 'all',
  }
}
