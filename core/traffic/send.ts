// One request, sent to several setups of the running lab: what the page shows side by side. Each
// side is prepared first as the scenario's workload says, e.g. signed in, and answers for itself: what
// goes wrong with one is told there, and the others answer all the same.
import { request as ask } from 'node:http'
import Router from '@koa/router'
import { z } from 'zod'
import { loadScenario } from '../course/find.ts'
import { errorCodes, type Problem, SeesawError, toProblem } from '../errors.ts'
import { readBody } from '../http/problems.ts'
import type { Lab } from '../lab/lab.ts'
import { parseServerTiming, type Timing } from '../lab/server-timing.ts'
import { createClient, type Exchange, type RealClient } from '../proof/client.ts'
import type { AnyScenario, Request } from '../scenario.ts'
import { listFiles, readSource } from '../source/files.ts'
import { findWorkload } from './workload.ts'

/** What came of it at one setup. */
export interface Sent {
  /** In full, where it could be looked up. */
  setup: string
  /** Why there is no answer. */
  problem?: Problem
  /** What was sent before, to prepare it; long bodies are cut. */
  before: Exchange[]
  request?: { method: string; url: string; headers: Record<string, string>; body?: string }
  answer?: SentAnswer
}

export interface SentAnswer extends Timing {
  status: number
  statusText: string
  /** In the order and spelling in which they came, but for Set-Cookie. */
  headers: [name: string, value: string][]
  setCookies: string[]
  body: string
  /** Of the whole body, of which `body` is the beginning. */
  bodyBytes: number
  /** Until the last byte, as the sender saw it. */
  ms: number
}

/** What can be sent to a scenario's variants. */
export interface Suggestions {
  /** `prepares`: it has something sent before, such as a sign-in. */
  workloads: { id: string; says: string; prepares: boolean }[]
  requests: Suggestion[]
}
export interface Suggestion {
  method: string
  /** A part such as `:name` is left to whoever sends it. */
  path: string
  headers?: Record<string, string>
  body?: string
}

const answerWithinMs = 10_000
const mostShown = 64 * 1024
const mostRead = 16 * 1024 * 1024

// What a connection is made of is for the sender to say, or the answer would never end.
const notTheirs =
  /^(connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade)$/i
const wrongWith = (name: string): string | undefined => {
  if (!/^[\w!#$%&'*+.^`|~-]{1,100}$/.test(name)) return `'${name.slice(0, 100)}' is no header name`
  return notTheirs.test(name) ? `${name} is set by Seesaw` : undefined
}
const headerValue = z
  .string()
  .max(8_000)
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'is no header value')
const sendSchema = z.strictObject({
  setups: z.array(z.string().max(500)).min(1).max(3),
  request: z
    .strictObject({
      method: z.string().regex(/^(?!CONNECT$)[A-Z]{1,20}$/, 'is no method, such as GET'),
      path: z
        .string()
        .max(8_000)
        .regex(/^\/[\x21-\x7e]*$/, 'must begin with a slash; encode what is not ASCII'),
      headers: z
        .record(z.string(), headerValue)
        .superRefine((headers, context) => {
          for (const message of Object.keys(headers).flatMap((name) => wrongWith(name) ?? []))
            context.addIssue({ code: 'custom', message })
        })
        .default({}),
      body: z
        .string()
        .max(256 * 1024)
        .optional(),
    })
    .optional(),
  workload: z.string().optional(),
  prepare: z.boolean().default(true),
})
type Order = z.output<typeof sendSchema>

/** `POST /api/send`, and what to send. */
export const sendRoutes = (lab: Lab, folder: string): Router => {
  const router = new Router()

  router.post('/api/send', async (ctx) => {
    const order = readBody(sendSchema, ctx.request.body)
    const sent: Sent[] = []
    // One after another: at once they would be measured against each other.
    for (const setup of order.setups) sent.push(await sendTo(setup, order, lab, folder))
    ctx.body = { sent }
  })

  router.get('/api/send/:scenario', async (ctx) => {
    ctx.body = await suggest(ctx.params.scenario ?? '', lab, folder)
  })

  return router
}

const sendTo = async (text: string, order: Order, lab: Lab, folder: string): Promise<Sent> => {
  const sent: Sent = { setup: text, before: [] }
  try {
    const setup = await lab.resolve(text)
    sent.setup = setup.id
    const scenario = await loadScenario(setup.scenario, folder)
    const { id, workload } = findWorkload(setup.scenario, scenario, order.workload)
    // A credential may belong to one process, so one answers all of it.
    const door = lab.doors[0] ?? lab.url
    const client = clientFor(door, `/run/${setup.id}`, (exchange) =>
      sent.before.push(cut(exchange)),
    )
    if (order.prepare) await workload.prepare?.(client).catch(explain(id, sent.before))
    const asked = order.request ?? workload.requests(client)[0]
    if (!asked) throw new SeesawError('EXERCISE_NOT_FOUND', `Workload '${id}' sends nothing.`)
    const { method, path, body } = asked
    const data = body === undefined ? undefined : spell(body)
    const headers = {
      ...(data === undefined ? {} : { 'content-type': 'application/json' }),
      ...client.credentials(path),
      ...lowerCase(asked.headers),
    }
    const url = `${door}/run/${setup.id}${path}`
    sent.request = { method, url, headers, ...(data === undefined ? {} : { body: data }) }
    sent.answer = await send(sent.request)
  } catch (error) {
    sent.problem = toProblem(error)
    if (sent.problem.code === 'INTERNAL') console.error(error)
  }
  return sent
}

const clientFor = (
  door: string,
  mount: string,
  onExchange: (exchange: Exchange) => void,
): RealClient => {
  const client: RealClient = createClient({
    number: 1,
    door: () => door,
    mount,
    watched: true,
    onExchange,
    another: () => client,
  })
  return client
}

/** Says why a preparation failed: mostly because an answer said so already. */
const explain = (workload: string, before: Exchange[]) => (cause: unknown) => {
  const said = Object(before.at(-1)?.answer.body) as Partial<Problem>
  const code = errorCodes.find((known) => known === said.code)
  if (code && typeof said.detail === 'string') throw new SeesawError(code, said.detail)
  const { message } = cause instanceof Error ? cause : { message: String(cause) }
  throw new SeesawError(
    before.length > 0 ? 'SCENARIO_BROKEN' : 'WORKER_FAILED',
    `What workload '${workload}' prepares did not succeed: ${message}`,
  )
}

/** Sends exactly this, over a connection of its own, and takes the answer apart. */
const send = (sent: NonNullable<Sent['request']>): Promise<SentAnswer> =>
  new Promise((resolve, reject) => {
    const { origin, host } = new URL(sent.url)
    const beganMs = performance.now()
    const gone = (cause: Error) => {
      const why =
        cause.name === 'AbortError' || cause.name === 'TimeoutError'
          ? `no whole answer came within ${answerWithinMs / 1000} s`
          : cause.message
      const message = `${sent.method} was sent, but ${why}.`
      reject(new SeesawError('WORKER_FAILED', message, { cause }))
    }
    const asking = ask(
      origin,
      {
        // Not as `new URL` would tidy it up.
        path: sent.url.slice(origin.length),
        method: sent.method,
        headers: {
          host,
          ...sent.headers,
          'x-seesaw-trace': 'all',
          ...(sent.body === undefined ? {} : { 'content-length': Buffer.byteLength(sent.body) }),
        },
        // A variant may ask its backends hundreds of times, and every call is told in a header.
        maxHeaderSize: 1024 * 1024,
        agent: false,
        signal: AbortSignal.timeout(answerWithinMs),
      },
      (answer) => {
        const pieces: Buffer[] = []
        let bodyBytes = 0
        const finish = () => {
          const pairs = pairsOf(answer.rawHeaders)
          const { named, others } = apart(pairs, ['set-cookie', 'server-timing'])
          resolve({
            status: answer.statusCode ?? 0,
            statusText: answer.statusMessage ?? '',
            headers: others,
            setCookies: named['set-cookie'] ?? [],
            body: Buffer.concat(pieces).subarray(0, mostShown).toString(),
            bodyBytes,
            ms: performance.now() - beganMs,
            ...parseServerTiming((named['server-timing'] ?? []).join(', ')),
          })
        }
        answer.on('data', (piece: Buffer) => {
          if (bodyBytes < mostShown) pieces.push(piece)
          bodyBytes += piece.length
          // One that does not end is shown as far as it came.
          if (bodyBytes > mostRead) {
            finish()
            answer.destroy()
          }
        })
        answer.once('end', finish)
        answer.on('error', gone)
      },
    )
    asking.on('error', gone)
    asking.end(sent.body)
  })

const pairsOf = (raw: string[]): [string, string][] =>
  raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? '']] : []))

/** Those with these names by name, and the others as they are. */
const apart = (pairs: [string, string][], names: string[]) => ({
  named: Object.fromEntries(
    names.map((name) => [
      name,
      pairs.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value),
    ]),
  ),
  others: pairs.filter(([name]) => !names.includes(name.toLowerCase())),
})

/** An exchange whose texts are short enough to be shown. */
const cut = (exchange: Exchange): Exchange => {
  const { body } = exchange.answer
  const text = spell(body)
  if (text.length <= mostShown) return exchange
  return { ...exchange, answer: { ...exchange.answer, body: `${text.slice(0, mostShown)}…` } }
}

const spell = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body))

const lowerCase = (headers: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** Of a workload's thousands, one of each sort; then what its source listens to besides. */
const suggest = async (id: string, lab: Lab, folder: string): Promise<Suggestions> => {
  const scenario = await loadScenario(id, folder)
  const found = new Map<string, Suggestion>()
  for (const request of sentByWorkloads(id, scenario, lab.url)) {
    const { method, path, headers, body } = request
    const sort = `${method} ${path.replace(/(?<=^\/[^/?]+)[/?].*/, '/…')}`
    if (!found.has(sort))
      found.set(sort, {
        method,
        path,
        ...(headers ? { headers } : {}),
        ...(body === undefined ? {} : { body: spell(body) }),
      })
  }
  const known = [...found.values()]
  for (const route of await routesIn(id, folder)) {
    const pattern = new RegExp(
      `^${route.path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}$`,
    )
    const isKnown = ({ method, path }: Suggestion) =>
      method === route.method && (path === route.path || pattern.test(path.split('?')[0] ?? ''))
    if (!known.some(isKnown)) known.push(route)
  }
  const workloads = Object.entries(scenario.workloads ?? {}).map(([id, { says, prepare }]) => {
    return { id, says, prepares: prepare !== undefined }
  })
  return { workloads, requests: known.slice(0, mostSuggested) }
}

const mostSuggested = 20

const sentByWorkloads = (id: string, scenario: AnyScenario, labUrl: string): Request[] => {
  const client = clientFor(labUrl, `/run/${id}`, () => {})
  return Object.values(scenario.workloads ?? {}).flatMap((workload) => {
    try {
      return workload.requests(client)
    } catch {
      // It needs what was not prepared here.
      return []
    }
  })
}

/** What the variants' source says it listens to: `router.post('/sign-in', …)`. */
const routesIn = async (id: string, folder: string): Promise<Suggestion[]> => {
  const files = await listFiles(id, folder)
  const texts = await Promise.all(files.map(({ file }) => readSource(id, file, folder)))
  return texts.flatMap(({ text }) =>
    [...text.matchAll(/\brouter\.(get|post|put|patch|delete)\(\s*(\[[^\]]*\]|'[^']*')/g)].flatMap(
      ([, method = '', paths = '']) =>
        [...paths.matchAll(/'(\/[^']*)'/g)].map(([, path = '']) => ({
          method: method.toUpperCase(),
          path,
        })),
    ),
  )
}
