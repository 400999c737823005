// How many blocks would show a difference of a given size, judged by the noise of those at hand.
// The interval's width tells the standard error of the Hodges-Lehmann estimate (Lehmann, Annals of
// Mathematical Statistics 34, 1963), which falls with the root of the number of blocks.
import { studentQuantile } from './distributions.ts'
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
    (studentQuantile((1 + confidence) / 2, n - 1) + studentQuantile(power, n - 1)) * deviation <=
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
