// Agenda on a SQLite file for each namespace: durable, and shared by all processes of this machine,
// without a server. What `add` has returned the operating system has: it outlives the death of every
// process, though with `synchronous = normal` not always that of the machine.
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobParameters, JobsOverview } from 'agenda'
import { defineAdapter, SeesawError } from '#core/adapter'
import { AgendaSqliteError, sqliteBackend } from '../agenda-sqlite/index.ts'
import { agendaQueue, isClock } from '../connections/agenda.ts'

/** A write waits so long inside SQLite, and this process with it … */
const busyTimeoutMs = 50
/** … and so long in all, trying again. */
const busyForMs = 1_200

export default defineAdapter<'queue'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, folder }) {
    const files = join(folder, 'queue')
    const name = createHash('sha256').update(namespace).digest('base64url')
    const backend = sqliteBackend({
      path: join(files, `${name}.sqlite`),
      busyTimeoutMs,
      indexedPaths: ['data.key'],
    })
    const call = async <Result>(operation: () => Promise<Result>): Promise<Result> => {
      try {
        return await patiently(operation)
      } catch (error) {
        throw explained(error, folder)
      }
    }
    await call(async () => {
      mkdirSync(files, { recursive: true, mode: 0o700 })
      await backend.connect()
    })
    const { repository, notificationChannel } = backend

    return agendaQueue({
      repository,
      call,
      insert: ({ data, ...rest }) =>
        call(async () => {
          // To Agenda, `single` would mean that the newest replaces the one that is there.
          const job = { ...rest, data, type: 'normal', priority: 0, ...onceFor(data.key) }
          return String((await repository.saveJob(job as JobParameters, undefined))._id)
        }),
      isId: (id) => /^\d{1,15}$/.test(id),
      async counts() {
        const all = await call(() => repository.getJobsOverview())
        const jobs = all.filter(({ name }) => !isClock(name))
        const sum = (...states: (keyof Omit<JobsOverview, 'name'>)[]) =>
          jobs.flatMap((one) => states.map((state) => one[state])).reduce((a, b) => a + b, 0)
        return {
          waiting: sum('scheduled', 'queued'),
          running: sum('running'),
          done: sum('completed'),
          failed: sum('failed'),
        }
      },
      failed: async () => {
        const sort = { lastFinishedAt: 'desc' } as const
        return (await call(() => repository.queryJobs({ state: 'failed', sort, limit: 100 }))).jobs
      },
      async listen(heard) {
        notificationChannel?.subscribe(({ jobName, nextRunAt }) =>
          heard(jobName, nextRunAt?.getTime() ?? 0),
        )
        await call(async () => notificationChannel?.connect())
      },
      clear: async () => void (await call(() => repository.purgeAllJobs())),
      close: () => backend.disconnect(),
    })
  },
})

const onceFor = (key: string | undefined) =>
  key === undefined ? {} : { unique: { 'data.key': key }, uniqueOpts: { insertOnly: true } }

const codeOf = (error: unknown) => (error instanceof AgendaSqliteError ? error.code : undefined)

/** Runs `operation`, again and again while another process writes. */
const patiently = async <Result>(operation: () => Promise<Result>): Promise<Result> => {
  const untilMs = performance.now() + busyForMs
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, 20)) {
    try {
      return await operation()
    } catch (error) {
      if (codeOf(error) !== 'BUSY' || performance.now() > untilMs) throw error
    }
    await sleep(pauseMs)
  }
}

const explained = (error: unknown, folder: string): unknown => {
  const code = codeOf(error) ?? (error as NodeJS.ErrnoException).code
  const why = error instanceof Error ? error.message.replace(/\.$/, '') : String(error)
  if (code === 'BUSY')
    return new SeesawError('BACKEND_UNREACHABLE', `SQLite: ${why}.`, { cause: error })
  if (code === 'NOT_A_DATABASE' || code === 'NEWER_SCHEMA')
    return new SeesawError('DATA_CORRUPT', `${why}. Move it away, and a new one is made.`, {
      cause: error,
    })
  if (code === 'DISK_FULL' || code === 'READ_ONLY' || code === 'CANNOT_OPEN' || isSystemError(code))
    return new SeesawError(
      'DATA_FOLDER_UNUSABLE',
      `The data folder ${folder} cannot be used (${why}); name another one with --data or in scenarios.config.ts.`,
      { cause: error },
    )
  return error
}

const isSystemError = (code: unknown): boolean => /^E[A-Z]+$/.test(String(code))
