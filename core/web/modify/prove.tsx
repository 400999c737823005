// Proves the learner's variant, and tells in which claims it differs from the original.

import { plain } from '../../plain.ts'
import {
  declaredOf,
  isOurs,
  proofTrouble,
  prove,
  running,
  stopProof,
  verdictOf,
} from '../investigate/claims-known.ts'
import type { Pair } from '../pair.ts'
import { pathTo } from '../route.ts'
import { restOf, type Setup } from '../setup.ts'
import { Button, Link, Trouble } from '../ui/parts.tsx'
import { counted } from './counted.ts'
import { mineSetup } from './mine-setup.ts'
import type { Work } from './work.ts'

export const ProveCard = ({ pair, work }: { pair: Pair; work: Work }) => {
  const { entry } = pair
  const mine = mineSetup(pair, work)
  const now = running.value
  const results = mine ? resultsOf(entry, mine) : []
  const told = results.filter(({ verdict }) => verdict)
  const groups = [
    {
      kind: 'broke',
      title: 'Your change broke this',
      of: told.filter((one) => one.declared === 'holds' && one.verdict === 'breaks'),
    },
    {
      kind: 'mended',
      title: 'The original breaks this; yours keeps it',
      of: told.filter((one) => one.declared === 'breaks' && one.verdict === 'holds'),
    },
    {
      kind: 'unsure',
      title: 'This could not be told',
      of: told.filter((one) => one.verdict === 'unknown'),
    },
  ] as const
  const same = told.filter((one) => one.verdict === one.declared)
  return (
    <section class="card" aria-labelledby="mine-prove">
      <h2 id="mine-prove">Prove</h2>
      {told.length === 0 && (
        <p>
          Whatever the original keeps, yours must keep, too. {counted(entry.claims.length, 'claim')}{' '}
          will tell.
        </p>
      )}
      {now ? (
        <div class="going">
          <progress value={now.done} max={Math.max(1, now.of)} aria-label="Verdicts so far" />
          <span role="status">
            {now.done} of {now.of}
          </span>
          {isOurs() && (
            <Button kind="quiet" onClick={stopProof}>
              Stop
            </Button>
          )}
        </div>
      ) : (
        <Button
          kind={told.length > 0 || !mine ? 'plain' : 'main'}
          disabled={!mine}
          title={mine ? undefined : 'Save it first.'}
          onClick={() => mine && void prove([mine.id])}
        >
          {told.length > 0 ? 'Prove again' : 'Prove mine'}
        </Button>
      )}
      {proofTrouble.value && <Trouble>{plain(proofTrouble.value)}</Trouble>}
      <div role="status">
        {groups.map(({ kind, title, of }) =>
          of.length > 0 ? (
            <Results key={kind} kind={kind} title={title} of={of} entry={entry.id} mine={mine} />
          ) : null,
        )}
        {same.length > 0 && (
          <p class="same">
            {same.length === entry.claims.length
              ? `All ${same.length} claims come out as with the original. `
              : `${counted(same.length, 'claim')} as with the original.`}
          </p>
        )}
      </div>
    </section>
  )
}

interface Result {
  claim: string
  says: string
  because: string
  declared: string | undefined
  verdict: string | undefined
}

/** What is known of this very version. */
const resultsOf = (entry: Pair['entry'], mine: Setup): Result[] =>
  entry.claims.map(({ id, says }) => {
    const found = verdictOf(entry.id, mine.id, id)
    const known = found?.old ? undefined : found
    return {
      claim: id,
      says,
      because: known?.because ?? '',
      declared: declaredOf(entry.id, mine.id, id) ?? known?.declared,
      verdict: known?.verdict,
    }
  })

const Results = ({
  kind,
  title,
  of: results,
  entry,
  mine,
}: {
  kind: string
  title: string
  of: readonly Result[]
  entry: string
  mine: Setup | undefined
}) => (
  <div class={`results ${kind}`}>
    <h3>{title}</h3>
    <ul>
      {results.map(({ claim, says, because }) => (
        <li key={claim}>
          <p class="says">{plain(says)}</p>
          <p class="because">{plain(because)}</p>
          {mine && (
            <Link
              to={pathTo(`/s/${encodeURIComponent(entry)}/investigate`, {
                a: restOf(mine.id),
                view: 'claims',
                claim,
                cell: restOf(mine.id),
              })}
            >
              See what happened
            </Link>
          )}
        </li>
      ))}
    </ul>
  </div>
)
