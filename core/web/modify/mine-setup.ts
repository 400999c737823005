// Which setup the learner's variant is.

import type { Pair } from '../pair.ts'
import { changeSetup, type Setup } from '../setup.ts'
import type { Work } from './work.ts'

/** The setup of the learner's variant, kept in what side A is kept in; undefined while it does not run. */
export const mineSetup = ({ entry, a }: Pair, work: Work): Setup | undefined => {
  const { saved, isSaved } = work
  const listed = entry.variants.some(({ id }) => id === 'mine')
  if (!listed || !isSaved.value || !saved.value?.setup) return undefined
  return changeSetup(entry, a, { variant: 'mine' })
}
