// How claims' setups, verdicts and dates are written.
import { backendsOf, type Setup } from '../setup.ts'

/** What a setup is kept in and how it is set, in a few words. */
export const keptIn = (setup: Setup): string => {
  const [, knobs] = setup.id.split('~')
  return [backendsOf(setup) || 'needs nothing', knobs].filter(Boolean).join(', ')
}

export const marks = { holds: '✓', breaks: '✗', unknown: '?' } as const

export const dateOf = (iso: string): string =>
  new Date(iso).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })
