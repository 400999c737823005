// What the page looks like: functions from its state to elements.
import { viewClaims } from './claims.js'
import { h } from './dom.js'
import { viewMachine } from './machine.js'
import { doorPath, link, parse, press, round } from './parts.js'

/** @typedef {import('./parts.js').State} State */
/** @typedef {import('./parts.js').Actions} Actions */
/** @typedef {import('./parts.js').Entry} Entry */
/** @typedef {import('./parts.js').Open} Open */

/** @param {State} state @param {Actions} act */
export const viewPage = (state, act) => [
  h.header(
    { class: 'masthead' },
    h.h1(h.a({ href: '#' }, 'Seesaw')),
    h.p(
      'A playground for back-end trade-offs: flip a variant or its back end while it runs, load ' +
        'it, and see what changes.',
    ),
    h.div({ role: 'alert' }, state.trouble && viewTrouble(state.trouble)),
  ),
  viewCourse(state),
  viewMain(state, act),
  viewMachine(state),
]

/** @param {string} trouble */
const viewTrouble = (trouble) =>
  h.p({ class: 'trouble' }, h.strong(trouble), ' Asked again every two seconds.')

// ---- the course

/** @param {State} state */
const viewCourse = (state) => {
  const entries = state.catalogue?.scenarios ?? []
  return h.nav(
    { 'aria-label': 'Scenarios' },
    [...new Set(entries.map(({ chapter }) => chapter))].map((chapter) =>
      h.section(
        h.h2(chapterTitle(state, chapter)),
        h.ul(
          entries
            .filter((entry) => entry.chapter === chapter)
            .map((entry) => viewLink(state, entry)),
        ),
      ),
    ),
    (state.catalogue?.broken ?? []).map(({ id, reason }) =>
      h.p({ class: 'problem' }, h.strong(id), ' cannot be loaded: ', reason),
    ),
  )
}

/** @param {State} state @param {Entry} entry */
const viewLink = (state, entry) => {
  const current = entry.id === state.open
  return h.li(
    h.a(
      { href: `#${encodeURIComponent(entry.id)}`, 'aria-current': current && 'page' },
      h.strong(entry.question),
      h.span(entry.title),
      h.span({ class: 'live' }, state.lab?.live[entry.id]?.slice(entry.id.length + 1)),
    ),
  )
}

/** @param {State} state @param {string} id */
const chapterTitle = (state, id) =>
  state.course?.chapters.find((chapter) => chapter.id === id)?.title ?? id

/** @param {State} state @param {Actions} act */
const viewMain = (state, act) => {
  const entry = state.catalogue?.scenarios.find(({ id }) => id === state.open)
  if (!entry) {
    const known = state.catalogue && state.open
    return h.main(known && h.p(`There is no scenario '${state.open}' here.`))
  }
  const desk = state.desk(entry.id)
  const live = parse(state.lab?.live[entry.id] ?? entry.setups[0] ?? entry.id, entry)
  const open = { state, act, entry, desk, live, labUrl: state.lab?.lab.url ?? '' }
  return h.main(
    { id: `scenario-${entry.id}` },
    h.p({ class: 'eyebrow' }, chapterTitle(state, entry.chapter), ' · ', entry.title),
    h.h2({ id: 'question', tabindex: -1 }, entry.question),
    h.p(link(`/readme/${entry.id}`, 'Read the lesson')),
    viewLive(open),
    viewReach(open),
    viewClaims(open),
  )
}

// ---- what is live

/** @param {Open} open */
const viewLive = ({ state, act, entry, desk, live, labUrl }) => {
  const { wanted } = desk
  const chosen = entry.variants.find(({ id }) => id === (wanted.variant ?? live.variant))
  return h.section(
    { 'aria-labelledby': 'live-title' },
    h.h3({ id: 'live-title' }, 'Live now'),
    h.p(
      { class: 'address' },
      h.a(
        { href: doorOf(state, entry, labUrl), target: '_blank', rel: 'noreferrer' },
        liveAddress(entry, labUrl),
      ),
      ' serves ',
      h.code(live.id.slice(entry.id.length + 1)),
      '. Switch it while requests arrive; none is lost.',
    ),
    h.fieldset(
      { class: 'variants' },
      h.legend('Variant'),
      entry.variants.map((variant) =>
        h.div(
          { class: 'variant' },
          h.label(
            h.input({
              type: 'radio',
              name: 'variant',
              value: variant.id,
              checked: variant === chosen,
              onchange: () => act.toggle(entry.id, { variant: variant.id }),
            }),
            h.span(
              h.strong(variant.title),
              !variant.safe && h.em({ class: 'unsafe' }, 'unsafe on purpose'),
              h.span({ class: 'idea' }, variant.idea),
            ),
          ),
          h.p(
            { class: 'links' },
            link(`/source/${entry.id}/${variant.id}`, 'source', `source: ${variant.title}`),
            link(
              `${labUrl}/run/${entry.id}/${variant.id}${doorPath(state, entry)}`,
              'its own address',
              `its own address: ${variant.title}`,
            ),
          ),
        ),
      ),
    ),
    h.div(
      { class: 'controls' },
      (chosen?.needs ?? []).map((kind) =>
        viewBackend(state, act, entry, kind, wanted.backends?.[kind] ?? live.backends[kind]),
      ),
      Object.entries(chosen?.knobs ?? {}).map(([name, knob]) => {
        const value = wanted.knobs?.[name] ?? live.knobs[name] ?? String(knob.default)
        const max = knob.max.toLocaleString('en')
        return h.label(
          { class: 'control' },
          h.span(name, ', in ', knob.unit),
          h.input({
            type: 'number',
            name,
            value,
            min: knob.min,
            max: knob.max,
            step: 1,
            required: true,
            onchange: (/** @type {{ target: HTMLInputElement }} */ { target }) =>
              act.toggle(entry.id, { knobs: { [name]: target.value } }),
          }),
          h.small(
            knob.says,
            knob.unit === 'ms' && inWords(Number(value)),
            `; ${knob.min} to ${max}`,
          ),
        )
      }),
    ),
    h.div(
      { class: 'outcome' },
      h.p(
        { role: 'status', class: desk.failed ? 'problem' : 'said' },
        wanted.busy ? 'Switching…' : desk.said,
      ),
      press('Back to the default', () => act.toggle(entry.id, { reset: true })),
      press('Empty what it stored', () => act.empty(entry.id, live.id)),
    ),
    h.details(
      { ontoggle: () => chosen && act.readSource(entry.id, chosen.id) },
      h.summary('The source that runs: ', h.code(`variants/${chosen?.id}.ts`)),
      h.pre(
        { tabindex: 0, 'aria-label': 'Source' },
        desk.sources.get(chosen?.id ?? '') ?? 'Reading…',
      ),
    ),
  )
}

/** @param {State} state @param {Actions} act @param {Entry} entry @param {string} kind @param {string | undefined} value */
const viewBackend = (state, act, entry, kind, value) => {
  const adapters = state.course?.adapters[/** @type {'cache'} */ (kind)] ?? []
  const missing = missingOf(state, adapters)
  return h.label(
    { class: 'control' },
    h.span(kind, ' kept in'),
    h.select(
      {
        name: kind,
        onchange: (/** @type {{ target: HTMLSelectElement }} */ { target }) =>
          act.toggle(entry.id, { backends: { [kind]: target.value } }),
      },
      adapters.map((name) => {
        const report = state.backends.find((backend) => backend.name === name)
        const note = {
          ready: '',
          startable: ' (started when chosen)',
          unavailable: ' (not available)',
        }
        return h.option(
          {
            value: name,
            selected: name === value,
            disabled: missing.some((one) => one.name === name),
          },
          name,
          note[report?.status ?? 'ready'],
        )
      }),
    ),
    missing.map(({ name, reason, remedy }) => h.small(`${name}: ${reason}. Remedy: ${remedy}.`)),
  )
}

/** @param {State} state @param {readonly string[]} names */
const missingOf = (state, names) =>
  state.backends.filter(({ name, status }) => status === 'unavailable' && names.includes(name))

/** @param {number} ms */
const inWords = (ms) =>
  ms >= 3_600_000
    ? ` (${round(ms / 3_600_000)} h)`
    : ms >= 60_000
      ? ` (${round(ms / 60_000)} min)`
      : ms > 1_000 && ` (${round(ms / 1_000)} s)`

/** @param {Entry} entry @param {string} labUrl */
const liveAddress = (entry, labUrl) => `${labUrl}/run/${entry.id}/live/`

/** @param {State} state @param {Entry} entry @param {string} labUrl */
const doorOf = (state, entry, labUrl) => `${labUrl}/run/${entry.id}/live${doorPath(state, entry)}`

// ---- how to reach it by hand

/** @param {Open} open */
const viewReach = ({ state, act, entry, live, labUrl }) =>
  h.section(
    { 'aria-labelledby': 'reach-title' },
    h.h3({ id: 'reach-title' }, 'By hand'),
    h.dl(
      { class: 'commands' },
      [
        ...(state.course?.doors[entry.id]?.credential
          ? []
          : [['Load it', `npx autocannon -c 10 -d 10 ${doorOf(state, entry, labUrl)}`]]),
        [
          'Lines for curl and autocannon, with a fresh credential',
          `npx seesaw curl ${entry.id}/live`,
        ],
        ['See one conversation', `npx seesaw try ${live.id}`],
        ['Prove every claim', `npx seesaw prove ${entry.id}`],
      ].map(([what = '', command = '']) =>
        h.div(
          h.dt(what),
          h.dd(
            h.code(command),
            press(state.copied === command ? 'Copied' : 'Copy', () => act.copy(command), {
              'aria-label': state.copied === command ? 'Copied' : `Copy: ${command}`,
            }),
          ),
        ),
      ),
    ),
    h.details(
      h.summary(`All ${entry.setups.length} setups, each at its own address`),
      h.ul(
        { class: 'setups' },
        entry.setups.map((id) => h.li(link(`${labUrl}/run/${id}${doorPath(state, entry)}`, id))),
      ),
    ),
  )
