// What became of requests over time, by the moment at which each was due: whoever was due while a
// server was gone counts there, even if the answer came after its return.
import type { Timeline } from '#core/measurement/run'
import { median } from '../stats/median.ts'

export interface Buckets {
  /** `dueMs` from the beginning; `tookMs` from then to its end, however it ended. */
  add(dueMs: number, tookMs: number, right: boolean): void
  result(): Timeline['buckets']
}

/** So many buckets of `bucketMs` as `ms` milliseconds need. */
export const createBuckets = (ms: number, bucketMs: number): Buckets => {
  const all = Array.from({ length: Math.ceil(ms / bucketMs) }, () => ({
    right: 0,
    tookMs: [] as number[],
  }))
  return {
    add(dueMs, tookMs, right) {
      const bucket = all[Math.floor(dueMs / bucketMs)]
      if (!bucket) return
      if (right) bucket.right++
      bucket.tookMs.push(tookMs)
    },
    result: () =>
      all.map(({ right, tookMs }) => ({
        offered: tookMs.length,
        right,
        other: tookMs.length - right,
        medianMs: tookMs.length > 0 ? toMicroseconds(median(tookMs)) : null,
        maxMs: tookMs.length > 0 ? toMicroseconds(Math.max(...tookMs)) : null,
      })),
  }
}

const toMicroseconds = (ms: number): number => Math.round(ms * 1000) / 1000
