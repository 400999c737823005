// Requests as people make them: few products are looked at very often, many
// hardly ever. In Zipf's law the n-th most popular gets 1 / n^skew of what the
// first one gets; with skew 0 all are alike. The same seed gives the same list,
// so that all who compete are sent the same.
import type { Request } from '#core/scenario'
import { productCount } from './products.ts'

export interface Visits {
  skew: number
  count: number
  changesPercent: number
  seed: number
}

/** `count` looks and changes of prices, as data. */
export const zipf = (of: Visits): Request[] => {
  const random = mulberry32(of.seed)
  const weights = Array.from(
    { length: productCount },
    (_, i) => 1 / (i + 1) ** of.skew,
  )
  const sum = weights.reduce((a, b) => a + b)

  return Array.from({ length: of.count }, () => {
    let left = random() * sum
    const index = weights.findIndex((weight) => {
      left -= weight
      return left < 0
    })
    // Rounding may leave a little over behind the last one.
    const id = index < 0 ? productCount : index + 1
    const priceCents = 500 + Math.floor(random() * 5000)
    return random() * 100 < of.changesPercent
      ? { method: 'PUT', path: `/products/${id}/price`, body: { priceCents } }
      : { method: 'GET', path: `/products/${id}` }
  })
}

/** Numbers from 0 up to 1, by Tommy Ettinger's mulberry32. */
const mulberry32 = (seed: number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
