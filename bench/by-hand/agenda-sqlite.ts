// How many jobs per second Agenda finishes on its SQLite backend: one process submits, one worker
// process runs them, 20 at a time. The same load again while 100,000 other jobs wait. By hand:
// `npx tsx bench/by-hand/agenda-sqlite.ts [jobs] [rounds]`; the conditions are interleaved.

import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agenda } from 'agenda'
import Database from 'libsql'
import { sqliteBackend } from '../../adapters/agenda-sqlite/index.ts'

const waitingJobs = 100_000
const hourMs = 3_600_000

const conditions = {
  'nothing else waits': undefined,
  '100,000 of another name, due': { name: 'other', dueInMs: -hourMs },
  '100,000 of the same name, in an hour': { name: 'work', dueInMs: hourMs },
  '100,000 of the same name, due before': { name: 'work', dueInMs: -hourMs },
}

type Backlog = { name: string; dueInMs: number } | undefined

const options = (folder: string) => ({
  backend: sqliteBackend({ path: join(folder, 'jobs.db') }),
  processEvery: 1_000,
  maxConcurrency: 20,
  defaultConcurrency: 20,
  // Without a limit Agenda locks everything that is due, and its own queue is quadratic.
  defaultLockLimit: 40,
  defaultLockLifetime: 60_000,
})

const main = async (jobs: number, rounds: number) => {
  const samples = new Map<string, Measured[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [condition, backlog] of Object.entries(conditions)) {
      const measured = await measure(jobs, backlog)
      samples.set(condition, [...(samples.get(condition) ?? []), measured])
    }
  }
  console.log(
    `${jobs} jobs × ${rounds} rounds, concurrency 20, one submitting and one working process.
Jobs per second, median (min–max); the ratio is to the first line.\n`,
  )
  const first = [...samples.values()][0]!
  for (const [condition, sample] of samples) {
    console.log(condition)
    for (const figure of ['finished', 'submitted', 'perCpuSecond'] as const) {
      const values = sample.map((measured) => measured[figure])
      const ratio = middle(values) / middle(first.map((measured) => measured[figure]))
      console.log(`  ${figure.padEnd(13)} ${spread(values)}  × ${ratio.toFixed(2)}`)
    }
  }
}

interface Measured {
  /** From the first submit to the last end. */
  finished: number
  /** The submitting alone. */
  submitted: number
  /** Of the worker's own processor time: what is left of it when the machine is busy. */
  perCpuSecond: number
}

const measure = async (jobs: number, backlog: Backlog): Promise<Measured> => {
  const folder = mkdtempSync(join(tmpdir(), 'agenda-sqlite-'))
  try {
    const settings = options(folder)
    const agenda = new Agenda(settings)
    await agenda.ready
    if (backlog) fill(folder, backlog)

    const worker = fork(fileURLToPath(import.meta.url), ['worker', folder, String(jobs)])
    await heard(worker, 'ready')
    const finished = heard(worker, 'finished')
    const startedMs = performance.now()
    worker.send('start')
    for (let i = 0; i < jobs; i++) await agenda.now('work', { number: i })
    const submittedMs = performance.now() - startedMs
    const cpuMs = await finished
    const finishedMs = performance.now() - startedMs
    worker.kill('SIGKILL')
    await settings.backend.disconnect()
    return {
      finished: (jobs / finishedMs) * 1_000,
      submitted: (jobs / submittedMs) * 1_000,
      perCpuSecond: (jobs / cpuMs) * 1_000,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const fill = (folder: string, { name, dueInMs }: NonNullable<Backlog>) => {
  const db = new Database(join(folder, 'jobs.db'))
  db.prepare(
    `WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)
     INSERT INTO agendaJobs (name, type, priority, nextRunAt, data)
     SELECT ?, 'normal', 0, ? + i, json_object('number', i) FROM numbers`,
  ).run([waitingJobs, name, Date.now() + dueInMs])
  db.close()
}

const work = async (folder: string, jobs: number) => {
  const agenda = new Agenda(options(folder))
  let done = 0
  agenda.define('work', async () => {})
  await agenda.ready
  process.on('message', () => {
    const before = process.cpuUsage()
    agenda.on('complete:work', () => {
      done++
      const { user, system } = process.cpuUsage(before)
      if (done === jobs) process.send?.({ finished: (user + system) / 1_000 })
    })
    agenda.start()
  })
  process.send?.({ ready: true })
}

const heard = (worker: ReturnType<typeof fork>, wanted: 'ready' | 'finished') =>
  new Promise<number>((resolve, reject) => {
    worker.on('message', (message: Record<string, number>) => {
      if (message[wanted] !== undefined) resolve(message[wanted])
    })
    worker.on('exit', (code) => reject(new Error(`The worker ended with ${code}.`)))
  })

const middle = (sample: number[]) => [...sample].sort((a, b) => a - b)[sample.length >> 1]!

const spread = (sample: number[]) => {
  const [median, min, max] = [middle(sample), Math.min(...sample), Math.max(...sample)].map(
    (value) => Math.round(value).toLocaleString('en'),
  )
  return `${median} (${min}–${max})`
}

const [, , jobsOrRole = '5000', roundsOrFolder = '3', jobsOfWorker] = process.argv
if (jobsOrRole === 'worker') await work(roundsOrFolder, Number(jobsOfWorker))
else await main(Number(jobsOrRole), Number(roundsOrFolder))
