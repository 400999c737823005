// What may go wrong on purpose: servers are killed and brought back, by a plan that makes sense.

import type { Fault } from '#core/measurement/run'
import { backendNames, loadBackend } from '../../core/course/find.ts'
import type { Setup } from '../../core/course/setup.ts'
import { notThere, SeesawError } from '../../core/errors.ts'

/** The faults in the order in which they happen. Throws WRONG_USE for what cannot be done. */
export const checkFaults = async (
  faults: readonly Fault[],
  setups: readonly Setup[],
): Promise<Fault[]> => {
  const sorted = [...faults].sort((a, b) => a.atMs - b.atMs)
  const gone = new Set<string>()
  for (const fault of sorted) {
    const { backend, do: what } = fault
    await checkBackend(fault, setups)
    if (what === 'kill' && gone.has(backend))
      throw wrong(fault, `${backend} has been killed before and is not back by then`)
    if (what === 'heal' && !gone.has(backend))
      throw wrong(fault, `nothing has killed ${backend} before that`)
    if (what === 'kill') gone.add(backend)
    else gone.delete(backend)
  }
  return sorted
}

const checkBackend = async (fault: Fault, setups: readonly Setup[]): Promise<void> => {
  const { backend } = fault
  if (!backendNames.includes(backend))
    throw wrong(fault, notThere('backend', backend, backendNames).replace(/\.$/, ''))
  const known = await loadBackend(backend)
  if (!known || !('launch' in known))
    throw wrong(fault, `${backend} lives inside the server process; only a server can be killed`)
  if (!setups.some(({ backends }) => Object.values(backends).includes(backend)))
    throw wrong(fault, `no contender uses ${backend}; name a setup that does, or --backends`)
}

const wrong = (fault: Fault, why: string): SeesawError =>
  new SeesawError('WRONG_USE', `${fault.do}:${fault.backend}@${fault.atMs / 1000}: ${why}.`)
