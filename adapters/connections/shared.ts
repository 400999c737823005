// What the connections to servers have in common.
import { createHash } from 'node:crypto'
import { SeesawError, wellFormed } from '#core/adapter'

/** How long a server may stay silent before it counts as gone. A request has to end within 2 s. */
export const silenceMs = 1000

/** After a failure everybody is told at once for this long, before somebody tries again. */
export const failFastMs = 250

/** Processes that share a server with this one; the lab says how many. */
const processes = Math.max(1, Number(process.env.SEESAW_PROCESSES) || 1)

/** How many connections a pool may have of a server that many processes share: at most `most`. */
export const poolSize = (most: number): number =>
  Math.min(most, Math.max(2, Math.floor((6 * most) / processes)))

/**
 * Turns `open` into a `connect` that opens one connection per process and address, however many
 * adapters use it: the first one opens it, the last one that releases it closes it.
 */
export const oneForEachUrl = <Connection extends { ready(): Promise<void>; end(): Promise<void> }>(
  open: (url: string) => Connection,
) => {
  const inUse = new Map<string, { connection: Connection; users: number }>()

  return async (url: string): Promise<Connection & { release(): Promise<void> }> => {
    const shared = inUse.get(url) ?? { connection: open(url), users: 0 }
    inUse.set(url, shared)
    shared.users++
    let released = false
    const release = async () => {
      if (released) return
      released = true
      shared.users--
      if (shared.users > 0) return
      inUse.delete(url)
      await shared.connection.end()
    }
    try {
      await shared.connection.ready()
    } catch (error) {
      await release()
      throw error
    }
    return { ...shared.connection, release }
  }
}

/**
 * Lets `limit` calls go on at once and the others wait for their turn, however long that takes: to
 * wait in the pool of a driver would time out where the server is merely busy. A call that has its
 * turn ends in time by itself. Where it timed out the server is gone, and so nobody waits on.
 */
export const takingTurns = (limit: number, isTimeout: (error: unknown) => boolean) => {
  const queue: { resolve(): void; reject(error: unknown): void }[] = []
  let going = 0

  return async <T>(call: () => Promise<T>): Promise<T> => {
    if (going < limit) going++
    else await new Promise<void>((resolve, reject) => queue.push({ resolve, reject }))
    try {
      return await call()
    } catch (error) {
      if (isTimeout(error)) for (const { reject } of queue.splice(0)) reject(error)
      throw error
    } finally {
      const next = queue.shift()
      if (next) next.resolve()
      else going--
    }
  }
}

/** The `host:port` of an address, without the password that may stand in front of it. */
export const hostOf = (url: string): string =>
  /^[a-z+]+:\/\/(?:.*@)?([^/?#]+)/i.exec(url)?.[1] ?? 'an address that cannot be read'

/** The error for a server that is gone. */
export const unreachable = (title: string, url: string, cause: unknown): SeesawError =>
  new SeesawError(
    'BACKEND_UNREACHABLE',
    `${title} at ${hostOf(url)} does not answer: ${reasonOf(cause)}.`,
    { cause },
  )

/** The error for a server that answers, but will not do what Seesaw needs. */
export const refused = (title: string, url: string, cause: unknown): SeesawError =>
  new SeesawError(
    'BACKEND_UNAVAILABLE',
    `${title} at ${hostOf(url)} refuses: ${reasonOf(cause)}.`,
    {
      cause,
    },
  )

/** The error for a question that was put wrongly: a mistake in a script or in an adapter. */
export const misused = (title: string, url: string, cause: unknown): SeesawError =>
  new SeesawError('INTERNAL', `${title} at ${hostOf(url)} cannot do that: ${reasonOf(cause)}.`, {
    cause,
  })

/** The error for a server that keeps its connection open and says nothing. */
export const silent = (): Error =>
  Object.assign(new Error(`nothing came back for ${silenceMs} ms`), { code: 'ETIMEDOUT' })

export const isSilence = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ETIMEDOUT'

/** The error for an address that is none. It has no cause: that would show the password. */
export const badUrl = (title: string, example: string): SeesawError =>
  new SeesawError(
    'CONFIG_INVALID',
    `The address of ${title} cannot be read. It should look like ${example}.`,
  )

/** Throws CONFIG_INVALID for an address that is none, before a driver sees it. */
export const checkUrl = (title: string, url: string, protocol: RegExp, example: string): void => {
  if (!URL.canParse(url) || !protocol.test(new URL(url).protocol)) throw badUrl(title, example)
}

const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  // Where a name has several addresses Node reports one error for each, and no message of its own.
  const { message } = cause instanceof AggregateError ? (cause.errors[0] as Error) : cause
  return message.replace(/[.?!]$/, '')
}

/** True for what Node says of a connection that cannot be made or broke, and for `unreachable`. */
export const isNetworkError = (error: unknown): boolean => {
  if (error instanceof SeesawError) return error.code === 'BACKEND_UNREACHABLE'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|E(HOST|NET)(UNREACH|DOWN)|ENOENT)$/.test(
    code,
  )
}

const longestKey = 400

/** Spells any key so that it can be indexed: well-formed, and a hash in the place of a long one. */
export const indexable = (key: string): string => {
  const spelt = wellFormed(key)
  return spelt.length <= longestKey
    ? spelt
    : `${spelt.slice(0, 40)}…${createHash('sha256').update(spelt).digest('base64url')}`
}

/** Undoes wellFormed, not indexable. */
export const asGiven = (spelt: string): string => JSON.parse(`"${spelt}"`)

/** A lifetime as the whole milliseconds that servers count in, never longer than 3,000 years. */
export const wholeMs = (ttlMs: number): number => Math.min(Math.ceil(ttlMs), 1e14)

/**
 * Throws PAYLOAD_REFUSED for what no database here can keep: a text with a NUL or half a surrogate
 * pair, and what is neither number, text nor null, which a driver might take for something else.
 */
export const checkSqlValues = (values: readonly unknown[]): void => {
  for (const value of values) {
    const isText = typeof value === 'string'
    if (isText ? /\0|\p{Surrogate}/u.test(value) : value !== null && !Number.isFinite(value))
      throw new SeesawError(
        'PAYLOAD_REFUSED',
        isText
          ? 'A text with a NUL or half a surrogate pair cannot be stored.'
          : `${JSON.stringify(value)} is neither a number nor a text nor null.`,
      )
  }
}
