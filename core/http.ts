// What every HTTP server of Seesaw has in common: errors as problem+json (RFC 9457), whoever made
// them, and never a stack trace.
import { type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { RouterContext } from '@koa/router'
import type Koa from 'koa'
import { type ErrorCode, type Problem, SeesawError, toProblem } from './errors.ts'

const problemType = 'application/problem+json; charset=utf-8'

/** Answers with `error` as problem+json. */
export const sendProblem = (response: ServerResponse, error: unknown): void => {
  const problem = problemOf(error)
  const body = JSON.stringify(problem)
  response.writeHead(problem.status, {
    'Content-Type': problemType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...(problem.status === 503 ? { 'Retry-After': '1' } : {}),
  })
  response.end(body)
}

/** Makes a Koa app answer errors, unknown routes and wrong methods as problem+json. */
export const answerProblems = (app: Koa): void => {
  app.silent = true
  app.on('error', () => {})
  // Koa calls this for whatever a middleware throws; here and not in a middleware, because a
  // middleware would cost every request that goes well.
  app.context.onerror = function (this: Koa.Context, error: unknown) {
    if (error === null || error === undefined) return
    if (this.headerSent || !this.writable) {
      this.res.destroy()
      return
    }
    for (const name of this.res.getHeaderNames())
      if (name !== 'x-seesaw-worker' && name !== 'allow') this.res.removeHeader(name)
    sendProblem(this.res, error)
  }
}

/** The last middleware: whoever comes here found no route, or not with this method. */
export const refuseRoute = (ctx: RouterContext): void => {
  const methods = new Set(ctx.matched?.flatMap((layer) => layer.methods))
  const path = ctx.path.slice(0, 200)
  if (methods.size === 0)
    throw new SeesawError('ROUTE_NOT_FOUND', `There is no ${ctx.method} ${path} here.`)
  ctx.set('Allow', [...methods].join(', '))
  throw new SeesawError(
    'METHOD_NOT_ALLOWED',
    `${path} does not take ${ctx.method}, only ${[...methods].join(', ')}.`,
  )
}

/** Answers requests that are broken before any handler sees them, e.g. by too many headers. */
export const answerClientErrors = (server: Server): void => {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const problem = toProblem(
      error.code === 'HPE_HEADER_OVERFLOW'
        ? new SeesawError('HEADERS_TOO_LARGE', 'The headers take more than 16 KB.')
        : new SeesawError('REQUEST_MALFORMED', 'This is no HTTP request that can be understood.'),
    )
    const body = JSON.stringify(problem)
    socket.end(
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nConnection: close\r\n` +
        `Content-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  })
}

// What http-errors, co-body and koa-router throw, in our words.
const codeByStatus: Record<number, ErrorCode> = {
  400: 'BODY_MALFORMED',
  404: 'ROUTE_NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'BODY_TOO_LARGE',
  415: 'MEDIA_TYPE_REFUSED',
}

const inOurWords: { [Code in ErrorCode]?: (message: string) => string } = {
  BODY_MALFORMED: (message) => `The body is no JSON: ${message}.`,
  BODY_TOO_LARGE: () => 'The body is larger than 1 MB.',
}

const problemOf = (error: unknown): Problem => {
  const status = statusOf(error)
  if (error instanceof SeesawError || status === undefined) {
    const problem = toProblem(error)
    if (problem.code === 'INTERNAL') console.error(error)
    return problem
  }
  const code = codeByStatus[status] ?? 'REQUEST_MALFORMED'
  const { message } = error as Error
  return { ...toProblem(new SeesawError(code, inOurWords[code]?.(message) ?? message)), status }
}

/** The 4xx that an http-error carries; undefined for everything else. */
const statusOf = (error: unknown): number | undefined => {
  const status = (error as { status?: unknown } | null)?.status
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined
}
