// How many blocks would show a difference of a given size, judged by the noise of those at hand.
// The interval's width tells the standard error of the Hodges-Lehmann estimate (Lehmann, Annals of
// Mathematical Statistics 34, 1963), which falls with the root of the number of blocks. A few blocks do
// not tell the noise well: taken at its word, it makes every second answer too hopeful. So it counts
// as an estimate with as many degrees of freedom as it has (Julious & Owen, Pharmaceutical Statistics
// 5, 2006).
import { normalQuantile, studentQuantile } from './distributions.ts'
import { fewestFor, type Interval } from './signed-rank.ts'

/** In how many of ten runs the difference would be found. */
const power = 0.8
const most = 100_000
/** Where single blocks are wild, small numbers would come out too hopeful, as simulation shows. */
const allowance = 2

/**
 * The number of blocks with which a true difference of `effect` (in the unit of the interval) would
 * be told from none in four of five runs, at the confidence `confidence`. `blocks` is how many the
 * interval was made from. Infinity where 100,000 would not do.
 */
export const blocksToShow = (
  interval: Interval,
  blocks: number,
  effect: number,
  confidence: number,
): number => {
  const reach = studentQuantile((1 + interval.confidence) / 2, blocks - 1)
  const deviation = ((interval.high - interval.low) / 2 / reach) * Math.sqrt(blocks)
  const shows = (n: number): boolean =>
    reachOf(studentQuantile((1 + confidence) / 2, n - 1), blocks - 1) * deviation <=
    effect * Math.sqrt(n)
  let low = fewestFor(confidence) - 1
  let high = low + 1
  while (!shows(high)) {
    if (high >= most) return Number.POSITIVE_INFINITY
    low = high
    high = Math.min(most, high * 2)
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (shows(middle)) high = middle
    else low = middle
  }
  return high + allowance
}

/**
 * How many standard errors, as estimated with `df` degrees of freedom, the effect must be away for the
 * test to pass `critical` with the promised power: the quantile of the noncentral t distribution, by
 * the normal approximation of Abramowitz & Stegun, 26.7.10.
 */
const reachOf = (critical: number, df: number): number => {
  const z = normalQuantile(power)
  const shrink = 1 - 1 / (4 * df)
  // The root of (shrink·q − critical)² = z²·(1 + q²/(2·df)) that lies above `critical`.
  const a = shrink ** 2 - z ** 2 / (2 * df)
  const b = shrink * critical
  return (b + Math.sqrt(b ** 2 - a * (critical ** 2 - z ** 2))) / a
}
