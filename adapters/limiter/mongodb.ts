// A limiter in a collection of MongoDB, by compare-and-set: every write leaves a number that no
// other write has, and replaces only the document with the number that was read.
import { defineAdapter } from '#core/adapter'
import type { Json } from '#core/kinds'
import { compareAndSet } from '../connections/compare-and-set.ts'
import { connect, endsAt, idIn, isDuplicate } from '../connections/mongodb.ts'

export default defineAdapter<'limiter'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const mongodb = await connect(url)
    const { limits, run, serverNowMs } = mongodb

    const update = compareAndSet<number | undefined>({
      async read(key) {
        const nowMs = await serverNowMs()
        const found = await run(() => limits.findOne({ _id: idIn(namespace, key) }))
        const isAlive = found && found.endsAt.getTime() > nowMs
        const state = isAlive ? (JSON.parse(found.json) as Json) : undefined
        return { state, version: found?.version, nowMs }
      },
      async write(key, version, state, ttlMs) {
        const _id = idIn(namespace, key)
        // Not a count: that would begin anew, and come to the same number, after MongoDB removed
        // a document that was over.
        const fresh = {
          json: JSON.stringify(state),
          endsAt: endsAt(ttlMs, await serverNowMs()),
          version: Math.random(),
        }
        if (version === undefined)
          return run(() => limits.insertOne({ _id, ...fresh })).then(
            () => true,
            (error) => {
              if (isDuplicate(error)) return false
              throw error
            },
          )
        return (
          (await run(() => limits.updateOne({ _id, version }, { $set: fresh }))).matchedCount > 0
        )
      },
    })

    return {
      update,
      clear: () => mongodb.clear('limits', namespace),
      close: mongodb.release,
    }
  },
})
