// The middle of some values: what noise on one side moves least.

/** The median; the mean of the middle two where there are two. NaN of nothing. */
export const median = (values: ArrayLike<number>): number => {
  const sorted = Float64Array.from(values).sort()
  const { length } = sorted
  if (length === 0) return Number.NaN
  return (sorted[(length - 1) >> 1]! + sorted[length >> 1]!) / 2
}
