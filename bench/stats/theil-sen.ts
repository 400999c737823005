// Does something rise or fall in the course of time? The median of the slopes between every two
// points: a third of them may be wild without moving it far. Theil 1950; Sen, Journal of the
// American Statistical Association 63, 1968; the exact interval is that of Kendall's tau (Hollander
// & Wolfe, section 9.3).
import { median } from './median.ts'

/** A slope per step with its interval; null where there are too few points for it. */
export interface Slope {
  slope: number
  interval: { low: number; high: number } | null
}

/** The slope of values that follow each other at equal distances. NaN of fewer than two. */
export const theilSen = (values: readonly number[], confidence: number): Slope => {
  const slopes = new Float64Array((values.length * (values.length - 1)) / 2)
  let at = 0
  for (let i = 0; i < values.length; i++)
    for (let j = i + 1; j < values.length; j++) slopes[at++] = (values[j]! - values[i]!) / (j - i)
  slopes.sort()
  const k = rejectedSlopes(values.length, confidence)
  return {
    slope: median(slopes),
    interval: k < 0 ? null : { low: slopes[k]!, high: slopes[slopes.length - 1 - k]! },
  }
}

/**
 * The largest k with P(at most k of the slopes are negative) ≤ (1 − confidence)/2 when there is no
 * trend; −1 if there is none. Their number is that of the inversions in a random order.
 */
const rejectedSlopes = (n: number, confidence: number): number => {
  const tail = ((1 - confidence) / 2) * (1 + 1e-9)
  let share: number[] = [1]
  // The i-th value jumps ahead of 0 to i − 1 others, each number being as likely.
  for (let i = 2; i <= n; i++) {
    const next = new Array<number>(share.length + i - 1).fill(0)
    for (const [k, p] of share.entries())
      for (let ahead = 0; ahead < i; ahead++) next[k + ahead]! += p / i
    share = next
  }
  let k = -1
  let sum = share[0]!
  while (sum <= tail) {
    k++
    sum += share[k + 1]!
  }
  return k
}
