// Two answers to one request: what differs in a sentence, and both on one axis of time.

import { plain } from '../../plain.ts'
import type { Sent, SentAnswer } from '../../traffic/send.ts'
import { Waterfall } from '../charts/waterfall.tsx'
import type { Pair } from '../pair.ts'
import { backendsOf, type Setup, titleOf } from '../setup.ts'

/** The one sentence, and the two on one axis. */
export const Comparison = ({
  entry,
  a,
  b,
  left,
  right,
  times,
}: Pair & { left: Sent; right: Sent; times: number }) => {
  const answered = [
    { side: 'A' as const, setup: a, sent: left },
    { side: 'B' as const, setup: b, sent: right },
  ].flatMap(({ side, setup, sent: { answer } }) =>
    answer?.totalMs === undefined
      ? []
      : [{ side, title: nameOf(entry, setup), totalMs: answer.totalMs, calls: answer.calls }],
  )
  return (
    <section class="card" aria-label="Both on one axis of time">
      <p class="verdict">{compare(left, right)}</p>
      {answered.length > 0 && <Waterfall rows={answered} />}
      <p class="note">
        {times === 1
          ? 'The first request also warms things up: send it again before you compare times. '
          : 'One request says little about speed. '}
        <em>Run</em> measures.
      </p>
    </section>
  )
}

export const nameOf = (entry: Pair['entry'], setup: Setup): string =>
  [titleOf(entry, setup), backendsOf(setup)].filter(Boolean).join(' on ')

const compare = (left: Sent, right: Sent): string => {
  const [a, b] = [left.answer, right.answer]
  if (!a || !b) return a ? 'Only A answered.' : b ? 'Only B answered.' : 'Neither answered.'
  const status =
    a.status === b.status
      ? `Both answered ${a.status}${a.body === b.body ? ' with the same body' : ''}`
      : `A answered ${a.status}, B answered ${b.status}`
  if (a.calls.length + b.calls.length === 0) return `${status}. Neither asked a backend.`
  const [ofA, ofB] = [asked(a), asked(b)]
  return ofA === ofB ? `${status}. Both ${ofA}.` : `${status}. A ${ofA}; B ${ofB}.`
}

const asked = ({ calls }: SentAnswer): string => {
  if (calls.length === 0) return 'asked no backend'
  const counts = countCalls(calls).map(
    ({ count, backend, name }) => `${count} × ${name} on ${backend}`,
  )
  return plain(`asked ${counts.join(', ')}`)
}

export const countCalls = (calls: SentAnswer['calls']) => {
  const counts = new Map<string, { count: number; name: string; backend: string; failed: number }>()
  for (const { name, backend, failed } of calls) {
    const key = `${name}@${backend}`
    const known = counts.get(key) ?? { count: 0, name, backend, failed: 0 }
    counts.set(key, { ...known, count: known.count + 1, failed: known.failed + Number(failed) })
  }
  return [...counts.values()]
}
