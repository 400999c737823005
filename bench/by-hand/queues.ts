// Jobs per second through the kind `queue`, compared with its engine used bare, on the same server
// and with the same concurrency: what it costs to submit a job, and from the submitting of many to
// the end of the last, done by a process of its own. Both take turns, in mirrored blocks. By hand:
// `npx tsx bench/by-hand/queues.ts [--engines sqlite,redis,postgres,mongodb] [--blocks 8] [--jobs 500]`
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MongoBackend } from '@agendajs/mongo-backend'
import { PostgresBackend } from '@agendajs/postgres-backend'
import { Agenda, type AgendaBackend } from 'agenda'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { sqliteBackend } from '../../adapters/agenda-sqlite/index.ts'
import { loadAdapter } from '../../core/course/find.ts'
import { startLab } from '../../core/lab/lab.ts'
import { inBlocks, median, ratioOf, type Slice, table } from './compare.ts'

const concurrency = 20
const data = { order: 4711, mail: 'ada@example.com', lines: ['pen', 'paper', 'ink'] }

interface Place {
  engine: string
  url: string
  folder: string
}

const main = async () => {
  const { values } = parseArgs({
    options: {
      engines: { type: 'string', default: 'sqlite,redis,postgres,mongodb' },
      blocks: { type: 'string', default: '8' },
      jobs: { type: 'string', default: '500' },
    },
  })
  const [blocks, jobs] = [Number(values.blocks), Number(values.jobs)]
  const lab = await startLab({ only: [] })
  const rows = [['', 'through queue', 'bare', 'ratio [95 %]', 'blocks']]
  try {
    for (const engine of values.engines.split(',')) {
      const url = await lab.locate(engine).catch((error: Error) => console.error(error.message))
      if (url === undefined) continue
      for (const [what, figures] of Object.entries(await measure(engine, url, blocks, jobs)))
        rows.push([`${engine}, ${what}`, ...inWords(figures)])
    }
  } finally {
    await lab.stop()
  }
  console.log(
    `Jobs per second, medians; ${jobs} jobs a slice, two slices a block, concurrency ${concurrency}.`,
  )
  console.log('A ratio above 1: faster through the kind queue.')
  console.log(table(rows))
}

type Figures = Record<'queue' | 'bare', number[]>

const inWords = ({ queue, bare }: Figures): string[] => {
  const { ratio, low, high, pairs } = ratioOf(bare, queue)
  const perSecond = (msPerJob: number[]) => Math.round(1000 / median(msPerJob)).toString()
  const [shown, from, to] = [ratio, low, high].map((one) => one.toFixed(2))
  return [perSecond(queue), perSecond(bare), `${shown} [${from}, ${to}]`, `${pairs}`]
}

const measure = async (
  engine: string,
  url: string,
  blocks: number,
  jobs: number,
): Promise<Record<string, Figures>> => {
  const folder = mkdtempSync(join(tmpdir(), 'seesaw-queues-'))
  const place = { engine, url, folder }
  const names = ['queue', 'bare'] as const
  const sides = { queue: await openQueue(place), bare: await openBare(place) }
  const workers = { queue: startWorker('queue', place), bare: startWorker('bare', place) }
  const submit = async (name: 'queue' | 'bare', job: string) => {
    let left = jobs
    const one = async () => {
      while (left-- > 0) await sides[name].add(job)
    }
    await Promise.all(Array.from({ length: concurrency }, one))
  }
  const timed = async (work: () => Promise<unknown>): Promise<Slice> => {
    const beganMs = performance.now()
    await work()
    return { cost: performance.now() - beganMs, count: jobs }
  }
  try {
    await Promise.all(Object.values(workers).map((worker) => once(worker, 'message')))
    const doAll = async (name: 'queue' | 'bare') => {
      workers[name].send(jobs)
      const done = once(workers[name], 'message')
      await submit(name, 'work')
      await done
    }
    for (const name of names) await doAll(name)
    console.error(`${engine}: ${blocks} blocks`)
    return {
      'from submit to end': await inBlocks(names, blocks, (name) => timed(() => doAll(name))),
      'submit alone': await inBlocks(names, blocks, (name) => timed(() => submit(name, 'idle'))),
    }
  } finally {
    for (const worker of Object.values(workers)) worker.kill('SIGKILL')
    for (const side of Object.values(sides)) await side.close()
    rmSync(folder, { recursive: true })
  }
}

/** One way to use an engine. */
interface Side {
  add(name: string): Promise<unknown>
  process(name: string, work: () => Promise<null>): Promise<unknown>
  close(): Promise<unknown>
}

const openQueue = async ({ engine, url, folder }: Place): Promise<Side> => {
  const adapter = await loadAdapter('queue', engine)
  const queue = await adapter.open({ namespace: 'bench', folder, url, nowMs: Date.now })
  const options = { concurrency, attempts: 3, backoffMs: 1_000, withinMs: 30_000 }
  return {
    add: (name) => queue.add(name, data),
    process: (name, work) => queue.process(name, work, options),
    close: () => queue.clear().then(() => queue.close()),
  }
}

const openBare = ({ engine, url, folder }: Place): Promise<Side> | Side => {
  if (engine === 'redis') return openBullmq(url)
  if (engine === 'sqlite') return openAgenda(sqliteBackend({ path: join(folder, 'bare.db') }))
  if (engine === 'postgres')
    return openAgenda(new PostgresBackend({ connectionString: url, tableName: 'bench_bare' }))
  return openAgenda(new MongoBackend({ address: `${url}/bench`, collection: 'bare' }), 200)
}

const openBullmq = (url: string): Side => {
  const connection = new Redis(url, { maxRetriesPerRequest: null })
  const queues = new Map<string, Queue>()
  const queueOf = (name: string) => {
    const queue = queues.get(name) ?? new Queue(name, { connection, prefix: 'bench-bare' })
    queues.set(name, queue)
    return queue
  }
  return {
    add: (name) => queueOf(name).add('job', data, { attempts: 3, backoff: 1_000 }),
    process: (name, work) =>
      new Worker(name, work, { connection, prefix: 'bench-bare', concurrency }).waitUntilReady(),
    async close() {
      for (const queue of queues.values()) await queue.obliterate({ force: true })
      connection.disconnect()
    },
  }
}

const openAgenda = async (backend: AgendaBackend, processEvery = 1_000): Promise<Side> => {
  const agenda = new Agenda({
    backend,
    processEvery,
    maxConcurrency: concurrency,
    defaultConcurrency: concurrency,
    // Without it Agenda locks everything that is due, and its own queue is quadratic.
    defaultLockLimit: 2 * concurrency,
    defaultLockLifetime: 30_000,
  })
  await agenda.ready
  return {
    add: (name) => agenda.now(name, data),
    async process(name, work) {
      agenda.define(name, async () => void (await work()))
      await agenda.start()
    },
    close: () => agenda.cancelAll().then(() => backend.disconnect()),
  }
}

// ---- the process that does the jobs

const startWorker = (side: 'queue' | 'bare', place: Place): ChildProcess =>
  fork(fileURLToPath(import.meta.url), ['worker', side, JSON.stringify(place)], {
    execArgv: ['--import', 'tsx'],
  })

const work = async (which: string, place: Place): Promise<void> => {
  process.once('disconnect', () => process.exit())
  const side = await (which === 'queue' ? openQueue : openBare)(place)
  // Jobs may arrive before the word of how many there will be.
  let left = 0
  const say = () => left === 0 && process.send?.('done')
  process.on('message', (jobs: number) => {
    left += jobs
    say()
  })
  await side.process('work', async () => {
    left--
    say()
    return null
  })
  process.send?.('ready')
}

const [, , role, which = '', place = ''] = process.argv
if (role === 'worker') await work(which, JSON.parse(place) as Place)
else await main()
