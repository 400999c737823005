// How hard a measurement looks, in the words and seconds of somebody who has to wait for it.
import type { Preset } from '../../measurement/run.ts'

export const presets: readonly { value: Preset; says: string; seconds: number }[] = [
  { value: 'duel', says: 'Duel: a quick look', seconds: 18 },
  { value: 'quick', says: 'Quick: large differences', seconds: 91 },
  { value: 'standard', says: 'Standard: from about 3 %', seconds: 349 },
  { value: 'strict', says: 'Strict: from about 2 %', seconds: 860 },
  { value: 'publish', says: 'Publish: from about 1 %', seconds: 2020 },
]
