// What runs where.
import { h } from './dom.js'
import { round } from './parts.js'

/** @typedef {import('./parts.js').State} State */

/** @param {State} state */
export const viewMachine = (state) => {
  const { lab, rates, backends } = state
  return h.aside(
    { 'aria-labelledby': 'machine-title' },
    h.h2({ id: 'machine-title' }, 'What runs where'),
    h.h3('Server processes'),
    (lab?.lab.workers ?? []).map(({ index, pid, door, requests, cpuMs, rssBytes, mounted }) =>
      h.section(
        { class: 'worker' },
        h.h4(`Process ${index}`),
        h.p(`pid ${pid}, door `, h.code(door.replace('http://', ''))),
        h.dl(
          { class: 'figures' },
          figure(
            'requests',
            requests.toLocaleString('en'),
            `${rates.get(pid)?.requests ?? 0} per s`,
          ),
          figure('CPU', `${rates.get(pid)?.cpu ?? 0} %`, `${round(cpuMs / 1_000)} s in all`),
          figure('memory', `${Math.round(rssBytes / 1_048_576)} MB`, 'resident'),
        ),
        h.details(
          h.summary(mounted.length === 1 ? '1 setup mounted' : `${mounted.length} setups mounted`),
          h.ul(
            { class: 'setups' },
            mounted.map((id) => h.li(id)),
          ),
        ),
      ),
    ),
    h.h3('Back ends'),
    h.ul(
      { class: 'reports' },
      backends.map(({ name, status, via, version, reason, remedy }) =>
        h.li(
          h.p(h.strong(name), ' ', h.span({ class: `status ${status}` }, status), ' ', version),
          via && h.p(via),
          reason && h.p(reason, '.'),
          remedy && h.p('Remedy: ', remedy, '.'),
        ),
      ),
    ),
  )
}

/** @param {string} name @param {string} value @param {string} more */
const figure = (name, value, more) => h.div(h.dt(name), h.dd(h.strong(value), h.span(more)))
