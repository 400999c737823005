// The learner's progress over HTTP: calls before they are measured, what came of them, and notes.
import Router from '@koa/router'
import { z } from 'zod'
import type { Setup } from '../course/setup.ts'
import { SeesawError } from '../errors.ts'
import { readBody } from '../http/problems.ts'
import { callSchema, exportSchema } from './shape.ts'
import type { Progress } from './store.ts'

const written = z.string().max(2_000).nullable().optional()
const bodies = {
  link: z.strictObject({ run: z.string().max(60) }),
  write: z.strictObject({ note: written, explained: written }),
  reset: z.strictObject({ scenario: z.string().max(80).optional() }),
  undo: z.strictObject({ token: z.string().max(60).optional() }),
}

export interface ProgressRoutesOptions {
  progress: Progress
  /** Looks a setup up. Throws where there is none. */
  resolve(setup: string): Promise<Setup>
  /** Throws SCENARIO_NOT_FOUND. */
  findScenario(id: string): Promise<unknown>
}

export const progressRoutes = (options: ProgressRoutesOptions): Router => {
  const { progress, resolve, findScenario } = options
  const router = new Router({ prefix: '/api' })

  router.use((ctx, next) => {
    ctx.set('Cache-Control', 'no-store')
    return next()
  })

  router.get('/progress', async (ctx) => {
    ctx.body = await progress.read()
  })

  router.post('/predictions', async (ctx) => {
    const call = readBody(callSchema, ctx.request.body)
    const [a, b] = await Promise.all([resolve(call.a), resolve(call.b)])
    if (a.scenario !== call.scenario || b.scenario !== call.scenario)
      throw new SeesawError('WRONG_USE', `A call compares two setups of ${call.scenario}.`)
    if (a.id === b.id)
      throw new SeesawError('WRONG_USE', `${a.id} is on both sides; there is nothing to call.`)
    ctx.status = 201
    ctx.body = progress.predict({ ...call, a: a.id, b: b.id })
  })

  router.patch('/predictions/:id', async (ctx) => {
    const { run } = readBody(bodies.link, ctx.request.body)
    ctx.body = await progress.link(ctx.params.id ?? '', run)
  })

  router.put('/progress/scenarios/:id', async (ctx) => {
    const { id = '' } = ctx.params
    const { note, explained } = readBody(bodies.write, ctx.request.body)
    await findScenario(id)
    ctx.body = progress.write(id, { note, explained })
  })

  router.post('/progress/reset', (ctx) => {
    ctx.body = progress.reset(readBody(bodies.reset, ctx.request.body).scenario)
  })

  router.post('/progress/undo', (ctx) => {
    ctx.body = progress.undo(readBody(bodies.undo, ctx.request.body).token)
  })

  router.get('/progress/export', async (ctx) => {
    const exported = await progress.exportAll()
    ctx.attachment(`seesaw-progress-${exported.exportedAt?.slice(0, 10)}.json`)
    ctx.type = 'application/json; charset=utf-8'
    ctx.body = JSON.stringify(exported, null, 2)
  })

  router.post('/progress/import', (ctx) => {
    ctx.body = progress.importAll(readBody(exportSchema, ctx.request.body))
  })

  return router
}
