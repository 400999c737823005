// The textbook's answer to the same question, to see whether it agrees: Student, "The probable error
// of a mean", Biometrika 6, 1908. It assumes normal noise; one wild block widens it much.
import { studentCdf, studentQuantile } from './distributions.ts'

/** The interval for the mean of paired differences and the two-sided p value of "it is zero". */
export interface PairedT {
  mean: number
  low: number
  high: number
  p: number
}

/** Null below two differences, and where they are all the same, of which t can say nothing. */
export const pairedT = (values: readonly number[], confidence: number): PairedT | null => {
  const n = values.length
  // In an order of its own, so that the order of the blocks changes no bit of the result.
  const sorted = [...values].sort((a, b) => Math.abs(a) - Math.abs(b) || a - b)
  const mean = sorted.reduce((sum, value) => sum + value, 0) / n
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const error = Math.sqrt(squares / (n - 1) / n)
  if (!(error > Math.abs(mean) * 1e-12)) return null
  const reach = studentQuantile((1 + confidence) / 2, n - 1) * error
  return {
    mean,
    low: mean - reach,
    high: mean + reach,
    p: Math.min(1, 2 * studentCdf(-Math.abs(mean / error), n - 1)),
  }
}
