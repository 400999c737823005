// A cache in Redis: Keyv over its own Redis store. The server itself forgets what is over.
import KeyvRedis from '@keyv/redis'
import { defineAdapter, wellFormed } from '#core/adapter'
import { cacheOver } from '../connections/keyv.ts'
import { connect, type Redis } from '../connections/redis.ts'
import { wholeMs } from '../connections/shared.ts'

export default defineAdapter<'cache'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const redis = await connect(url)
    const folder = `${namespace}|cache|`
    const keyOf = (key: string) => folder + wellFormed(key)
    const store = new KeyvRedis<string>(clientOver(redis), { throwOnErrors: true })
    // Keyv's own swallows errors and takes the namespace for a pattern.
    const clear = () => redis.clear(folder)

    const cache = cacheOver({
      get: (key) => store.get(keyOf(key)),
      set: (key, text, ttlMs) => store.set(keyOf(key), text, ttlMs && wholeMs(ttlMs)),
      delete: (key) => store.delete(keyOf(key)),
      clear,
    })
    return { ...cache, clear, close: redis.release }
  },
})

/**
 * As much of a Redis client as Keyv's store uses. It is not given the true one, which is replaced
 * when the server has been away, and on which each store would leave listeners behind.
 */
const clientOver = ({ send }: Redis) =>
  ({
    isOpen: true,
    connect() {},
    on() {},
    get: (key: string) => send('GET', key),
    set: (key: string, value: string, options?: { PX: number }) =>
      options ? send('SET', key, value, 'PX', String(options.PX)) : send('SET', key, value),
    unlink: (key: string) => send('UNLINK', key),
  }) as unknown as KeyvRedis<string>['client']
