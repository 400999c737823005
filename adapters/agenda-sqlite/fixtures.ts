// What the tests share: a folder that goes away, and workers in processes of their own.

import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Agenda, type AgendaBackend, type JobParameters } from 'agenda'
import { type SqliteBackendOptions, sqliteBackend } from './index.ts'
import type { WorkerOptions } from './worker.ts'

export { sleep }

/** A fresh folder per test, and everything that was opened in it closed afterwards. */
export const playground = () => {
  let folder = ''
  let closers: (() => unknown)[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'agenda-sqlite-'))
  })

  afterEach(async () => {
    for (const close of closers.reverse()) await close()
    closers = []
    rmSync(folder, { recursive: true, force: true })
  })

  const path = (name = 'jobs.db') => join(folder, name)

  const connected = async (options: Partial<SqliteBackendOptions> = {}): Promise<AgendaBackend> => {
    const backend = sqliteBackend(options.db ? options : { path: path(), ...options })
    await backend.connect()
    closers.push(() => backend.disconnect())
    return backend
  }

  return {
    path,
    connected,

    /** An Agenda on the file. Locks are short: Agenda keeps a timer per job for half a lock. */
    async agenda(
      settings: Partial<ConstructorParameters<typeof Agenda>[0]> = {},
      options: Partial<SqliteBackendOptions> = {},
    ) {
      const backend = await connected(options)
      const agenda = new Agenda({
        backend,
        processEvery: 100,
        defaultLockLifetime: 500,
        ...settings,
      })
      await agenda.ready
      closers.push(() => agenda.stop())
      return agenda
    },

    /** Starts a worker process and waits until it takes jobs. */
    async worker(options: Partial<WorkerOptions> = {}) {
      const script = fileURLToPath(new URL('./worker.ts', import.meta.url))
      const all = { path: path(), effects: path('effects'), ...options }
      const child = fork(script, [JSON.stringify(all)])
      closers.push(() => child.kill('SIGKILL'))
      await new Promise<void>((resolve, reject) => {
        child.once('message', () => resolve())
        child.once('exit', (code) => reject(new Error(`The worker ended with ${code}.`)))
      })
      return child
    },

    /** Which jobs ran, by their number, and in which process. */
    effects: () =>
      (existsSync(path('effects')) ? readFileSync(path('effects'), 'utf8') : '')
        .split('\n')
        .filter(Boolean)
        .map((line) => {
          const [number, pid, atMs] = line.split(' ').map(Number)
          return { number, pid, atMs } as { number: number; pid: number; atMs: number }
        }),
  }
}

/** Ends a process as a power cut would, without a last word. */
export const killed = async (child: ChildProcess) => {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

/** Waits until `is` is true, and fails with `what` if that takes too long. */
export const until = async (
  what: string,
  is: () => boolean | Promise<boolean>,
  withinMs = 12_000,
) => {
  const endsAtMs = Date.now() + withinMs
  while (!(await is())) {
    if (Date.now() > endsAtMs) throw new Error(`Still not: ${what}.`)
    await sleep(10)
  }
}

/** A job as saveJob() takes it, due now. */
export const job = (changes: Partial<JobParameters<unknown>> = {}): JobParameters<unknown> => ({
  name: 'work',
  type: 'normal',
  priority: 0,
  nextRunAt: new Date(),
  data: {},
  ...changes,
})
