// Agenda on a collection of MongoDB for each namespace. A key makes the id of its job, because two
// processes that upsert the same thing at once can both insert it, but not two with one id. Nothing
// tells one process what another has added: a MongoDB on its own has no change streams.
import { createHash } from 'node:crypto'
import { MongoJobRepository, ObjectId } from '@agendajs/mongo-backend'
import { toJobId } from 'agenda'
import { defineAdapter } from '#core/adapter'
import { agendaQueue, type FailedJob } from '../connections/agenda.ts'
import { connect, isDuplicate, upserted } from '../connections/mongodb.ts'

export default defineAdapter<'queue'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const mongodb = await connect(url)
    const { run, durable } = mongodb
    const hash = createHash('sha256').update(namespace).digest('hex').slice(0, 32)
    const name = `seesaw_jobs_${hash}`
    const jobs = durable.collection(name)
    const repository = new MongoJobRepository({ mongo: durable, db: { collection: name } })
    try {
      await run(() => repository.connect())
      // Agenda looks for locks that are over, too, each time it looks for a job.
      await run(() => jobs.createIndex({ name: 1, lockedAt: 1 }))
      await upserted(() => mongodb.own(name, namespace))
    } catch (error) {
      await mongodb.release()
      throw error
    }

    return agendaQueue({
      repository,
      call: run,
      async insert({ data, ...job }) {
        const _id = data.key === undefined ? new ObjectId() : new ObjectId(data.key.slice(0, 24))
        const fresh = { _id, ...job, data, priority: 0, lockedAt: null, disabled: null }
        await run(() => jobs.insertOne(fresh)).catch((error: unknown) => {
          if (!isDuplicate(error)) throw error
        })
        return _id.toHexString()
      },
      isId: (id) => /^[0-9a-f]{24}$/.test(id),
      async counts() {
        const count = (filter: object) =>
          run(() => jobs.countDocuments({ type: 'normal', ...filter }))
        const [waiting, running, done, failed] = await Promise.all([
          count({ lockedAt: null, nextRunAt: { $ne: null } }),
          count({ lockedAt: { $ne: null } }),
          count({ ...ended, failedAt: null }),
          count({ ...ended, failedAt: { $ne: null } }),
        ])
        return { waiting, running, done, failed }
      },
      async failed() {
        const found = await run(() =>
          jobs
            .find({ type: 'normal', ...ended, failedAt: { $ne: null } })
            .sort({ failedAt: -1 })
            .limit(100)
            .toArray(),
        )
        return found.map(({ _id, ...job }) => ({
          ...(job as unknown as FailedJob),
          _id: toJobId(_id.toHexString()),
        }))
      },
      clear: async () => void (await run(() => jobs.deleteMany({}))),
      close: () => mongodb.release(),
    })
  },
})

const ended = { lockedAt: null, nextRunAt: null }
