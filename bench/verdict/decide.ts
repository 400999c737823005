// What can be claimed of two contenders. It is decided here for runs, for functions, and between two
// runs, whichever statistics the evidence comes from.
import type { Verdict } from '#core/measurement/run'

/** The chance of any false claim among all pairs of which the same is asked. */
export const alpha = 0.05

/** What the statistics say of one pair, a and b. */
export interface Evidence {
  /** A gate failed that spoils it. */
  isSpoiled: boolean
  /** There are enough blocks for any difference to be shown. */
  isEnough: boolean
  /** The difference is shown to be smaller than the margin. */
  isSame: boolean
  /** A difference is shown. */
  isApart: boolean
  /** Of the two, b has what is worse. */
  isWorse: boolean
}

export const decide = (evidence: Evidence): Verdict['verdict'] => {
  if (evidence.isSpoiled) return 'invalid'
  if (!evidence.isEnough) return 'undecided'
  if (evidence.isSame) return 'same'
  if (!evidence.isApart) return 'undecided'
  return evidence.isWorse ? 'slower' : 'faster'
}
