// A cache in a Map of this process: nothing is faster, and nobody else sees it.
import { defineAdapter } from '#core/adapter'
import { expiringMap } from '../connections/expiring-map.ts'
import { cacheOver } from '../connections/keyv.ts'

export default defineAdapter<'cache'>({
  traits: { sharedBetweenProcesses: false, survivesRestart: false },

  open: async () => {
    // Keyv over a bare Map drops what is over only when it is asked for, so keys that nobody asks
    // for again would stay for ever.
    const texts = expiringMap<string>()
    const cache = cacheOver({
      get: async (key) => texts.find(key, Date.now())?.value,
      set: async (key, text, ttlMs = Number.POSITIVE_INFINITY) => {
        const nowMs = Date.now()
        texts.set(key, text, nowMs + ttlMs, nowMs)
      },
      delete: async (key) => texts.delete(key),
      clear: async () => texts.clear(),
    })
    return {
      ...cache,
      clear: async () => texts.clear(),
      close: async () => texts.clear(),
    }
  },
})
