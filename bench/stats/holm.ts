// Several questions asked of the same run: with ten pairs at 5 % each, some pair would look
// different in four runs of ten though none is. Holm, Scandinavian Journal of Statistics 6, 1979.

/**
 * The p values, corrected in their order, so that the chance of any false claim among them stays
 * below the α that they are compared with. Never less powerful than multiplying each by their
 * number, and without assuming that they are independent.
 */
export const holm = (pValues: readonly number[]): number[] => {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!)
  const corrected = new Array<number>(pValues.length)
  let least = 0
  for (const [rank, i] of order.entries()) {
    // A larger p value can never end up below a smaller one.
    least = Math.max(least, Math.min(1, pValues[i]! * (pValues.length - rank)))
    corrected[i] = least
  }
  return corrected
}
