// Two runs that were not measured side by side, such as last week's and today's: there are no pairs,
// so every value of one is compared with every value of the other. Mann & Whitney, Annals of
// Mathematical Statistics 18, 1947; estimate and interval: Hodges and Lehmann 1963, Moses 1953
// (Hollander & Wolfe, sections 4.1 to 4.3).
import { normalCdf } from './distributions.ts'
import { median } from './median.ts'
import type { Interval } from './signed-rank.ts'

/** With more values than this on both sides the normal approximation is used. */
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
 * P(U ≤ u) for Mann and Whitney's U of m and n values when neither side is favoured. Exact where one
 * side has up to 50 values, however many the other has: four values against sixty are far from normal.
 * Beyond that, by the normal approximation with correction for continuity.
 */
export const rankSumCdf = (m: number, n: number, u: number): number => {
  if (u < 0) return 0
  if (u >= m * n) return 1
  if (Math.min(m, n) > exactUpTo)
    return normalCdf((u + 0.5 - (m * n) / 2) / Math.sqrt((m * n * (m + n + 1)) / 12))
  const shares = lowerHalf(Math.min(m, n), Math.max(m, n))
  const whole = Math.floor(u)
  // It is symmetric about m·n/2.
  return whole < shares.length ? shares[whole]! : 1 - (shares[m * n - whole - 1] ?? 0)
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
 * P(U ≤ u) for every u up to m·n/2. The number of ways to get each U is a coefficient of the Gaussian
 * binomial, the product of (1 − qⁿ⁺ⁱ)/(1 − qⁱ) for i from 1 to m (Andrews, The Theory of Partitions,
 * chapter 3). It takes m²·n steps, and errs by 10⁻¹⁵.
 */
const lowerHalf = (m: number, n: number): Float64Array => {
  const key = `${m} ${n}`
  const found = known.get(key)
  if (found) return found
  const ways = new Float64Array(Math.floor((m * n) / 2) + 1)
  ways[0] = 1
  let all = 1
  for (let i = 1; i <= m; i++) {
    for (let u = ways.length - 1; u >= n + i; u--) ways[u]! -= ways[u - n - i]!
    for (let u = i; u < ways.length; u++) ways[u]! += ways[u - i]!
    all = (all * (n + i)) / i
  }
  let sum = 0
  const shares = ways.map((one) => {
    sum += one / all
    return sum
  })
  known.set(key, shares)
  return shares
}
