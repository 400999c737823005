// What throw-away labs leave on servers that are not theirs: it goes when they end, and what one that
// was killed has left goes with a later one. All else stays.
import assert from 'node:assert/strict'
import type { ServerBackend } from '#core/adapter'
import { adapterIndex, loadAdapter, loadBackend } from '#core/course/find'
import { kinds } from '#core/kinds'
import { startLab } from '#core/lab/lab'
import { isLeftBy, throwAwayPrefix } from '#core/lab/leftovers'
import type { OwnServer } from '#core/lab/servers'
import { findBackEnd, startOwnServer } from '../backends.ts'

const hourMs = 3_600_000
const nowMs = Date.now()
const own = throwAwayPrefix('seesaw:0wn', nowMs)
const dead = throwAwayPrefix('seesaw:dead', nowMs - 25 * hourMs)
const living = throwAwayPrefix('seesaw:alive', nowMs - 23 * hourMs)
const lasting = 'seesaw:kept'

describe('what is left behind', () => {
  it('is what is one’s own, and what a lab left that is dead for sure', () => {
    const isLeft = isLeftBy(own, nowMs)
    for (const [prefix, left] of [
      [own, true],
      [dead, true],
      [living, false],
      [lasting, false],
    ] as const)
      assert.equal(isLeft(`${prefix}:queue-types/queued@postgres`), left, prefix)
    assert.equal(isLeft(''), false)
    assert.equal(isLeft(`${own}5:x/y`), false)
  })

  for (const name of ['postgres', 'redis', 'mongodb'])
    it(`is found on ${name} in every kind, and nothing else is`, async function () {
      const found = await findBackEnd(name)
      if ('missing' in found) {
        assert.ok(!found.required, found.missing)
        return this.skip()
      }
      const { url } = found
      const backend = (await loadBackend(name)) as ServerBackend
      const id = Math.random().toString(36).slice(2)
      const all = [own, dead, living, lasting].map((prefix) => `${prefix}:test/${id}@${name}`)
      const opened = await Promise.all(
        all.map(async (namespace) => {
          const open = async (kind: (typeof kinds)[number]) =>
            adapterIndex[kind].includes(name)
              ? (await loadAdapter(kind, name)).open({
                  namespace,
                  folder: '',
                  url,
                  nowMs: Date.now,
                })
              : undefined
          const [cache, session, limiter, queue, db] = (await Promise.all(
            kinds.map(open),
            // biome-ignore lint/suspicious/noExplicitAny: each has a type of its own.
          )) as any[]
          await cache.set('key', 1)
          await session.create('key', { userId: 'ada' }, { ttlMs: 60_000 })
          await limiter.update('key', () => ({ state: 1, result: 1 }), { ttlMs: 60_000 })
          await queue.add('job', 1)
          await db?.define(['create table if not exists kept (n integer)'])
          await db?.query('insert into kept (n) values (1)')
          return { cache, session, limiter, queue, db }
        }),
      )
      try {
        await backend.forget(url, isLeftBy(own, nowMs))
        for (const [i, { cache, session, limiter, queue, db }] of opened.entries()) {
          const stays = i > 1
          const state = await limiter.update(
            'key',
            (old: number | undefined) => ({ state: 2, result: old ?? null }),
            { ttlMs: 60_000 },
          )
          const counts = await queue.counts()
          const rows = await db?.query('select n from kept')
          assert.deepEqual(
            [await cache.get('key'), (await session.get('key'))?.userId, state, counts.waiting],
            stays ? [1, 'ada', 1, 1] : [undefined, undefined, null, 0],
            all[i],
          )
          if (db) assert.equal(rows.length, stays ? 1 : 0, all[i])
        }
      } finally {
        for (const kept of opened)
          for (const one of Object.values(kept)) {
            await one?.clear()
            await one?.close()
          }
        await backend.forget(url, isLeftBy(own, nowMs))
      }
    })
})

describe('a throw-away lab', function () {
  this.timeout(60_000)
  const servers: Record<string, OwnServer> = {}
  before(async function () {
    for (const name of ['postgres', 'redis']) servers[name] = await startOwnServer(this, name)
  })
  after(async () => {
    for (const server of Object.values(servers)) await server.stop()
  })

  it('takes what it has stored on others’ servers with it', async () => {
    const urls = Object.fromEntries(Object.entries(servers).map(([name, { url }]) => [name, url]))
    const lab = await startLab({ urls })
    const setups = [
      'rate-limits/gcra@redis',
      'rate-limits/gcra@postgres',
      'queue-types/queued@postgres',
      'cache-strategies/cache-aside@cache=redis,db=postgres',
    ]
    for (const setup of setups) {
      const path = setup.startsWith('cache')
        ? 'products/1'
        : setup.startsWith('queue')
          ? 'ping'
          : ''
      assert.equal((await fetch(`${lab.url}/run/${setup}/${path}`)).status, 200, setup)
    }
    const seen: string[] = []
    const look = async () => {
      for (const [name, url] of Object.entries(urls))
        await ((await loadBackend(name)) as ServerBackend).forget(url, (namespace) => {
          if (namespace.startsWith('seesaw:once-')) seen.push(namespace)
          return false
        })
      return seen.splice(0).length
    }
    assert((await look()) >= setups.length)
    await lab.stop()
    assert.equal(await look(), 0)
  })
})
