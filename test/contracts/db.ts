// What every database must do.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Opened } from '#core/adapter'
import type { SqlValue } from '#core/kinds'
import { freshNamespace, oddStrings, type Subject } from './subject.ts'

const tables = [
  'create table if not exists counters (name text primary key, value bigint not null)',
  'create table if not exists notes (id text primary key, body text)',
  `insert into counters (name, value) values ('seeded', 7) on conflict do nothing`,
]

export const dbContract = ({ traits, open, fork, neighbour, tidy }: Subject<'db'>): void => {
  afterEach(tidy)

  const defined = async (options?: { namespace?: string }): Promise<Opened<'db'>> => {
    const db = await open(options)
    await db.define(tables)
    return db
  }
  const countOf = async (db: Opened<'db'>, name: string): Promise<number | undefined> => {
    const rows = await db.query<{ value: number }>('select value from counters where name = ?', [
      name,
    ])
    return rows[0]?.value
  }
  const count = `update counters set value = value + 1 where name = 'seeded'`

  it('makes its tables, and does no harm when it makes them again', async () => {
    const db = await defined()
    await db.query(count)
    await db.define(tables)
    assert.equal(await countOf(db, 'seeded'), 8)
  })

  it('returns rows as objects with the names of their columns', async () => {
    const db = await defined()
    assert.deepEqual(await db.query(`select name, value as "How many" from counters`), [
      { name: 'seeded', 'How many': 7 },
    ])
  })

  it('returns no rows for a statement that has none, and those that it is asked to return', async () => {
    const db = await defined()
    assert.deepEqual(await db.query(count), [])
    assert.deepEqual(await db.query(`${count} returning value`), [{ value: 9 }])
  })

  it('returns rows, and never undefined, for whatever statement runs', async () => {
    const db = await defined()
    for (const text of [
      `select 1 as one; select 2 as two`,
      `${count}; ${count}`,
      `select value from counters; drop table notes`,
    ])
      assert(Array.isArray(await db.query(text)), text)
  })

  it('reaches no other file by a statement that somebody else has written', async () => {
    const db = await defined()
    const folder = mkdtempSync(join(tmpdir(), 'seesaw-db-'))
    const file = join(folder, 'stolen')
    for (const text of [
      `attach '${file}' as other`,
      `/* a */ -- b\n ; ATTACH DATABASE '${file}' AS other`,
      `vacuum into '${file}'`,
      `pragma temp_store_directory = '${folder}'`,
      `select load_extension('${file}')`,
      `select writefile('${file}', 'x')`,
      `select "WriteFile" ('${file}', 'x')`,
      `select readfile('/etc/hostname')`,
      `select name from fsdir('/')`,
      `select sha3_query('attach ''${file}'' as other')`,
      `create view spy as select * from fsdir('/')`,
      `copy counters to '${file}'`,
      `copy counters to program 'touch ${file}'`,
    ])
      await assert.rejects(db.query(text), (error) => error instanceof Error, text)
    assert.deepEqual(readdirSync(folder), [])
    assert.equal(await countOf(db, 'seeded'), 7)
  })

  it('returns integers and sums as numbers', async () => {
    const db = await defined()
    const big = Number.MAX_SAFE_INTEGER - 7
    await db.query('insert into counters (name, value) values (?, ?)', ['big', big])
    assert.deepEqual(await db.query('select sum(value) as sum, count(*) as n from counters'), [
      { sum: Number.MAX_SAFE_INTEGER, n: 2 },
    ])
  })

  it('keeps any text as it is that has no NUL and no half surrogate pair', async () => {
    const db = await defined()
    const texts = oddStrings.filter((text) => !/\0|\p{Surrogate}/u.test(text))
    for (const [i, text] of texts.entries())
      await db.query('insert into notes (id, body) values (?, ?)', [String(i), text])
    const rows = await db.query<{ id: string; body: string }>('select id, body from notes')
    const kept = new Map(rows.map(({ id, body }) => [id, body]))
    for (const [i, text] of texts.entries()) assert.equal(kept.get(String(i)), text)
  })

  it('refuses what it could not keep, and goes on', async () => {
    const db = await defined()
    const insert = `insert into notes (id, body) values ('a', ?)`
    for (const value of ['a\0b', '\ud800', true, Number.NaN, {}, new Date(), Buffer.from('a')])
      await assert.rejects(db.query(insert, [value as SqlValue]), { code: 'PAYLOAD_REFUSED' })
    assert.deepEqual(await db.query('select id from notes'), [])
  })

  it('takes values for values and never for a part of the statement', async () => {
    const db = await defined()
    const evil = `x'; drop table notes; --`
    const rows = await db.query<{ text: SqlValue }>(
      `select body as text from notes where id = ? or body = '?'`,
      [evil],
    )
    assert.deepEqual(rows, [])
    assert.deepEqual(await db.query('select count(*) as n from notes'), [{ n: 0 }])
  })

  it('rejects a statement that is wrong, and goes on', async () => {
    const db = await defined()
    await assert.rejects(db.query('select nothing from nowhere'))
    await assert.rejects(db.query(`insert into counters (name, value) values ('seeded', 1)`))
    assert.equal(await countOf(db, 'seeded'), 7)
  })

  it('keeps all of a transaction', async () => {
    const db = await defined()
    const result = await db.transaction(async (within) => {
      await within.query(count)
      await within.query(`insert into notes (id, body) values ('a', 'b')`)
      return 'done'
    })
    assert.equal(result, 'done')
    assert.equal(await countOf(db, 'seeded'), 8)
    assert.deepEqual(await db.query('select id from notes'), [{ id: 'a' }])
  })

  it('keeps nothing of a transaction that throws, and passes the error on', async () => {
    const db = await defined()
    const oops = new Error('oops')
    const work = db.transaction(async (within) => {
      await within.query(count)
      throw oops
    })
    await assert.rejects(work, oops)
    assert.equal(await countOf(db, 'seeded'), 7)
  })

  it('keeps a transaction to itself until it has ended', async () => {
    const db = await defined()
    let seen: number | undefined
    await db.transaction(async (within) => {
      await within.query(count)
      seen = await countOf(db, 'seeded')
    })
    assert.equal(seen, 7)
  })

  it('loses none of many transactions that read and then write the same row', async () => {
    const db = await defined()
    const raise = () =>
      db.transaction(async (within) => {
        const rows = await within.query<{ value: number }>(
          `select value from counters where name = 'seeded'`,
        )
        await within.query(`update counters set value = ? where name = 'seeded'`, [
          (rows[0]?.value ?? 0) + 1,
        ])
      })
    await Promise.all(Array.from({ length: 12 }, raise))
    assert.equal(await countOf(db, 'seeded'), 19)
  })

  it('keeps namespaces apart, and clears one alone', async () => {
    const namespace = freshNamespace()
    const [one, other] = [
      await defined({ namespace }),
      await defined({ namespace: `${namespace}1` }),
    ]
    await one.query(count)
    assert.equal(await countOf(other, 'seeded'), 7)
    await other.query(count)
    await one.clear()
    assert.equal(await countOf(other, 'seeded'), 8)
  })

  it('is as if new after it was cleared', async () => {
    const db = await defined()
    await db.query(count)
    await db.clear()
    assert.equal(await countOf(db, 'seeded'), 7)
  })

  if (traits.sharedBetweenProcesses)
    it('shows what another process has stored, and loses nothing when both write', async () => {
      const namespace = freshNamespace()
      const db = await defined({ namespace })
      const there = neighbour(0)
      await there.call(namespace, { method: 'define', args: [tables] })
      const times = 40
      await Promise.all([
        there.call(namespace, { method: 'query', args: [count] }, times),
        ...Array.from({ length: times }, () => db.query(count)),
      ])
      assert.equal(await countOf(db, 'seeded'), 7 + 2 * times)
    })

  if (traits.survivesRestart)
    it('keeps what a process stored that was killed right after the answer', async () => {
      const namespace = freshNamespace()
      const there = fork()
      await there.call(namespace, { method: 'define', args: [tables] })
      await there.call(namespace, { method: 'query', args: [count] })
      await there.kill()
      assert.equal(await countOf(await defined({ namespace }), 'seeded'), 8)
    })
}
