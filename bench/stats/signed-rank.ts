// What can be said of paired differences without assuming a shape for their noise, only that it is
// as likely to help one side as the other: Wilcoxon's signed-rank test (Biometrics Bulletin 1,
// 1945), the estimate of Hodges and Lehmann (Annals of Mathematical Statistics 34, 1963) and its
// interval by inversion of the test (Tukey 1949; Hollander & Wolfe, Nonparametric Statistical
// Methods, sections 3.1 to 3.3). Taking turns in random order is what makes the assumption true.
import { normalCdf, normalQuantile } from './distributions.ts'
import { median } from './median.ts'

/** From here on the exact distribution and the normal one agree to four digits. */
const exactUpTo = 60

/** An estimate with its interval. */
export interface Interval {
  low: number
  high: number
  /** How sure the interval really is: at least what was asked for, as ranks come in steps. */
  confidence: number
}

/**
 * The averages of every two values and of every value with itself (Walsh 1949), in ascending
 * order: n(n + 1)/2 of them. How many of them are above zero is Wilcoxon's statistic.
 */
export const walshAverages = (values: readonly number[]): Float64Array => {
  const averages = new Float64Array((values.length * (values.length + 1)) / 2)
  let at = 0
  for (let i = 0; i < values.length; i++)
    for (let j = i; j < values.length; j++) averages[at++] = (values[i]! + values[j]!) / 2
  return averages.sort()
}

/** The estimate of Hodges and Lehmann: the median of the Walsh averages. NaN of nothing. */
export const hodgesLehmann = (values: readonly number[]): number => median(walshAverages(values))

/**
 * P(T ≤ t) for Wilcoxon's T of n differences when neither side is favoured. Exact up to n = 60, by
 * counting the subsets of the ranks 1…n whose sum is at most t; beyond, by the normal
 * approximation with correction for continuity.
 */
export const signedRankCdf = (n: number, t: number): number => {
  const most = (n * (n + 1)) / 2
  if (t < 0) return 0
  if (t >= most) return 1
  if (n > exactUpTo)
    return normalCdf((t + 0.5 - most / 2) / Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24))
  return exactCdf(n)[Math.floor(t)]!
}

/**
 * The interval for the centre of the differences, at least at `confidence`: those centres which
 * the signed-rank test would not reject. Null where there are too few differences for that
 * confidence: it takes six for 95 %.
 */
export const signedRankInterval = (
  values: readonly number[],
  confidence: number,
): Interval | null => {
  const n = values.length
  const rejected = rejectedRanks(n, confidence)
  if (rejected < 0) return null
  const averages = walshAverages(values)
  return {
    low: averages[rejected]!,
    high: averages[averages.length - 1 - rejected]!,
    confidence: 1 - 2 * signedRankCdf(n, rejected),
  }
}

/**
 * The two-sided p value of "the centre is zero". A Walsh average of exactly zero, as differences
 * that are zero or tied make it, counts for both sides, that is against a difference. So p ≤ α says
 * the same as "the interval at 1 − α does not contain zero", always.
 */
export const signedRankP = (values: readonly number[]): number => {
  const averages = walshAverages(values)
  let notAbove = 0
  let notBelow = 0
  for (const average of averages) {
    if (average <= 0) notAbove++
    if (average >= 0) notBelow++
  }
  return Math.min(1, 2 * signedRankCdf(values.length, Math.min(notAbove, notBelow)))
}

/** The fewest differences with which an interval at `confidence` exists: 6 for 95 %. */
export const fewestFor = (confidence: number): number => {
  let n = 1
  while (rejectedRanks(n, confidence) < 0) n++
  return n
}

/** The largest t with P(T ≤ t) ≤ (1 − confidence)/2; −1 where even T = 0 is more likely. */
const rejectedRanks = (n: number, confidence: number): number => {
  // 1 − 0.95 is a trifle more than 0.05, and 1 − 31/32 must still count as 1/32.
  const tail = ((1 - confidence) / 2) * (1 + 1e-9)
  if (n === 0) return -1
  let t = -1
  if (n > exactUpTo) {
    const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24)
    t = Math.max(-1, Math.floor((n * (n + 1)) / 4 + normalQuantile(tail) * deviation) - 2)
  }
  while (signedRankCdf(n, t + 1) <= tail) t++
  return t
}

const counted = new Map<number, Float64Array>()

/** P(T ≤ t) for every t. Counts stay exact: 2⁶⁰ subsets, summed as doubles, err by 10⁻¹⁴ at most. */
const exactCdf = (n: number): Float64Array => {
  const known = counted.get(n)
  if (known) return known
  const most = (n * (n + 1)) / 2
  const share = new Float64Array(most + 1)
  share[0] = 1
  // Rank by rank: it carries a plus or a minus, with a probability of one half each.
  for (let rank = 1; rank <= n; rank++)
    for (let t = most; t >= 0; t--) share[t] = (share[t]! + (t >= rank ? share[t - rank]! : 0)) / 2
  for (let t = 1; t <= most; t++) share[t]! += share[t - 1]!
  counted.set(n, share)
  return share
}
