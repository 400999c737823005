// What every queue must do.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { Opened } from '#core/adapter'
import { SeesawError } from '#core/errors'
import type { JobReport, Json, Work, WorkOptions } from '#core/kinds'
import {
  type Call,
  freshNamespace,
  oddStrings,
  oddValues,
  type Subject,
  sameJson,
  waitMs,
} from './subject.ts'
import { type Act, type Note, works } from './works.ts'

type OpenQueue = Opened<'queue'>

const options: WorkOptions = { concurrency: 4, attempts: 3, backoffMs: 20, withinMs: 2_000 }
// A crash is noticed when the lock of the job is over, so these tests want a short one.
const soonMissed: WorkOptions = { ...options, withinMs: 400 }

/**
 * When a job starts that could start at once. The bound is far above what any backend needs, and
 * far below the 100 seconds for which Agenda takes an interval of '100 milliseconds'.
 */
const startsWithinMs = 3_000
const endsWithinMs = 10_000

export const queueContract = (subject: Subject<'queue'>): void => {
  const { traits, metered, open, fork, neighbour, tidy } = subject
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'seesaw-queue-'))
  })
  afterEach(async () => {
    await tidy()
    rmSync(folder, { recursive: true })
  })

  const act = (what: Act = {}): { [name: string]: Json } =>
    ({ ...what }) as { [name: string]: Json }
  const noting = (what: Act = {}) => act({ file: join(folder, 'notes'), ...what })
  const notes = (): Note[] =>
    existsSync(join(folder, 'notes'))
      ? readFileSync(join(folder, 'notes'), 'utf8')
          .split('\n')
          // Behind the last line's end there may be one that is only being written.
          .slice(0, -1)
          .map((line) => JSON.parse(line))
      : []

  const until = async <Result>(
    what: string,
    check: () => Promise<Result | undefined | false>,
    withinMs = endsWithinMs,
  ): Promise<Result> => {
    const untilMs = Date.now() + withinMs
    for (;;) {
      const found = await check()
      if (found !== undefined && found !== false) return found
      if (Date.now() > untilMs) assert.fail(`${what}: not within ${withinMs} ms`)
      await waitMs(10)
    }
  }

  const ended = (queue: OpenQueue, id: string): Promise<JobReport> =>
    until(`the end of ${id}`, async () => {
      const report = await queue.find(id)
      return (report?.state === 'done' || report?.state === 'failed') && report
    })

  const echo: Work = async ({ data }) => data

  describe('jobs', () => {
    it('does an added job and keeps its result', async () => {
      const queue = await open()
      const id = await queue.add('sum', { a: 1, b: 2 })
      assert.equal(typeof id, 'string')
      assert.deepEqual(await queue.find(id), { id, name: 'sum', state: 'waiting', attempts: 0 })
      let seen: unknown
      await queue.process(
        'sum',
        async (job) => {
          seen = job
          return { sum: 3 }
        },
        options,
      )
      const report = await ended(queue, id)
      assert.deepEqual(report, { id, name: 'sum', state: 'done', attempts: 1, result: { sum: 3 } })
      assert.deepEqual(seen, { id, data: { a: 1, b: 2 }, attempt: 1 })
    })

    it('starts a job soon after it was added, whether it is looking for one or not', async () => {
      const queue = await open()
      const took: number[] = []
      await queue.process(
        'timed',
        async ({ data }) => {
          took.push(Date.now() - (data as number))
          return null
        },
        options,
      )
      await waitMs(100)
      for (let i = 0; i < 3; i++) await ended(queue, await queue.add('timed', Date.now()))
      for (const ms of took) assert(ms < startsWithinMs, `it took ${ms} ms`)
    })

    it('hands any JSON to its work, and back as a result, exactly as it was', async () => {
      const queue = await open()
      await queue.process('echo', echo, { ...options, withinMs: 10_000 })
      const ids = await Promise.all(oddValues.map((value) => queue.add('echo', value)))
      for (const [index, id] of ids.entries()) {
        const { result } = await ended(queue, id)
        const value = oddValues[index]
        assert(sameJson(result, value), `${short(value)} came back as ${short(result)}`)
      }
    })

    it('refuses data that is no JSON, too deep to be written, or larger than 1 MB', async () => {
      const queue = await open()
      const cycle: Record<string, unknown> = {}
      cycle.cycle = cycle
      let deep: unknown = 1
      for (let i = 0; i < 100_000; i++) deep = [deep]
      const refused = [undefined, () => 1, Symbol('s'), 1n, cycle, deep, 'x'.repeat(1_100_000)]
      for (const data of refused)
        await assert.rejects(
          queue.add('refused', data as Json),
          (error) => error instanceof SeesawError && error.code === 'PAYLOAD_REFUSED',
          inspect(data, { depth: 1, maxStringLength: 40 }),
        )
      for (const name of ['', 'x'.repeat(1_000)])
        await assert.rejects(queue.add(name, 1), { code: 'PAYLOAD_REFUSED' })
      assert.deepEqual(await queue.counts(), { waiting: 0, running: 0, done: 0, failed: 0 })
    })

    it('takes any short string for a name and never mixes two of them up', async () => {
      const queue = await open()
      const names = [...new Set(oddStrings)].filter((name) => name !== '' && name.length < 30)
      const ids = await Promise.all(names.map((name, index) => queue.add(name, index)))
      for (const [index, name] of names.entries())
        if (index % 2) await queue.process(name, async ({ data }) => [name, data], options)
      for (const [index, name] of names.entries()) {
        const id = ids[index] as string
        if (index % 2) assert.deepEqual((await ended(queue, id)).result, [name, index])
        const report = await queue.find(id)
        assert.equal(report?.name, name)
        assert.equal(report?.state, index % 2 ? 'done' : 'waiting')
      }
    })

    it('knows nothing of an unknown id', async () => {
      const queue = await open()
      for (const id of ['', 'nope', '1', 'a:b', '0'.repeat(24), crypto.randomUUID(), "'", '\0'])
        assert.equal(await queue.find(id), undefined, short(id))
    })

    it('leaves a job waiting whose name nobody knows, and does the others', async () => {
      const queue = await open()
      await queue.process('known', echo, options)
      const unknown = await queue.add('renamed since', 1)
      await ended(queue, await queue.add('known', 1))
      assert.equal((await queue.find(unknown))?.state, 'waiting')
      await queue.process('renamed since', echo, options)
      assert.equal((await ended(queue, unknown)).state, 'done')
    })

    it('counts the jobs in each state', async () => {
      const queue = await open()
      const gate = join(folder, 'gate')
      await queue.process('act', works.act, { ...options, concurrency: 2, attempts: 1 })
      await queue.add('unknown', 1)
      await queue.add('act', act(), { delayMs: 60_000 })
      await ended(queue, await queue.add('act', act()))
      await ended(queue, await queue.add('act', act({ error: 'no' })))
      await queue.add('act', act({ until: gate }))
      await queue.add('act', act({ until: gate }))
      await until('two running', async () => (await queue.counts()).running === 2)
      assert.deepEqual(await queue.counts(), { waiting: 2, running: 2, done: 1, failed: 1 })
      writeFileSync(gate, '')
      await until('none running', async () => (await queue.counts()).running === 0)
      assert.deepEqual(await queue.counts(), { waiting: 2, running: 0, done: 3, failed: 1 })
    })

    it('puts off a job for its delayMs', async () => {
      const queue = await open()
      await queue.process('act', works.act, options)
      const addedAtMs = Date.now()
      const late = await queue.add('act', noting(), { delayMs: 400 })
      const early = await queue.add('act', noting())
      await Promise.all([ended(queue, early), ended(queue, late)])
      const [first, second] = notes()
      assert.equal(first?.id, early)
      assert.equal(second?.id, late)
      const tookMs = (second?.atMs ?? 0) - addedAtMs
      assert(tookMs >= 399, `it started after ${tookMs} ms`)
      assert(tookMs < 400 + startsWithinMs, `it started after ${tookMs} ms`)
    })

    it('does as many at once as it may, and no more', async () => {
      const queue = await open()
      let [going, most] = [0, 0]
      const work: Work = async () => {
        most = Math.max(most, ++going)
        await waitMs(50)
        going--
        return null
      }
      await queue.process('busy', work, { ...options, concurrency: 3 })
      const ids = await Promise.all(Array.from({ length: 9 }, () => queue.add('busy', null)))
      for (const id of ids) await ended(queue, id)
      assert.equal(most, 3)
    })

    it('does not let a long or a delayed job hold up others', async () => {
      const queue = await open()
      const gate = join(folder, 'gate')
      await queue.process('act', works.act, { ...options, concurrency: 2, withinMs: 20_000 })
      const long = await queue.add('act', act({ until: gate }))
      await queue.add('act', act(), { delayMs: 30_000 })
      await queue.add('act', act(), { delayMs: 30_000 })
      for (let i = 0; i < 5; i++) await ended(queue, await queue.add('act', act()))
      assert.equal((await queue.find(long))?.state, 'running')
      writeFileSync(gate, '')
      await ended(queue, long)
    })
  })

  describe('keys', () => {
    it('makes one job of two with the same name and key, also at once and also later', async () => {
      const queue = await open()
      await queue.process('act', works.act, options)
      const add = () => queue.add('act', noting(), { key: 'order 7' })
      const ids = new Set(await Promise.all(Array.from({ length: 8 }, add)))
      assert.equal(ids.size, 1)
      const [id = ''] = ids
      await ended(queue, id)
      assert.equal(await add(), id)
      await waitMs(100)
      assert.equal(notes().length, 1)
      assert.deepEqual(await queue.counts(), { waiting: 0, running: 0, done: 1, failed: 0 })
    })

    it('tells names apart, and any two keys', async () => {
      const queue = await open()
      const keys = [...new Set(oddStrings)]
      const ids = await Promise.all([
        ...keys.map((key) => queue.add('one', null, { key })),
        ...keys.map((key) => queue.add('other', null, { key })),
        queue.add('one', null),
        queue.add('one', null),
      ])
      assert.equal(new Set(ids).size, 2 * keys.length + 2)
    })
  })

  describe('failures', () => {
    it('repeats a failed job after a delay that doubles, until it succeeds', async () => {
      const queue = await open()
      await queue.process('act', works.act, { ...options, backoffMs: 100 })
      const id = await queue.add('act', noting({ error: 'not yet', failures: 2, result: 'well' }))
      const report = await ended(queue, id)
      assert.deepEqual(report, {
        ...{ id, name: 'act', state: 'done', attempts: 3 },
        ...{ result: 'well', error: 'not yet' },
      })
      const [first, second, third] = notes()
      assert(first && second && third)
      assert.deepEqual([first.attempt, second.attempt, third.attempt], [1, 2, 3])
      const pauses = [second.atMs - first.atMs, third.atMs - second.atMs] as const
      assert(pauses[0] >= 99 && pauses[1] >= 199, `it waited ${pauses} ms`)
      for (const pause of pauses) assert(pause < 200 + startsWithinMs, `it waited ${pause} ms`)
    })

    it('gives up after the last attempt, and shows what has failed, newest first', async () => {
      const queue = await open()
      await queue.process('act', works.act, { ...options, attempts: 2 })
      const ids: string[] = []
      for (const error of ['first', 'second']) {
        ids.unshift(await queue.add('act', noting({ error })))
        await ended(queue, ids[0] as string)
      }
      const failed = { name: 'act', state: 'failed', attempts: 2 }
      assert.deepEqual(await queue.failed(), [
        { id: ids[0], ...failed, error: 'second' },
        { id: ids[1], ...failed, error: 'first' },
      ])
      assert.equal(notes().length, 4)
    })

    it('has a reason for every job that fails, whatever was thrown or returned', async () => {
      const queue = await open()
      const bad: unknown[] = [
        'text',
        undefined,
        null,
        0,
        { code: 1 },
        Object.create(null),
        new Error(),
        new Error('a\0b\ud800'),
        new Error('x'.repeat(2_000_000)),
      ]
      const thrower: Work = async ({ data }) => {
        throw bad[data as number]
      }
      const results: unknown[] = [1n, () => 1, 'x'.repeat(2_000_000)]
      await queue.process('throw', thrower, { ...options, attempts: 1 })
      const returner: Work = async ({ data }) => results[data as number] as Json
      await queue.process('return', returner, { ...options, attempts: 1 })
      const ids = await Promise.all([
        ...bad.map((_, index) => queue.add('throw', index)),
        ...results.map((_, index) => queue.add('return', index)),
      ])
      for (const id of ids) {
        const { state, error } = await ended(queue, id)
        assert.equal(state, 'failed')
        assert(error && error.length < 2_000, short(error))
      }
    })

    it('fails an attempt that does not end within withinMs, and goes on with others', async () => {
      const queue = await open()
      const short = { ...options, concurrency: 1, attempts: 2, withinMs: 150 }
      await queue.process('act', works.act, short)
      const hanging = await queue.add('act', act({ hang: true }))
      const next = await queue.add('act', act())
      assert.equal((await ended(queue, next)).state, 'done')
      const { state, attempts, error } = await ended(queue, hanging)
      assert.deepEqual([state, attempts], ['failed', 2])
      assert.match(error ?? '', /150 ms/)
    })
  })

  describe('schedules', () => {
    it('adds a job every everyMs, until the interval is changed', async () => {
      const queue = await open()
      await queue.process('act', works.act, options)
      await queue.schedule('act', noting(), { everyMs: 60_000 })
      await waitMs(50)
      const before = notes().length
      await queue.schedule('act', noting(), { everyMs: 150 })
      await until('four', async () => notes().length >= before + 4)
      const times = notes()
        .slice(before)
        .map(({ atMs }) => atMs)
      const tookMs = (times[3] as number) - (times[0] as number)
      assert(tookMs >= 3 * 150 - 150 && tookMs < 3 * 150 + startsWithinMs, `${tookMs} ms`)
      await queue.schedule('act', noting(), { everyMs: 60_000 })
      await waitMs(250)
      const after = notes().length
      await waitMs(400)
      assert.equal(notes().length, after)
    })

    if (traits.sharedBetweenProcesses)
      it('adds it once, however many processes say so', async () => {
        const namespace = freshNamespace()
        const queue = await open({ namespace })
        const all = [neighbour(0), neighbour(1)]
        const everyMs = 200
        for (const other of all)
          await other.call(namespace, { method: 'process', args: ['act', 'act', options] })
        const data = noting()
        const beganMs = Date.now()
        await Promise.all([
          ...all.map((other) =>
            other.call(namespace, { method: 'schedule', args: ['act', data, { everyMs }] }),
          ),
          queue.schedule('act', data, { everyMs }),
        ])
        await until('three', async () => notes().length >= 3)
        await waitMs(100)
        const most = 2 + (Date.now() - beganMs) / everyMs
        const seen = notes().length
        // Each of them still wants it, and would make it again in a namespace that only we clear.
        const clear = { method: 'clear', args: [] } as unknown as Call<'queue'>
        for (const other of all) await other.call(namespace, clear)
        assert(seen <= most, `${seen} jobs, not ${most}`)
      })

    if (traits.sharedBetweenProcesses)
      it('goes on with it where somebody else has emptied the place where jobs are kept', async () => {
        const namespace = freshNamespace()
        const queue = await open({ namespace })
        await queue.process('act', works.act, options)
        await queue.schedule('act', noting(), { everyMs: 150 })
        await until('one', async () => notes().length >= 1)
        const other = await open({ namespace })
        await other.clear()
        const before = notes().length
        await until('three more', async () => notes().length >= before + 3)
      })
  })

  describe('namespaces', () => {
    it('does no jobs of another, and clears one alone', async () => {
      const namespace = freshNamespace()
      const one = await open({ namespace })
      const other = await open({ namespace: `${namespace}1` })
      await one.process('act', works.act, options)
      const foreign = await other.add('act', act(), { key: 'same' })
      const own = await one.add('act', act(), { key: 'same' })
      await ended(one, own)
      assert.equal((await other.find(foreign))?.state, 'waiting')
      await one.clear()
      assert.equal(await one.find(own), undefined)
      assert.deepEqual(await other.counts(), { waiting: 1, running: 0, done: 0, failed: 0 })
    })

    it('forgets everything when it is cleared, schedules and keys too, and goes on', async () => {
      const queue = await open()
      await queue.process('act', works.act, { ...options, attempts: 1 })
      await queue.schedule('act', noting(), { everyMs: 150 })
      await queue.add('act', act(), { delayMs: 300 })
      await ended(queue, await queue.add('act', act(), { key: 'key' }))
      await ended(queue, await queue.add('act', act({ error: 'no' })))
      await queue.clear()
      await waitMs(50)
      const before = notes().length
      await waitMs(400)
      assert.equal(notes().length, before)
      assert.deepEqual(await queue.counts(), { waiting: 0, running: 0, done: 0, failed: 0 })
      assert.deepEqual(await queue.failed(), [])
      await ended(queue, await queue.add('act', act(), { key: 'key' }))
      assert.equal((await queue.counts()).done, 1)
    })
  })

  describe('an end', () => {
    it('lets a job that runs end, and takes no other', async () => {
      const namespace = freshNamespace()
      const queue = await open({ namespace })
      await queue.process('act', works.act, { ...options, concurrency: 1 })
      const running = await queue.add('act', noting({ ms: 300 }))
      await queue.add('act', noting())
      await until('one running', async () => notes().length === 1)
      await queue.close()
      await waitMs(200)
      assert.deepEqual(
        notes().map(({ id }) => id),
        [running],
      )
      if (!traits.survivesRestart) return
      const reopened = await open({ namespace })
      assert.equal((await reopened.find(running))?.state, 'done')
      assert.equal((await reopened.counts()).waiting, 1)
    })

    it('does not wait for ever for a job that does not end', async () => {
      const queue = await open()
      await queue.process('act', works.act, { ...options, withinMs: 30_000 })
      await queue.add('act', noting({ hang: true }))
      await until('one running', async () => notes().length === 1)
      const beganMs = Date.now()
      await queue.close()
      assert(Date.now() - beganMs < 3_000)
    })

    if (!metered)
      it('lets its process end', async () => {
        const there = fork()
        const namespace = freshNamespace()
        const every = { everyMs: 5_000 }
        await there.call(namespace, { method: 'process', args: ['act', 'act', options] })
        await there.call(namespace, { method: 'schedule', args: ['act', act(), every] })
        await there.call(namespace, { method: 'add', args: ['act', act()] })
        assert.equal(await there.end(), 0)
      })
  })

  if (traits.sharedBetweenProcesses)
    describe('processes', () => {
      it('do the jobs that another has added, each of them once', async () => {
        const namespace = freshNamespace()
        const queue = await open({ namespace })
        for (const other of [neighbour(0), neighbour(1)])
          await other.call(namespace, { method: 'process', args: ['act', 'act', options] })
        const ids = await Promise.all(
          Array.from({ length: 40 }, () => queue.add('act', noting({ ms: 5 }))),
        )
        for (const id of ids) assert.equal((await ended(queue, id)).state, 'done')
        assert.equal(notes().length, 40)
        assert.equal(new Set(notes().map(({ id }) => id)).size, 40)
        assert(notes().every(({ pid }) => pid !== process.pid))
      })

      it('make one job of a key that they add at once', async () => {
        const namespace = freshNamespace()
        const queue = await open({ namespace })
        const call = { method: 'add', args: ['act', act(), { key: 'double click' }] } as const
        const answers = await Promise.all([
          neighbour(0).call(namespace, call, 10),
          neighbour(1).call(namespace, call, 10),
          queue.add('act', act(), { key: 'double click' }),
        ])
        assert.equal(new Set(answers.flat()).size, 1)
        assert.equal((await queue.counts()).waiting, 1)
      })
    })
  else
    it('is seen by no other process', async () => {
      const namespace = freshNamespace()
      const queue = await open({ namespace })
      await queue.add('act', act())
      const counts = await neighbour(0).call(namespace, { method: 'counts', args: [] })
      assert.deepEqual(counts, { waiting: 0, running: 0, done: 0, failed: 0 })
    })

  // Only other processes crash, and what they open is not metered.
  if (traits.survivesRestart && !metered)
    describe('crashes', () => {
      it('lose no job that was accepted', async () => {
        const namespace = freshNamespace()
        const there = fork()
        const ids = await there.call(namespace, { method: 'add', args: ['act', act()] }, 10)
        await there.kill()
        const queue = await open({ namespace })
        assert.equal((await queue.counts()).waiting, 10)
        await queue.process('act', works.act, options)
        for (const id of ids as string[]) assert.equal((await ended(queue, id)).state, 'done')
      })

      it('of a worker in the middle of a job have it done again by another', async () => {
        const namespace = freshNamespace()
        const queue = await open({ namespace })
        const there = fork()
        await there.call(namespace, { method: 'process', args: ['act', 'act', soonMissed] })
        const gate = join(folder, 'gate')
        const id = await queue.add('act', noting({ until: gate }))
        await until('a first attempt', async () => notes().length === 1)
        await there.kill()
        assert.equal((await queue.find(id))?.state, 'running')
        writeFileSync(gate, '')
        await queue.process('act', works.act, soonMissed)
        const report = await ended(queue, id)
        assert.deepEqual([report.state, report.attempts], ['done', 2])
        assert.match(report.error ?? '', /./)
        assert.deepEqual(
          notes().map(({ attempt, pid }) => [attempt, pid === process.pid]),
          [
            [1, false],
            [2, true],
          ],
        )
      })

      it('that one job causes each time end in its failure, while the others are done', async () => {
        const namespace = freshNamespace()
        const queue = await open({ namespace })
        const twice = { ...soonMissed, attempts: 2 }
        const poison = await queue.add('act', noting({ deaths: 9 }))
        const others: string[] = []
        for (let death = 1; death <= 2; death++) {
          await fork().call(namespace, { method: 'process', args: ['act', 'act', twice] })
          await until('a death', async () => notes().length === death)
          others.push(await queue.add('act', act()))
        }
        await neighbour(0).call(namespace, { method: 'process', args: ['act', 'act', twice] })
        const report = await ended(queue, poison)
        assert.deepEqual([report.state, report.attempts], ['failed', 2])
        assert.match(report.error ?? '', /./)
        for (const id of others) assert.equal((await ended(queue, id)).state, 'done')
        assert.deepEqual(
          (await queue.failed()).map(({ id }) => id),
          [poison],
        )
      })
    })

  if (!traits.survivesRestart)
    it('loses everything when it is closed', async () => {
      const namespace = freshNamespace()
      const queue = await open({ namespace })
      const id = await queue.add('act', act())
      await queue.close()
      assert.equal(await (await open({ namespace })).find(id), undefined)
    })
}

const short = (value: unknown): string =>
  inspect(value, { depth: 2, maxStringLength: 40 }).slice(0, 200)
