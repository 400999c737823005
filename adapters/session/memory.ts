// Sessions in a Map of this process: the fastest way, and the one that signs everybody out when the
// process restarts and knows nothing of a sign-in at the process next door.
import { defineAdapter } from '#core/adapter'
import type { SessionData } from '#core/kinds'
import { expiringMap } from '../connections/expiring-map.ts'

export default defineAdapter<'session'>({
  traits: { sharedBetweenProcesses: false, survivesRestart: false },

  open: async () => {
    const idsByUser = new Map<string, Set<string>>()
    const leaveUser = (id: string, { userId }: Kept) => {
      const ids = idsByUser.get(userId)
      ids?.delete(id)
      if (ids?.size === 0) idsByUser.delete(userId)
    }
    const sessions = expiringMap<Kept>(leaveUser)

    const clear = async () => {
      sessions.clear()
      idsByUser.clear()
    }
    return {
      create: async (id, data, { ttlMs }) => {
        const nowMs = Date.now()
        sessions.delete(id)
        const ids = idsByUser.get(data.userId) ?? new Set()
        idsByUser.set(data.userId, ids.add(id))
        // As text: what the caller does to `data` afterwards must not change what is stored.
        const kept = { userId: data.userId, text: JSON.stringify(data) }
        sessions.set(id, kept, nowMs + ttlMs, nowMs)
      },
      get: async (id) => {
        const entry = sessions.find(id, Date.now())
        return entry && (JSON.parse(entry.value.text) as SessionData)
      },
      replace: async (id, data) => {
        const entry = sessions.find(id, Date.now())
        if (entry) entry.value.text = JSON.stringify(data)
        return entry !== undefined
      },
      touch: async (id, { ttlMs }) => {
        const nowMs = Date.now()
        const entry = sessions.find(id, nowMs)
        if (entry) entry.endsAtMs = nowMs + ttlMs
        return entry !== undefined
      },
      delete: async (id) => {
        sessions.delete(id)
      },
      idsOf: async (userId) => {
        const nowMs = Date.now()
        const ids = [...(idsByUser.get(userId) ?? [])]
        return ids.filter((id) => sessions.find(id, nowMs))
      },
      clear,
      close: clear,
    }
  },
})

interface Kept {
  userId: string
  text: string
}
