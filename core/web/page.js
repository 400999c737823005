// The page's state, what can be done to it, and the beat that keeps it true. Everything goes
// through /api; what it looks like is in views.js.
import { h, patch, plain } from './dom.js'
import { viewPage } from './views.js'

/** @typedef {import('../catalogue.ts').CatalogueEntry} Entry */
/** @typedef {import('../prove.ts').Verdict} Verdict */
/** @typedef {import('../try.ts').Trial} Trial */
/** @typedef {{ setup: string, claim: string }} Cell */
/** @typedef {{ variant?: string, backends?: Record<string, string>, knobs?: Record<string, string> }} Change */

/**
 * What the page knows and shows of one scenario.
 * @typedef {object} Desk
 * @property {Change & { busy?: boolean }} wanted  what was chosen and is not yet confirmed
 * @property {string} said  what came of the last action
 * @property {boolean} failed  whether that was a failure
 * @property {Set<string> | undefined} backends  the matrix's back ends; undefined for the usual ones
 * @property {{ sinceMs: number, stop: AbortController } | undefined} proving
 * @property {string} proved  what came of the last proof, in words
 * @property {boolean} proofFailed  whether it failed, or found what was not declared
 * @property {Map<string, Verdict>} verdicts  by `setup claim`
 * @property {{ setup: string, reason: string }[]} skipped
 * @property {Cell | undefined} cell  the open one
 * @property {Map<string, Trial | 'running' | { problem: string }>} trials  by `setup claim`
 * @property {Map<string, string>} sources  by variant
 */

/** @returns {Desk} */
const emptyDesk = () => ({
  wanted: {},
  said: '',
  failed: false,
  backends: undefined,
  proving: undefined,
  proved: '',
  proofFailed: false,
  verdicts: new Map(),
  skipped: [],
  cell: undefined,
  trials: new Map(),
  sources: new Map(),
})

/** @type {Map<string, Desk>} */
const desks = new Map()

export const state = {
  /** Why nothing can be asked at the moment; empty when all is well. */
  trouble: '',
  /** @type {import('../catalogue.ts').Catalogue | undefined} */
  catalogue: undefined,
  /** @type {import('../page.ts').Course | undefined} */
  course: undefined,
  /** @type {import('../servers.ts').BackendReport[]} */
  backends: [],
  /** @type {import('../api.ts').State | undefined} */
  lab: undefined,
  /** Requests and CPU per second of every process, by pid. @type {Map<number, { requests: number, cpu: number }>} */
  rates: new Map(),
  copied: '',
  open: '',
  /** @param {string} id */
  desk(id) {
    const desk = desks.get(id) ?? emptyDesk()
    desks.set(id, desk)
    return desk
  },
}

const beatMs = 2_000
/** Looking at every back end takes more than looking at the lab. */
const doctorEvery = 5

/** @param {string} path @param {unknown} [body] @param {AbortSignal} [signal] */
const ask = async (path, body, signal) => {
  const post = { method: 'POST', headers: { 'content-type': 'application/json' } }
  const sent = body === undefined ? {} : { ...post, body: JSON.stringify(body) }
  const response = await fetch(path, { ...sent, ...(signal ? { signal } : {}) }).catch((error) => {
    throw error.name === 'AbortError'
      ? error
      : new Error('Seesaw does not answer. Is it running? In its folder: npm start')
  })
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new Error(answer.detail ?? `${path} answered ${response.status}.`)
  return answer
}

const wordsOf = (/** @type {unknown} */ error) => (error instanceof Error ? error.message : '')

const draw = () => {
  const page = h.div({ id: 'page' }, viewPage(state, actions))
  patch(/** @type {Node} */ (document.getElementById('page')), page)
  const entry = state.catalogue?.scenarios.find(({ id }) => id === state.open)
  document.title = entry ? `${plain(entry.question)} · Seesaw` : 'Seesaw'
}

// ---- what can be done

/** Changes wait for each other, so that the last one wins. */
let last = Promise.resolve()

export const actions = {
  /** @param {string} scenario @param {Change & { reset?: boolean }} change */
  toggle(scenario, change) {
    const desk = state.desk(scenario)
    desk.wanted = { ...desk.wanted, ...change, busy: true }
    draw()
    last = last.then(async () => {
      try {
        const { setup, ms, workers } = await ask('/api/toggle', { scenario, ...change })
        desk.said = `Live is now ${setup}, on ${count(workers, 'process', 'processes')}, after ${ms} ms.`
        desk.failed = false
        // Whoever reads along reads on.
        if (desk.sources.size > 0) void actions.readSource(scenario, setup.split(/[/@~]/)[1])
      } catch (error) {
        desk.said = wordsOf(error)
        desk.failed = true
      }
      desk.wanted = {}
      await refresh(true)
    })
  },

  /** @param {string} scenario @param {string} setup */
  async empty(scenario, setup) {
    const desk = state.desk(scenario)
    try {
      await ask('/api/reset', { setup })
      desk.said = `Emptied what ${setup} had stored.`
      desk.failed = false
    } catch (error) {
      desk.said = wordsOf(error)
      desk.failed = true
    }
    draw()
  },

  /** @param {string} scenario @param {string[]} backends */
  async prove(scenario, backends) {
    const desk = state.desk(scenario)
    const stop = new AbortController()
    desk.proving = { sinceMs: Date.now(), stop }
    desk.proved = ''
    const clock = setInterval(draw, 1_000)
    draw()
    try {
      const body = { targets: [scenario], backends }
      /** @type {import('../prove.ts').Proof} */
      const proof = await ask('/api/prove', body, stop.signal)
      for (const verdict of proof.verdicts)
        desk.verdicts.set(`${verdict.setup} ${verdict.claim}`, verdict)
      desk.skipped = proof.skipped
      const wrong = proof.verdicts.filter(({ verdict, declared }) => verdict !== declared)
      const tookMs = Date.now() - desk.proving.sinceMs
      desk.proofFailed = !proof.ok
      desk.proved =
        (proof.ok
          ? `All ${proof.verdicts.length} verdicts are as declared`
          : `${wrong.length} of ${proof.verdicts.length} verdicts are not as declared`) +
        `, after ${Math.round(tookMs / 1_000)} s. Choose one to see what decided it.`
    } catch (error) {
      desk.proofFailed = !stop.signal.aborted
      desk.proved = stop.signal.aborted ? 'Stopped before it had ended.' : wordsOf(error)
    }
    clearInterval(clock)
    desk.proving = undefined
    draw()
  },

  /** @param {string} scenario @param {Cell} cell */
  async tryOut(scenario, { setup, claim }) {
    const { trials } = state.desk(scenario)
    const key = `${setup} ${claim}`
    trials.set(key, 'running')
    draw()
    try {
      trials.set(key, await ask('/api/try', { setup, exercise: claim }))
    } catch (error) {
      trials.set(key, { problem: wordsOf(error) })
    }
    draw()
  },

  /** @param {string} scenario @param {Cell | undefined} cell */
  choose(scenario, cell) {
    state.desk(scenario).cell = cell
    draw()
  },

  /** @param {string} scenario @param {Set<string>} backends */
  compare(scenario, backends) {
    state.desk(scenario).backends = backends
    draw()
  },

  /** @param {string} scenario @param {string} variant */
  async readSource(scenario, variant) {
    const { sources } = state.desk(scenario)
    if (sources.has(variant)) return
    const response = await fetch(
      `/source/${encodeURIComponent(scenario)}/${encodeURIComponent(variant)}`,
    ).catch(() => undefined)
    if (response?.ok) sources.set(variant, await response.text())
    draw()
  },

  /** @param {string} text */
  async copy(text) {
    state.copied = await navigator.clipboard.writeText(text).then(
      () => text,
      () => '',
    )
    draw()
    setTimeout(() => {
      state.copied = ''
      draw()
    }, 2_000)
  },
}

/** @param {number} n @param {string} one @param {string} many */
const count = (n, one, many) => `${n} ${n === 1 ? one : many}`

// ---- what is true now

let beats = 0
let readAtMs = 0

/** Asks what runs where; `all`: the back ends too. */
const refresh = async (all = beats % doctorEvery === 0) => {
  beats++
  const within = AbortSignal.timeout(8_000)
  try {
    if (!state.catalogue || state.trouble) {
      state.catalogue = await ask('/api/scenarios', undefined, within)
      state.course = await ask('/course.json', undefined, within)
      all = true
    }
    const [lab, doctor] = await Promise.all([
      ask('/api/state', undefined, within),
      all ? ask('/api/doctor', undefined, within) : { backends: state.backends },
    ])
    keepRates(lab)
    state.lab = lab
    state.backends = doctor.backends
    state.trouble = ''
  } catch (error) {
    state.trouble = wordsOf(error)
  }
  draw()
}

/** @param {import('../api.ts').State} now */
const keepRates = (now) => {
  const seconds = (performance.now() - readAtMs) / 1_000
  const before = new Map(state.lab?.lab.workers.map((worker) => [worker.pid, worker]))
  state.rates = new Map(
    now.lab.workers.map((worker) => {
      const old = before.get(worker.pid) ?? worker
      const requests = Math.round((worker.requests - old.requests) / seconds)
      const cpu = Math.round((worker.cpuMs - old.cpuMs) / seconds / 10)
      return [worker.pid, { requests, cpu }]
    }),
  )
  readAtMs = performance.now()
}

const beat = async () => {
  if (document.visibilityState === 'visible') await refresh()
  setTimeout(beat, beatMs)
}

/** The address says which scenario is open: `#rate-limits`. */
const follow = () => {
  const first = state.catalogue?.scenarios[0]?.id ?? ''
  state.open = decodeURIComponent(location.hash.slice(1)) || first
  draw()
}

addEventListener('hashchange', () => {
  follow()
  scrollTo(0, 0)
  document.getElementById('question')?.focus({ preventScroll: true })
})
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void refresh()
})
await refresh()
follow()
void beat()
