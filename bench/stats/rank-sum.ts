// Two runs that were not measured side by side, such as last week's and today's: there are no pairs,
// so every value of one is compared with every value of the other. Mann & Whitney, Annals of
// Mathematical Statistics 18, 1947; estimate and interval: Hodges and Lehmann 1963, Moses 1953
// (Hollander & Wolfe, sections 4.1 to 4.3).
import { normalCdf } from './distributions.ts'
import { median } from './median.ts'
import type { Interval } from './signed-rank.ts'

/** Above so many values on a side the normal approximation is used. */
const exactUpTo = 50

/**
 * How far `b` lies above `a`: the median of all differences, with the interval of those shifts
 * which the test would not reject at `confidence`; null where there are too few values for it (four
 * on each side for 95 %). `p` is the two-sided p value of "no shift"; equal values count for both
 * sides, that is against a shift, so that p ≤ α says the same as "the interval at 1 − α does not
 * contain zero". The shift is NaN where a side is empty.
 */
export const rankSum = (
  a: readonly number[],
  b: readonly number[],
  confidence: number,
): { shift: number; interval: Interval | null; p: number } => {
  const differences = new Float64Array(a.length * b.length)
  let at = 0
  let notAbove = 0
  let notBelow = 0
  for (const one of a)
    for (const other of b) {
      const difference = other - one
      differences[at++] = difference
      if (difference <= 0) notAbove++
      if (difference >= 0) notBelow++
    }
  differences.sort()
  const k = rejectedCount(a.length, b.length, confidence)
  return {
    shift: median(differences),
    interval:
      k < 0
        ? null
        : {
            low: differences[k]!,
            high: differences[differences.length - 1 - k]!,
            confidence: 1 - 2 * rankSumCdf(a.length, b.length, k),
          },
    p: Math.min(1, 2 * rankSumCdf(a.length, b.length, Math.min(notAbove, notBelow))),
  }
}

/**
 * P(U ≤ u) for Mann and Whitney's U of m and n values when neither side is favoured. Exact up to 50
 * on each side; beyond, by the normal approximation with correction for continuity.
 */
export const rankSumCdf = (m: number, n: number, u: number): number => {
  if (u < 0) return 0
  if (u >= m * n) return 1
  if (Math.max(m, n) > exactUpTo)
    return normalCdf((u + 0.5 - (m * n) / 2) / Math.sqrt((m * n * (m + n + 1)) / 12))
  const shares = distribution(m, n)
  let sum = 0
  for (let i = 0; i <= Math.floor(u); i++) sum += shares[i]!
  return sum
}

/** The largest u with P(U ≤ u) ≤ (1 − confidence)/2; −1 if there is none. */
const rejectedCount = (m: number, n: number, confidence: number): number => {
  const tail = ((1 - confidence) / 2) * (1 + 1e-9)
  if (m === 0 || n === 0) return -1
  let low = -1
  let high = m * n
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (rankSumCdf(m, n, middle) <= tail) low = middle
    else high = middle
  }
  return low
}

const known = new Map<string, Float64Array>()

/**
 * P(U = u). The largest of all m + n values is one of the m with probability m/(m + n), and then
 * lies above all n others; otherwise it adds nothing. Only sums of positive numbers: no cancelling.
 */
const distribution = (m: number, n: number): Float64Array => {
  const key = `${m} ${n}`
  const found = known.get(key)
  if (found) return found
  // Row by row: those with i of the m values, for every number of the others up to n.
  let rows: Float64Array[] = Array.from({ length: n + 1 }, () => Float64Array.of(1))
  for (let i = 1; i <= m; i++) {
    const next: Float64Array[] = [Float64Array.of(1)]
    for (let j = 1; j <= n; j++) {
      const shares = new Float64Array(i * j + 1)
      const above = rows[j]!
      for (let u = 0; u < above.length; u++) shares[u + j]! += (above[u]! * i) / (i + j)
      const below = next[j - 1]!
      for (let u = 0; u < below.length; u++) shares[u]! += (below[u]! * j) / (i + j)
      next.push(shares)
    }
    rows = next
  }
  known.set(key, rows[n]!)
  return rows[n]!
}
