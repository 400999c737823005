// Gate: the backends are the real ones.
import type { Gate, Measurement } from '#core/measurement/run'
import { backendsOf, properName } from '../names.ts'

export const standIns = ({ plan, machine }: Measurement): Gate => {
  const used = new Set(plan.contenders.flatMap(backendsOf))
  const found = [...used].filter((backend) => machine.backends[backend]?.standIn).sort()
  return {
    gate: 'stand-in',
    where: '',
    value: found.length,
    limit: 0,
    unit: 'backends',
    ok: found.length === 0,
    says:
      found.length === 0
        ? 'The backends are the real ones, nothing stands in for them.'
        : `No measurement is published from a stand-in (here for ${found.map(properName).join(' and ')}): it shows how fast the stand-in is.`,
    spoils: 'all',
  }
}
