import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import Database from 'libsql'
import { job, playground } from './fixtures/playground.ts'
import { sqliteBackend } from './index.ts'

describe('Agenda on SQLite: what goes wrong', () => {
  const here = playground()
  const save = async (changes: Parameters<typeof job>[0]) =>
    (await here.connected()).repository.saveJob(job(changes), undefined)

  it('a file that is no database is refused, and left as it is', async () => {
    const text = 'Dear diary, today I was no database. '.repeat(100)
    writeFileSync(here.path(), text)
    await assert.rejects(sqliteBackend({ path: here.path() }).connect(), {
      name: 'AgendaSqliteError',
      code: 'NOT_A_DATABASE',
    })
    assert.equal(readFileSync(here.path(), 'utf8'), text)
  })

  it('a folder that is missing or cannot be written is named', async () => {
    mkdirSync(here.path('a folder'))
    // /proc takes no files, not even from root.
    for (const path of [here.path('no/such/jobs.db'), here.path('a folder'), '/proc/jobs.db'])
      await assert.rejects(sqliteBackend({ path }).connect(), (error: Error & { code: string }) => {
        assert.equal(error.code, 'CANNOT_OPEN')
        assert.ok(error.message.includes(path))
        return true
      })
  })

  it('a file that another connection keeps locked ends as BUSY, and nothing is written', async () => {
    const { repository } = await here.connected({ busyTimeoutMs: 50 })
    const saved = await repository.saveJob(job(), undefined)
    const other = new Database(here.path())
    other.exec('BEGIN IMMEDIATE')
    await assert.rejects(repository.saveJob(job(), undefined), { code: 'BUSY' })
    await assert.rejects(repository.saveJobState(saved, undefined), { code: 'BUSY' })
    await repository.unlockJob(saved)
    other.exec('ROLLBACK')
    other.close()
    await repository.saveJob(job(), undefined)
    assert.equal((await repository.queryJobs()).total, 2)
  })

  it('a db that was handed in waits as long as its own PRAGMA says, and the error says so', async () => {
    const db = new Database(here.path(), { timeout: 20 })
    const { repository } = await here.connected({ db })
    const other = new Database(here.path())
    other.exec('BEGIN IMMEDIATE')
    await assert.rejects(repository.saveJob(job(), undefined), (error: Error) => {
      assert.match(error.message, /PRAGMA busy_timeout/)
      assert.doesNotMatch(error.message, /busyTimeoutMs/)
      return true
    })
    other.exec('ROLLBACK')
    other.close()
    db.close()
  })

  for (const option of [{ busyTimeoutMs: 50 }, { synchronous: 'full' as const }])
    it(`${Object.keys(option)} is refused beside a db, where it would mean nothing`, () => {
      const db = new Database(here.path())
      assert.throws(() => sqliteBackend({ db, ...option }), { code: 'INVALID_OPTION' })
      db.close()
    })

  it('a full disk refuses the job that does not fit, and takes the next that does', async () => {
    const db = new Database(here.path('small.db'))
    const { repository } = await here.connected({ db })
    const [pages] = db.prepare('PRAGMA page_count').raw().get([]) as [number]
    db.exec(`PRAGMA max_page_count = ${pages + 20}`)
    const large = job({ data: 'x'.repeat(1_000_000) })
    await assert.rejects(repository.saveJob(large, undefined), { code: 'DISK_FULL' })
    await repository.saveJob(job(), undefined)
    assert.equal((await repository.queryJobs()).total, 1)
    db.close()
  })

  it('tables of a newer version are left alone', async () => {
    await here.connected()
    const db = new Database(here.path())
    db.exec('UPDATE agendaJobsSchema SET version = 99')
    db.close()
    await assert.rejects(sqliteBackend({ path: here.path() }).connect(), { code: 'NEWER_SCHEMA' })
  })

  it('data that JSON cannot hold is refused when it is saved', async () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    const deep = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
    for (const data of [cycle, { big: 1n }, deep(1_001), deep(5_000)])
      await assert.rejects(save({ data }), { code: 'INVALID_DATA' })
    assert.equal((await (await here.connected()).repository.queryJobs()).total, 0)
  })

  it('a name that could not be found again, and a time that is none, are refused', async () => {
    for (const name of ['', 'a\0b', 5 as unknown as string])
      await assert.rejects(save({ name }), { code: 'INVALID_NAME' })
    await assert.rejects(save({ nextRunAt: new Date(Number.NaN) }), { code: 'INVALID_DATA' })
  })

  it('options that contradict each other or are SQL are refused at once', () => {
    const db = new Database(':memory:')
    for (const options of [
      {},
      { path: 'jobs.db', db },
      { db, table: 'jobs; DROP TABLE users' },
      { db, synchronous: 'sometimes' as 'off' },
    ])
      assert.throws(() => sqliteBackend(options), { code: 'INVALID_OPTION' })
    db.close()
  })
})
