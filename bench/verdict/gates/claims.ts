// Gate: what is measured does what it is said to do.
import type { Gate, Measurement } from '#core/measurement/run'
import { things } from './words.ts'

export const claims = ({ proof }: Measurement): Gate => {
  const { ok, wrong, verdicts, skipped } = proof
  if (skipped)
    return {
      gate: 'claims',
      where: '',
      value: null,
      limit: 0,
      unit: 'claims',
      ok: true,
      says: 'A quick look: the claims of what is measured were not proved; every answer was judged.',
      spoils: 'all',
    }
  return {
    gate: 'claims',
    where: '',
    value: ok ? 0 : Math.max(1, wrong.length),
    limit: 0,
    unit: 'claims',
    ok,
    says: ok
      ? `What is measured does what it is said to do: ${things(verdicts, 'claim')} came out as declared.`
      : `Something that is measured does not do what it is said to do: ${things(Math.max(1, wrong.length), 'claim')} did not come out as declared${wrong[0] === undefined ? '' : `, the first is ${wrong[0]}`}.`,
    spoils: 'all',
  }
}
