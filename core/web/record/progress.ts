// What the server keeps of the learner, as it is now, and in which words it is told.
import { signal } from '@preact/signals'
import type { ScenarioState, Score } from '../../learner/score.ts'
import type { Prediction } from '../../learner/shape.ts'
import type { ProgressView } from '../../learner/store.ts'
import { api, Problem, wordsOf } from '../api.ts'
import { on, readFrom } from '../live.ts'

export type { Prediction, ProgressView, ScenarioState, Score }
export type Scored = ProgressView['predictions'][number]

export const progress = signal<ProgressView | undefined>(undefined)

/** Why it cannot be had; the page goes on without. */
export const progressTrouble = signal('')

export const readProgress = async (): Promise<void> => {
  try {
    progress.value = await api.get<ProgressView>('/api/progress')
    progressTrouble.value = ''
  } catch (error) {
    // That nobody answers is told for the whole page, and asked again when somebody does.
    if (!(error instanceof Problem && error.code === 'GONE')) progressTrouble.value = wordsOf(error)
  }
}
void readProgress()
readFrom(progress, '/api/progress', (view: ProgressView) => view)
on('progress', ({ type: _, ...view }: ProgressView & { type: string }) => {
  progress.value = view
})

/** Whether it is known, or known that it cannot be. */
export const progressIsKnown = (): boolean =>
  progress.value !== undefined || progressTrouble.value !== ''

export const stateOf = (scenario: string): ScenarioState =>
  progress.value?.scenarios[scenario]?.state ?? 'not started'

/** The calls about these two, whichever stands where; newest first. */
export const callsAbout = (a: string, b: string): Scored[] =>
  (progress.value?.predictions ?? [])
    .filter((one) => (one.a === a && one.b === b) || (one.a === b && one.b === a))
    .reverse()

export const scoreWords: Record<Score, string> = {
  right: 'right',
  wrong: 'came out otherwise',
  untold: 'could not be told',
  open: 'not measured yet',
}

/** What the call was, by name: "Signed token, about 2 times". */
export const callInWords = (
  { call, factor }: Pick<Prediction, 'call' | 'factor'>,
  [a, b]: readonly [string, string],
): string => {
  if (call === 'same') return 'no real difference'
  const who = call === 'a' ? a : b
  return factor && factor > 1 ? `${who}, ${timesInWords(factor)}` : who
}

/** "about 25 % better", "about 3 times". */
export const timesInWords = (factor: number): string =>
  factor < 1.995
    ? `about ${Math.round((factor - 1) * 100)} % better`
    : `about ${Number(factor.toPrecision(2))} times better`

/** Only what a call is about differs in words; more is better with requests alone. */
export const questions: Record<Prediction['metric'], string> = {
  throughput: 'Which serves more requests?',
  p50: 'Which answers sooner, typically?',
  p90: 'Whose slowest request in ten is answered sooner?',
  p95: 'Whose slowest request in twenty is answered sooner?',
  p99: 'Whose slowest request in a hundred is answered sooner?',
  cpu: 'Which takes less computing time per request?',
  'backend-calls': 'Which asks its backend less often?',
  bytes: 'Which moves fewer bytes per request?',
  gc: 'Which spends less time on collecting garbage?',
  rss: 'Which takes less memory?',
}
