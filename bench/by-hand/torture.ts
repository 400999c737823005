// Is a job that was accepted ever lost? Adds jobs, lets processes do them, kills those without
// warning at random moments of the work, and the engine's server once; then counts the effects.
// Each job has two: a line in a file, which a job that is done twice writes twice, and a row of a
// database that is written together with the job's key, and so only once.
//
//   npm run torture [-- --engine sqlite|redis|mongodb|postgres --jobs 10000 --kills 20 --seed N --json]
//
// The same seed kills the same workers after as many jobs. Exits with 1 where a job was lost or an
// effect doubled for which no kill can be blamed, with 3 where there is no such engine here.
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadAdapter, loadBackend } from '../../core/course/find.ts'
import { exitCodeOf, SeesawError } from '../../core/errors.ts'
import { startLab } from '../../core/lab/lab.ts'
import { type Durability, durabilityOf } from './durability.ts'

const engines = ['sqlite', 'redis', 'mongodb', 'postgres']
const workers = 3
const concurrency = 10
const producers = 10

/** Long for a job that takes some milliseconds: nobody but a dead process may lose its lock. */
const options = { concurrency, attempts: 1_000, backoffMs: 10, withinMs: 4_000 }

/** What ends up in nobody's lap for so long is lost. */
const patienceMs = 60_000

/** What the torture found. */
export interface Torture {
  engine: string
  jobs: number
  kills: number
  seed: number
  workers: number
  concurrency: number
  /** Accepted jobs without an effect. */
  lost: number
  /** Effects that a job had beyond its first. */
  doubled: number
  /** Jobs that were begun and not over when their process, or the server, was killed. */
  inFlightAtKills: number
  /** The same for effects that are recorded together with the job's key. */
  once: { lost: number; doubled: number }
  /** Jobs that the queue itself calls failed. */
  failed: number
  /** Processes that ended without being killed. */
  unexpectedEnds: number
  server: { killed: boolean; because: string }
  durability: Durability
  ms: number
  clean: boolean
}

interface Place {
  engine: string
  namespace: string
  folder: string
  url: string
}

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      engine: { type: 'string', default: 'sqlite' },
      jobs: { type: 'string', default: '10000' },
      kills: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'boolean', default: false },
    },
  })
  if (!engines.includes(values.engine))
    throw new SeesawError('WRONG_USE', `--engine is one of ${engines.join(', ')}.`)
  const wanted = {
    engine: values.engine,
    jobs: wholeNumber('jobs', values.jobs, 1),
    kills: wholeNumber('kills', values.kills, 0),
    seed: wholeNumber('seed', values.seed, 0),
  }
  const result = await torture(wanted, (line) => console.error(line))
  console.log(values.json ? JSON.stringify(result, null, 2) : inWords(result))
  process.exitCode = result.clean ? 0 : 1
}

const wholeNumber = (name: string, text: string, least: number): number => {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= least) return number
  throw new SeesawError('WRONG_USE', `--${name} is a whole number from ${least} on, not '${text}'.`)
}

type Wanted = Pick<Torture, 'engine' | 'jobs' | 'kills' | 'seed'>

const torture = async (wanted: Wanted, say: (line: string) => void): Promise<Torture> => {
  const { engine, jobs, kills, seed } = wanted
  const random = seeded(seed)
  const folder = mkdtempSync(join(tmpdir(), 'seesaw-torture-'))
  const backend = await loadBackend(engine)
  const isServer = backend !== undefined && 'launch' in backend
  const lab = isServer ? await startLab({ workers: 1, only: [] }) : undefined
  const team = new Map<number, Worker>()
  // Ctrl-C leaves nothing behind either: the workers and the server end with this process.
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  try {
    const url = (await lab?.locate(engine)) ?? ''
    const isOurs = (await lab?.doctor())
      ?.find(({ name }) => name === engine)
      ?.via.startsWith('started from')
    const place: Place = { engine, url, folder, namespace: `seesaw-torture:${process.pid}:${seed}` }
    const queue = await (await loadAdapter('queue', engine)).open({ ...place, nowMs: Date.now })
    const beganMs = performance.now()
    let unexpectedEnds = 0

    const employ = (index: number, incarnation = 0): void => {
      const worker = startWorker(place, `${index}-${incarnation}`)
      team.set(index, worker)
      void worker.ended.then(() => {
        if (!worker.killed) unexpectedEnds++
        if (team.get(index) === worker) employ(index, incarnation + 1)
      })
    }
    for (let index = 0; index < workers; index++) employ(index)

    // ---- the jobs

    const ids: (string | undefined)[] = []
    let accepted = 0
    let next = 0
    const produce = async () => {
      for (let number = next++; number < jobs; number = next++) {
        while (ids[number] === undefined)
          // Whether a job was accepted that got no answer nobody knows: its key makes it one.
          ids[number] = await queue
            .add('work', number, { key: String(number) })
            .catch(async (error: unknown) => {
              if (!isUnreachable(error)) throw error
              await sleep(100)
              return undefined
            })
        accepted++
      }
    }
    const producing = Promise.all(Array.from({ length: producers }, produce))

    // ---- the kills

    const begun = () =>
      sum(filesIn(folder, 'begun').map((file) => statSync(file).size / lineLength))
    const moments = Array.from({ length: kills }, () => Math.floor(random() * jobs * 0.95)).sort(
      (a, b) => a - b,
    )
    const serverMoment = isOurs
      ? Math.floor((0.3 + 0.4 * random()) * jobs)
      : Number.POSITIVE_INFINITY
    let killed = 0
    let serverKilled = false
    let inFlightAtKills = 0

    const inFlightOf = async (name: string): Promise<number> => {
      // A process has no more than `concurrency` jobs; those before its last ones are over.
      const last = numbersIn(join(folder, `begun-${name}`)).slice(-4 * concurrency)
      const reports = await Promise.all(
        [...new Set(last)].map((number) => patiently(() => queue.find(ids[number] ?? ''))),
      )
      return reports.filter((report) => report?.state !== 'done').length
    }

    const killOne = async () => {
      const busy = [...team].filter(([, { name }]) => existsSync(join(folder, `begun-${name}`)))
      const choice = busy.length > 0 ? busy : [...team]
      const [, worker] = choice[Math.floor(random() * choice.length)] as [number, Worker]
      await worker.kill()
      const inFlight = await inFlightOf(worker.name)
      inFlightAtKills += inFlight
      say(`kill ${++killed} of ${kills}: worker ${worker.name}, ${inFlight} jobs in flight`)
    }

    const killServer = async () => {
      serverKilled = true
      killTree(serverPid(url))
      // Whatever a worker had in hand may be done again: its end may not have been recorded.
      inFlightAtKills += workers * concurrency
      say(`kill of the server: at most ${workers * concurrency} jobs in flight`)
    }

    let quietSinceMs = performance.now()
    let seen = -1
    let saidAtMs = 0
    for (;;) {
      const now = begun()
      if (now !== seen) quietSinceMs = performance.now()
      seen = now
      if (!serverKilled && now >= serverMoment) await killServer()
      if (killed < kills && now >= (moments[killed] as number)) await killOne()
      if (performance.now() - saidAtMs > 2_000) {
        saidAtMs = performance.now()
        say(`${accepted} of ${jobs} accepted, ${now} begun`)
      }
      if (accepted === jobs && now >= jobs) {
        const counts = await patiently(() => queue.counts())
        if (counts.waiting + counts.running === 0) break
      }
      if (performance.now() - quietSinceMs > patienceMs) break
      await sleep(5)
    }
    if (accepted < jobs) throw new Error(`Only ${accepted} of ${jobs} jobs were accepted.`)
    await producing

    // ---- the effects

    const effects = tally(filesIn(folder, 'effects').flatMap(numbersIn))
    const rows = await recordedIn(place)
    const { failed } = await patiently(() => queue.counts())
    const durability = await durabilityOf(place)
    await Promise.all([...team.values()].map((worker) => worker.kill()))
    const ms = Math.round(performance.now() - beganMs)
    await queue.clear()
    await queue.close()

    const all = Array.from({ length: jobs }, (_, number) => number)
    const lostOf = (counts: Map<number, number>) => all.filter((one) => !counts.has(one)).length
    const doubledOf = (counts: Map<number, number>) => sum([...counts.values()].map((n) => n - 1))
    const found = {
      ...{ engine, jobs, kills: killed, seed, workers, concurrency },
      ...{ lost: lostOf(effects), doubled: doubledOf(effects), inFlightAtKills },
      once: { lost: lostOf(rows), doubled: doubledOf(rows) },
      ...{ failed, unexpectedEnds },
      server: {
        killed: serverKilled,
        because: isServer
          ? isOurs
            ? 'it was started for this'
            : 'it was not started by Seesaw'
          : 'there is none: it works inside the processes that were killed',
      },
      durability,
      ms,
    }
    return { ...found, clean: isClean(found, kills) }
  } finally {
    for (const worker of team.values()) void worker.kill()
    team.clear()
    await lab?.stop()
    remove()
  }
}

const isClean = (found: Omit<Torture, 'clean'>, kills: number): boolean =>
  found.lost === 0 &&
  found.once.lost === 0 &&
  found.once.doubled === 0 &&
  found.doubled <= found.inFlightAtKills &&
  found.failed === 0 &&
  found.unexpectedEnds === 0 &&
  found.kills === kills &&
  found.durability.asPromised

const inWords = (found: Torture): string => {
  const { engine, jobs, kills, seed, lost, doubled, inFlightAtKills, once, ms } = found
  return [
    `${engine}: ${jobs} jobs, ${kills} kills of workers, seed ${seed}, ${(ms / 1000).toFixed(1)} s`,
    `  the server            ${found.server.killed ? 'killed once' : 'not killed'}: ${found.server.because}`,
    `  durability            ${found.durability.settings}: ${found.durability.promise}`,
    `  lost                  ${lost}`,
    `  effects doubled       ${doubled}, with ${inFlightAtKills} jobs in flight at the kills`,
    `  … recorded with a key ${once.doubled} doubled, ${once.lost} lost`,
    `  failed                ${found.failed}`,
    found.clean ? 'clean' : 'NOT CLEAN',
  ].join('\n')
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof SeesawError && error.code === 'BACKEND_UNREACHABLE'

/** Asks again while the server is away. */
const patiently = async <Result>(ask: () => Promise<Result>): Promise<Result> => {
  const untilMs = performance.now() + patienceMs
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isUnreachable(error) || performance.now() > untilMs) throw error
      await sleep(100)
    }
  }
}

/** Random numbers from 0 to 1, always the same for the same seed (mulberry32). */
const seeded = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0)

const tally = (numbers: number[]): Map<number, number> => {
  const counts = new Map<number, number>()
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1)
  return counts
}

// ---- files of numbers, one a line, each line as long as the other

const lineLength = 10
const line = (number: number): string => `${String(number).padStart(lineLength - 1)}\n`

const filesIn = (folder: string, kind: 'begun' | 'effects'): string[] =>
  readdirSync(folder)
    .filter((name) => name.startsWith(`${kind}-`))
    .map((name) => join(folder, name))

const numbersIn = (file: string): number[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1).map(Number) : []

// ---- the server

/** The process that listens where `url` says, among those that descend from this one. */
const serverPid = (url: string): number => {
  const { port } = new URL(url)
  const found = family(process.pid).find(({ args }) => args.includes(port) && !/node/.test(args))
  if (!found) throw new Error(`No process of ours serves ${url}.`)
  return found.pid
}

const killTree = (pid: number): void => {
  for (const one of [{ pid }, ...family(pid)]) {
    try {
      process.kill(one.pid, 'SIGKILL')
    } catch {
      // It ended by itself when its parent did.
    }
  }
}

/** All processes that descend from `pid`. */
const family = (pid: number): { pid: number; args: string }[] => {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
  const all = [...table.matchAll(/^ *(\d+) +(\d+) (.*)$/gm)].map(([, own, parent, args = '']) => ({
    pid: Number(own),
    parent: Number(parent),
    args,
  }))
  const below = (parent: number): typeof all =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)])
  return below(pid)
}

// ---- the workers

interface Worker {
  name: string
  killed: boolean
  ended: Promise<unknown>
  kill(): Promise<void>
}

const startWorker = (place: Place, name: string): Worker => {
  const child: ChildProcess = fork(
    fileURLToPath(import.meta.url),
    ['worker', JSON.stringify(place), name],
    { execArgv: ['--import', 'tsx'], stdio: ['ignore', 2, 2, 'ipc'] },
  )
  const worker: Worker = {
    name,
    killed: false,
    ended: once(child, 'exit'),
    async kill() {
      worker.killed = true
      child.kill('SIGKILL')
      await worker.ended
    },
  }
  return worker
}

const work = async (place: Place, name: string): Promise<void> => {
  process.once('disconnect', () => process.exit())
  const begun = openSync(join(place.folder, `begun-${name}`), 'a')
  const effects = openSync(join(place.folder, `effects-${name}`), 'a')
  process.once('exit', () => [begun, effects].map(closeSync))
  const record = await openRecords(place)
  const adapter = await loadAdapter('queue', place.engine)
  const queue = await patiently(() => adapter.open({ ...place, nowMs: Date.now }))
  const doJob = async (number: number, key: string) => {
    writeSync(begun, line(number))
    await sleep(number % 3)
    // Before the job is over, or a kill in between would lose it.
    writeSync(effects, line(number))
    await record.add(number, key)
    await sleep(number % 4)
    return null
  }
  await patiently(() => queue.process('work', ({ id, data }) => doJob(data as number, id), options))
}

// ---- effects that are recorded together with the job's key

const openRecords = async ({ engine, folder, url, namespace }: Place) => {
  const adapter = await loadAdapter('db', engine === 'postgres' ? engine : 'sqlite')
  const db = await patiently(() => adapter.open({ namespace, folder, url, nowMs: Date.now }))
  await patiently(() =>
    db.define([
      'create table if not exists done (key text primary key)',
      'create table if not exists effects (number bigint not null)',
    ]),
  )
  return {
    db,
    add: (number: number, key: string): Promise<void> =>
      db.transaction(async (within) => {
        const insert = 'insert into done (key) values (?) on conflict do nothing returning key'
        const isFirst = (await within.query(insert, [key])).length > 0
        if (isFirst) await within.query('insert into effects (number) values (?)', [number])
      }),
  }
}

const recordedIn = async (place: Place): Promise<Map<number, number>> => {
  const { db } = await openRecords(place)
  const rows = await patiently(() =>
    db.query<{ number: number; n: number }>(
      'select number, count(*) as n from effects group by number',
    ),
  )
  await db.clear()
  await db.close()
  return new Map(rows.map(({ number, n }) => [number, n]))
}

/** What parseArgs throws, and our own errors; undefined for what nobody expected. */
const asWrongUse = (error: unknown): SeesawError | undefined => {
  if (error instanceof SeesawError) return error
  const { code, message } = error as NodeJS.ErrnoException
  return code?.startsWith('ERR_PARSE_ARGS')
    ? new SeesawError('WRONG_USE', message, { cause: error })
    : undefined
}

const [, , role, place = '', name = ''] = process.argv
try {
  if (role === 'worker') await work(JSON.parse(place) as Place, name)
  else await main()
} catch (error) {
  const known = asWrongUse(error)
  console.error(known ? `torture: ${known.message} [${known.code}]` : error)
  process.exit(known ? exitCodeOf(known.code) : 1)
}
