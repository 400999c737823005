// Steady load on a scenario's `live` address, for those who want to see what a toggle does to visitors
// while it happens. It is no measurement: it runs on the same processors as what it asks, against
// whatever `live` is at that moment.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import Router from '@koa/router'
import type { Request } from 'autocannon'
import { z } from 'zod'
import { loadScenario } from '../course/find.ts'
import { SeesawError } from '../errors.ts'
import type { Hub } from '../http/events.ts'
import { readBody } from '../http/problems.ts'
import type { Lab } from '../lab/lab.ts'
import { traitsOf } from '../proof/declare.ts'
import { findWorkload, requestsFor } from './workload.ts'

/** What was seen in a quarter of a second; percentiles are of the last second, null without answers. */
export interface LoadSample {
  atMs: number
  /** Answers. */
  perSecond: number
  not2xxPerSecond: number
  /** Requests without an answer. */
  errors: number
  p50Ms: number | null
  p99Ms: number | null
}

export interface LoadTotals {
  requests: number
  not2xx: number
  errors: number
  seconds: number
  perSecond: number
  p50Ms: number | null
  p99Ms: number | null
}

/** The load that runs, or the last one. */
export interface LoadStatus {
  running: boolean
  scenario: string
  /** What `live` was when it began. */
  setup: string
  workload: string
  seconds: number
  connections: number
  startedAtMs: number
  /** When it has ended. */
  totals?: LoadTotals
  /** What kept it from ending well. */
  problem?: string
}

/** `GET /api/load` */
export interface LoadView {
  load: LoadStatus | null
  /** Of its last minute. */
  samples: LoadSample[]
  toggles: { scenario: string; setup: string; atMs: number }[]
}

/** What the process is told that does it, and what it says. */
export interface LoadOrder {
  url: string
  connections: number
  seconds: number
  requests: Request[]
}
export type LoadReport = { sample: LoadSample; unauthorized: boolean } | { totals: LoadTotals }

export type LiveLoad = ReturnType<typeof openLoad>

const loadSchema = z.strictObject({
  scenario: z.string(),
  /** The first one if left out. */
  workload: z.string().optional(),
  seconds: z.int().min(1).max(120).default(20),
  connections: z.int().min(1).max(50).default(10),
})
type Asked = z.output<typeof loadSchema>

const keptMs = 60_000
const stopWithinMs = 3_000

/** Nothing is sent until somebody asks for it. `busy` says why nothing may be sent now. */
export const openLoad = ({
  lab,
  hub,
  folder,
  busy,
}: {
  lab: Lab
  hub: Hub
  folder: string
  busy: () => string | undefined
}) => {
  let child: ChildProcess | undefined
  let status: LoadStatus | null = null
  let samples: LoadSample[] = []
  let toggles: LoadView['toggles'] = []
  let starting = false

  const publish = (sample?: LoadSample) => {
    if (status) hub.publish('load', { load: status, ...(sample ? { sample } : {}) })
  }

  const start = async (asked: Asked): Promise<LoadStatus> => {
    const reason = busy()
    if (reason) throw new SeesawError('BUSY', reason)
    if (child || starting) throw new SeesawError('BUSY', loadUnderWay)
    starting = true
    try {
      const { scenario, seconds, connections } = asked
      const { url, workload, setup } = await whereTo(asked)
      const requests = await prepare(scenario, workload, url)
      samples = []
      const startedAtMs = Date.now()
      status = { running: true, scenario, setup, workload, seconds, connections, startedAtMs }
      shoot({ url, seconds, connections, requests }, () => prepare(scenario, workload, url))
      publish()
      return status
    } finally {
      starting = false
    }
  }

  /** A credential that one process keeps to itself is good at that process's door only. */
  const whereTo = async ({ scenario, workload: asked }: Asked) => {
    const { id, workload } = findWorkload(scenario, await loadScenario(scenario, folder), asked)
    const live = await lab.resolve((await lab.live())[scenario] ?? scenario)
    const [door = lab.url] = lab.doors
    const shared = !workload.prepare || (await traitsOf(live)).sharedBetweenProcesses
    return { url: shared ? lab.url : door, workload: id, setup: live.id }
  }

  const prepare = async (scenario: string, workload: string, url: string): Promise<Request[]> => {
    try {
      const { requests } = await requestsFor(`${scenario}/live`, url, workload, folder)
      const paths = requests.map(({ url: whole, ...rest }) => ({
        ...rest,
        path: whole.slice(url.length),
      }))
      return paths as Request[]
    } catch (cause) {
      if (cause instanceof SeesawError) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      const message = `What the load needs first did not succeed: ${why}`
      throw new SeesawError('WORKER_FAILED', message, { cause })
    }
  }

  const shoot = (order: LoadOrder, again: () => Promise<Request[]>) => {
    const file = fileURLToPath(new URL('./live-load-child.mjs', import.meta.url))
    const started = fork(file, [], { execArgv: [], stdio: ['ignore', 2, 2, 'ipc'] })
    child = started
    // It must not outlive us, nor keep us from ending.
    started.unref()
    started.channel?.unref()
    let signingIn = false

    /** What it shows is not known any more: signed in elsewhere, ended, or thrown away by a reset. */
    const signInAnew = async () => {
      if (signingIn) return
      signingIn = true
      const requests = await again().catch(() => undefined)
      if (requests && started.connected) started.send(requests)
      signingIn = false
    }

    started.on('message', (report: LoadReport) => {
      if ('totals' in report) {
        if (status) status = { ...status, running: false, totals: report.totals }
        return
      }
      const { sample, unauthorized } = report
      samples = [...samples.filter(({ atMs }) => atMs > sample.atMs - keptMs), sample]
      publish(sample)
      if (unauthorized) void signInAnew()
    })
    const conclude = () => {
      if (child !== started) return
      child = undefined
      if (status?.running) status = { ...status, running: false, problem: endedEarly }
      publish()
    }
    started.on('error', (error) => {
      console.error(error)
      // One that could not be started has no end.
      if (started.pid === undefined) conclude()
    })
    started.once('exit', conclude)
    started.send(order)
  }

  const stop = async (): Promise<void> => {
    const stopping = child
    if (!stopping) return
    const ended = new Promise((resolve) => stopping.once('exit', resolve))
    if (stopping.connected) stopping.send('stop')
    const timer = setTimeout(() => stopping.kill('SIGKILL'), stopWithinMs)
    await ended
    clearTimeout(timer)
  }

  return {
    start,
    stop,
    underWay: () => child !== undefined || starting,
    view: (): LoadView => ({ load: status, samples, toggles }),

    /** To be told of every toggle, for those who look later. */
    toggled(toggle: LoadView['toggles'][number]) {
      toggles = [...toggles.filter(({ atMs }) => atMs > toggle.atMs - keptMs), toggle]
    },
  }
}

const endedEarly = 'The process that sent it ended early; the terminal that runs Seesaw says why.'
export const loadUnderWay = 'A load is under way; stop it, or wait until it has ended.'

/** `POST /api/load` and what belongs to it. */
export const loadRoutes = (load: LiveLoad): Router => {
  const router = new Router({ prefix: '/api/load' })
  router.get('/', (ctx) => {
    ctx.body = load.view()
  })
  router.post('/', async (ctx) => {
    ctx.body = { load: await load.start(readBody(loadSchema, ctx.request.body)) }
    ctx.status = 202
  })
  router.post('/stop', async (ctx) => {
    await load.stop()
    ctx.body = { load: load.view().load }
  })
  return router
}
