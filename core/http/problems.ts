// What every HTTP server of Seesaw has in common: errors as problem+json (RFC 9457), whoever made
// them, and never a stack trace.
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { bodyParser } from '@koa/bodyparser'
import type { RouterContext } from '@koa/router'
import type Koa from 'koa'
import type { z } from 'zod'
import { type ErrorCode, type Problem, SeesawError, toProblem } from '../errors.ts'

const problemType = 'application/problem+json; charset=utf-8'

/** Answers with `error` as problem+json. */
export const sendProblem = (response: ServerResponse, error: unknown): void => {
  const problem = problemOf(error)
  const body = JSON.stringify(problem)
  drain(response.req)
  response.writeHead(problem.status, {
    'Content-Type': problemType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...(problem.status === 503 ? { 'Retry-After': '1' } : {}),
  })
  response.end(body)
}

/** What is left of a body may have so many bytes, and so much time, before the connection is cut. */
const mostDrainedBytes = 32 * 1_048_576
const drainWithinMs = 10_000

/**
 * Reads the rest of a body that nobody wants any more, so that the next request on the connection is
 * heard. A refusal may come in the middle of a body, and whoever began to read it has stopped.
 */
const drain = (request: IncomingMessage): void => {
  if (request.readableEnded || request.destroyed) return
  // A body that is being unpacked would be stopped again by what unpacks it.
  request.unpipe()
  let bytes = 0
  const cut = () => void request.destroy()
  const timer = setTimeout(cut, drainWithinMs).unref()
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > mostDrainedBytes) cut()
  })
  request.once('close', () => clearTimeout(timer))
  request.once('end', () => clearTimeout(timer))
  request.on('error', () => {})
  request.resume()
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

/** Reads a body that is JSON or, where `types` says so, a form into `ctx.request.body`. */
export const parseBody = (types: ('json' | 'form')[]): Koa.Middleware => {
  const parse = bodyParser({
    enableTypes: types,
    jsonLimit: '1mb',
    formLimit: '1mb',
    // Any JSON text is read (RFC 8259 §2); that it must be an object or an array is ours to say.
    jsonStrict: false,
    encoding: 'utf-8',
    onError: (error) => {
      throw explainBody(error)
    },
  })
  return (ctx, next) => {
    if (ctx.method === 'GET' || ctx.method === 'HEAD') return next()
    const { headers } = ctx.req
    const coding = headers['content-encoding']
    // Codings are told apart without regard to case, and `x-gzip` is gzip (RFC 9110 §8.4.1).
    if (coding)
      headers['content-encoding'] = coding
        .trim()
        .toLowerCase()
        .replace(/^x-gzip$/, 'gzip')
    return parse(ctx, () => {
      refuseBare(ctx.request)
      refuseDeep(ctx.request)
      return next()
    })
  }
}

/** What is wrong with a body that could not be read; `error` as it is where nothing is. */
const explainBody = (error: Error & { status?: number; code?: string }): Error => {
  if (error.status === 413)
    return new SeesawError('BODY_TOO_LARGE', 'The body is larger than 1 MB.')
  // What unpacking throws has a code of zlib's and no status.
  if (error.status === 400 || error.code?.startsWith('Z_'))
    return new SeesawError('BODY_MALFORMED', `The body cannot be read: ${error.message}.`)
  return error
}

/** A JSON text that is a string, a number, true, false or null has no fields to look at. */
const refuseBare = (request: Koa.Request): void => {
  const { body, rawBody } = request
  if (rawBody === undefined) return
  if (rawBody === '') request.body = {}
  else if (typeof body !== 'object' || body === null)
    throw new SeesawError(
      'BODY_INVALID',
      `The body is JSON, but neither an object nor an array: ${rawBody.trim().slice(0, 100)}. Send an object.`,
    )
}

const mostLevels = 200

/** A variant that did no more than answer with such a body would overflow its stack. */
const refuseDeep = ({ body, rawBody = '' }: Koa.Request): void => {
  if (rawBody.length > 2 * mostLevels && isDeeper(body, mostLevels))
    throw new SeesawError('BODY_INVALID', `The body is nested more than ${mostLevels} levels deep.`)
}

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)))

/** What was sent, if it has this shape. Throws BODY_INVALID, which names what does not fit. */
export const readBody = <Shape extends z.ZodType>(shape: Shape, body: unknown): z.output<Shape> => {
  const checked = shape.safeParse(body ?? {})
  if (checked.success) return checked.data
  const issues = checked.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  )
  const why = issues.join(' · ').slice(0, 1_000)
  throw new SeesawError('BODY_INVALID', `The body does not fit. ${why}`)
}

/** Says when nobody waits for the answer any more. */
export const closed = (response: ServerResponse): AbortSignal => {
  const controller = new AbortController()
  response.once('close', () => controller.abort())
  if (response.closed) controller.abort()
  return controller.signal
}

/** Answers requests that are broken before any handler sees them, e.g. by too many headers. */
export const answerClientErrors = (server: Server): void => {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') socket.destroy()
    else if (error.code === 'HPE_HEADER_OVERFLOW')
      endWith(socket, 'HEADERS_TOO_LARGE', 'The headers take more than 16 KB.')
    else endWith(socket, 'REQUEST_MALFORMED', 'This is no HTTP request that can be understood.')
  })
  server.on('connect', (_, socket) =>
    endWith(socket, 'METHOD_NOT_ALLOWED', 'This is no proxy: it does not take CONNECT.'),
  )
  server.on('checkExpectation', ({ headers }: IncomingMessage, response: ServerResponse) =>
    sendProblem(
      response,
      new SeesawError('REQUEST_MALFORMED', `Nothing here can meet Expect: ${headers.expect}.`),
    ),
  )
}

const endWith = (socket: Duplex, code: ErrorCode, message: string): void => {
  const problem = toProblem(new SeesawError(code, message))
  const body = JSON.stringify(problem)
  socket.on('error', () => {})
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nConnection: close\r\n` +
      `Content-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

// What http-errors and koa-router throw, in our words.
const codeByStatus: Record<number, ErrorCode> = {
  404: 'ROUTE_NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'BODY_TOO_LARGE',
  415: 'MEDIA_TYPE_REFUSED',
}

const problemOf = (error: unknown): Problem => {
  const status = statusOf(error)
  if (error instanceof SeesawError || status === undefined) {
    const problem = toProblem(error)
    if (problem.code === 'INTERNAL') console.error(error)
    return problem
  }
  const code = codeByStatus[status] ?? 'REQUEST_MALFORMED'
  return { ...toProblem(new SeesawError(code, (error as Error).message)), status }
}

/** The 4xx that an http-error carries; undefined for everything else. */
const statusOf = (error: unknown): number | undefined => {
  const status = (error as { status?: unknown } | null)?.status
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined
}
