// BullMQ on Redis. A job's name is a queue of BullMQ's own, because its workers take every job of
// their queue. How often a job is attempted is for the worker to decide, where BullMQ leaves it to who
// adds the job; so it is set when the worker begins.
import { createHash } from 'node:crypto'
import { type Job, Queue, UnrecoverableError, Worker } from 'bullmq'
import { defineAdapter, wellFormed } from '#core/adapter'
import type { JobReport, JobState, Json } from '#core/kinds'
import { connectBullmq } from '../connections/bullmq.ts'
import {
  attempt,
  backoffAfter,
  deathReason,
  ended,
  keepWishes,
  lockGraceMs,
  payloadOf,
  spelledName,
} from '../connections/jobs.ts'
import { connect } from '../connections/redis.ts'
import { asGiven } from '../connections/shared.ts'

/** BullMQ's waits end after so many seconds even where nothing came. */
const drainDelay = 2

const sayAgainMs = 1_000

/** The one schedule that a name has. */
const scheduler = 'every'

/** Makes BullMQ ask the worker, each time an attempt has failed, whether and when there is another. */
const askWorker = { attempts: Number.POSITIVE_INFINITY, backoff: { type: 'worker' } }

export default defineAdapter<'queue'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const redis = await connect(url)
    const bullmq = await connectBullmq(url).catch(async (error) => {
      await redis.release()
      throw error
    })
    const { asking, working, call } = bullmq
    const prefix = `${namespace}|queue`
    const namesKey = `${prefix}|names`
    const queues = new Map<string, Queue>()
    const workers = new Map<string, Worker>()
    const running = new Set<Promise<unknown>>()
    const wishes = keepWishes()

    const queueOf = (name: string): Queue => {
      const known = queues.get(name)
      if (known) return known
      const queue = new Queue(encodeURIComponent(name), {
        connection: asking,
        prefix,
        skipMetasUpdate: true,
      })
      queue.on('error', () => {})
      queues.set(name, queue)
      return queue
    }

    /** The names under which jobs were added, by whichever process. */
    const allNames = async (): Promise<string[]> => {
      const said = (await redis.send('SMEMBERS', namesKey)) as string[]
      return [...new Set([...said, ...queues.keys()])]
    }

    const saidAtMs = new Map<string, number>()
    /** Sees to it that other processes know of a name; again and again, in case Redis was emptied. */
    const say = async (name: string): Promise<void> => {
      const lastAtMs = saidAtMs.get(name)
      if (lastAtMs !== undefined && performance.now() - lastAtMs < sayAgainMs) return
      saidAtMs.set(name, performance.now())
      const saying = redis.send('SADD', namesKey, name)
      if (lastAtMs !== undefined) saying.catch(() => {})
      else
        await saying.catch((error) => {
          saidAtMs.delete(name)
          throw error
        })
    }

    const find = async (name: string, jobId: string): Promise<JobReport | undefined> => {
      const job: Job<string, string> | undefined = await call(() => queueOf(name).getJob(jobId))
      if (!job) return undefined
      if (job.finishedOn !== undefined) return reportOf(name, job)
      const state = stateOf(await call(() => job.getState()))
      // It ended in between.
      if (state === 'done' || state === 'failed') return find(name, jobId)
      return reportOf(name, job, state)
    }

    return {
      async add(name, data, { key, delayMs = 0 } = {}) {
        const [spelt, json] = [spelledName(name), payloadOf(data)]
        await say(spelt)
        const job = await call(() =>
          queueOf(spelt).add('job', json, {
            ...(delayMs > 0 && { delay: Math.ceil(delayMs) }),
            ...(key !== undefined && { jobId: keyed(key) }),
          }),
        )
        return idOf(spelt, job.id)
      },

      async process(name, work, options) {
        const spelt = spelledName(name)
        await redis.send('PING')
        const { attempts, concurrency, withinMs } = options
        const doJob = async (job: Job<string, string>): Promise<string> => {
          Object.assign(job.opts, askWorker)
          const number = job.attemptsStarted
          if (number > attempts) throw new UnrecoverableError(deathReason)
          const id = idOf(spelt, job.id)
          const going = attempt(work, { id, json: job.data, attempt: number }, withinMs)
          return track(going)
        }
        const track = <Result>(going: Promise<Result>): Promise<Result> => {
          running.add(going)
          going.catch(() => {}).finally(() => running.delete(going))
          return going
        }
        const lockMs = withinMs + lockGraceMs
        const replaced = workers.get(spelt)
        const worker = new Worker<string, string>(encodeURIComponent(spelt), doJob, {
          connection: working,
          prefix,
          concurrency,
          lockDuration: lockMs,
          stalledInterval: Math.ceil(lockMs / 2),
          maxStalledCount: Number.MAX_SAFE_INTEGER,
          drainDelay,
          runRetryDelay: 200,
          settings: {
            backoffStrategy: (_made, _type, _error, job) =>
              backoffAfter((job as Job).attemptsStarted, options) ?? -1,
          },
        })
        worker.on('error', () => {})
        workers.set(spelt, worker)
        await replaced?.close()
      },

      async schedule(name, data, { everyMs }) {
        const [spelt, json] = [spelledName(name), payloadOf(data)]
        await say(spelt)
        const ask = () =>
          call(() =>
            queueOf(spelt).upsertJobScheduler(
              scheduler,
              { every: everyMs },
              { name: 'job', data: json },
            ),
          )
        await ask()
        wishes.keep(spelt, async () => {
          if (await call(() => queueOf(spelt).getJobScheduler(scheduler))) return
          await ask()
          await say(spelt)
        })
      },

      async find(id) {
        const slash = id.indexOf('/')
        const name = decoded(id.slice(0, Math.max(0, slash)))
        if (slash < 1 || !name || wellFormed(id) !== id) return undefined
        return find(name, id.slice(slash + 1))
      },

      async counts() {
        const counts: Record<JobState, number> = { waiting: 0, running: 0, done: 0, failed: 0 }
        const each = (await allNames()).map((name) => call(() => queueOf(name).getJobCounts()))
        for (const one of await Promise.all(each))
          for (const [state, count] of Object.entries(one)) counts[stateOf(state)] += count
        return counts
      },

      async failed() {
        const found = await Promise.all(
          (await allNames()).map(async (name) => {
            const jobs = await call(() => queueOf(name).getJobs(['failed'], 0, 99))
            return jobs.map((job) => ({ name, job: job as Job<string, string> }))
          }),
        )
        const newest = found
          .flat()
          .sort((a, b) => (b.job.finishedOn ?? 0) - (a.job.finishedOn ?? 0))
          .slice(0, 100)
        return newest.map(({ name, job }) => reportOf(name, job))
      },

      // All but the names, of which other processes believe that they have said them.
      async clear() {
        wishes.forget()
        await redis.clear(`${prefix}:`)
      },

      async close() {
        wishes.forget()
        for (const worker of workers.values()) await worker.pause(true)
        await ended(running)
        await ended([...workers.values()].map((worker) => worker.close(running.size > 0)))
        await ended([...queues.values()].map((queue) => queue.close()))
        await bullmq.release()
        await redis.release()
      },
    }
  },
})

/** A job as it was read; without `state`, one that has ended. */
const reportOf = (name: string, job: Job<string, string>, state?: JobState): JobReport => {
  const isDone = !state && typeof job.returnvalue === 'string'
  const reason = job.failedReason || (job.stalledCounter > 0 ? deathReason : undefined)
  // A job that died in its last attempt was begun once more, only to fail.
  const extra = !state && !isDone && job.failedReason === deathReason ? 1 : 0
  return {
    id: idOf(name, job.id),
    name: asGiven(name),
    state: state ?? (isDone ? 'done' : 'failed'),
    attempts: job.attemptsStarted - extra,
    ...(isDone && { result: JSON.parse(job.returnvalue) as Json }),
    ...(reason !== undefined && { error: reason }),
  }
}

const idOf = (name: string, jobId: string | undefined): string =>
  `${encodeURIComponent(name)}/${jobId}`

/** BullMQ takes no number for an id, and no colon in one. */
const keyed = (key: string): string =>
  `key-${createHash('sha256').update(JSON.stringify(key)).digest('base64url')}`

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const stateOf = (state: string): JobState => {
  if (state === 'active') return 'running'
  if (state === 'completed') return 'done'
  return state === 'failed' ? 'failed' : 'waiting'
}
