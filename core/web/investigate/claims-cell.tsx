// One claim, opened: what was found on one setup and, right beside it, on its twin, where it comes
// out the other way; with the conversation that decided, and the line of the source that did.
import { useEffect, useRef } from 'preact/hooks'
import type { CatalogueEntry } from '../../course/catalogue.ts'
import { plain } from '../../plain.ts'
import { lab } from '../live.ts'
import type { Pair } from '../pair.ts'
import { route, setQuery, tabPath } from '../route.ts'
import { restOf, type Setup, titleOf } from '../setup.ts'
import { Button, CopyButton, Link, Side, Tag, Trouble } from '../ui/parts.tsx'
import { Conversation } from './claims-conversation.tsx'
import { declaredOf, proofsOf, triedOf, tryOut, verdictOf } from './claims-known.ts'
import { dateOf, keptIn, marks } from './claims-words.ts'

type Claim = CatalogueEntry['claims'][number]

export const OpenClaim = ({
  claim,
  cell,
  columns,
  ...pair
}: Pair & { claim: Claim; cell?: string; columns: readonly Setup[] }) => {
  const { entry, a, b } = pair
  const setup = [a, b, ...columns].find(({ id }) => restOf(id) === cell) ?? a
  const twin = twinOf(pair, claim.id, setup, columns)
  const shown = setup.id === b.id && twin?.id === a.id ? [a, b] : [setup, ...(twin ? [twin] : [])]
  const busy = shown.some(({ id }) => triedOf(id, claim.id) === 'running')
  const presenting = Boolean(route.value.query.present)
  const section = useRef<HTMLElement>(null)
  useEffect(() => {
    if (!presenting && cell) section.current?.scrollIntoView({ block: 'nearest' })
  }, [claim.id, cell, presenting])
  const tryAll = async () => {
    await Promise.all(shown.map(({ id }) => tryOut(id, claim.id)))
  }
  return (
    <section class="open-claim" ref={section} aria-labelledby="open-claim-title">
      <header>
        <h2 id="open-claim-title">{plain(claim.says)}</h2>
        <div class="do">
          <Button kind="main" disabled={busy} data-run onClick={() => void tryAll()}>
            {busy ? 'Running…' : shown.length > 1 ? 'Try it on both' : 'Try it'}
          </Button>
          {!presenting && (
            <>
              <CopyButton label="Copy link" text={() => location.href} />
              <Button kind="quiet" onClick={() => setQuery({ claim: undefined, cell: undefined })}>
                Close
              </Button>
            </>
          )}
        </div>
      </header>
      <div class={`twins of-${shown.length}`}>
        {shown.map((one) => (
          <Found
            key={one.id}
            entry={entry}
            setup={one}
            claim={claim}
            side={one.id === a.id ? 'A' : one.id === b.id ? 'B' : undefined}
            covered={presenting}
          />
        ))}
      </div>
    </section>
  )
}

/** The setup to look at beside: the other side, or where the claim is declared to come out otherwise. */
const twinOf = (
  { entry, a, b }: Pair,
  claim: string,
  setup: Setup,
  columns: readonly Setup[],
): Setup | undefined => {
  const declared = (one: Setup) => declaredOf(entry.id, one.id, claim)
  const differs = (one: Setup) => one.id !== setup.id && declared(one) !== declared(setup)
  const sides = [a, b].filter(({ id }) => id !== setup.id)
  const isSide = sides.length < 2
  const safe = columns.filter(
    ({ variant }) => entry.variants.find(({ id }) => id === variant)?.safe !== false,
  )
  return (
    (isSide ? sides[0] : undefined) ??
    sides.find(differs) ??
    safe.find(differs) ??
    columns.find(differs) ??
    sides[0]
  )
}

const Found = ({
  entry,
  setup,
  claim,
  side,
  covered,
}: {
  entry: CatalogueEntry
  setup: Setup
  claim: Claim
  side?: 'A' | 'B' | undefined
  /** Whether what is known is not told before it is tried. */
  covered: boolean
}) => {
  const now = triedOf(setup.id, claim.id)
  const trial = typeof now === 'object' && 'trial' in now ? now.trial : undefined
  const known = covered ? trial : verdictOf(entry.id, setup.id, claim.id)
  const kept = covered
    ? undefined
    : proofsOf(entry.id)?.verdicts.find((one) => one.setup === setup.id && one.claim === claim.id)
  const declared = declaredOf(entry.id, setup.id, claim.id)
  const lines = trial?.conversation ?? kept?.transcript
  return (
    <article
      class={`found ${known?.verdict ?? 'open'}${side ? ` of-${side.toLowerCase()}` : ''}`}
      aria-label={plain(`${titleOf(entry, setup)}, ${keptIn(setup)}`)}
    >
      <h3>
        {side && <Side name={side} />} {plain(titleOf(entry, setup))} <small>{keptIn(setup)}</small>
      </h3>
      <p class="verdict" role="status">
        {now === 'running' ? (
          <span class="waiting">Running in a lab of its own…</span>
        ) : known ? (
          <>
            <strong class={known.verdict}>
              <span aria-hidden="true">{marks[known.verdict]}</span> {known.verdict}
            </strong>{' '}
            {declared === undefined
              ? ''
              : known.verdict === 'unknown'
                ? 'it could not be told this time; try again'
                : declared === known.verdict
                  ? 'as declared'
                  : `but declared: ${declared}`}
          </>
        ) : (
          <span class="waiting">{covered ? 'Holds or breaks? Hands up.' : 'Not proved yet.'}</span>
        )}
      </p>
      {typeof now === 'object' && 'trouble' in now && <Trouble>{plain(now.trouble)}</Trouble>}
      {known && <p class="because">{plain(known.because)}</p>}
      {known && <DecidingLine entry={entry} setup={setup} claim={claim.id} />}
      {lines && lines.length > 0 && (
        <details class="talk" open={!covered}>
          <summary>What was sent, and what came back</summary>
          <Conversation lines={lines} setup={trial?.setup ?? kept?.ran ?? setup.id} />
        </details>
      )}
      {!covered && (
        <footer>
          {known && (
            <Tag of="measured">
              {trial ? 'tried just now' : kept ? `proved ${dateOf(kept.provedAt)}` : ''}
              {kept?.old && !trial ? ', of an older version' : ''}
            </Tag>
          )}
          <Button
            kind="quiet"
            disabled={now === 'running'}
            onClick={() => void tryOut(setup.id, claim.id)}
          >
            {trial ? 'Try again' : 'Try it'}
          </Button>
          <CopyButton label="Copy command" text={`npx seesaw try ${setup.id} ${claim.id}`} />
          {lab.value && (
            <CopyButton label="Copy address" text={`${lab.value.lab.url}/run/${setup.id}/`} />
          )}
        </footer>
      )}
    </article>
  )
}

/** The line of the source that decides, where the scenario names it. */
const DecidingLine = ({
  entry,
  setup,
  claim,
}: {
  entry: CatalogueEntry
  setup: Setup
  claim: string
}) => {
  const line = proofsOf(entry.id)?.lines[claim]?.[setup.variant]
  if (!line) return null
  // The code of this one has to be on the screen.
  const { a, b } = route.value.query
  const isShown = [a, b].some((rest) => rest?.split(/[@~]/)[0] === setup.variant)
  const sides = isShown ? {} : { a: restOf(setup.id) }
  const to = tabPath(entry.id, 'investigate', { view: 'code', claim, ...sides })
  return (
    <figure class="deciding-line">
      <figcaption>
        The line that decides it: <Link to={to}>line {line.number} in the code</Link>
      </figcaption>
      <pre>{plain(line.text)}</pre>
    </figure>
  )
}
