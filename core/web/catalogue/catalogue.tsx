// Everything there is to bet on, by chapter: what each asks, how long it takes, what it can run on here,
// and how far the learner is. What is looked for stands in the address.

import { useEffect, useRef } from 'preact/hooks'
import type { Course } from '../../control/page.ts'
import type { CatalogueEntry, Catalogue as Listed } from '../../course/catalogue.ts'
import type { Kind } from '../../kinds/index.ts'
import type { BackendReport } from '../../lab/servers.ts'
import { plain } from '../../plain.ts'
import { backends, catalogue, course } from '../live.ts'
import { type ScenarioState, stateOf } from '../record/progress.ts'
import { route, setQuery } from '../route.ts'
import { Button, Choice, CopyButton, Link } from '../ui/parts.tsx'
import './catalogue.css'

export const Catalogue = () =>
  catalogue.value && course.value ? (
    <Found
      scenarios={catalogue.value.scenarios}
      broken={catalogue.value.broken}
      course={course.value}
    />
  ) : null

const Found = ({ scenarios, broken, course: { chapters } }: Listed & { course: Course }) => {
  const { q = '', chapter = '', state = '' } = route.value.query
  const found = scenarios.filter(
    (entry) =>
      (!chapter || entry.chapter === chapter) &&
      (!state || stateOf(entry.id) === state) &&
      isAbout(entry, q),
  )
  const filtered = Boolean(q || chapter || state)
  const place = useRef<HTMLElement>(null)
  useEffect(() => {
    // A link to a part of the course means that part, not the bet above it.
    if (filtered && !route.value.query.duel) place.current?.scrollIntoView()
  }, [])
  const shown = chapters.filter(({ id }) => found.some((entry) => entry.chapter === id))
  const empty = chapters.filter(({ id }) => !scenarios.some((entry) => entry.chapter === id))
  const toCome = empty.filter(({ id }) => id !== 'drafts')
  return (
    <section class="catalogue" ref={place} aria-labelledby="catalogue">
      <header>
        <h2 id="catalogue">Everything to bet on</h2>
        <search class="filter">
          <label class="field">
            <span>Search</span>
            <input
              type="search"
              value={q}
              onInput={({ currentTarget }) => setQuery({ q: currentTarget.value })}
            />
          </label>
          <Choice
            label="Chapter"
            value={chapter}
            options={[
              { value: '', says: 'all chapters' },
              ...chapters
                .filter((one) => !empty.includes(one))
                .map(({ id, title }) => ({ value: id, says: plain(title) })),
            ]}
            onChoose={(id) => setQuery({ chapter: id })}
          />
          <Choice
            label="How far you are"
            value={state}
            options={[
              { value: '', says: 'anywhere' },
              ...(['not started', 'predicted', 'run', 'explained'] as const).map((one) => ({
                value: one,
                says: one,
              })),
            ]}
            onChoose={(one) => setQuery({ state: one })}
          />
        </search>
      </header>
      <p class="unseen" role="status">
        {filtered ? `${found.length} of ${scenarios.length} shown` : ''}
      </p>
      {found.length === 0 && (
        <p>
          Nothing here is about that.{' '}
          <Button
            kind="quiet"
            onClick={() => setQuery({ q: undefined, chapter: undefined, state: undefined })}
          >
            Show all
          </Button>
        </p>
      )}
      <div class="chapters">
        {shown.map(({ id, title }) => (
          <Chapter key={id} title={title} entries={found.filter((entry) => entry.chapter === id)} />
        ))}
      </div>
      <Broken broken={broken} />
      {!filtered && toCome.length > 0 && (
        <p class="to-come">To come: {toCome.map(({ title }) => plain(title)).join(' · ')}</p>
      )}
    </section>
  )
}

/** Whether every word is found somewhere in what the card is about. */
const isAbout = (entry: CatalogueEntry, words: string): boolean => {
  const text = [
    entry.id,
    entry.title,
    entry.question,
    ...entry.badges,
    ...entry.variants.flatMap(({ id, title, idea }) => [id, title, idea]),
    ...entry.claims.map(({ says }) => says),
  ]
    .join(' ')
    .toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

const Chapter = ({ title, entries }: { title: string; entries: CatalogueEntry[] }) => (
  <section class="chapter">
    <h3>{plain(title)}</h3>
    <ul>
      {entries.map((entry) => (
        <li key={entry.id} class="entry">
          <Card entry={entry} />
        </li>
      ))}
    </ul>
  </section>
)

const badgeWords = {
  attack: 'something is attacked',
  bench: 'something is measured',
  demo: 'can be shown to others',
} as const

const Card = ({ entry }: { entry: CatalogueEntry }) => {
  const state = stateOf(entry.id)
  const variants = entry.variants.filter(({ id }) => id !== 'mine').length
  return (
    <article class="card">
      <p class="eyebrow">
        <span>{plain(entry.title)}</span>
        <State state={state} />
      </p>
      <h4>
        <Link to={`/s/${encodeURIComponent(entry.id)}/predict`}>{plain(entry.question)}</Link>
      </h4>
      <p class="facts">
        {variants} variants
        {entry.minutes !== null && <> · {entry.minutes} min</>}
        {entry.difficulty !== null && (
          <>
            {' '}
            · <Difficulty of={entry.difficulty} />
          </>
        )}
      </p>
      {entry.badges.length > 0 && (
        <ul class="badges" aria-label="What is in it">
          {entry.badges.map((badge) => (
            <li key={badge} title={badgeWords[badge]}>
              {badge}
            </li>
          ))}
        </ul>
      )}
      <RunsOn entry={entry} />
    </article>
  )
}

const Difficulty = ({ of: level }: { of: 1 | 2 | 3 }) => (
  <span class="difficulty">
    <svg viewBox="0 0 26 8" aria-hidden="true">
      {[0, 1, 2].map((i) => (
        <circle key={i} cx={4 + 9 * i} cy="4" r="3" class={i < level ? 'on' : ''} />
      ))}
    </svg>
    <span class="unseen">difficulty {level} of 3</span>
  </span>
)

const State = ({ state }: { state: ScenarioState }) =>
  state === 'not started' ? null : (
    <span class={`state ${state}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <circle cx="6" cy="6" r="4.5" />
        {state === 'run' && <path d="M6 1.5a4.5 4.5 0 0 1 0 9Z" />}
        {state === 'explained' && <circle class="on" cx="6" cy="6" r="4.5" />}
      </svg>
      {state}
    </span>
  )

/** Every backend that can keep something for one of the variants. */
const RunsOn = ({ entry }: { entry: CatalogueEntry }) => {
  const kinds = [...new Set(entry.variants.flatMap(({ needs }) => needs))]
  const able = [
    ...new Set(kinds.flatMap((kind) => course.value?.adapters[kind as Kind] ?? [])),
  ].sort()
  const missing = able.flatMap((name) => {
    const report = backends.value.find((one) => one.name === name)
    return report?.status === 'unavailable' ? [report] : []
  })
  const here = able.filter((name) => !missing.some((one) => one.name === name))
  if (able.length === 0) return null
  return (
    <div class="runs-on">
      <p>
        <span class="unseen">Runs on </span>
        {here.map((name) => (
          <span key={name} class="backend">
            {name}
          </span>
        ))}
      </p>
      {missing.length > 0 && <Missing missing={missing} />}
    </div>
  )
}

const Missing = ({ missing }: { missing: BackendReport[] }) => (
  <details>
    <summary>not here: {missing.map(({ name }) => name).join(', ')}</summary>
    <dl>
      {missing.map(({ name, reason, remedy }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {plain(reason)}
            {remedy && (
              <>
                <br />
                <code>{plain(remedy)}</code> <CopyButton label="Copy" text={remedy} />
              </>
            )}
          </dd>
        </div>
      ))}
    </dl>
  </details>
)

const Broken = ({ broken }: { broken: Listed['broken'] }) =>
  broken.length === 0 ? null : (
    <details class="broken">
      <summary>{broken.length} cannot be loaded</summary>
      <ul>
        {broken.map(({ id, reason }) => (
          <li key={id}>
            <strong>{plain(id)}</strong>: {plain(reason)}
          </li>
        ))}
      </ul>
    </details>
  )
