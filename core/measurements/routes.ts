// Measurements over HTTP: `POST /api/bench` and what follows from it.
import Router from '@koa/router'
import { z } from 'zod'
import { SeesawError } from '../errors.ts'
import { answerEvents } from '../http/event-stream.ts'
import { closed, readBody } from '../http/problems.ts'
import type { Desk } from './desk.ts'
import { lastEventOf } from './log.ts'
import { requestSchema } from './request.ts'

// What stands in a stored file is not trusted: a report has no script, asks for nothing, and is taken
// for a page of no origin, whatever is in it. Its own policy names its style sheet besides.
const harmless =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'self'; sandbox"

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': harmless,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

const pageSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
})

const soFarSchema = z.strictObject({
  after: z.coerce.number().int().min(0).max(999_999_999).default(0),
})

const partSchema = z.strictObject({ blocks: z.literal('brief').optional() })

/** Most of a measurement is histograms and single slices, which only its reports look into. */
const bulky = new Set(['latency', 'service', 'lag', 'slices'])
const briefly = (result: string): unknown =>
  JSON.parse(result, function (this: { half?: unknown }, name, value) {
    // Of a slot, and not of what else may have such a name.
    return this.half !== undefined && bulky.has(name) ? undefined : value
  })

const mostReaders = 50

/** `busy` says why nothing can be measured at the moment; undefined where nothing stands against it. */
export const measurementRoutes = (desk: Desk, busy: () => string | undefined): Router => {
  const router = new Router({ prefix: '/api/bench' })
  let readers = 0

  router.use((ctx, next) => {
    ctx.set(headers)
    return next()
  })

  router.post('/', async (ctx) => {
    const asked = readBody(requestSchema, ctx.request.body)
    const { id, status, ahead } = await desk.start(asked, busy)
    ctx.status = 202
    ctx.set('Location', `/api/bench/${id}`)
    ctx.body = { id, status, ahead, events: `/api/bench/${id}/events` }
  })

  router.get('/', async (ctx) => {
    const page = pageSchema.safeParse({ ...ctx.query })
    if (!page.success)
      throw new SeesawError(
        'WRONG_USE',
        'Ask for ?limit=1…200 and ?offset=0… of the measurements, and for nothing else.',
      )
    ctx.body = await desk.list(page.data)
  })

  router.get('/:id', async (ctx) => {
    const asked = partSchema.safeParse({ ...ctx.query })
    if (!asked.success)
      throw new SeesawError('WRONG_USE', 'Ask for ?blocks=brief, or for nothing and get it whole.')
    const result = await desk.result(ctx.params.id ?? '')
    ctx.type = 'application/json; charset=utf-8'
    ctx.body = asked.data.blocks ? JSON.stringify(briefly(result)) : result
  })

  router.get('/:id/events', async (ctx) => {
    const last = ctx.get('Last-Event-ID')
    if (readers >= mostReaders)
      throw new SeesawError('BUSY', `${mostReaders} readers follow measurements already.`)
    const signal = closed(ctx.res)
    const events = await desk.events(ctx.params.id ?? '', lastEventOf(last), signal)
    if (last === 'end') {
      // Whoever has read the end and asks again is a browser, which stops at this answer only.
      ctx.status = 204
      return
    }
    readers++
    ctx.res.once('close', () => {
      readers--
    })
    answerEvents(ctx, events)
  })

  // A browser keeps no connection for it, of which it has six.
  router.get('/:id/so-far', async (ctx) => {
    const asked = soFarSchema.safeParse({ ...ctx.query })
    if (!asked.success)
      throw new SeesawError('WRONG_USE', 'Ask for ?after=0… an event, and for nothing else.')
    ctx.body = await desk.soFar(ctx.params.id ?? '', asked.data.after)
  })

  router.post('/:id/cancel', async (ctx) => {
    ctx.body = await desk.cancel(ctx.params.id ?? '')
  })

  router.get('/:id/report.html', async (ctx) => {
    const report = await desk.report(ctx.params.id ?? '', 'html')
    ctx.type = 'text/html; charset=utf-8'
    ctx.body = report
  })

  router.get('/:id/report.md', async (ctx) => {
    const report = await desk.report(ctx.params.id ?? '', 'md')
    ctx.type = 'text/markdown; charset=utf-8'
    ctx.body = report
  })

  return router
}
