// Which bets there are, and which one is offered.
import type { CatalogueEntry } from '../../course/catalogue.ts'
import { plain } from '../../plain.ts'
import { catalogue } from '../live.ts'
import { callsAbout, type Scored } from '../record/progress.ts'
import { route, setQuery } from '../route.ts'
import { readSetup, type Setup, titleOf } from '../setup.ts'
import { Button } from '../ui/parts.tsx'

/** A bet that can be offered here. */
export interface Offer {
  entry: CatalogueEntry
  duel: NonNullable<CatalogueEntry['duel']>
  a: Setup
  b: Setup
  titles: readonly [string, string]
}

/** In the order of the course. */
export const offers = (): Offer[] =>
  (catalogue.value?.scenarios ?? []).flatMap((entry) => {
    if (!entry.duel) return []
    try {
      const [a, b] = entry.duel.between.map((rest) => readSetup(entry, rest)) as [Setup, Setup]
      const titles = [plain(titleOf(entry, a)), plain(titleOf(entry, b))] as const
      return [{ entry, duel: entry.duel, a, b, titles }]
    } catch {
      return []
    }
  })

const isTold = ({ score }: Scored) => score === 'right' || score === 'wrong'
const dayMs = 86_400_000

/** The one that the address names; else today's, or the next that was not answered yet. */
export const choose = (all: readonly Offer[]): Offer | undefined => {
  const named = all.find(({ entry }) => entry.id === route.value.query.duel)
  if (named) return named
  const today = Math.floor(Date.now() / dayMs) % Math.max(1, all.length)
  const inTurn = [...all.slice(today), ...all.slice(0, today)]
  return inTurn.find(({ a, b }) => !callsAbout(a.id, b.id).some(isTold)) ?? inTurn[0]
}

export const Another = ({ next }: { next: Offer }) => (
  <Button kind="quiet" onClick={() => setQuery({ duel: next.entry.id, call: undefined })}>
    Another question
  </Button>
)
