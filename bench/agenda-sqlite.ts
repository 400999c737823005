// How many jobs per second Agenda finishes on its SQLite back end: one process submits, one worker
// process runs them, 20 at a time. The same load again while 100,000 other jobs wait. By hand:
// `npx tsx bench/agenda-sqlite.ts [jobs] [rounds]`; load and conditions are interleaved.

import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agenda } from 'agenda'
import { sqliteBackend } from '../adapters/agenda-sqlite/index.ts'

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
  const perSecond = new Map<string, { submitted: number[]; finished: number[] }>()
  for (let round = 0; round < rounds; round++) {
    for (const [condition, backlog] of Object.entries(conditions)) {
      const measured = await measure(jobs, backlog)
      const sample = perSecond.get(condition) ?? { submitted: [], finished: [] }
      sample.submitted.push(measured.submitted)
      sample.finished.push(measured.finished)
      perSecond.set(condition, sample)
    }
  }
  console.log(
    `${jobs} jobs, ${rounds} rounds, concurrency 20, one worker process; median (min–max)`,
  )
  const base = middle(perSecond.get('nothing else waits')!.finished)
  for (const [condition, { submitted, finished }] of perSecond)
    console.log(
      `${condition.padEnd(38)} finished ${spread(finished)} jobs/s, ratio ${(middle(finished) / base).toFixed(2)}; submitted ${spread(submitted)} jobs/s`,
    )
}

/** Jobs per second, from the first submit to the last end, and of the submitting alone. */
const measure = async (jobs: number, backlog: Backlog) => {
  const folder = mkdtempSync(join(tmpdir(), 'agenda-sqlite-'))
  try {
    const settings = options(folder)
    const agenda = new Agenda(settings)
    await agenda.ready
    if (backlog) await fill(agenda, backlog)

    const worker = fork(fileURLToPath(import.meta.url), ['worker', folder, String(jobs)])
    await message(worker, 'ready')
    const finished = message(worker, 'finished')
    const startedMs = performance.now()
    worker.send('start')
    for (let i = 0; i < jobs; i++) await agenda.now('work', { number: i })
    const submittedMs = performance.now() - startedMs
    await finished
    const finishedMs = performance.now() - startedMs
    worker.kill('SIGKILL')
    await settings.backend.disconnect()
    return { submitted: (jobs / submittedMs) * 1_000, finished: (jobs / finishedMs) * 1_000 }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const fill = async (agenda: Agenda, { name, dueInMs }: NonNullable<Backlog>) => {
  const at = Date.now() + dueInMs
  for (let i = 0; i < waitingJobs; i++)
    await agenda.db.saveJob(
      { name, type: 'normal', priority: 0, nextRunAt: new Date(at + i), data: { number: i } },
      undefined,
    )
}

const work = async (folder: string, jobs: number) => {
  const agenda = new Agenda(options(folder))
  let done = 0
  agenda.define('work', async () => {})
  agenda.on('complete:work', () => {
    done++
    if (done === jobs) process.send?.('finished')
  })
  await agenda.ready
  process.on('message', () => agenda.start())
  process.send?.('ready')
}

const message = (worker: ReturnType<typeof fork>, wanted: string) =>
  new Promise<void>((resolve, reject) => {
    worker.on('message', (text) => text === wanted && resolve())
    worker.on('exit', (code) => reject(new Error(`The worker ended with ${code}.`)))
  })

const middle = (sample: number[]) => [...sample].sort((a, b) => a - b)[sample.length >> 1]!

const spread = (sample: number[]) =>
  `${[middle(sample), Math.min(...sample), Math.max(...sample)]
    .map((value) => Math.round(value).toLocaleString('en'))
    .join(' (')
    .replace(/ \(([^(]*)$/, '–$1)')}`

const [, , first = '5000', second = '3', third] = process.argv
if (first === 'worker') await work(second, Number(third))
else await main(Number(first), Number(second)).then(() => process.exit())
