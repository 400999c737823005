// The connection to Redis (or Valkey): one socket per process and address, over which all commands
// go in a pipeline. It is made when a command needs it and made anew when the next one comes after
// it broke, so while the server is gone there is nothing to queue and nothing to watch.
import { createHash } from 'node:crypto'
import {
  ClientClosedError,
  ClientOfflineError,
  ConnectionTimeoutError,
  createClient,
  DisconnectsClientError,
  ErrorReply,
  SocketClosedUnexpectedlyError,
} from '@redis/client'
import { countRoundTrip, defineBackend, SeesawError } from '#core/adapter'
import {
  badUrl,
  checkUrl,
  failFastMs,
  isNetworkError,
  isSilence,
  misused,
  oneForEachUrl,
  refused,
  silenceMs,
  silent,
  unreachable,
} from './shared.ts'

/** What Redis replies; bulk strings as text. */
type Reply = string | number | null | Reply[]

/** A Lua script on the server. It runs alone, so all that it does is one atomic step. */
export type Script = (keys: string[], args: string[]) => Promise<Reply>

const openRedis = (url: string) => {
  let socket: Socket | undefined
  let opening: Promise<Socket> | undefined
  let failed = { error: undefined as unknown, atMs: -Infinity }
  let ended = false

  /** Opens the socket, or waits for it, or says at once why there was none a moment ago. */
  const opened = (): Promise<Socket> => {
    if (ended) return Promise.reject(new ClientClosedError())
    if (performance.now() - failed.atMs < failFastMs) return Promise.reject(failed.error)
    opening ??= openSocket(url, lost)
      .then((fresh) => {
        socket = fresh
        return fresh
      })
      .catch((error) => {
        failed = { error, atMs: performance.now() }
        throw error
      })
      .finally(() => {
        opening = undefined
      })
    return opening
  }

  const lost = (error: unknown) => {
    socket = undefined
    // A server that closed the socket may well take another one at once; a silent one will not.
    if (isSilence(error)) failed = { error, atMs: performance.now() }
  }

  const exchange = (args: string[]): Promise<Reply> =>
    socket ? socket.send(args) : opened().then((fresh) => fresh.send(args))

  const explain = (error: unknown): never => {
    throw explained(error, url)
  }

  /** Sends one command and returns the reply. Throws BACKEND_UNREACHABLE. */
  const send = (...args: string[]): Promise<Reply> => exchange(args).catch(explain)

  /** Prepares a script, which the server keeps by its hash: it is sent once, then only named. */
  const script = (source: string): Script => {
    const hash = createHash('sha1').update(source).digest('hex')
    return (keys, args) => {
      const rest = [String(keys.length), ...keys, ...args]
      return exchange(['EVALSHA', hash, ...rest]).catch((error) => {
        const isNew = error instanceof ErrorReply && error.message.startsWith('NOSCRIPT')
        return isNew ? send('EVAL', source, ...rest) : explain(error)
      })
    }
  }

  /**
   * Removes every key that begins with `prefix`, or those of them that `isMeant`, bit by bit, so that
   * others get their turn.
   */
  const clear = async (prefix: string, isMeant = (_: string) => true): Promise<void> => {
    const pattern = `${prefix.replace(/[*?[\]\\]/g, '\\$&')}*`
    let cursor = '0'
    do {
      const reply = await send('SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000')
      const [next, found] = reply as [string, string[]]
      const keys = found.filter(isMeant)
      if (keys.length > 0) await send('UNLINK', ...keys)
      cursor = next
    } while (cursor !== '0')
  }

  return {
    send,
    script,
    clear,
    ready: async () => void (await send('PING')),
    async end() {
      ended = true
      await opening?.catch(() => {})
      socket?.end()
    },
  }
}

export type Redis = Awaited<ReturnType<typeof connect>>

/** Returns the process's connection to the server at `url`. Throws BACKEND_UNREACHABLE. */
export const connect = oneForEachUrl(openRedis)

type Client = ReturnType<typeof createClient>

interface Socket {
  send(args: string[]): Promise<Reply>
  /** Closes it after the last reply. */
  end(): void
}

/**
 * Opens a socket. It breaks, and calls `lost`, not only when the server closes it, but also when
 * commands wait and nothing has come back for a while, because a frozen server keeps its sockets
 * open. All that waits then fails together: if one command alone were timed out, its late reply
 * would be taken for that of the next.
 */
const openSocket = async (url: string, lost: (error: unknown) => void): Promise<Socket> => {
  const client = createClientFor(url)
  let waiting = 0
  let heardAtMs = 0
  let watching = false
  let broken: unknown
  let ending = false

  const broke = (error: unknown) => {
    if (broken) return
    broken = error
    if (client.isOpen) client.destroy()
    lost(error)
  }

  const look = (again = false): void => {
    const leftMs = silenceMs - (performance.now() - heardAtMs)
    watching = waiting > 0
    if (!watching) return
    if (leftMs > 0) setTimeout(look, leftMs).unref()
    // Where it was this process that was busy, a reply may lie here unread: read before judging.
    else if (!again) setImmediate(look, true)
    else broke(silent())
  }

  const heard = () => {
    heardAtMs = performance.now()
    if (--waiting === 0 && ending && client.isOpen) client.destroy()
  }
  const succeeded = <T>(value: T): T => {
    heard()
    return value
  }
  const failed = (error: unknown): never => {
    heard()
    throw error instanceof ErrorReply ? error : (broken ?? error)
  }

  const watch = <T>(reply: Promise<T>): Promise<T> => {
    if (waiting++ === 0) heardAtMs = performance.now()
    if (!watching) look()
    return reply.then(succeeded<T>, failed)
  }

  // While it is being opened, connect() itself says what went wrong.
  let opening = true
  client.on('error', (error) => {
    if (!opening) broke(error)
  })
  await watch(client.connect())
  opening = false

  return {
    send: (args) => {
      countRoundTrip('redis')
      return watch(client.sendCommand<Reply>(args))
    },
    end: () => {
      ending = true
      if (waiting === 0 && client.isOpen) client.destroy()
    },
  }
}

const example = 'redis://user:password@host:6379/0'

/**
 * The address as both drivers read it alike: node-redis takes the database from the path only, ioredis
 * from `?db=`, too, and other settings besides. Throws CONFIG_INVALID.
 */
export const plainRedisUrl = (url: string): string => {
  checkUrl('Redis', url, /^rediss?:$/, example)
  const plain = new URL(url.trim())
  const inPath = plain.pathname.replace(/^\//, '')
  const database = plain.searchParams.get('db') ?? inPath
  const isSaidTwice = inPath !== '' && inPath !== database
  if (!/^\d*$/.test(database) || isSaidTwice) throw badUrl('Redis', example)
  plain.pathname = database ? `/${database}` : ''
  plain.search = plain.hash = ''
  return plain.href
}

const createClientFor = (url: string): Client => {
  const plain = plainRedisUrl(url)
  try {
    return createClient({
      url: plain,
      disableOfflineQueue: true,
      socket: { connectTimeout: silenceMs - 100, reconnectStrategy: false },
    })
  } catch {
    throw badUrl('Redis', example)
  }
}

const explained = (error: unknown, url: string): SeesawError => {
  if (error instanceof SeesawError) return error
  if (isUnreachable(error)) return unreachable('Redis', url, error)
  // A mistake in a script is the script's author's business; all else that Redis refuses (OOM,
  // NOPERM, READONLY, WRONGPASS…) is its operator's.
  const mistaken = !(error instanceof ErrorReply) || /^ERR .*user_script/s.test(error.message)
  return (mistaken ? misused : refused)('Redis', url, error)
}

const isUnreachable = (error: unknown): boolean =>
  isNetworkError(error) ||
  [ClientClosedError, ClientOfflineError, ConnectionTimeoutError, DisconnectsClientError].some(
    (gone) => error instanceof gone,
  ) ||
  error instanceof SocketClosedUnexpectedlyError ||
  (error instanceof ErrorReply && /^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN) /.test(error.message))

export default defineBackend({
  title: 'Redis',
  urlVariable: 'REDIS_URL',
  defaultUrl: 'redis://127.0.0.1:6379',
  isUnreachable,

  async probe(url) {
    const redis = await connect(url)
    try {
      const info = String(await redis.send('INFO', 'server'))
      const fact = (name: string) => new RegExp(`^${name}:(.*)\r?$`, 'm').exec(info)?.[1]?.trim()
      const version = fact('redis_version') ?? ''
      const problem =
        fact('redis_mode') === 'cluster'
          ? 'it is a cluster; Seesaw needs a single server'
          : Number.parseInt(version, 10) < 6
            ? `its version is ${version}; Seesaw needs 6.0 or later`
            : undefined
      if (problem) throw refused('Redis', url, problem)
      const valkey = fact('valkey_version')
      return valkey ? `${valkey} (Valkey)` : version
    } finally {
      await redis.release()
    }
  },

  async forget(url, isLeft) {
    const redis = await connect(url)
    try {
      await redis.clear('seesaw:once-', isLeft)
    } finally {
      await redis.release()
    }
  },

  binaries: ['redis-server', 'valkey-server'],

  // Every write goes to the append-only file before it is answered, and reaches the disk within a
  // second: what was answered outlives the death of the server, though not that of the machine.
  launch: ({ binary, folder, port }) => ({
    server: {
      file: binary,
      args: `--bind 127.0.0.1 --port ${port} --save  --appendonly yes --appendfsync everysec`
        .split(' ')
        .concat('--dir', folder),
    },
    url: `redis://127.0.0.1:${port}`,
  }),

  remedy:
    'install Redis (Debian: sudo apt install redis-server; macOS: brew install redis) ' +
    'or set REDIS_URL',
})
