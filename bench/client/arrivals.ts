// When requests are to be sent, as if by people who do not know of each other or of the server.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { skipN } from 'pure-rand/utils/skipN'

export interface Schedule {
  ms: number
  ratePerSecond: number
  arrivals: 'even' | 'poisson'
  /** The same seed gives the same schedule. */
  seed: number
}

/**
 * The times of all arrivals, in milliseconds from the beginning, in order. The same seed gives the
 * same times. Even arrivals begin anywhere within the first gap, so that short slices, too, hold as
 * many as the rate says on average.
 */
export const arrivalTimes = ({ ms, ratePerSecond, arrivals, seed }: Schedule): Float64Array => {
  const random = xoroshiro128plus(seed)
  // From a small seed the first number is nearly 1 whatever the seed; it takes a few to forget it.
  skipN(random, 64)
  const gapMs = 1000 / ratePerSecond
  const times: number[] = []
  const nextGapMs =
    arrivals === 'even' ? () => gapMs : () => -Math.log(1 - uniformFloat64(random)) * gapMs
  let atMs = arrivals === 'even' ? uniformFloat64(random) * gapMs : nextGapMs()
  for (; atMs < ms; atMs += nextGapMs()) times.push(atMs)
  return Float64Array.from(times)
}
