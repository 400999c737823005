// The control API: what the command line can do, over HTTP, for the page. It answers to its own
// host and to writes from its own origin only, because scenarios that are unsafe on purpose run on
// the same machine, and because any web site may send requests to localhost.
import { join } from 'node:path'
import Router from '@koa/router'
import Koa from 'koa'
import type { Config } from '../config.ts'
import { type Catalogue, listScenarios, plainList } from '../course/catalogue.ts'
import { home, loadScenario } from '../course/find.ts'
import { createHub, type Hub } from '../http/events.ts'
import { answerProblems, parseBody, refuseRoute } from '../http/problems.ts'
import type { Lab } from '../lab/lab.ts'
import { progressRoutes } from '../learner/routes.ts'
import type { Progress } from '../learner/store.ts'
import { lessonRoutes } from '../lesson/routes.ts'
import type { Desk } from '../measurements/desk.ts'
import { measurementRoutes } from '../measurements/routes.ts'
import { mineRoutes } from '../mine/routes.ts'
import { openShelf } from '../mine/shelf.ts'
import { openProofs } from '../proof/book.ts'
import { proofRoutes } from '../proof/routes.ts'
import { sourceRoutes } from '../source/routes.ts'
import { loadRoutes, openLoad } from '../traffic/live-load.ts'
import { sendRoutes } from '../traffic/send.ts'
import { guard } from './guard.ts'
import { liveRoutes } from './live.ts'
import { pageRoutes } from './page.ts'
import { stateRoutes } from './state.ts'
import { turnstile } from './turnstile.ts'

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

/** The page's and the command line's server side. */
export const createControl = (options: ControlOptions): Koa => {
  const app = new Koa()
  answerProblems(app)
  app.use(guard(options.port))
  app.use(parseBody(['json']))
  app.use(pageRoutes(options).routes())
  for (const router of routers(options)) app.use(router.routes())
  app.use(refuseRoute)
  return app
}

const routers = (options: ControlOptions): Router[] => {
  const { lab, version, desk, progress, mine, hub = createHub() } = options
  const scenariosFolder = options.scenariosFolder ?? join(home, 'scenarios')
  const proofs = openProofs({ folder: options.dataFolder, scenariosFolder, hub })
  const isMeasuring = () => desk?.underWay() ?? false
  const mayNot = turnstile({
    proof: () => proofs.underWay(),
    measurement: isMeasuring,
    load: () => load.underWay(),
  })
  const load = openLoad({ lab, hub, folder: scenariosFolder, busy: mayNot('load') })
  const catalogue = catalogueOf(options.config, scenariosFolder)

  return [
    catalogue.routes,
    sourceRoutes(scenariosFolder),
    lessonRoutes(scenariosFolder),
    stateRoutes({ lab, version, hub, isMeasuring }),
    liveRoutes({
      lab,
      scenariosFolder,
      onToggle(toggled) {
        options.onChoices?.()
        load.toggled(toggled)
        hub.publish('toggled', toggled)
      },
    }),
    sendRoutes(lab, scenariosFolder),
    loadRoutes(load),
    proofRoutes(proofs, { env: lab.environment, busy: mayNot('proof') }),
    ...(desk ? [measurementRoutes(desk, mayNot('measurement'))] : []),
    ...(progress
      ? [
          progressRoutes({
            progress,
            resolve: lab.resolve,
            findScenario: (id) => loadScenario(id, scenariosFolder),
          }),
        ]
      : []),
    ...(mine
      ? [
          ownVariantRoutes({
            ...mine,
            scenariosFolder,
            async onChange(scenario) {
              catalogue.forget()
              await lab.reload(scenario)
              hub.publish('mine', { scenario })
            },
          }),
        ]
      : []),
  ]
}

/** What there is to learn, read once and again after a change. */
const catalogueOf = (config: Config, scenariosFolder: string) => {
  const router = new Router()
  let known: Promise<Catalogue> | undefined
  const read = () => {
    known ??= listScenarios(config, scenariosFolder)
    return known
  }

  router.get('/api/scenarios', async (ctx) => {
    ctx.body = plainList(await read())
  })

  router.get('/api/catalogue', async (ctx) => {
    ctx.body = await read()
  })

  return {
    routes: router,
    forget() {
      known = undefined
    },
  }
}

const ownVariantRoutes = (options: Parameters<typeof openShelf>[0]): Router => {
  const shelf = openShelf(options)
  void shelf.tryAll().catch(console.error)
  return mineRoutes(shelf)
}
