// A queue made of Agenda 6 and one of its backends. Agenda keeps, claims, runs and repeats jobs;
// what the contract asks beyond that is set right here, once, between Agenda and where it keeps
// its jobs (its repository): attempts that count when their process dies, too, results, locks that
// end when an attempt must have ended, and a look for the next job as soon as there is one.
import { createHash } from 'node:crypto'
import { Agenda, type JobParameters, type JobRepository, type NotificationChannel } from 'agenda'
import { type Opened, SeesawError } from '#core/adapter'
import type { JobReport, JobState, Json, Work, WorkOptions } from '#core/kinds'
import {
  attempt,
  backoffAfter,
  deathReason,
  ended,
  keepWishes,
  lockGraceMs,
  payloadOf,
  spelledName,
} from './jobs.ts'
import { asGiven } from './shared.ts'

/** What Agenda keeps for us with a job: JSON as text, because no two backends keep it alike. */
export interface Data {
  json: string
  /** Hexadecimal digits that no other job has, made of its name and key. */
  key?: string
}

/** A job as it is added. */
export interface NewJob {
  name: string
  data: Data
  /** `single` marks what is no job itself but adds one every `repeatInterval` milliseconds. */
  type: 'normal' | 'single'
  nextRunAt: Date
  repeatInterval?: number
}

export type FailedJob = Pick<JobParameters, '_id' | 'name' | 'failedAt' | 'failReason' | 'progress'>

/** Where Agenda keeps its jobs, and what Agenda's own backend does not do, or not in one step. */
export interface Store {
  /** The one of Agenda's own backend, connected. */
  repository: JobRepository
  /** Runs one operation of it. Throws BACKEND_UNREACHABLE within 2 s. */
  call<Result>(operation: () => Promise<Result>): Promise<Result>
  /** Adds a job unless one with the same key is there; returns the id of the one that is. */
  insert(job: NewJob): Promise<string>
  isId(id: string): boolean
  counts(): Promise<Record<JobState, number>>
  /** The newest hundred of those that have failed for good. */
  failed(): Promise<FailedJob[]>
  /** Calls `heard`, from now on, with the names of jobs that other processes add. */
  listen?(heard: (name: string, dueAtMs: number) => void): Promise<void>
  clear(): Promise<void>
  close(): Promise<void>
}

/**
 * How often each worker looks for jobs that it has not heard of, in milliseconds. A number: Agenda
 * takes '100 milliseconds' for 100 seconds.
 */
const processEveryMs = 200

/** What is due sooner than that is not left to the next look. */
const soonMs = 5 * processEveryMs

/** No name of a job begins like this: in one, quotation marks are escaped. */
const clockMark = '"every" '
const never = new Date(8.64e15)

/** True for the name of what adds jobs and is none itself. */
export const isClock = (name: string): boolean => name.startsWith(clockMark)

type Definition = Pick<WorkOptions, 'attempts' | 'withinMs'>

/** Returns the queue that is kept in `store`. */
export const agendaQueue = (store: Store): Opened<'queue'> => {
  const { repository } = store
  const definitions = new Map<string, Definition>()
  const underWay = new Set<Promise<void>>()
  const endings = new WeakMap<object, () => void>()
  const bell = openBell()
  const wishes = keepWishes()
  let closing = false
  let listening: Promise<void> | undefined

  /** Claims the next job that is due; one whose last attempt nobody saw the end of has failed. */
  const claim = async (name: string): Promise<JobParameters | undefined> => {
    const { attempts, withinMs } = definitions.get(name) as Definition
    for (;;) {
      // Agenda would also take what falls due soon, which would keep places from what is due.
      const now = new Date()
      const deadline = new Date(now.getTime() - withinMs - lockGraceMs)
      const job = closing
        ? undefined
        : await store.call(() => repository.getNextJobToRun(name, now, deadline, now, undefined))
      if (!job) return undefined
      const begun = job.progress ?? 0
      const died = job.lastRunAt && !(job.lastFinishedAt && job.lastFinishedAt >= job.lastRunAt)
      if (died) job.failReason = deathReason
      // Agenda counts failures, which a dead process does not report; `progress` is free to count
      // what has begun. The lock looks endless to Agenda, whose own check would leak the place of
      // a job whose lock is over before it begins; attempts end by themselves.
      if (begun < attempts)
        return { ...job, progress: begun + 1, failCount: begun, lockedAt: never }
      await save({ ...job, nextRunAt: null, failedAt: now, lastFinishedAt: now }, true)
    }
  }

  const save = (job: JobParameters, isEnd: boolean): Promise<void> => {
    const { lockedAt: _, failedAt, ...state } = job
    // The time of its failure marks a job that has failed for good: none that will run again.
    if (failedAt && !job.nextRunAt) Object.assign(state, { failedAt })
    if (!isEnd) Object.assign(state, { lockedAt: new Date() })
    return store.call(() => repository.saveJobState(state, undefined))
  }

  /** Keeps the end of an attempt, as long as nobody else may have begun the next one. */
  const saveEnd = async (job: JobParameters): Promise<void> => {
    const lockMs = (definitions.get(job.name)?.withinMs ?? 0) + lockGraceMs
    const lockEndsAtMs = (job.lastRunAt?.getTime() ?? 0) + lockMs
    try {
      for (;;) {
        try {
          await save(job, true)
          break
        } catch (error) {
          if (!isUnreachable(error) || Date.now() + processEveryMs > lockEndsAtMs) throw error
          await new Promise((resolve) => setTimeout(resolve, processEveryMs))
        }
      }
    } finally {
      endings.get(job)?.()
      bell.ring(job.name, job.nextRunAt?.getTime() ?? 0)
    }
  }

  const agenda = new Agenda({
    processEvery: processEveryMs,
    maxConcurrency: Number.MAX_SAFE_INTEGER,
    notificationChannel: bell.channel,
    backend: {
      name: 'seesaw',
      ownsConnection: false,
      // Agenda would not catch what goes wrong here, so it was done before.
      connect: async () => {},
      disconnect: async () => {},
      repository: Object.assign(Object.create(repository), {
        getNextJobToRun: claim,
        saveJobState: (job: JobParameters) => (job.lockedAt ? save(job, false) : saveEnd(job)),
        // Nobody waits for these: a job that stays locked is free again when its lock is over.
        unlockJob: (job: JobParameters) =>
          store.call(() => repository.unlockJob(job)).catch(() => {}),
        unlockJobs: (ids: string[]) => store.call(() => repository.unlockJobs(ids)).catch(() => {}),
      }),
    },
  })
  agenda.on('start', (job: { attrs: object }) => {
    const going = new Promise<void>((resolve) => endings.set(job.attrs, resolve))
    underWay.add(going)
    void going.then(() => underWay.delete(going))
  })

  const define = async (name: string, work: Work, options: WorkOptions): Promise<void> => {
    const { attempts, withinMs, concurrency } = options
    definitions.set(name, { attempts, withinMs })
    agenda.define(
      name,
      async (job) => {
        const { attrs } = job
        const { json } = attrs.data as Data
        const running = { id: String(attrs._id), json, attempt: attrs.progress ?? 1 }
        const result = await attempt(work, running, withinMs)
        // Agenda has no place for a result, but one for the reason of a failure.
        attrs.failReason = JSON.stringify({ result, error: attrs.failReason ?? undefined })
      },
      {
        concurrency,
        // A job that is locked begins at once, while its lock is young.
        lockLimit: concurrency,
        // Only how often Agenda looks after a job that runs: a timer of that length outlives it.
        lockLifetime: 1,
        backoff: (failure) => backoffAfter(failure.attempt, options),
      },
    )
    listening ??= store.listen?.(bell.ring)
    await listening
    await agenda.start()
    bell.ring(name, 0)
  }

  const insert = async (job: NewJob): Promise<string> => {
    const id = await store.insert(job)
    if (definitions.has(job.name)) bell.ring(job.name, job.nextRunAt.getTime())
    return id
  }

  const add = (name: string, data: Data, delayMs = 0): Promise<string> =>
    insert({ name, data, type: 'normal', nextRunAt: new Date(Date.now() + Math.max(0, delayMs)) })

  return {
    add: async (name, data, { key, delayMs } = {}) => {
      const json = payloadOf(data)
      return add(
        spelledName(name),
        key === undefined ? { json } : { json, key: hashOf(name, key) },
        delayMs,
      )
    },

    async process(name, work, options) {
      await store.call(() => repository.getQueueSize())
      await define(spelledName(name), work, options)
    },

    async schedule(name, data, { everyMs }) {
      const spelt = spelledName(name)
      const clock = clockMark + spelt
      const nextRunAt = new Date(Date.now() + everyMs)
      const wanted = {
        data: { json: payloadOf(data), key: hashOf(clock, '') },
        repeatInterval: everyMs,
        nextRunAt,
      }
      const clockJob = { name: clock, type: 'single' } as const
      let id = await insert({ ...clockJob, ...wanted })
      const known = await store.call(() => repository.getJobById(id))
      // It was there before, and each process that says so again must not put it off.
      const differs =
        Number(known?.repeatInterval) !== everyMs ||
        (known?.data as Data | undefined)?.json !== wanted.data.json
      if (known && differs)
        await store.call(() => repository.saveJob({ ...known, ...wanted }, undefined))
      wishes.keep(clock, async () => {
        const there = await store.call(() => repository.getJobById(id))
        // An id may be another job's by now, where ids are numbers that begin anew.
        if (there?.name === clock) return
        id = await insert({ ...wanted, ...clockJob, nextRunAt: new Date(Date.now() + everyMs) })
      })
      const tick: Work = async (job) => {
        await add(spelt, { json: JSON.stringify(job.data) })
        return null
      }
      await define(clock, tick, {
        concurrency: 1,
        attempts: Infinity,
        backoffMs: everyMs,
        withinMs: 2_000,
      })
      bell.ring(clock, nextRunAt.getTime())
    },

    async find(id) {
      if (!store.isId(id)) return undefined
      const job = await store.call(() => repository.getJobById(id))
      return job && !isClock(job.name) ? reportOf(job) : undefined
    },
    counts: store.counts,
    failed: async () => (await store.failed()).map(reportOf),
    async clear() {
      wishes.forget()
      await store.clear()
    },

    async close() {
      closing = true
      wishes.forget()
      bell.close()
      await agenda.stop(false)
      await ended(underWay)
      await store.close()
    },
  }
}

const hashOf = (name: string, key: string): string =>
  createHash('sha256')
    .update(JSON.stringify([name, key]))
    .digest('hex')

const isUnreachable = (error: unknown): boolean =>
  error instanceof SeesawError && error.code === 'BACKEND_UNREACHABLE'

const stateOf = ({ lockedAt, nextRunAt, failedAt }: Partial<JobParameters>): JobState => {
  if (lockedAt) return 'running'
  if (nextRunAt) return 'waiting'
  return failedAt ? 'failed' : 'done'
}

const reportOf = (job: JobParameters | FailedJob): JobReport => {
  const state = stateOf(job)
  const reason = job.failReason ?? undefined
  const { result, error } =
    state === 'done'
      ? (JSON.parse(reason ?? '{}') as { result?: string; error?: string })
      : { error: reason, result: undefined }
  return {
    id: String(job._id),
    name: asGiven(job.name),
    state,
    attempts: job.progress ?? 0,
    ...(result !== undefined && { result: JSON.parse(result) as Json }),
    ...(error !== undefined && { error }),
  }
}

/**
 * A notification channel within this process: it tells Agenda to look for a job as soon as there
 * may be one. However often it rings, Agenda looks for one name once at a time.
 */
const openBell = () => {
  let look: ((name: string) => void | Promise<void>) | undefined
  const looking = new Map<string, boolean>()
  const timers = new Set<NodeJS.Timeout>()

  const ring = (name: string, dueAtMs: number): void => {
    const inMs = dueAtMs - Date.now()
    if (inMs <= 0) {
      if (looking.has(name)) looking.set(name, true)
      else {
        looking.set(name, false)
        // In the next turn the place of a job that has just ended is free.
        setImmediate(() => void lookFor(name))
      }
    } else if (inMs < soonMs) {
      const timer = setTimeout(() => {
        timers.delete(timer)
        ring(name, 0)
      }, inMs + 1)
      timers.add(timer.unref())
    }
  }

  const lookFor = async (name: string): Promise<void> => {
    await look?.(name)
    const again = looking.get(name)
    looking.delete(name)
    if (again) ring(name, 0)
  }

  const channel: NotificationChannel = {
    state: 'connected',
    connect: async () => {},
    disconnect: async () => {},
    publish: async () => {},
    subscribe(handler) {
      look = (name) =>
        handler({
          jobId: '' as never,
          jobName: name,
          nextRunAt: null,
          priority: 0,
          timestamp: new Date(),
        })
      return () => {
        look = undefined
      }
    },
    on: () => channel,
    off: () => channel,
  }

  return {
    ring,
    channel,
    close() {
      for (const timer of timers) clearTimeout(timer)
    },
  }
}
