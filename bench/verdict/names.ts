// How a reader calls the contenders and their backends.

import type { Contender, Measurement } from '#core/measurement/run'
import { parseSetup } from '../../core/course/setup.ts'

/**
 * What a sentence calls a contender: its title, with its letter where another has the same, and a
 * word of warning where its backend only stands in for the real one.
 */
export const readerName = (
  contender: Contender,
  { plan, machine }: Pick<Measurement, 'plan' | 'machine'>,
): string => {
  const twins = plan.contenders.filter(({ title }) => title === contender.title).length > 1
  const standIns = backendsOf(contender).filter((backend) => machine.backends[backend]?.standIn)
  return [
    contender.title,
    ...(twins ? [`(${contender.name})`] : []),
    ...standIns.map((backend) => `(stand-in for ${properName(backend)})`),
  ].join(' ')
}

/** The backends that a contender's setup id names; none of the bare server. */
export const backendsOf = ({ setup }: Contender): string[] => {
  if (setup === '') return []
  const { backend, backends } = parseSetup(setup)
  return [...new Set([...(backend === undefined ? [] : [backend]), ...Object.values(backends)])]
}

/** `MongoDB` for `mongodb`; a backend without an entry is called as it is. */
export const properName = (backend: string): string => properNames[backend] ?? backend

const properNames: Record<string, string> = {
  mongodb: 'MongoDB',
  postgres: 'Postgres',
  redis: 'Redis',
  sqlite: 'SQLite',
}
