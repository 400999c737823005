// The claims of a scenario as a matrix, and what is behind each cell of it.
import { h } from './dom.js'
import { doorPath, link, parse, press } from './parts.js'

/** @typedef {import('./parts.js').Open} Open */
/** @typedef {import('./parts.js').Setup} Setup */
/** @typedef {import('./page.js').Cell} Cell */
/** @typedef {import('./page.js').Desk} Desk */

/** @param {Open} open */
export const viewClaims = (open) => {
  const { state, act, entry, desk } = open
  const used = state.backends.filter(({ name }) =>
    entry.setups.some((id) => Object.values(parse(id, entry).backends).includes(name)),
  )
  const usual = used.filter(({ via, status }) => via === 'inside the process' && status === 'ready')
  const chosen = desk.backends ?? new Set(usual.map(({ name }) => name))
  const columns = entry.setups
    .map((id) => parse(id, entry))
    .filter(({ backends }) => Object.values(backends).every((name) => chosen.has(name)))
  const seconds = desk.proving && Math.round((Date.now() - desk.proving.sinceMs) / 1_000)
  return h.section(
    { 'aria-labelledby': 'claims-title' },
    h.h3({ id: 'claims-title' }, 'What each promises'),
    h.p(
      'Guess first: which of these sentences holds for which variant? Then choose a cell and try it, or prove them all.',
    ),
    used.length > 0 &&
      h.fieldset(
        { class: 'backends' },
        h.legend('On'),
        used.map(({ name, status }) =>
          h.label(
            h.input({
              type: 'checkbox',
              checked: chosen.has(name),
              disabled: status === 'unavailable',
              onchange: (/** @type {{ target: HTMLInputElement }} */ { target }) =>
                act.compare(
                  entry.id,
                  new Set(
                    used
                      .map((b) => b.name)
                      .filter((b) => (b === name ? target.checked : chosen.has(b))),
                  ),
                ),
            }),
            h.span(name, status === 'unavailable' && ' (not available)'),
          ),
        ),
      ),
    h.div(
      { class: 'outcome' },
      desk.proving
        ? press('Stop', () => desk.proving?.stop.abort(), { class: 'primary' })
        : press(
            `Prove ${entry.claims.length * columns.length} verdicts`,
            () => act.prove(entry.id, [...chosen]),
            { class: 'primary', disabled: columns.length === 0 || entry.claims.length === 0 },
          ),
      h.p({ class: 'clock' }, desk.proving && `Proving for ${seconds} s; it takes about a minute…`),
      h.p(
        { role: 'status', class: desk.proofFailed ? 'problem' : 'said' },
        desk.proving ? '' : desk.proved,
      ),
    ),
    desk.skipped.map(({ setup, reason }) =>
      h.p({ class: 'problem' }, h.code(setup), ' was left out: ', reason),
    ),
    columns.length > 0 && entry.claims.length > 0 && viewMatrix(open, columns),
  )
}

/** @param {Open} open @param {Setup[]} columns */
const viewMatrix = (open, columns) => {
  const { entry, desk } = open
  const groups = entry.variants
    .map((variant) => ({
      variant,
      setups: columns.filter((setup) => setup.variant === variant.id),
    }))
    .filter(({ setups }) => setups.length > 0)
  const first = desk.cell ?? { setup: columns[0]?.id, claim: entry.claims[0]?.id }
  return h.div(
    { class: 'matrix', tabindex: 0, role: 'region', 'aria-label': 'Claims and setups' },
    h.table(
      { onkeydown: moveByArrows },
      h.caption('Arrow keys move, Enter opens.'),
      h.thead(
        h.tr(
          h.th({ scope: 'col', rowspan: 2 }, 'Claim'),
          groups.map(({ variant, setups }) =>
            h.th({ scope: 'colgroup', colspan: setups.length }, variant.title),
          ),
        ),
        h.tr(
          groups.flatMap(({ setups }) =>
            setups.map(({ backends }) => h.th({ scope: 'col' }, nameOf(backends))),
          ),
        ),
      ),
      h.tbody(
        entry.claims.flatMap((claim) => {
          const isOpen =
            desk.cell?.claim === claim.id && columns.find(({ id }) => id === desk.cell?.setup)
          return [
            h.tr(
              { id: `claim-${claim.id}` },
              h.th({ scope: 'row' }, claim.says),
              columns.map((setup) => {
                const cell = { setup: setup.id, claim: claim.id }
                return h.td(
                  viewCell(
                    open,
                    setup,
                    cell,
                    claim.says,
                    first.setup === cell.setup && first.claim === cell.claim,
                  ),
                )
              }),
            ),
            isOpen &&
              h.tr(
                { id: `about-${claim.id}` },
                h.td(
                  { class: 'about', colspan: columns.length + 1 },
                  viewAbout(open, { setup: isOpen.id, claim: claim.id }),
                ),
              ),
          ]
        }),
      ),
    ),
  )
}

/** @param {Record<string, string>} backends */
const nameOf = (backends) => [...new Set(Object.values(backends))].join(' + ') || 'needs none'

/** What is known of a cell: the last proof's verdict, or else that of a trial. @param {Desk} desk @param {Cell} cell */
const resultOf = (desk, { setup, claim }) => {
  const trial = desk.trials.get(`${setup} ${claim}`)
  return (
    desk.verdicts.get(`${setup} ${claim}`) ??
    (typeof trial === 'object' && 'verdict' in trial ? trial : undefined)
  )
}

const marks = { holds: '✓', breaks: '✗', unknown: '?' }

/** @param {Open} open @param {Setup} setup @param {Cell} cell @param {string} says @param {boolean} isFirst */
const viewCell = ({ act, entry, desk }, setup, cell, says, isFirst) => {
  const result = resultOf(desk, cell)
  const wrong = result && result.verdict !== result.declared
  const pressed = desk.cell?.setup === cell.setup && desk.cell.claim === cell.claim
  const words = result ? `${result.verdict}${wrong ? ` declared: ${result.declared}` : ''}` : 'try'
  return h.button(
    {
      type: 'button',
      class: `cell ${result?.verdict ?? 'open'}${wrong ? ' wrong' : ''}`,
      tabindex: isFirst ? 0 : -1,
      'aria-expanded': String(pressed),
      'aria-label': `${words}: ${setup.variant} on ${nameOf(setup.backends)}: ${says}`,
      onclick: () => act.choose(entry.id, pressed ? undefined : cell),
    },
    result && h.span({ 'aria-hidden': 'true' }, marks[result.verdict]),
    result?.verdict ?? 'try',
    wrong && h.small(` declared: ${result.declared}`),
  )
}

/** @param {KeyboardEvent} event */
const moveByArrows = (event) => {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[
    event.key
  ]
  const cell =
    event.target instanceof Element
      ? /** @type {HTMLElement | null} */ (event.target.closest('button.cell'))
      : null
  if (!step || !cell) return
  event.preventDefault()
  const rows = [...(cell.closest('tbody')?.rows ?? [])]
    .map((row) => /** @type {HTMLElement[]} */ ([...row.querySelectorAll('button.cell')]))
    .filter((cells) => cells.length > 0)
  const y = rows.findIndex((cells) => cells.some((one) => one === cell))
  const x = rows[y]?.indexOf(cell) ?? 0
  rows[y + (step[0] ?? 0)]?.[x + (step[1] ?? 0)]?.focus()
}

// ---- one cell: what decided it, and the conversation

/** @param {Open} open @param {Cell} cell */
const viewAbout = ({ act, entry, desk, labUrl, state }, cell) => {
  const trial = desk.trials.get(`${cell.setup} ${cell.claim}`)
  const verdict = desk.verdicts.get(`${cell.setup} ${cell.claim}`)
  const result = resultOf(desk, cell)
  const lines =
    (typeof trial === 'object' && 'conversation' in trial && trial.conversation) ||
    verdict?.transcript ||
    []
  return h.div(
    h.h4(link(`${labUrl}/run/${cell.setup}${doorPath(state, entry)}`, cell.setup)),
    h.p(
      { role: 'status' },
      trial === 'running'
        ? 'Running in a lab of its own…'
        : typeof trial === 'object' && 'problem' in trial
          ? trial.problem
          : result && [
              h.strong(result.verdict),
              result.verdict === result.declared
                ? ', as declared: '
                : `, but declared: ${result.declared}. `,
              result.because,
              ` (${result.ms} ms)`,
            ],
    ),
    press(trial && trial !== 'running' ? 'Try again' : 'Try it', () => act.tryOut(entry.id, cell), {
      disabled: trial === 'running',
    }),
    lines.length > 0 && viewConversation(lines),
  )
}

const mostLines = 150
/** So many are all shown open. */
const fewLines = 6

/** @param {import('../exercise.ts').Line[]} lines */
const viewConversation = (lines) => [
  h.ol(
    { class: 'conversation' },
    lines
      .slice(0, mostLines)
      .map((line) =>
        line.kind === 'exchange'
          ? viewExchange(line, lines.length <= fewLines)
          : line.kind === 'note'
            ? h.li({ class: 'note' }, line.text)
            : h.li(
                { class: line.ok ? 'check' : 'check failed' },
                `${line.ok ? '✓' : '✗'} ${line.kind}: ${line.because}`,
              ),
      ),
  ),
  lines.length > mostLines && h.p(`${lines.length - mostLines} further lines are not shown here.`),
]

/** The headers that tell a story; the others are left out. */
const telling =
  /^(authorization|cookie|set-cookie|www-authenticate|retry-after|ratelimit.*|location|etag|cache-control|x-api-key|x-client|x-seesaw-worker)$/

/** @param {import('../client.ts').Exchange} exchange @param {boolean} open */
const viewExchange = ({ client, request, answer, ms }, open) =>
  h.li(
    h.details(
      { open },
      h.summary(
        h.span({ class: 'who' }, `client ${client}`),
        h.strong(`${request.method} ${request.path} → ${answer.status}`),
        ` in ${ms} ms`,
        adapterCalls(answer.headers['server-timing'] ?? '').map((call) =>
          h.span({ class: 'call' }, call),
        ),
      ),
      viewText('sent', request.headers, request.body),
      viewText('answered', answer.headers, answer.body),
    ),
  )

/** @param {string} what @param {Record<string, string>} headers @param {unknown} body */
const viewText = (what, headers, body) => {
  const lines = Object.entries(headers)
    .filter(([name]) => telling.test(name))
    .map(([name, value]) => `${name}: ${short(value)}`)
  if (body !== undefined && body !== '') lines.push(short(body))
  return h.pre(`${what}\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

/** @param {unknown} value */
const short = (value) => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 500 ? `${text.slice(0, 500)}… (${text.length} characters)` : text
}

/** `session.get;dur=0.1;start=0.2;desc="redis"` → `session.get on redis, 0.1 ms` @param {string} serverTiming */
const adapterCalls = (serverTiming) =>
  [...serverTiming.matchAll(/([\w.]+);dur=([\d.]+);start=[\d.]+;desc="([^"]+)"/g)].map(
    ([, name, ms, backend]) => `${name} on ${backend}, ${ms} ms`,
  )
