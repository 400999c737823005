// A worker process for the tests: it runs the jobs called `work` and writes down which.

import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agenda } from 'agenda'
import { sqliteBackend } from './index.ts'

export interface WorkerOptions {
  path: string
  /** The file that gets one line per job that took effect: number, process, time. */
  effects: string
  jobTakesMs: number
  processEveryMs: number
  lockLifetimeMs: number
  concurrency: number
  /** Repeat `work` this often; every worker of a fleet asks for it, as at the start of an app. */
  repeatEvery?: string
}

const options: WorkerOptions = {
  jobTakesMs: 0,
  processEveryMs: 100,
  lockLifetimeMs: 60_000,
  concurrency: 5,
  ...JSON.parse(process.argv[2] ?? '{}'),
}

const agenda = new Agenda({
  backend: sqliteBackend({ path: options.path }),
  processEvery: options.processEveryMs,
  defaultLockLifetime: options.lockLifetimeMs,
  defaultConcurrency: options.concurrency,
  defaultLockLimit: 2 * options.concurrency,
})

agenda.define<{ number: number }>('work', async (job) => {
  await sleep(options.jobTakesMs)
  const number = job.attrs.data?.number ?? 0
  appendFileSync(options.effects, `${number} ${process.pid} ${Date.now()}\n`)
})

agenda.on('error', (error) => console.error(error))
await agenda.start()
if (options.repeatEvery) await agenda.every(options.repeatEvery, 'work')
process.send?.('ready')
