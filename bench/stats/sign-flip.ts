// If two contenders do not differ, then in every block each could as well have been the other: what
// share of all such exchanges makes the mean difference at least as large as the one seen? Fisher,
// The Design of Experiments, 1935, section 21 (Darwin's plants).
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

const exactUpTo = 15
const draws = 9_999

/**
 * The two-sided p value. Exact up to fifteen differences; beyond, from 9,999 exchanges drawn with
 * `seed`, the one that was seen counted among them.
 */
export const signFlipP = (values: readonly number[], seed: number): number => {
  // In an order of its own, so that the order of the blocks changes no bit of the result.
  const sizes = values.map(Math.abs).sort((a, b) => a - b)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const seen = Math.abs(values.reduce((sum, value) => sum + value, 0))
  // Sums in another order may differ in the last digits and must still count as equal.
  const least = seen - total * 1e-12
  return values.length <= exactUpTo ? exact(sizes, least) : drawn(sizes, least, seed)
}

const exact = (sizes: readonly number[], least: number): number => {
  const all = 2 ** sizes.length
  let extreme = 0
  for (let signs = 0; signs < all; signs++) {
    let sum = 0
    for (let i = 0; i < sizes.length; i++) sum += signs & (1 << i) ? sizes[i]! : -sizes[i]!
    if (Math.abs(sum) >= least) extreme++
  }
  return extreme / all
}

const drawn = (sizes: readonly number[], least: number, seed: number): number => {
  const random = xoroshiro128plus(seed)
  let extreme = 1
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0
    let signs = 0
    for (let i = 0; i < sizes.length; i++) {
      if (i % 30 === 0) signs = uniformInt(random, 0, 2 ** 30 - 1)
      sum += signs & (1 << (i % 30)) ? sizes[i]! : -sizes[i]!
    }
    if (Math.abs(sum) >= least) extreme++
  }
  return extreme / (draws + 1)
}
