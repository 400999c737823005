// Connections to Redis for BullMQ, two per process and address. They are ioredis, the driver that
// BullMQ is made for: a worker's commands wait for a server that is away and are sent again, where
// node-redis would reject them, and BullMQ would take that for the failure of a job.
import { Redis } from 'ioredis'
import { countRoundTrip, SeesawError } from '#core/adapter'
import { plainRedisUrl } from './redis.ts'
import {
  failFastMs,
  isNetworkError,
  oneForEachUrl,
  refused,
  silenceMs,
  takingTurns,
  unreachable,
} from './shared.ts'

const openBoth = (url: string) => {
  const plain = plainRedisUrl(url)
  const settings = {
    connectTimeout: silenceMs,
    retryStrategy: () => failFastMs,
    lazyConnect: true,
  }
  const asking = new Redis(plain, {
    ...settings,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  })
  const working = new Redis(plain, { ...settings, maxRetriesPerRequest: null })
  // Whoever waits for a command hears of its failure; nobody needs to hear more.
  for (const client of [asking, working]) client.on('error', () => {})

  // Nobody waits for a turn here, but everybody who has waited too long is told so.
  const inTime = takingTurns(Number.POSITIVE_INFINITY, () => false)

  return {
    /** For who waits for an answer: fails at once while the server is away. */
    asking,
    /** For workers: waits for the server as long as that takes. */
    working,
    /** Runs an operation of `asking`. Throws BACKEND_UNREACHABLE within 2 s. */
    async call<Result>(operation: () => Promise<Result>): Promise<Result> {
      countRoundTrip('redis')
      try {
        return await inTime(operation)
      } catch (error) {
        if (error instanceof SeesawError) throw error
        throw (isGone(error) ? unreachable : refused)('Redis', url, error)
      }
    },
    async ready() {
      try {
        await Promise.all([asking, working].map((client) => connected(client)))
      } catch (error) {
        throw unreachable('Redis', url, error)
      }
    },
    async end() {
      for (const client of [asking, working]) client.disconnect()
    },
  }
}

const connected = async (client: Redis): Promise<void> => {
  if (client.status === 'wait') await client.connect()
}

const isGone = (error: unknown): boolean =>
  isNetworkError(error) ||
  (error instanceof Error &&
    /^(Connection is closed|Stream isn't writeable|Command timed out|Reached the max retries|(LOADING|BUSY|MASTERDOWN) )/.test(
      error.message,
    ))

/** Returns the process's connections to the server at `url`. Throws BACKEND_UNREACHABLE. */
export const connectBullmq = oneForEachUrl(openBoth)
