import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import type { JobRepository } from 'agenda'
import Database from 'libsql'
import { job, playground } from './fixtures/playground.ts'
import { sqliteBackend } from './index.ts'
import { statements } from './statements.ts'

const minuteMs = 60_000
const at = (ms: number) => new Date(Date.now() + ms)

/** Claims as a worker does that looks `aheadMs` ahead and lets locks live ten minutes. */
const claim = (
  repository: JobRepository,
  { name = 'work', aheadMs = 0, nowMs = Date.now() } = {},
) =>
  repository.getNextJobToRun(
    name,
    new Date(nowMs + aheadMs),
    new Date(nowMs - 10 * minuteMs),
    new Date(nowMs),
    { lastModifiedBy: 'worker' },
  )

describe('Agenda on SQLite: the repository', () => {
  const here = playground()
  let repository: JobRepository
  const save = (changes: Parameters<typeof job>[0] = {}) =>
    repository.saveJob(job(changes), undefined)

  beforeEach(async () => {
    repository = (await here.connected()).repository
  })

  describe('a saved job', () => {
    it('gets an id that is a string, and is read back as it was', async () => {
      const saved = await save({
        data: { text: 'é💥', when: new Date(0), none: null, list: [1, 'a'] },
        priority: 10,
        repeatInterval: 5_000,
        repeatTimezone: 'Europe/Zurich',
        skipDays: [0, 6],
        startDate: new Date(1),
        disabled: true,
        fork: false,
      })
      assert.equal(typeof saved._id, 'string')
      assert.deepEqual(await repository.getJobById(String(saved._id)), saved)
      assert.deepEqual(saved.data, {
        text: 'é💥',
        when: new Date(0),
        none: null,
        list: [1, 'a'],
      })
      assert.equal(saved.repeatInterval, 5_000)
      assert.deepEqual(saved.skipDays, [0, 6])
      assert.equal(saved.disabled, true)
      assert.equal(saved.failCount, undefined)
    })

    it('keeps data with NUL, of one megabyte, and nested a thousand levels deep', async () => {
      const deep = JSON.parse('['.repeat(1_000) + ']'.repeat(1_000))
      for (const data of ['a\0b', { 'k\0': '\0' }, 'x'.repeat(1_000_000), deep, [], 0, false]) {
        const { _id } = await save({ data })
        assert.deepEqual((await repository.getJobById(String(_id)))?.data, data)
      }
    })

    it('is updated by its id, and stays removed if someone removed it', async () => {
      const saved = await save({ data: 1 })
      const updated = await repository.saveJob({ ...saved, data: 2 }, undefined)
      assert.equal(updated._id, saved._id)
      assert.equal(updated.data, 2)
      await repository.removeJobs({ id: String(saved._id) })
      await repository.saveJob(updated, undefined)
      assert.equal((await repository.queryJobs()).total, 0)
    })

    it('never gets the id of one that was removed', async () => {
      const first = await save()
      await repository.purgeAllJobs()
      const second = await save()
      assert.notEqual(first._id, second._id)
    })

    it('is one per name if its type is single, and a save does not make it due', async () => {
      const later = at(minuteMs)
      const first = await save({ type: 'single', nextRunAt: later })
      const again = await save({ type: 'single', nextRunAt: at(-1), data: 'new' })
      assert.equal(again._id, first._id)
      assert.equal(again.data, 'new')
      assert.deepEqual(again.nextRunAt, later)
      const moved = await save({ type: 'single', nextRunAt: at(2 * minuteMs) })
      assert.notDeepEqual(moved.nextRunAt, later)
    })
  })

  describe('a claim', () => {
    it('takes the earliest, then the most urgent, then the oldest job, and locks it', async () => {
      const sameTime = at(-minuteMs)
      await save({ data: 'third', nextRunAt: sameTime })
      await save({ data: 'fourth', nextRunAt: sameTime })
      await save({ data: 'second', nextRunAt: sameTime, priority: 10 })
      await save({ data: 'first', nextRunAt: at(-2 * minuteMs), priority: -10 })
      const order = []
      for (let i = 0; i < 5; i++) order.push((await claim(repository))?.data)
      assert.deepEqual(order, ['first', 'second', 'third', 'fourth', undefined])
    })

    it('says who took it and when', async () => {
      await save()
      const nowMs = Date.now() + 5
      const claimed = await claim(repository, { nowMs })
      assert.deepEqual(claimed?.lockedAt, new Date(nowMs))
      assert.equal(claimed?.lastModifiedBy, 'worker')
    })

    it('leaves disabled jobs, other names, and what is due after the next look', async () => {
      await save({ disabled: true })
      await save({ name: 'other' })
      await save({ nextRunAt: at(minuteMs) })
      await save({ nextRunAt: null })
      assert.equal(await claim(repository), undefined)
      assert.notEqual(await claim(repository, { aheadMs: 2 * minuteMs }), undefined)
    })

    it('takes a job again once its lock has expired, also one that was running', async () => {
      await save()
      const claimed = await claim(repository)
      assert.ok(claimed)
      await repository.saveJobState({ ...claimed, nextRunAt: null, lastRunAt: at(0) }, undefined)
      const soon = Date.now() + 9 * minuteMs
      assert.equal(await claim(repository, { nowMs: soon }), undefined)
      const late = Date.now() + 11 * minuteMs
      assert.equal((await claim(repository, { nowMs: late }))?._id, claimed._id)
    })

    it('waits for a lock that was renewed', async () => {
      await save()
      const claimed = await claim(repository)
      assert.ok(claimed)
      const renewed = { ...claimed, lockedAt: at(9 * minuteMs), progress: 50 }
      await repository.saveJobState(renewed, undefined)
      assert.equal(await claim(repository, { nowMs: Date.now() + 11 * minuteMs }), undefined)
      assert.equal((await repository.getJobById(String(claimed._id)))?.progress, 50)
    })

    it('loses nothing when the clock steps back: jobs and locks wait for their time', async () => {
      await save({ data: 'due' })
      await save({ data: 'locked' })
      const nowMs = Date.now()
      assert.equal((await claim(repository, { nowMs }))?.data, 'due')
      const anHourBack = nowMs - 60 * minuteMs
      assert.equal(await claim(repository, { nowMs: anHourBack }), undefined)
      assert.equal((await claim(repository, { nowMs: nowMs + 1 }))?.data, 'locked')
      assert.equal((await claim(repository, { nowMs: nowMs + 11 * minuteMs }))?.data, 'due')
    })

    it('reads an index, and neither scans nor sorts the jobs that wait', async () => {
      const db = new Database(here.path())
      const { claim } = statements('agendaJobs')
      const plan = db.prepare(`EXPLAIN QUERY PLAN ${claim}`).all(['work', 1, 1, 1, null])
      const steps = (plan as { detail: string }[]).map(({ detail }) => detail)
      const onJobs = steps.filter((step) => /\bagendaJobs\b/.test(step))
      assert.deepEqual(onJobs.sort(), [
        'SEARCH agendaJobs USING INDEX agendaJobsLocked (name=? AND lockedAt<?)',
        'SEARCH agendaJobs USING INDEX agendaJobsWaiting (name=? AND nextRunAt>? AND nextRunAt<?)',
        'SEARCH agendaJobs USING INTEGER PRIMARY KEY (rowid=?)',
      ])
      // The one sort left is of the few candidates (at most 101), not of the jobs.
      assert.equal(steps.filter((step) => step.includes('TEMP B-TREE')).length, 1)
      db.close()
    })
  })

  describe('a lock', () => {
    it('is given once, and not on a job that was moved or disabled', async () => {
      const saved = await save()
      assert.ok((await repository.lockJob(saved, undefined))?.lockedAt)
      assert.equal(await repository.lockJob(saved, undefined), undefined)
      const moved = await save()
      assert.equal(await repository.lockJob({ ...moved, nextRunAt: at(1) }, undefined), undefined)
      const disabled = await save({ disabled: true })
      assert.equal(await repository.lockJob(disabled, undefined), undefined)
    })

    it('is released one by one unless the job runs, and all at once always', async () => {
      await save()
      await save()
      const waits = await claim(repository)
      const runs = await claim(repository)
      assert.ok(waits?._id && runs?._id)
      await repository.saveJobState({ ...runs, nextRunAt: null }, undefined)
      await repository.unlockJob(waits)
      await repository.unlockJob(runs)
      const lockedAt = async (id: string) => (await repository.getJobById(id))?.lockedAt
      assert.equal(await lockedAt(waits._id), undefined)
      assert.ok(await lockedAt(runs._id))
      await repository.unlockJobs([waits._id, runs._id])
      assert.equal(await lockedAt(runs._id), undefined)
    })

    it('stays with the worker when the job is saved meanwhile, and a new time is kept', async () => {
      const saved = await save({ data: { key: 1 } })
      const runs = await claim(repository)
      assert.ok(runs)
      await repository.saveJobState({ ...runs, nextRunAt: null }, undefined)
      const again = at(-1)
      await save({ data: { key: 1 }, unique: { 'data.key': 1 }, nextRunAt: again })
      assert.ok((await repository.getJobById(String(saved._id)))?.lockedAt)
      assert.equal(await claim(repository), undefined)
      const { lockedAt: _, ...ended } = runs
      await repository.saveJobState({ ...ended, nextRunAt: null }, undefined)
      assert.equal((await claim(repository))?._id, saved._id)
    })
  })

  describe('the state a worker saves', () => {
    it('is refused for a job that is gone', async () => {
      const saved = await save()
      await repository.removeJobs({ id: String(saved._id) })
      await assert.rejects(repository.saveJobState(saved, undefined), /maybe it does not exist/)
    })

    it('may carry whatever a handler threw', async () => {
      const saved = await save()
      for (const [thrown, kept] of [
        [42, '42'],
        [true, 'true'],
        [{ a: 1 }, '[object Object]'],
        ['a\0b', 'a\u2400b'],
      ]) {
        await repository.saveJobState({ ...saved, failReason: thrown as string }, undefined)
        assert.equal((await repository.getJobById(String(saved._id)))?.failReason, kept)
      }
    })
  })

  describe('unique', () => {
    const once = (userId: unknown, changes = {}) =>
      save({ data: { userId, ...changes }, unique: { 'data.userId': userId } })

    it('updates the job that matches, by type and value', async () => {
      const first = await once(7, { note: 1 })
      const second = await once(7, { note: 2 })
      assert.equal(second._id, first._id)
      assert.deepEqual(second.data, { userId: 7, note: 2 })
      await once('7')
      await once({ a: 7 })
      assert.equal((await repository.queryJobs()).total, 3)
    })

    it('leaves the job that matches alone with insertOnly', async () => {
      const uniqueOpts = { insertOnly: true }
      const unique = { 'data.key': 'a' }
      const first = await save({ data: { key: 'a', n: 1 }, unique, uniqueOpts })
      const second = await save({ data: { key: 'a', n: 2 }, unique, uniqueOpts })
      assert.deepEqual(second, first)
    })

    it('knows comparisons, lists and dates', async () => {
      await save({ data: { n: 5, at: new Date(5) }, priority: 3 })
      const matches = async (unique: Record<string, unknown>) => {
        const before = (await repository.queryJobs()).total
        const saved = await save({ data: { n: 5, at: new Date(5) }, priority: 3, unique })
        if ((await repository.queryJobs()).total === before) return true
        await repository.removeJobs({ id: String(saved._id) })
        return false
      }
      assert.ok(await matches({ 'data.n': { $gte: 5, $lt: 6 } }))
      assert.ok(await matches({ 'data.n': { $in: [1, 5] }, priority: { $ne: 2 } }))
      assert.ok(await matches({ 'data.at': new Date(5) }))
      assert.ok(await matches({ 'data.at': { $lte: new Date(6) } }))
      assert.ok(await matches({ 'data.missing': null, disabled: { $ne: true } }))
      assert.ok(await matches({ $or: [{ 'data.n': 6 }, { 'data.n': 5 }] }))
      assert.ok(!(await matches({ 'data.n': { $gt: 5 } })))
      assert.ok(!(await matches({ 'data.n': { $nin: [5] } })))
      assert.ok(!(await matches({ 'data.n': { $gt: '4' } })))
      assert.ok(!(await matches({ 'data.missing': { $exists: true } })))
    })

    it('refuses operators and fields it does not know, and paths that are SQL', async () => {
      for (const unique of [
        { $where: 'true' },
        { 'data.n': { $regex: 'a' } },
        { nonsense: 1 },
        { "data.a' OR 1 --": { $gt: {} } },
        { 'data.a"': 1 },
      ])
        await assert.rejects(save({ unique }), { code: 'INVALID_FILTER' })
      const quoted = await save({ data: { "a' OR '1": 1 }, unique: { "data.a' OR '1": 1 } })
      assert.equal((await save({ data: {}, unique: { "data.a' OR '1": 1 } }))._id, quoted._id)
    })

    it('finds its job by index on a path that was named', async () => {
      const backend = await here.connected({ indexedPaths: ['data.key'] })
      await backend.repository.saveJob(job({ unique: { 'data.key': 'a' } }), undefined)
      const db = new Database(here.path())
      const plan = db
        .prepare(`EXPLAIN QUERY PLAN SELECT * FROM agendaJobs
          WHERE (name = ?) AND ((data -> '$."key"' = ?)) LIMIT 1`)
        .all(['work', '"a"']) as { detail: string }[]
      assert.match(plan[0]?.detail ?? '', /SEARCH .* agendaJobsPath_\w+ \(name=\? AND <expr>=\?\)/)
      db.close()
    })
  })

  describe('debounce', () => {
    const later = (changes = {}) =>
      save({
        data: { key: 1 },
        unique: { 'data.key': 1 },
        uniqueOpts: { debounce: { delay: 1_000, ...changes } },
      })

    it('runs a job once, after the last save', async () => {
      const first = await later()
      assert.ok(first.nextRunAt && first.nextRunAt > at(900))
      assert.ok(first.debounceStartedAt)
      const second = await later()
      assert.equal(second._id, first._id)
      assert.deepEqual(second.debounceStartedAt, first.debounceStartedAt)
    })

    it('runs it no later than maxWait after the first', async () => {
      const first = await later({ maxWait: 30 })
      const startedAt = first.debounceStartedAt?.getTime() ?? 0
      assert.equal(first.nextRunAt?.getTime(), startedAt + 30)
      await new Promise((resolve) => setTimeout(resolve, 40))
      const forced = await later({ maxWait: 30 })
      assert.ok(forced.nextRunAt && forced.nextRunAt <= new Date())
      assert.equal(forced.debounceStartedAt, undefined)
    })

    it('runs it at once when leading, and later saves change only its data', async () => {
      const first = await later({ strategy: 'leading' })
      assert.ok(first.nextRunAt && first.nextRunAt <= new Date())
      const second = await later({ strategy: 'leading' })
      assert.deepEqual(second.nextRunAt, first.nextRunAt)
    })
  })

  describe('a query', () => {
    beforeEach(async () => {
      await save({ name: 'a', data: { user: { id: 1 }, n: 1 }, priority: 1, nextRunAt: at(-3) })
      await save({
        name: 'a',
        data: { user: { id: 2 }, n: 1 },
        priority: 3,
        nextRunAt: at(minuteMs),
      })
      await save({ name: 'b', data: 'text', priority: 2, nextRunAt: null, disabled: true })
      await save({ name: 'Ärger', priority: 0, nextRunAt: at(-1), repeatInterval: '1 minute' })
    })
    const total = async (options: Parameters<JobRepository['queryJobs']>[0]) =>
      (await repository.queryJobs(options)).total

    it('filters by name, part of a name, id, data, state and disabled', async () => {
      assert.equal(await total({ name: 'a' }), 2)
      assert.equal(await total({ names: ['a', 'b', 'c'] }), 3)
      assert.equal(await total({ names: [] }), 4)
      assert.equal(await total({ search: 'äRG' }), 1)
      assert.equal(await total({ search: '%' }), 0)
      assert.equal(await total({ data: { user: { id: 2 } } }), 1)
      assert.equal(await total({ data: 'text' }), 1)
      assert.equal(await total({ data: { n: '1' } }), 0)
      assert.equal(await total({ includeDisabled: false }), 3)
      assert.equal(await total({ id: 'no id' }), 0)
      const { jobs } = await repository.queryJobs({ name: 'a' })
      assert.equal(await total({ ids: [...jobs.map(({ _id }) => _id), '999'] }), 2)
      for (const [state, count] of Object.entries({ queued: 1, scheduled: 1, repeating: 1 }))
        assert.equal(await total({ state: state as 'queued' }), count, state)
      assert.equal(await total({ state: 'completed' }), 1)
      assert.equal(await total({ state: 'paused' }), 1)
    })

    it('sorts and pages, and counts all that match', async () => {
      const page = await repository.queryJobs({ sort: { priority: 'asc' }, skip: 1, limit: 2 })
      assert.deepEqual(
        page.jobs.map(({ priority }) => priority),
        [1, 2],
      )
      assert.equal(page.total, 4)
      const latest = await repository.queryJobs({ limit: 1 })
      assert.equal(latest.jobs[0]?.state, 'scheduled')
    })

    it('gives an overview by name, the names, and how many are due', async () => {
      const overview = await repository.getJobsOverview()
      const none = { running: 0, scheduled: 0, queued: 0, completed: 0, failed: 0, repeating: 0 }
      assert.deepEqual(overview, [
        { ...none, name: 'a', total: 2, queued: 1, scheduled: 1, paused: 0 },
        { ...none, name: 'b', total: 1, completed: 1, paused: 1 },
        { ...none, name: 'Ärger', total: 1, repeating: 1, paused: 0 },
      ])
      assert.deepEqual((await repository.getDistinctJobNames()).sort(), ['a', 'b', 'Ärger'])
      assert.equal(await repository.getQueueSize(), 2)
    })

    it('agrees with Agenda on the state of every job', async () => {
      await save({ failedAt: at(0), lastFinishedAt: at(0), nextRunAt: at(minuteMs) })
      await save({ failedAt: at(-9), lastFinishedAt: at(0), nextRunAt: null })
      await save({ lockedAt: at(0) })
      const { jobs } = await repository.queryJobs()
      for (const { _id, state } of jobs) assert.equal(await total({ id: _id, state }), 1, state)
    })
  })

  describe('removing, disabling and enabling', () => {
    beforeEach(async () => {
      for (const name of ['a', 'a', 'b']) await save({ name, data: { of: name } })
    })

    it('removes by name, names, not-names, ids or data, and says how many', async () => {
      assert.equal(await repository.removeJobs({ data: { of: 'b' } }), 1)
      assert.equal(await repository.removeJobs({ notNames: ['a'] }), 0)
      const [first] = (await repository.queryJobs({ name: 'a' })).jobs
      assert.equal(await repository.removeJobs({ ids: [String(first?._id), 'x'] }), 1)
      assert.equal(await repository.removeJobs({ names: ['a', 'b'] }), 1)
    })

    it('touches nothing when no criterion is given', async () => {
      for (const options of [{}, { names: [] }, { notNames: [] }, { data: {} }]) {
        assert.equal(await repository.removeJobs(options), 0)
        assert.equal(await repository.disableJobs(options), 0)
      }
      assert.equal(await repository.purgeAllJobs(), 3)
    })

    it('counts only the jobs it changed', async () => {
      assert.equal(await repository.disableJobs({ name: 'a' }), 2)
      assert.equal(await repository.disableJobs({ names: ['a', 'b'] }), 1)
      assert.equal(await repository.enableJobs({ name: 'a' }), 2)
      assert.ok(await claim(repository, { name: 'a' }))
    })
  })

  describe('a connection', () => {
    it('that was handed in stays open, and saves belong to the transaction open on it', async () => {
      const db = new Database(here.path('own.db'))
      const backend = sqliteBackend({ db })
      assert.equal(backend.ownsConnection, false)
      await backend.connect()
      db.exec('BEGIN')
      await backend.repository.saveJob(job(), undefined)
      db.exec('ROLLBACK')
      assert.equal((await backend.repository.queryJobs()).total, 0)
      await backend.disconnect()
      assert.deepEqual(db.prepare('SELECT count(*) AS n FROM agendaJobs').raw().get([]), [0])
      db.close()
    })

    it('of its own opens again after it was closed, and for a late call', async () => {
      const backend = sqliteBackend({ path: here.path() })
      assert.equal(backend.ownsConnection, true)
      await backend.connect()
      const { _id } = await backend.repository.saveJob(job(), undefined)
      await backend.disconnect()
      assert.ok(await backend.repository.getJobById(String(_id)))
      await backend.connect()
      await backend.connect()
      assert.ok(await backend.repository.getJobById(String(_id)))
      await backend.disconnect()
    })

    it('makes no bell where notifications are off', async () => {
      const quiet = await here.connected({ path: here.path('quiet.db'), notifications: false })
      assert.equal(quiet.notificationChannel, undefined)
      await quiet.repository.saveJob(job(), undefined)
      await new Promise((resolve) => setTimeout(resolve, 20))
      assert.ok(!existsSync(here.path('quiet.db-bell')))
    })
  })
})
