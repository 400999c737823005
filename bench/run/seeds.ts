// Everything that is left to chance follows from one seed, so that a run can be repeated and both
// contenders are sent the same.
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { skipN } from 'pure-rand/utils/skipN'

/** A seed of its own for each place that needs one: the same places, the same seeds. */
export const seedFor = (seed: number, ...place: number[]): number =>
  place.reduce((mixed, number) => {
    const next = Math.imul(mixed ^ (number + 0x9e3779b9), 0x85ebca6b)
    return (next ^ (next >>> 13)) >>> 0
  }, seed >>> 0) & 0x7fffffff

/** The numbers below `count` in an order that the seed decides. */
export const permutation = (count: number, seed: number): number[] => {
  const random = xoroshiro128plus(seed)
  // From a small seed the first numbers hardly depend on it.
  skipN(random, 64)
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = uniformInt(random, 0, i)
    ;[order[i], order[j]] = [order[j] as number, order[i] as number]
  }
  return order
}
