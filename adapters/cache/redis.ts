// A cache in Redis: Keyv over its own Redis store. Each key holds the value as plain JSON, and the
// server itself forgets it on time.
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import { defineAdapter, wellFormed } from '#core/adapter'
import type { Json } from '#core/kinds'
import { connect, type Redis } from '../connections/redis.ts'
import { wholeMs } from '../connections/shared.ts'

export default defineAdapter<'cache'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const redis = await connect(url)
    const folder = `${namespace}|cache`
    const separator = '|'
    const store = new KeyvRedis(clientOver(redis), {
      keyPrefixSeparator: separator,
      throwOnErrors: true,
    })
    const keyv = new Keyv<Json>(store, {
      namespace: folder,
      useKeyPrefix: false,
      // Without these a failed call would return as if the key were not there.
      throwOnErrors: true,
      emitErrors: false,
      // Keyv would store an end of life of its own beside the value, and delete what is over by
      // this machine's clock, though another process may just have set it anew. Redis keeps time.
      serialize: ({ value }) => JSON.stringify(value),
      deserialize: (text) => ({ value: JSON.parse(text) }),
    })

    return {
      get: async <Value extends Json>(key: string) =>
        (await keyv.get<Json>(wellFormed(key))) as Value | undefined,

      async set(key, value, { ttlMs } = {}) {
        // To Keyv no time at all means for ever.
        if (ttlMs !== undefined && ttlMs <= 0) await keyv.delete(wellFormed(key))
        else await keyv.set(wellFormed(key), value, ttlMs && wholeMs(ttlMs))
      },

      delete: async (key) => void (await keyv.delete(wellFormed(key))),
      // Keyv's own swallows errors and takes the namespace for a pattern.
      clear: () => redis.clear(folder + separator),
      close: redis.release,
    }
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
