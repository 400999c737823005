// What SQL that somebody else has written can reach on Postgres: its own setup, and nothing else. And
// what an address can change: nothing that keeps setups apart.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Opened } from '#core/adapter'
import { loadAdapter, loadBackend } from '#core/course/find'
import type { SeesawError } from '#core/errors'
import type { OwnServer } from '#core/lab/servers'
import { startOwnServer } from '../backends.ts'

const folder = mkdtempSync(join(tmpdir(), 'seesaw-roles-'))

describe('Postgres', function () {
  this.timeout(60_000)
  let server: OwnServer
  const opened: Opened<'db'>[] = []

  before(async function () {
    server = await startOwnServer(this, 'postgres')
  })
  after(async () => {
    await Promise.all(opened.map((db) => db.close()))
    await server?.stop()
  })

  const open = async (namespace: string, url = server.url) => {
    const adapter = await loadAdapter('db', 'postgres')
    const db = await adapter.open({ namespace, folder, url, nowMs: Date.now })
    opened.push(db)
    return db
  }
  const asOwner = async (text: string, database?: string) => {
    const url = new URL(server.url)
    if (database) url.pathname = `/${database}`
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }
  const table = ['create table if not exists secrets (text text)']
  const schemaOf = async (db: Opened<'db'>) =>
    (await db.query<{ schema: string }>('select current_schema() as schema'))[0]?.schema

  it('gives each setup a login of its own that may do nothing but own its schema', async () => {
    const db = await open('role')
    await db.define(table)
    const [role] = await db.query<Record<string, unknown>>(
      `select rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
         session_user = current_user as itself
       from pg_roles where rolname = current_user`,
    )
    assert.deepEqual(role, {
      rolname: await schemaOf(db),
      ...{ rolsuper: false, rolcreatedb: false, rolcreaterole: false },
      ...{ rolreplication: false, rolbypassrls: false, itself: true },
    })
  })

  it('returns rows for several statements in one text, and never undefined', async () => {
    const db = await open('several')
    await db.define(table)
    assert.deepEqual(await db.query(`insert into secrets values ('a'); select text from secrets`), [
      { text: 'a' },
    ])
    assert.deepEqual(await db.query(`select 1; delete from secrets`), [])
    assert.deepEqual(await db.query(''), [])
  })

  it('lets stacked statements reach no other schema, no file, no program, no other role', async () => {
    const [mine, other] = [await open('mine'), await open('other')]
    await mine.define(table)
    await other.define(table)
    await other.query(`insert into secrets values ('of another setup')`)
    await asOwner('create table if not exists public.products (name text)')
    await asOwner('create schema if not exists seesaw; create table if not exists seesaw.x (a int)')
    const schema = await schemaOf(other)
    const file = join(folder, 'owned')
    for (const attack of [
      `copy secrets to program 'touch ${file}'`,
      `copy secrets from program 'touch ${file}'`,
      `copy secrets to '${file}'`,
      `copy secrets from '/etc/passwd'`,
      `select pg_read_file('/etc/passwd')`,
      `select pg_ls_dir('/')`,
      `select lo_import('/etc/passwd')`,
      `select lo_export(1, '${file}')`,
      `select * from ${schema}.secrets`,
      `drop table ${schema}.secrets`,
      `drop schema ${schema} cascade`,
      `select * from seesaw.x`,
      `insert into public.products values ('x')`,
      `select * from public.products`,
      `create schema elsewhere`,
      `create role mighty superuser`,
      `alter role current_user superuser`,
      `set role seesaw`,
      `set session authorization seesaw`,
      `set role ${schema}`,
      `grant ${schema} to current_user`,
      `create extension dblink`,
      `create extension file_fdw`,
      `create language plpython3u`,
      `alter system set shared_buffers = '1MB'`,
      `create function f() returns int language c as '/lib/x86_64-linux-gnu/libc.so.6', 'system'`,
      `do $$ begin execute 'copy secrets to program ''touch ${file}'''; end $$`,
    ])
      for (const text of [attack, `select 1; ${attack}`, `select 1; reset role; ${attack}`])
        await assert.rejects(mine.query(text), (error) => error instanceof Error, text)
    assert.deepEqual(readdirSync(folder), [])
    assert.deepEqual(await other.query('select text from secrets'), [{ text: 'of another setup' }])
    assert.deepEqual(await mine.query('select count(*) as n from secrets'), [{ n: 0 }])
  })

  it('removes the role with the schema, and makes both again', async () => {
    const db = await open('cleared')
    await db.define(table)
    const schema = await schemaOf(db)
    await db.query(`insert into secrets values ('a')`)
    await db.clear()
    assert.deepEqual(await asOwner(`select from pg_roles where rolname = '${schema}'`), [])
    assert.deepEqual(await asOwner(`select from pg_namespace where nspname = '${schema}'`), [])
    assert.deepEqual(await db.query('select text from secrets'), [])
  })

  for (const rest of [
    '?options=-c%20statement_timeout%3D5000',
    '?options=-c%20search_path%3Dpublic',
    '?application_name=mine&statement_timeout=5000&sslmode=disable',
  ])
    it(`keeps setups apart, and a user's own tables, at an address with ${rest}`, async () => {
      await asOwner(`create table if not exists public.secrets (text text)`)
      const url = server.url + rest
      const [one, other] = [await open('one', url), await open('two', url)]
      for (const db of [one, other]) await db.define(table)
      await one.query(`insert into secrets values ('mine')`)
      assert.deepEqual(await other.query('select text from secrets'), [])
      const [settings] = await one.query<Record<string, string>>(
        `select current_setting('default_transaction_isolation') as isolation,
           current_setting('statement_timeout') as timeout`,
      )
      assert.equal(settings?.isolation, 'serializable')
      if (rest.includes('statement_timeout')) assert.equal(settings?.timeout, '5s')
      assert.deepEqual(await asOwner('select * from public.secrets'), [])
      await one.clear()
      assert.deepEqual(await one.query('select text from secrets'), [])
      const cache = await (await loadAdapter('cache', 'postgres')).open({
        ...{ namespace: 'one', folder, url, nowMs: Date.now },
      })
      await cache.set('a', 1)
      assert.equal(await cache.get('a'), 1)
      await cache.close()
      await asOwner('drop table public.secrets')
    })

  it('is refused where its database is not UTF8', async () => {
    await asOwner(`create database latin encoding 'LATIN1' locale 'C' template template0`)
    const url = new URL(server.url)
    url.pathname = '/latin'
    const backend = await loadBackend('postgres')
    assert(backend && 'probe' in backend)
    await assert.rejects(backend.probe(url.href), /LATIN1; Seesaw needs UTF8/)
  })

  it('is refused for the kind db where its user may not create roles', async () => {
    await asOwner(`create role plain login; grant create on database postgres to plain`)
    const url = new URL(server.url)
    url.username = 'plain'
    const db = await open('plain', url.href)
    await assert.rejects(db.define(table), (error: SeesawError) => {
      assert.equal(error.code, 'BACKEND_UNAVAILABLE')
      assert.match(error.message, /CREATEROLE/)
      return true
    })
  })

  it('waits for a moment where the server has no connection left', async () => {
    await asOwner(`create role few login createrole connection limit 2`)
    await asOwner(`grant create on database postgres to few`)
    const url = new URL(server.url)
    url.username = 'few'
    const held = await Promise.all(
      [1, 2].map(async () => {
        const client = new pg.Client({ connectionString: url.href })
        client.on('error', () => {})
        await client.connect()
        return client
      }),
    )
    const db = await open('few', url.href)
    setTimeout(() => {
      for (const client of held) void client.end()
    }, 300)
    await db.define(table)
    assert.deepEqual(await db.query('select text from secrets'), [])
  })
})
