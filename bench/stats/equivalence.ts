// "No difference was found" is not "there is none": the latter needs a margin and a test of its own,
// two one-sided ones. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987.
import { signedRankInterval } from './signed-rank.ts'

/**
 * Whether the centre of paired log ratios lies within a factor of 1 + `margin` either way, with a
 * chance of at most `alpha` of saying so wrongly: whether the whole interval at 1 − 2α lies inside.
 * The limits are ±log(1 + margin), so that a ÷ b is judged as b ÷ a is; both lie inside of
 * 1 ± margin. False where there are too few differences to say it.
 */
export const equivalent = (
  logRatios: readonly number[],
  margin: number,
  alpha: number,
): boolean => {
  const interval = signedRankInterval(logRatios, 1 - 2 * alpha)
  const most = Math.log1p(margin)
  return interval !== null && interval.low > -most && interval.high < most
}
