// One scenario: two setups side by side, A and B, and what can be done with them, in the order that
// teaches. Which two, and what is open, stands in the address.
import type { CatalogueEntry } from '../../course/catalogue.ts'
import { plain } from '../../plain.ts'
import { wordsOf } from '../api.ts'
import { Investigate } from '../investigate/investigate.tsx'
import { course } from '../live.ts'
import { Make } from '../make/make.tsx'
import { Modify } from '../modify/modify.tsx'
import type { Pair } from '../pair.ts'
import { Predict } from '../predict/predict.tsx'
import { Present } from '../present/present.tsx'
import { pathTo, route, setQuery, type Tab, tabPath, tabs } from '../route.ts'
import { Run } from '../run/run.tsx'
import { readSetup, restOf, type Setup } from '../setup.ts'
import { Button, CopyButton, Link, Trouble } from '../ui/parts.tsx'
import { LiveStrip } from './live-strip.tsx'
import { SideChooser } from './side-chooser.tsx'
import './workbench.css'

const titles: Record<Tab, string> = {
  predict: 'Predict',
  run: 'Run',
  investigate: 'Investigate',
  modify: 'Modify',
  make: 'Make',
}

const panels: Record<Tab, (pair: Pair) => preact.JSX.Element> = {
  predict: Predict,
  run: Run,
  investigate: Investigate,
  modify: Modify,
  make: Make,
}

export const Workbench = ({ entry }: { entry: CatalogueEntry }) => {
  const { tab, query } = route.value
  if (!course.value) return <p class="getting-ready">Getting ready…</p>
  const found = readSides(entry, query, tab)
  if (query.present && !('why' in found)) return <Present entry={entry} {...found} />
  const chapter = course.value.chapters.find(({ id }) => id === entry.chapter)
  return (
    <article class="workbench">
      <header class="question">
        <p class="eyebrow">
          <Link to={pathTo('/', { chapter: entry.chapter })}>
            {plain(chapter?.title ?? entry.chapter)}
          </Link>{' '}
          · {plain(entry.title)}
        </p>
        <h1>{plain(entry.question)}</h1>
      </header>
      {'why' in found ? (
        <Trouble>
          {plain(found.why)}{' '}
          <Button onClick={() => setQuery({ a: undefined, b: undefined })}>
            Begin with the first two
          </Button>
        </Trouble>
      ) : (
        <>
          <div class="sides">
            <SideChooser
              name="A"
              entry={entry}
              setup={found.a}
              onChange={(setup) => setQuery({ a: restOf(setup.id) })}
            />
            <SideChooser
              name="B"
              entry={entry}
              setup={found.b}
              onChange={(setup) => setQuery({ b: restOf(setup.id) })}
            />
          </div>
          <div class="steps">
            <nav class="tabs" aria-label="Steps">
              {tabs.map((one) => (
                <Link
                  key={one}
                  to={tabPath(entry.id, one)}
                  aria-current={one === tab ? 'page' : undefined}
                >
                  {titles[one]}
                </Link>
              ))}
            </nav>
            <div class="share">
              <Button kind="quiet" onClick={() => setQuery({ present: 'start' })}>
                Present
              </Button>
              <Button
                kind="quiet"
                onClick={() => setQuery({ a: restOf(found.b.id), b: restOf(found.a.id) })}
              >
                Swap
              </Button>
              <Button kind="quiet" onClick={() => setQuery({ a: undefined, b: undefined })}>
                Reset
              </Button>
              <CopyButton label="Copy link" text={() => location.href} />
              <CopyButton
                label="Copy command"
                text={`npx seesaw bench ${found.a.id} ${found.b.id}`}
              />
            </div>
          </div>
          <Panel tab={tab} pair={{ entry, ...found }} />
          {(tab === 'run' || tab === 'investigate') && <LiveStrip entry={entry} {...found} />}
        </>
      )}
    </article>
  )
}

const Panel = ({ tab, pair }: { tab: Tab; pair: Pair }) => {
  const Shown = panels[tab]
  return (
    <section class="panel" data-tab={tab} aria-label={titles[tab]}>
      <Shown {...pair} key={`${tab} ${pair.a.id} ${pair.b.id}`} />
    </section>
  )
}

/** The two sides that the address names; the scenario's first two variants where it names none. */
const readSides = (
  entry: CatalogueEntry,
  query: Readonly<Record<string, string>>,
  tab: Tab,
): { a: Setup; b: Setup } | { why: string } => {
  const [first, second = first] = entry.variants.filter(({ id }) => id !== 'mine')
  // Where a variant of one's own is mended, what it was made from stands in for it until it runs.
  const isMissing = tab === 'modify' && !entry.variants.some(({ id }) => id === 'mine')
  const read = (rest: string) =>
    readSetup(
      entry,
      isMissing ? rest.replace(/^mine(?=[@~]|$)/, entry.mine?.basedOn ?? first?.id ?? '') : rest,
    )
  try {
    return { a: read(query.a ?? first?.id ?? ''), b: read(query.b ?? second?.id ?? '') }
  } catch (error) {
    return { why: wordsOf(error) }
  }
}
