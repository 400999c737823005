// How two servers are usually compared: measure one, measure the other, ask Welch (Biometrika 34,
// 1947) whether the means differ. Kept to show what comes of it on a machine whose speed wanders: it
// takes the machine's mood for the server's, and is sure of it.
import { studentCdf } from './distributions.ts'

/** The two-sided p value of "the means are the same". */
export const welchP = (a: readonly number[], b: readonly number[]): number => {
  const [ours, theirs] = [momentsOf(a), momentsOf(b)]
  const error = ours.error + theirs.error
  if (error === 0) return ours.mean === theirs.mean ? 1 : 0
  const freedom =
    error ** 2 / (ours.error ** 2 / (a.length - 1) + theirs.error ** 2 / (b.length - 1))
  return 2 * studentCdf(-Math.abs(ours.mean - theirs.mean) / Math.sqrt(error), freedom)
}

/** The mean, and its squared standard error. */
const momentsOf = (values: readonly number[]): { mean: number; error: number } => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, error: squares / (values.length - 1) / values.length }
}
