// A cache in a collection of MongoDB. The store is ours: @keyv/mongo returns what is over until
// MongoDB sweeps it, clears by an unescaped pattern, and waits for ever where the server was away
// when it was opened.
import { defineAdapter } from '#core/adapter'
import { cacheOver } from '../connections/keyv.ts'
import { connect, endsAt, idIn, upserted } from '../connections/mongodb.ts'

export default defineAdapter<'cache'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const mongodb = await connect(url)
    const { cache: collection, run } = mongodb
    const clear = () => mongodb.clear('cache', namespace)

    const cache = cacheOver({
      async get(key) {
        const living = { _id: idIn(namespace, key), endsAt: { $gt: new Date() } }
        return (await run(() => collection.findOne(living)))?.json
      },
      set: (key, text, ttlMs) =>
        upserted(() =>
          run(() =>
            collection.updateOne(
              { _id: idIn(namespace, key) },
              { $set: { json: text, endsAt: endsAt(ttlMs) } },
              { upsert: true },
            ),
          ),
        ),
      delete: async (key) =>
        (await run(() => collection.deleteOne({ _id: idIn(namespace, key) }))).deletedCount > 0,
      clear,
    })
    return { ...cache, clear, close: mongodb.release }
  },
})
