// Server-sent events as the body of an answer (html.spec.whatwg.org/multipage/server-sent-events.html).
import { Readable } from 'node:stream'
import type { Context } from 'koa'

/** A reader that takes nothing for so long is gone, or might as well be. */
const patienceMs = 60_000

/** Answers with `events`, each as the text of an event stream, until they end or the reader goes. */
export const answerEvents = (ctx: Context, events: AsyncIterable<string>): void => {
  ctx.res.setTimeout(patienceMs, () => ctx.res.destroy())
  ctx.type = 'text/event-stream; charset=utf-8'
  ctx.set('Cache-Control', 'no-store')
  ctx.body = Readable.from(events)
}
