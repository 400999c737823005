// Sessions in a collection of MongoDB: one document each, so every operation is one atomic change.
import { defineAdapter, wellFormed } from '#core/adapter'
import type { SessionData } from '#core/kinds'
import { connect, endsAt, idIn, upserted } from '../connections/mongodb.ts'
import { asGiven } from '../connections/shared.ts'

export default defineAdapter<'session'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const mongodb = await connect(url)
    const { sessions, run } = mongodb
    const living = (id: string) => ({ _id: idIn(namespace, id), endsAt: { $gt: new Date() } })

    return {
      create: (id, data, { ttlMs }) =>
        upserted(() =>
          run(() =>
            sessions.updateOne(
              { _id: idIn(namespace, id) },
              {
                $set: {
                  id: wellFormed(id),
                  user: idIn(namespace, data.userId),
                  json: JSON.stringify(data),
                  endsAt: endsAt(ttlMs),
                },
              },
              { upsert: true },
            ),
          ),
        ),

      async get(id) {
        const found = await run(() => sessions.findOne(living(id)))
        return found ? (JSON.parse(found.json) as SessionData) : undefined
      },

      async replace(id, data) {
        const change = { $set: { json: JSON.stringify(data) } }
        return (await run(() => sessions.updateOne(living(id), change))).matchedCount > 0
      },

      async touch(id, { ttlMs }) {
        const change = { $set: { endsAt: endsAt(ttlMs) } }
        return (await run(() => sessions.updateOne(living(id), change))).matchedCount > 0
      },

      delete: async (id) =>
        void (await run(() => sessions.deleteOne({ _id: idIn(namespace, id) }))),

      async idsOf(userId) {
        const ofUser = { user: idIn(namespace, userId), endsAt: { $gt: new Date() } }
        const options = { projection: { _id: 0, id: 1 }, batchSize: 10_000 } as const
        const found = await run(() => sessions.find(ofUser, options).toArray())
        return found.map(({ id }) => asGiven(id))
      },

      clear: () => mongodb.clear('sessions', namespace),
      close: mongodb.release,
    }
  },
})
