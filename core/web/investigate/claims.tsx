// The claims of a scenario as a matrix: a sentence that one could bet on, and who keeps it. A cell
// opens what is behind its verdict.
import { useEffect } from 'preact/hooks'
import type { CatalogueEntry } from '../../course/catalogue.ts'
import { plain } from '../../plain.ts'
import { backends, course } from '../live.ts'
import type { Pair } from '../pair.ts'
import { route, setQuery } from '../route.ts'
import { readSetup, restOf, type Setup, titleOf } from '../setup.ts'
import { Button, Side, Trouble } from '../ui/parts.tsx'
import { OpenClaim } from './claims-cell.tsx'
import {
  declaredOf,
  isOurs,
  proofTrouble,
  prove,
  readProofs,
  running,
  skipped,
  stopProof,
  stopping,
  verdictOf,
} from './claims-known.ts'
import { dateOf, keptIn, marks } from './claims-words.ts'
import './claims.css'

export const Claims = (pair: Pair) => {
  const { entry } = pair
  const { query } = route.value
  useEffect(() => {
    readProofs(entry.id).catch(() => {})
  }, [entry.id])
  const columns = columnsOf(pair, query.on)
  const claim = entry.claims.find(({ id }) => id === query.claim)
  const open = claim && <OpenClaim {...pair} claim={claim} columns={columns} cell={query.cell} />
  // One thing at a time where others look on.
  if (query.present && open) return <div class="claims">{open}</div>
  return (
    <div class="claims">
      <p class="lead">
        Guess first: which sentence holds for which variant? Then open a cell and try it, or prove
        them all. Each must come out as the scenario declares, in both directions.
      </p>
      <Columns entry={entry} chosen={chosenOf(entry, query.on)} />
      <Proving targets={columns.map(({ id }) => id)} claims={entry.claims.length} />
      <Matrix {...pair} columns={columns} />
      <Legend />
      {open}
    </div>
  )
}

/** The backends that give the matrix its columns: those of the address, else what the first kind is kept in. */
const chosenOf = (entry: CatalogueEntry, on?: string): string[] => {
  const named = on?.split(',').filter((name) => usable(entry).includes(name)) ?? []
  if (named.length > 0) return named
  const needy = entry.variants.toSorted((x, y) => y.needs.length - x.needs.length)[0]
  const [first] = needy ? Object.values(readSetup(entry, needy.id).backends) : []
  return first ? [first] : []
}

/** Every backend that some variant can be kept in. */
const usable = (entry: CatalogueEntry): string[] => {
  const kinds = new Set(entry.variants.flatMap(({ needs }) => needs))
  const all = Object.entries<readonly string[]>(course.value?.adapters ?? {})
  return [...new Set(all.flatMap(([kind, names]) => (kinds.has(kind) ? names : [])))].sort()
}

/** Each variant on each chosen backend, and the two sides wherever they stand. */
const columnsOf = ({ entry, a, b }: Pair, on?: string): Setup[] => {
  const chosen = chosenOf(entry, on)
  const adapters = Object.entries<readonly string[]>(course.value?.adapters ?? {})
  const columns = entry.variants.flatMap(({ id, needs }) => {
    const able = chosen.filter((name) =>
      adapters.some(([kind, names]) => needs.includes(kind) && names.includes(name)),
    )
    const spelled = able.length > 0 ? able.map((name) => `${id}@${name}`) : [id]
    const sides = [a, b].filter(({ variant }) => variant === id)
    return [...sides, ...spelled.map((rest) => readSetup(entry, rest))]
  })
  return [...new Map(columns.map((setup) => [setup.id, setup])).values()]
}

const Columns = ({ entry, chosen }: { entry: CatalogueEntry; chosen: readonly string[] }) => (
  <fieldset class="on">
    <legend>Kept in</legend>
    {usable(entry).map((name) => {
      const report = backends.value.find((one) => one.name === name)
      const missing = report?.status === 'unavailable'
      const why = missing ? `${report.reason}. ${report.remedy}` : undefined
      return (
        <label key={name} title={why && plain(why)}>
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            disabled={missing}
            onChange={({ currentTarget }) => {
              const now = currentTarget.checked
                ? [...chosen, name]
                : chosen.filter((one) => one !== name)
              setQuery({ on: now.join(',') })
            }}
          />{' '}
          {name}
          {missing && <small> not here</small>}
        </label>
      )
    })}
  </fieldset>
)

const Proving = ({ targets, claims }: { targets: string[]; claims: number }) => {
  const now = running.value
  return (
    <div class="proving">
      {now ? (
        <>
          {isOurs() ? <Button onClick={stopProof}>Stop</Button> : null}
          <progress value={now.done} max={Math.max(1, now.of)} aria-label="Verdicts so far" />
          <p role="status">
            {now.done} of {now.of} verdicts
            {stopping.value
              ? '; stopping after what is under way'
              : isOurs()
                ? ''
                : ', asked for in another window'}
          </p>
        </>
      ) : (
        <Button kind="main" disabled={targets.length === 0} onClick={() => void prove(targets)}>
          Prove all {targets.length * claims}
        </Button>
      )}
      {proofTrouble.value && <Trouble>{plain(proofTrouble.value)}</Trouble>}
      {skipped.value.map(({ setup, reason }) => (
        <p class="skipped" key={setup}>
          <code>{plain(setup)}</code> was left out: {plain(reason)}
        </p>
      ))}
    </div>
  )
}

const Matrix = ({ entry, a, b, columns }: Pair & { columns: Setup[] }) => {
  const { claim, cell } = route.value.query
  const groups = entry.variants
    .map((variant) => ({ variant, of: columns.filter((one) => one.variant === variant.id) }))
    .filter(({ of }) => of.length > 0)
  const setups = groups.flatMap(({ of }) => of)
  const sideOf = ({ id }: Setup) => (id === a.id ? 'A' : id === b.id ? 'B' : undefined)
  const first = {
    claim: entry.claims.some(({ id }) => id === claim) ? claim : entry.claims[0]?.id,
    setup: setups.find(({ id }) => restOf(id) === cell)?.id ?? setups[0]?.id,
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard, too
    <section class="matrix" tabIndex={0} aria-label="Claims and setups">
      <table onKeyDown={moveByArrows}>
        <caption class="unseen">
          Arrow keys move from cell to cell, Enter opens one. ✓ holds, ✗ breaks.
        </caption>
        <thead>
          <tr>
            <th scope="col" rowSpan={2}>
              Claim
            </th>
            {groups.map(({ variant, of }) => (
              <th key={variant.id} scope="colgroup" colSpan={of.length}>
                {plain(variant.title)}
                {!variant.safe && <small class="unsafe">unsafe on purpose</small>}
              </th>
            ))}
          </tr>
          <tr>
            {setups.map((setup) => {
              const side = sideOf(setup)
              return (
                <th key={setup.id} scope="col" class={side && `of-${side.toLowerCase()}`}>
                  {side && <Side name={side} />} {keptIn(setup)}
                  <Button
                    kind="quiet"
                    disabled={running.value !== null}
                    aria-label={`Prove ${titleOf(entry, setup)} ${keptIn(setup)}`}
                    onClick={() => void prove([setup.id])}
                  >
                    prove
                  </Button>
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>
          {entry.claims.map(({ id, says }) => (
            <tr key={id} class={id === claim ? 'open' : undefined}>
              <th scope="row">
                {plain(says)}{' '}
                <Button
                  kind="quiet"
                  disabled={running.value !== null}
                  aria-label={`Prove this row: ${plain(says)}`}
                  onClick={() =>
                    void prove(
                      setups.map((one) => one.id),
                      [id],
                    )
                  }
                >
                  prove
                </Button>
              </th>
              {setups.map((setup) => {
                const side = sideOf(setup)
                return (
                  <td key={setup.id} class={side && `of-${side.toLowerCase()}`}>
                    <Cell
                      entry={entry}
                      setup={setup}
                      claim={id}
                      says={says}
                      isOpen={id === claim && restOf(setup.id) === cell}
                      isFirst={id === first.claim && setup.id === first.setup}
                    />
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const Cell = ({
  entry,
  setup,
  claim,
  says,
  isOpen,
  isFirst,
}: {
  entry: CatalogueEntry
  setup: Setup
  claim: string
  says: string
  isOpen: boolean
  isFirst: boolean
}) => {
  const known = verdictOf(entry.id, setup.id, claim)
  const declared = declaredOf(entry.id, setup.id, claim)
  const wrong = known && declared && known.verdict !== declared
  const where = `${titleOf(entry, setup)}, ${keptIn(setup)}`
  return (
    <button
      type="button"
      class={`cell ${known?.verdict ?? 'open'}${wrong ? ' wrong' : ''}${known?.old ? ' old' : ''}`}
      tabIndex={isFirst ? 0 : -1}
      aria-expanded={isOpen}
      title={
        known?.provedAt &&
        `proved ${dateOf(known.provedAt)}${known.old ? ', of an older version' : ''}`
      }
      onClick={() =>
        setQuery(isOpen ? { claim: undefined, cell: undefined } : { claim, cell: restOf(setup.id) })
      }
    >
      <span aria-hidden="true">{known ? marks[known.verdict] : '·'}</span>
      <span class="word">{known?.verdict ?? 'try'}</span>
      {wrong && <small>declared: {declared}</small>}
      {known?.old && <small>old</small>}
      <span class="unseen">{plain(`: ${where}: ${says}`)}</span>
    </button>
  )
}

const Legend = () => (
  <p class="legend">
    <span class="holds">✓ holds</span> <span class="breaks">✗ breaks</span>{' '}
    <span class="unknown">? could not be told</span> A dashed cell was proved of an older version of
    the source. Breaking is no mistake where the scenario declares it: it is the lesson.
  </p>
)

const steps: Record<string, readonly [row: number, column: number]> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
}

const moveByArrows = (event: KeyboardEvent): void => {
  const step = steps[event.key]
  const cell = event.target instanceof Element ? event.target.closest('button.cell') : null
  if (!step || !cell) return
  event.preventDefault()
  const rows = [...(cell.closest('tbody')?.rows ?? [])].map((row) => [
    ...row.querySelectorAll<HTMLElement>('button.cell'),
  ])
  const y = rows.findIndex((cells) => cells.some((one) => one === cell))
  const x = rows[y]?.indexOf(cell as HTMLElement) ?? 0
  rows[y + step[0]]?.[x + step[1]]?.focus()
}
