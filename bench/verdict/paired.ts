// Two contenders in the same blocks: the logarithms of their ratios, block by block, and what they say.
import type { Verdict } from '#core/measurement/run'
import { pairedT } from '../stats/paired-t.ts'
import { precise } from '../stats/precise.ts'
import { signFlipP } from '../stats/sign-flip.ts'
import { hodgesLehmann, type Interval, signedRankInterval } from '../stats/signed-rank.ts'

/** Without the last bits of logarithms, which would make a tie of two blocks look like none. */
export const snapped = (value: number): number =>
  (Math.sign(value) * Math.round(Math.abs(value) * 1e12)) / 1e12

export interface Estimate {
  /** b ÷ a; null where there are no blocks. */
  ratio: number | null
  /** Its interval, widened by `luck`; null where so few blocks have none. */
  low: number | null
  high: number | null
  /** The same as logarithms, without luck. */
  centre: number | null
  interval: Interval | null
}

/** `ratios`: log(b ÷ a) of each block. `luck`: what chance alone may add, as a logarithm. */
export const estimateOf = (ratios: readonly number[], level: number, luck = 0): Estimate => {
  const interval = ratios.length > 0 ? signedRankInterval(ratios, level) : null
  const centre = ratios.length > 0 ? hodgesLehmann(ratios) : null
  return {
    ratio: centre === null ? null : precise(Math.exp(centre)),
    low: interval && precise(Math.exp(interval.low - luck)),
    high: interval && precise(Math.exp(interval.high + luck)),
    centre,
    interval,
  }
}

/** The same question asked by two other tests; null where there are too few blocks for them. */
export const checksOf = (
  ratios: readonly number[],
  level: number,
  seed: number,
): Verdict['checks'] => {
  const t = pairedT(ratios, level)
  return (
    t && {
      pairedT: {
        low: precise(Math.exp(t.low)),
        high: precise(Math.exp(t.high)),
        p: precise(t.p),
      },
      signFlipP: precise(signFlipP(ratios, seed)),
    }
  )
}
