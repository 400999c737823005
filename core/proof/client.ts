// The client that exercises and workloads are written with: a browser without a screen, over real
// HTTP to the door of one server process.
import { CookieJar } from 'tough-cookie'
import { loopbackFetch } from '../http/loopback-fetch.ts'
import type { Answer, Client, Request } from '../scenario.ts'

/** A client, and what its next request to a path would carry. */
export interface RealClient extends Client {
  credentials(path: string): Record<string, string>
}

/** One request and what came back, as a transcript keeps it. */
export interface Exchange {
  /** Which client sent it, from 1. */
  client: number
  request: { method: string; path: string; headers: Record<string, string>; body?: unknown }
  answer: {
    status: number
    headers: Record<string, string>
    /** Every Set-Cookie line; of those in `headers` the last one only. */
    setCookies: string[]
    body: unknown
  }
  ms: number
}

export interface ClientOptions {
  number: number
  /** The address of the process to talk to, `http://127.0.0.1:41234`; asked before every request. */
  door(): string
  /** `/run/rate-limits/gcra@redis` */
  mount: string
  /** Asks for the adapter calls of every request, in `Server-Timing`. */
  watched: boolean
  onExchange(exchange: Exchange): void
  /** Makes the successor that `copy` returns. */
  another(where: { worker?: number }, jar: CookieJar, headers: Record<string, string>): Client
}

const answerWithinMs = 10_000

export const createClient = (
  options: ClientOptions,
  jar: CookieJar = new CookieJar(),
  initialHeaders: Record<string, string> = {},
): RealClient => {
  const headers = { ...initialHeaders }
  const address = (path: string) => `${options.door()}${options.mount}${path}`

  const send = async ({ method, path, headers: extra, body }: Request): Promise<Answer> => {
    const url = address(path)
    const cookie = await jar.getCookieString(url)
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const sent = {
      ...(cookie ? { cookie } : {}),
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
      ...extra,
    }
    const sentAtMs = Date.now()
    const response = await loopbackFetch(url, {
      method,
      headers: options.watched ? { ...sent, 'x-seesaw-trace': '1' } : sent,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerWithinMs),
      ...(text === undefined ? {} : { body: text }),
    })
    const received = await response.text()
    const doneAtMs = Date.now()
    for (const line of response.headers.getSetCookie())
      await jar.setCookie(line, url, { ignoreError: true })
    const json = parseJson(received)
    options.onExchange({
      client: options.number,
      request: { method, path, headers: sent, ...(body === undefined ? {} : { body }) },
      answer: {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        setCookies: response.headers.getSetCookie(),
        body: json ?? received,
      },
      ms: doneAtMs - sentAtMs,
    })
    return {
      status: response.status,
      headers: response.headers,
      text: received,
      json,
      sentAtMs,
      doneAtMs,
    }
  }

  return {
    headers,
    send,
    credentials: (path) => {
      const cookie = jar.getCookieStringSync(address(path))
      return { ...headers, ...(cookie ? { cookie } : {}) }
    },
    get: (path, extra) => send({ method: 'GET', path, ...(extra ? { headers: extra } : {}) }),
    post: (path, body, extra) =>
      send({ method: 'POST', path, body, ...(extra ? { headers: extra } : {}) }),
    cookie: (name) => jar.getCookiesSync(address('/')).find((cookie) => cookie.key === name)?.value,
    setCookie: (name, value) => {
      jar.setCookieSync(`${name}=${value}; Path=/; HttpOnly`, address('/'))
    },
    copy: (where = {}) => options.another(where, jar.cloneSync() as CookieJar, headers),
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
