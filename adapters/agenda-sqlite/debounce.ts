// Debouncing: many saves of one job in quick succession become one run.

import type { DebounceOptions } from 'agenda'
import type { Row } from './row.ts'

/**
 * When the job runs after this save. `trailing`: `delay` ms after the last save, but no later than
 * `maxWait` ms after the first; `leading`: at once, and later saves change its data only.
 */
export const debounced = (
  { delay, maxWait, strategy }: DebounceOptions,
  existing: Row | undefined,
  nowMs: number,
): Partial<Row> => {
  const startedAt = existing?.debounceStartedAt ?? nowMs
  if (strategy === 'leading')
    return existing
      ? { nextRunAt: existing.nextRunAt, debounceStartedAt: startedAt }
      : { debounceStartedAt: startedAt }

  const latestMs = maxWait ? startedAt + maxWait : Number.POSITIVE_INFINITY
  if (nowMs >= latestMs) return { nextRunAt: nowMs, debounceStartedAt: null }
  return { nextRunAt: Math.min(nowMs + delay, latestMs), debounceStartedAt: startedAt }
}
