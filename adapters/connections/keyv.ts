// A cache made of Keyv 5 and one of its stores. Keyv brings the store's differences together; what
// it does otherwise than the contract asks is set right here, once.
import { Keyv, type KeyvStoreAdapter } from 'keyv'
import type { Cache } from '#core/kinds'

/** The part of a Keyv store that Keyv calls for `get`, `set` and `delete`. */
export interface CacheStore {
  /** Returns the text that was stored; undefined once its time is over. */
  get(key: string): Promise<string | undefined>
  /** Stores `text` for `ttlMs` milliseconds; without it, until deleted. */
  set(key: string, text: string, ttlMs?: number): Promise<void>
  delete(key: string): Promise<boolean>
  clear(): Promise<void>
}

/**
 * Returns a cache that keeps its values in `store`. A store must not return what is over: nobody
 * after it looks at the time again.
 */
export const cacheOver = (store: CacheStore): Cache => {
  const keyv = new Keyv({
    store: store as unknown as KeyvStoreAdapter,
    // Keyv's own namespace takes `a` and `<namespace>:a` for the same key; the stores know better.
    useKeyPrefix: false,
    // Without this a store that fails is a key that is not there, or a value never stored.
    throwOnErrors: true,
    emitErrors: false,
    // Keyv's own format is slower, marks strings that begin with a colon, and falls over a value
    // that has a member called toJSON. It also keeps the end of life by this machine's clock, and
    // deletes what is over by it, though somebody else may just have stored a new value there.
    serialize: ({ value }) => JSON.stringify(value),
    deserialize: (text) => ({ value: JSON.parse(text) }),
  })

  return {
    get: (key) => keyv.get(key),
    set: async (key, value, { ttlMs } = {}) => {
      // Keyv takes a ttl of 0 for none at all and would keep the value for ever.
      if (ttlMs !== undefined && ttlMs <= 0) await keyv.delete(key)
      else await keyv.set(key, value, ttlMs)
    },
    delete: async (key) => {
      await keyv.delete(key)
    },
  }
}
