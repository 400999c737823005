// The connection to MongoDB: one client of the driver, with its small pool, per process and
// address. What is used here a MongoDB 4.4 on its own can do: no transactions, no change streams.
import { type Collection, MongoClient, MongoError, MongoServerError } from 'mongodb'
import { countRoundTrip, defineBackend, SeesawError } from '#core/adapter'
import {
  badUrl,
  indexable,
  isNetworkError,
  isSilence,
  misused,
  oneForEachUrl,
  refused,
  silenceMs,
  silent,
  takingTurns,
  unreachable,
  wholeMs,
} from './shared.ts'

/** What is stored: values as JSON text, because BSON knows fewer names and more numbers. */
interface Stored {
  _id: string
  json: string
  /** By this machine's clock: MongoDB compares with its own only where a query says so. */
  endsAt: Date
}
interface StoredSession extends Stored {
  id: string
  user: string
}
interface StoredLimit extends Stored {
  version: number
}

// Their names say whose they are, because the database may be one that was there before.
const collections = {
  cache: 'seesaw_cache',
  sessions: 'seesaw_sessions',
  limits: 'seesaw_limits',
}
/** Of which namespace the jobs in a collection are, for its name is a hash. */
const jobsOf = 'seesaw_jobs_of'

const connections = 10

/** A clock that steps or drifts is seen after so long. */
const askClockEveryMs = 5_000

const openMongodb = (url: string) => {
  const client = clientFor(url)
  const database = client.db(databaseIn(url) ?? 'seesaw')
  const cache = database.collection<Stored>(collections.cache)
  const sessions = database.collection<StoredSession>(collections.sessions)
  const limits = database.collection<StoredLimit>(collections.limits)

  const inTurn = takingTurns(connections, isTimeout)
  /** Runs one operation, which must be one round trip. Throws BACKEND_UNREACHABLE. */
  const run = async <T>(operation: () => Promise<T>): Promise<T> => {
    try {
      return await inTurn(() => {
        countRoundTrip('mongodb')
        return inTime(operation())
      })
    } catch (error) {
      throw explained(error, url)
    }
  }

  let clock = { aheadMs: 0, askedAtMs: Number.NEGATIVE_INFINITY }
  /**
   * The server's clock, which all processes share; as it was told within the last seconds, for MongoDB
   * tells it only to who asks.
   */
  const serverNowMs = async (): Promise<number> => {
    if (performance.now() - clock.askedAtMs > askClockEveryMs) {
      const sentMs = Date.now()
      // By its old name, which every version knows.
      const { localTime } = await run(() => database.command({ isMaster: 1 }))
      const between = (sentMs + Date.now()) / 2
      const aheadMs = localTime instanceof Date ? localTime.getTime() - between : 0
      clock = { aheadMs, askedAtMs: performance.now() }
    }
    return Math.floor(Date.now() + clock.aheadMs)
  }

  let indexed: Promise<unknown> | undefined
  /** Asks the server whether it is there, and sees to the indices once. */
  const ready = async (): Promise<void> => {
    await run(() => database.command({ ping: 1 }))
    // MongoDB removes what is over once a minute; until then queries look past it.
    const byEnd = { key: { endsAt: 1 }, expireAfterSeconds: 0 } as const
    indexed ??= Promise.all([
      run(() => cache.createIndexes([byEnd])),
      run(() => sessions.createIndexes([byEnd, { key: { user: 1 } }])),
      run(() => limits.createIndexes([byEnd])),
    ]).catch((error) => {
      indexed = undefined
      throw error
    })
    await indexed
  }

  /** Removes all documents of a namespace, which are those between two ids. */
  const clear = async (name: keyof typeof collections, namespace: string): Promise<void> => {
    // '}' comes right after '|', which no namespace contains.
    const ids = { $gte: `${namespace}|`, $lt: `${namespace}}` }
    const collection: Collection<Stored> = database.collection(collections[name])
    await run(() => collection.deleteMany({ _id: ids }))
  }

  const owners = database.collection<{ _id: string; namespace: string }>(jobsOf)

  /** Removes all that is stored under the throw-away namespaces of which `isLeft` says so. */
  const forget = async (isLeft: (namespace: string) => boolean): Promise<void> => {
    for (const name of Object.values(collections)) {
      const all = database.collection<Stored>(name)
      const ids = { $gte: 'seesaw:once-', $lt: 'seesaw:once.' }
      const found = await run(() => all.find({ _id: ids }, { projection: { _id: 1 } }).toArray())
      const left = found.flatMap(({ _id }) => (isLeft(_id) ? [_id] : []))
      if (left.length > 0) await run(() => all.deleteMany({ _id: { $in: left } }))
    }
    for (const { _id, namespace } of await run(() => owners.find().toArray())) {
      if (!isLeft(namespace)) continue
      await run(() => database.collection(_id).drop())
      await run(() => owners.deleteOne({ _id }))
    }
  }

  return {
    /** Notes of which namespace the jobs in the collection of this name are. */
    own: (name: string, namespace: string) =>
      run(() => owners.updateOne({ _id: name }, { $set: { namespace } }, { upsert: true })),
    forget,
    /** For what must not be lost: a write is answered when it is in the journal, not 0.1 s before. */
    durable: client.db(database.databaseName, { writeConcern: { w: 1, journal: true } }),
    cache,
    sessions,
    limits,
    run,
    serverNowMs,
    ready,
    clear,
    end: () => client.close(),
  }
}

// The driver has a limit for each of the waits of an operation: for a server, for a connection to
// it, for the answer. This is the one for all of them together.
const inTime = async <T>(operation: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(silent()), 1.2 * silenceMs)
  })
  try {
    return await Promise.race([operation, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

/** Returns the process's connection to the server at `url`. Throws BACKEND_UNREACHABLE. */
export const connect = oneForEachUrl(openMongodb)

/** True where somebody else inserted a document with the same id first. */
export const isDuplicate = (error: unknown): boolean =>
  error instanceof SeesawError
    ? isDuplicate(error.cause)
    : error instanceof MongoServerError && error.code === 11000

/** The id under which a namespace keeps `key`. */
export const idIn = (namespace: string, key: string): string => `${namespace}|${indexable(key)}`

/** When something ends that lives for `ttlMs` from now; without it, at the end of days. */
export const endsAt = (ttlMs?: number, nowMs = Date.now()): Date =>
  new Date(ttlMs === undefined ? 8.64e15 : nowMs + wholeMs(ttlMs))

/** Upserts again where somebody else inserted the same id in the same moment. */
export const upserted = async (upsert: () => Promise<unknown>): Promise<void> => {
  try {
    await upsert()
  } catch (error) {
    if (!isDuplicate(error)) throw error
    await upserted(upsert)
  }
}

/** A command that has only just loaded the driver, on a busy machine, may be late to the answer. */
const probeWithinMs = 1_800

const clientFor = (url: string, withinMs = silenceMs): MongoClient => {
  try {
    return new MongoClient(url, {
      appName: 'seesaw',
      maxPoolSize: connections,
      serverSelectionTimeoutMS: withinMs,
      connectTimeoutMS: withinMs,
      socketTimeoutMS: withinMs,
      // A retry inside the driver would take as long again as the first try.
      retryReads: false,
      retryWrites: false,
    })
  } catch {
    throw badUrl('MongoDB', 'mongodb://user:password@host:27017/database')
  }
}

const databaseIn = (url: string): string | undefined =>
  /^[^:]+:\/\/[^/]*\/([^?]+)/.exec(url)?.[1] || undefined

const explained = (error: unknown, url: string): SeesawError => {
  if (error instanceof SeesawError) return error
  if (isUnreachable(error)) return unreachable('MongoDB', url, error)
  // 2, 9, 11000…: values and documents that no server would take.
  const mistaken = !(error instanceof MongoError) || [2, 9, 14, 11000].includes(Number(error.code))
  return (mistaken ? misused : refused)('MongoDB', url, error)
}

const isTimeout = (error: unknown): boolean =>
  isSilence(error) ||
  (error instanceof MongoError &&
    /^Mongo(NetworkTimeout|ServerSelection|WaitQueueTimeout)Error$/.test(error.name))

// Beside broken connections: a server that shuts down, starts, or is no longer the primary.
const isUnreachable = (error: unknown): boolean =>
  isNetworkError(error) ||
  isTimeout(error) ||
  (error instanceof MongoError &&
    (/^(Mongo(Network|PoolClosed|NotConnected|Topology|ClientClosed)|(Mongo)?PoolCleared)/.test(
      error.name,
    ) ||
      [11600, 11602, 10107, 13435, 13436, 189, 91].includes(Number(error.code))))

export default defineBackend({
  title: 'MongoDB',
  urlVariable: 'MONGODB_URL',
  defaultUrl: 'mongodb://127.0.0.1:27017',
  isUnreachable,

  async probe(url) {
    const client = clientFor(url, probeWithinMs)
    try {
      const { version } = await client.db('admin').command({ buildInfo: 1 })
      return String(version)
    } catch (error) {
      throw explained(error, url)
    } finally {
      await client.close()
    }
  },

  async forget(url, isLeft) {
    const mongodb = await connect(url)
    try {
      await mongodb.forget(isLeft)
    } finally {
      await mongodb.release()
    }
  },

  binaries: ['mongod'],

  launch: ({ binary, folder, port }) => ({
    server: {
      file: binary,
      args: [
        ...['--dbpath', folder, '--bind_ip', '127.0.0.1', '--port', `${port}`],
        ...(process.platform === 'win32' ? [] : ['--nounixsocket']),
      ],
    },
    url: `mongodb://127.0.0.1:${port}`,
  }),

  remedy: 'install MongoDB (https://www.mongodb.com/try/download/community) or set MONGODB_URL',
})
