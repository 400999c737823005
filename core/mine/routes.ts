// The learner's own variants over HTTP.
import Router from '@koa/router'
import { z } from 'zod'
import { readBody } from '../http/problems.ts'
import { mostTextBytes, type Shelf } from './shelf.ts'

const saveSchema = z.strictObject({
  basedOn: z.string().max(200),
  text: z.string().refine((text) => Buffer.byteLength(text) <= mostTextBytes, 'at most 256 KB'),
  /** The `savedAt` of what it was made from; null for nothing. Without it, whatever is there is replaced. */
  over: z.string().max(40).nullable().optional(),
})

export const mineRoutes = (shelf: Shelf): Router => {
  const router = new Router({ prefix: '/api/mine' })

  router.use((ctx, next) => {
    ctx.set('Cache-Control', 'no-store')
    return next()
  })

  router.get('/', (ctx) => {
    ctx.body = { mine: shelf.list() }
  })

  router.get('/:scenario', async (ctx) => {
    ctx.body = await shelf.show(ctx.params.scenario ?? '')
  })

  router.put('/:scenario', async (ctx) => {
    ctx.body = await shelf.save(ctx.params.scenario ?? '', readBody(saveSchema, ctx.request.body))
  })

  router.delete('/:scenario', async (ctx) => {
    ctx.body = await shelf.reset(ctx.params.scenario ?? '')
  })

  router.post('/:scenario/restore', async (ctx) => {
    ctx.body = await shelf.restore(ctx.params.scenario ?? '')
  })

  router.get('/:scenario/export', (ctx) => {
    const { scenario = '' } = ctx.params
    const text = shelf.export(scenario)
    ctx.attachment(`mine-${scenario}.ts`)
    ctx.set('X-Content-Type-Options', 'nosniff')
    ctx.type = 'text/plain; charset=utf-8'
    ctx.body = text
  })

  return router
}
