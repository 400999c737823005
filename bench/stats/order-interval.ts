// An interval for a median from the values themselves, whatever their distribution: the sign test
// turned around (Thompson, Annals of Mathematical Statistics 7, 1936; Hollander & Wolfe, 3.6).

/**
 * Two of the values between which the true median lies with at least `confidence`. Null where
 * there are too few: it takes six for 95 %.
 */
export const medianInterval = (
  values: readonly number[],
  confidence: number,
): { low: number; high: number } | null => {
  const n = values.length
  const tail = ((1 - confidence) / 2) * (1 + 1e-9)
  // P(X ≤ k) for X the number of values below the median, binomial with one half.
  let share = 0.5 ** n
  let sum = share
  let k = -1
  while (n > 0 && sum <= tail) {
    k++
    share *= (n - k) / (k + 1)
    sum += share
  }
  if (k < 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  return { low: sorted[k]!, high: sorted[n - 1 - k]! }
}
