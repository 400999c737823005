// Which requests control takes: those of its own page, and of a command line.
import type { Middleware } from 'koa'
import { SeesawError } from '../errors.ts'
import { isForeign, isLoopbackHost, refusedHost, refusedPage, toOriginForm } from '../http/guard.ts'

/** Refuses requests that another site's page made a browser send (DNS rebinding, CSRF). */
export const guard = (port: number): Middleware => {
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
