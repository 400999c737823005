// The way to the server: JSON in, JSON out, and what goes wrong as one kind of error.

/** What the server, or the way to it, says is wrong. */
export class Problem extends Error {
  /** As in docs/errors.md; `GONE` where nobody answers. */
  readonly code: string
  readonly status: number

  constructor(code: string, message: string, status = 0) {
    super(message)
    this.code = code
    this.status = status
  }
}

type Answer<T> = Promise<T>

const ask = async <T>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Answer<T> => {
  const sent =
    body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(path, { method, ...sent, ...(signal ? { signal } : {}) }).catch(
    (error: Error) => {
      if (error.name === 'AbortError' || error.name === 'TimeoutError') throw error
      throw new Problem('GONE', 'Seesaw does not answer. Is it running? In its folder: npm start')
    },
  )
  if (response.status === 204) return undefined as T
  const answer = await response.json().catch(() => undefined)
  if (response.ok) return answer as T
  const { code = 'INTERNAL', detail = `${path} answered ${response.status}.` } = answer ?? {}
  throw new Problem(code, detail, response.status)
}

/** Each rejects with a Problem, or with an AbortError where `signal` said so. */
export const api = {
  get: <T>(path: string, signal?: AbortSignal) => ask<T>('GET', path, undefined, signal),
  post: <T>(path: string, body: unknown = {}, signal?: AbortSignal) =>
    ask<T>('POST', path, body, signal),
  put: <T>(path: string, body: unknown) => ask<T>('PUT', path, body),
  patch: <T>(path: string, body: unknown) => ask<T>('PATCH', path, body),
  del: <T>(path: string) => ask<T>('DELETE', path),
}

/** What to show of anything that was thrown. */
export const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
