// The control API: what the command line can do, over HTTP, for the page. It answers to its own
// host and to writes from its own origin only, because scenarios that are unsafe on purpose run on
// the same machine, and because any web site may send requests to localhost.
import { join } from 'node:path'
import { Readable } from 'node:stream'
import Router from '@koa/router'
import Koa from 'koa'
import { z } from 'zod'
import type { Config } from '../config.ts'
import { type Catalogue, listScenarios, plainList } from '../course/catalogue.ts'
import { home, loadScenario } from '../course/find.ts'
import { SeesawError } from '../errors.ts'
import { createHub, type Hub } from '../http/events.ts'
import { isForeign, isLoopbackHost, refusedHost, refusedPage, toOriginForm } from '../http/guard.ts'
import { answerProblems, closed, parseBody, readBody, refuseRoute } from '../http/problems.ts'
import type { Lab } from '../lab/lab.ts'
import { progressRoutes } from '../learner/routes.ts'
import type { Progress } from '../learner/store.ts'
import { lessonRoutes } from '../lesson/routes.ts'
import type { Desk } from '../measurements/desk.ts'
import { measurementRoutes } from '../measurements/routes.ts'
import { mineRoutes } from '../mine/routes.ts'
import { openShelf } from '../mine/shelf.ts'
import { runCommand } from '../processes/child-command.ts'
import { openProofs, proofRoutes, proofUnderWay } from '../proof/book.ts'
import { findClaim } from '../proof/try.ts'
import { sourceRoutes } from '../source/routes.ts'
import { loadRoutes, loadUnderWay, openLoad } from '../traffic/live-load.ts'
import { sendRoutes } from '../traffic/send.ts'
import { pageRoutes } from './page.ts'

export interface ControlOptions {
  lab: Lab
  config: Config
  /** The port it is served on; another Host is refused. */
  port: number
  version: string
  scenariosFolder?: string
  /** Where verdicts are kept; without it they are known for as long as this process lives. */
  dataFolder?: string
  /** Takes orders for measurements; without it there are none. */
  desk?: Desk
  /** Tells every open page what happens; a new one if left out. */
  hub?: Hub
  /** Keeps what the learner says; without it nothing is kept. */
  progress?: Progress
  /** Where learners' own variants are kept, and why they are not run where they are not. */
  mine?: { folder: string; refused?: string | undefined }
  /** Called after every toggle, so that choices are kept. */
  onChoices?(): void
}

/** What runs where. */
export interface State {
  version: string
  lab: {
    url: string
    workers: {
      index: number
      pid: number
      door: string
      requests: number
      cpuMs: number
      rssBytes: number
      mounted: string[]
    }[]
  }
  /** What `live` serves, by scenario. */
  live: Record<string, string>
}

/** The page's and the command line's server side. */
export const createControl = (options: ControlOptions): Koa => {
  const app = new Koa()
  answerProblems(app)
  app.use(guard(options.port))
  app.use(parseBody(['json']))
  app.use(pageRoutes(options).routes())
  app.use(routes(options).routes())
  app.use(refuseRoute)
  return app
}

const names = z.record(z.string(), z.string())
const bodies = {
  toggle: z.strictObject({
    scenario: z.string(),
    variant: z.string().optional(),
    backends: names.default({}),
    knobs: z.record(z.string(), z.union([z.string(), z.number().transform(String)])).default({}),
    reset: z.boolean().default(false),
  }),
  reset: z.strictObject({ setup: z.string().optional() }),
  try: z.strictObject({ setup: z.string(), exercise: z.string().optional() }),
}

const routes = (options: ControlOptions): Router => {
  const { lab, config, version, scenariosFolder, desk, hub = createHub(), onChoices } = options
  const router = new Router()
  let catalogue: Promise<Catalogue> | undefined
  const folder = scenariosFolder ?? join(home, 'scenarios')
  const proofs = openProofs({ folder: options.dataFolder, scenariosFolder, hub })
  const load = openLoad({
    lab,
    hub,
    folder,
    busy: () =>
      proofs.underWay() ? proofUnderWay : desk?.underWay() ? measurementUnderWay : undefined,
  })
  router.use(sourceRoutes(folder).routes())
  router.use(sendRoutes(lab, folder).routes())
  router.use(loadRoutes(load).routes())
  router.use(lessonRoutes(folder).routes())
  // What is proved meanwhile would be measured, too, and nobody could tell.
  const busyToProve = () =>
    desk?.underWay() ? measurementUnderWay : load.underWay() ? loadUnderWay : undefined
  router.use(proofRoutes(proofs, { env: lab.environment, busy: busyToProve }).routes())

  const readCatalogue = () => {
    catalogue ??= listScenarios(config, scenariosFolder)
    return catalogue
  }

  router.get('/api/scenarios', async (ctx) => {
    ctx.body = plainList(await readCatalogue())
  })

  router.get('/api/catalogue', async (ctx) => {
    ctx.body = await readCatalogue()
  })

  router.get('/api/doctor', async (ctx) => {
    ctx.body = { node: process.version, backends: await lab.doctor() }
  })

  const readState = async (): Promise<State> => {
    const [meters, live] = await Promise.all([lab.readMeter(), lab.live()])
    const workers = meters.map(({ index, pid, requests, cpuMs, rssBytes, mounted }) => {
      return { index, pid, door: lab.doors[index - 1] ?? '', requests, cpuMs, rssBytes, mounted }
    })
    return { version, lab: { url: lab.url, workers }, live }
  }

  router.get('/api/state', async (ctx) => {
    ctx.body = await readState()
  })

  router.get('/api/events', (ctx) => {
    const signal = closed(ctx.res)
    // A browser that connects again by itself says where it was; its page can say so when it begins.
    const after =
      ctx.get('Last-Event-ID') || new URLSearchParams(ctx.querystring).get('after') || ''
    ctx.res.setTimeout(patienceMs, () => ctx.res.destroy())
    ctx.type = 'text/event-stream; charset=utf-8'
    ctx.set('Cache-Control', 'no-store')
    ctx.body = Readable.from(hub.follow(signal, after))
  })
  hub.whileFollowed(1_000, async () => hub.publish('state', await readState()))
  hub.whileFollowed(10_000, async () => {
    // It starts programs to ask for their version, which would show in what is being measured.
    if (!desk?.underWay()) hub.publish('doctor', { backends: await lab.doctor() })
  })

  router.post('/api/toggle', async (ctx) => {
    const { scenario, reset, ...change } = readBody(bodies.toggle, ctx.request.body)
    const { setup, ms } = await lab.toggle(scenario, reset ? null : change)
    onChoices?.()
    const toggled = { scenario, setup, atMs: Date.now() }
    load.toggled(toggled)
    hub.publish('toggled', toggled)
    const url = `${lab.url}/run/${scenario}/live/`
    ctx.body = { scenario, setup, url, workers: lab.doors.length, ms: Math.round(ms * 10) / 10 }
  })

  router.post('/api/reset', async (ctx) => {
    const { setup } = readBody(bodies.reset, ctx.request.body)
    const ids =
      setup === undefined ? Object.values(await lab.live()) : [(await lab.resolve(setup)).id]
    for (const id of ids) await lab.reset(id)
    ctx.body = { reset: ids }
  })

  // Exercises are code of scenarios, which may spin or crash: they run in a process of their own,
  // by the very command that a person would type.
  router.post('/api/try', async (ctx) => {
    const { setup, exercise } = readBody(bodies.try, ctx.request.body)
    const { scenario } = await lab.resolve(setup)
    findClaim(scenario, await loadScenario(scenario, scenariosFolder), exercise)
    ctx.body = await runCommand(['try', setup, ...(exercise ? [exercise] : []), '--json'], {
      env: await lab.environment(),
      until: closed(ctx.res),
    })
  })

  if (desk) {
    const measurements = measurementRoutes(desk, () =>
      proofs.underWay() ? proofUnderWay : load.underWay() ? loadUnderWay : undefined,
    )
    router.use(measurements.routes())
  }
  if (options.progress) {
    const { progress } = options
    const findScenario = (id: string) => loadScenario(id, scenariosFolder)
    router.use(progressRoutes({ progress, resolve: lab.resolve, findScenario }).routes())
  }

  if (options.mine) {
    const shelf = openShelf({
      ...options.mine,
      scenariosFolder,
      async onChange(scenario) {
        catalogue = undefined
        await lab.reload(scenario)
        hub.publish('mine', { scenario })
      },
    })
    router.use(mineRoutes(shelf).routes())
    void shelf.tryAll().catch(console.error)
  }

  return router
}

/** A reader that takes nothing for so long is gone, or might as well be. */
const patienceMs = 60_000

const measurementUnderWay = 'A measurement is under way; wait until it has ended, or cancel it.'

/** Refuses requests that another site's page made a browser send (DNS rebinding, CSRF). */
const guard = (port: number): Koa.Middleware => {
  const use = `use http://localhost${port === 80 ? '' : `:${port}`}`
  return (ctx, next) => {
    toOriginForm(ctx.req)
    if (!isLoopbackHost(ctx.get('Host'))) throw refusedHost(ctx.get('Host'), use)
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      // A browser always says where a write comes from; a command line does not.
      const site = ctx.get('Sec-Fetch-Site')
      if (isForeign(ctx.req.headers) || site === 'none') throw refusedPage(ctx.req, use)
      // What a form can send without asking first is not taken for JSON.
      if (ctx.request.length !== 0 && ctx.is('json') === false)
        throw new SeesawError(
          'MEDIA_TYPE_REFUSED',
          `Content-Type '${ctx.get('Content-Type').slice(0, 100)}' is refused; send application/json.`,
        )
    }
    return next()
  }
}
