// How a learner's calls came out, and how well they knew how sure they were.
import type { Prediction, ScenarioProgress } from './shape.ts'

/** `untold`: measured, but it could not be told; `open`: not measured yet. */
export type Score = 'right' | 'wrong' | 'untold' | 'open'
export type ScenarioState = 'not started' | 'predicted' | 'run' | 'explained'

export interface Tally {
  right: number
  wrong: number
  untold: number
  open: number
  /** Of the calls that came out right or wrong, by how sure the learner had said to be. */
  calibration: { fromPercent: number; toPercent: number; calls: number; right: number }[]
}

export const scoreOf = ({ call, outcome }: Prediction): Score => {
  if (!outcome) return 'open'
  if (outcome.verdict === 'undecided' || outcome.verdict === 'invalid') return 'untold'
  return outcome.verdict === call ? 'right' : 'wrong'
}

const bins = [
  [50, 59],
  [60, 69],
  [70, 79],
  [80, 89],
  [90, 100],
] as const

export const tally = (predictions: readonly Prediction[]): Tally => {
  const scored = predictions.map((one) => ({ score: scoreOf(one), confidence: one.confidence }))
  const count = (score: Score) => scored.filter((one) => one.score === score).length
  return {
    right: count('right'),
    wrong: count('wrong'),
    untold: count('untold'),
    open: count('open'),
    calibration: bins.map(([fromPercent, toPercent]) => {
      const inBin = scored.filter(
        ({ score, confidence }) =>
          confidence !== null &&
          confidence >= fromPercent &&
          confidence <= toPercent &&
          (score === 'right' || score === 'wrong'),
      )
      const right = inBin.filter(({ score }) => score === 'right').length
      return { fromPercent, toPercent, calls: inBin.length, right }
    }),
  }
}

export const stateOf = (
  { explained, runAt }: ScenarioProgress,
  predictions: readonly Prediction[],
): ScenarioState => {
  if (explained) return 'explained'
  if (runAt || predictions.some(({ outcome }) => outcome)) return 'run'
  return predictions.length > 0 ? 'predicted' : 'not started'
}
