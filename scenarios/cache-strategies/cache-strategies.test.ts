// What cache-strategies' claims cannot ask from outside: a cache that goes away while people look,
// every order in which readers and writers may meet, and input that makes no sense.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Router from '@koa/router'
import Koa from 'koa'
import { parseList, Token } from 'structured-headers'
import type { ServerBackend } from '#core/adapter'
import { adapterIndex, loadAdapter, loadBackend, loadScenario } from '#core/course/find'
import { parseSetup, resolveSetup } from '#core/course/setup'
import { parseBody } from '#core/http/problems'
import type { Db } from '#core/kinds'
import { type MountedRequest, mountSetup } from '#core/lab/app'
import type { AnyVariant, Client, Request } from '#core/scenario'
import { tempFolder, until } from '../../test/seesaw.ts'

const scenario = await loadScenario('cache-strategies')
const { variants } = scenario
const cached = Object.keys(variants).filter((name) => variants[name]?.needs.includes('cache'))

interface Shop {
  look(id: number | string): Promise<Response>
  change(id: number | string, body: string): Promise<Response>
}

describe('cache-strategies', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  /** Serves one setup from `folder`; several of one setup there are as several processes. */
  const serve = async (text: string, { folder = tempFolder(), url = '' } = {}): Promise<Shop> => {
    const choices = { adapters: adapterIndex, defaults: {} }
    const setup = resolveSetup(parseSetup(`cache-strategies/${text}`), scenario, choices)
    const mounted = await mountSetup(setup, variants[setup.variant] as AnyVariant, {
      prefix: 'test',
      folder,
      signingKey: randomBytes(32),
      locate: async () => url,
    })
    const server = createServer((request, response) =>
      mounted.handle(request as MountedRequest, response),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    closing.push(async () => {
      server.closeAllConnections()
      server.close()
      await mounted.close()
    })
    const home = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const headers = { 'content-type': 'application/json' }
    return {
      look: (id) => fetch(`${home}/products/${id}`),
      change: (id, body) => fetch(`${home}/products/${id}/price`, { method: 'PUT', headers, body }),
    }
  }

  /** Serves a variant over what `change` makes of a database in SQLite, and a cache in memory. */
  const serveOver = async (id: string, changed: Record<string, number>, change: (db: Db) => Db) => {
    const variant = variants[id] as AnyVariant
    const place = { namespace: 'test', folder: tempFolder(), url: '', nowMs: Date.now }
    const db = await (await loadAdapter('db', 'sqlite')).open(place)
    const cache = await (await loadAdapter('cache', 'memory')).open(place)
    const knobs = Object.fromEntries(
      Object.entries(variant.knobs ?? {}).map(([name, knob]) => [
        name,
        changed[name] ?? (knob as { default: number }).default,
      ]),
    )
    const router = new Router()
    const kinds = { db: change(db), cache }
    await variant.mount(router, {
      ...kinds,
      knobs,
      secret: new Uint8Array(32),
      nowMs: Date.now,
    })
    const server = new Koa()
      .use(parseBody(['json']))
      .use(router.routes())
      .listen(0, '127.0.0.1')
    await once(server, 'listening')
    closing.push(async () => {
      server.closeAllConnections()
      server.close()
      await cache.close()
      await db.close()
    })
    const home = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const headers = { 'content-type': 'application/json' }
    return {
      look: (id: number) => fetch(`${home}/products/${id}`),
      change: (id: number, body: string) =>
        fetch(`${home}/products/${id}/price`, { method: 'PUT', headers, body }),
      /** What the database says itself. */
      versionThere: async (id: number) => {
        const [row] = await db.query<{ version: number }>(
          'select version from products where id = ?',
          [id],
        )
        return row?.version
      },
    }
  }

  const price = (priceCents: unknown) => JSON.stringify({ priceCents })
  const versionIn = async (answer: Response): Promise<number> => {
    assert.equal(answer.status, 200)
    return ((await answer.json()) as { version: number }).version
  }

  for (const variant of Object.keys(variants))
    describe(variant, () => {
      it('answers 400 or 404 problem+json to what makes no sense', async () => {
        const { look, change } = await serve(variant)
        const answers = [
          ...badIds.map(async (id) => [400, id, await look(id)] as const),
          ...badIds.map(async (id) => [400, id, await change(id, price(1))] as const),
          ...badBodies.map(async (body) => [400, body, await change(1, body)] as const),
          ...[201, 999_999_999].flatMap((id) => [
            look(id).then((answer) => [404, id, answer] as const),
            change(id, price(1)).then((answer) => [404, id, answer] as const),
          ]),
        ]
        for (const [status, sent, answer] of await Promise.all(answers)) {
          assert.equal(answer.status, status, `${sent}`.slice(0, 60))
          assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
        }
        assert.equal(await versionIn(await look(1)), 1)
      })

      it('takes the cheapest and the dearest price there may be', async () => {
        const { change } = await serve(variant)
        for (const priceCents of [0, 1e8]) {
          const answer = await change(1, price(priceCents))
          assert.equal(((await answer.json()) as { priceCents: number }).priceCents, priceCents)
        }
      })
    })

  describe('readers and writers of one product, in two processes, in many orders', () => {
    /** How often somebody saw an older price than had been acknowledged before they asked. */
    const staleLooks = async (variant: string): Promise<number> => {
      const place = { folder: tempFolder() }
      const setup = `${variant}@sqlite~dbDelayMs=2`
      const shops = [await serve(setup, place), await serve(setup, place)] as const
      let stale = 0
      for (let id = 1; id <= 25; id++) {
        let acknowledged = 1
        const pause = () => sleep(Math.random() * 8)
        const read = async ({ look }: Shop) => {
          for (let i = 0; i < 8; i++) {
            await pause()
            const before = acknowledged
            if ((await versionIn(await look(id))) < before) stale++
          }
        }
        const write = async ({ change }: Shop) => {
          for (let i = 0; i < 3; i++) {
            await pause()
            const version = await versionIn(await change(id, price(i)))
            acknowledged = Math.max(acknowledged, version)
          }
        }
        await Promise.all(shops.flatMap((shop) => [read(shop), read(shop), write(shop)]))
      }
      return stale
    }

    it('never see an old price through the cache that stamps its copies', async () => {
      assert.equal(await staleLooks('read-through-stamped'), 0)
    })

    it('see old prices through the cache that stands aside', async () => {
      assert.notEqual(await staleLooks('cache-aside'), 0)
    })
  })

  describe('write-behind', () => {
    it('brings a change to the database after flushMs, also the last of several', async () => {
      const place = { folder: tempFolder() }
      const setup = 'write-behind@memory~flushMs=100'
      const here = await serve(setup, place)
      for (const cents of [1, 2, 3]) await here.change(1, price(cents))
      // Who keeps copies in another memory has none of this product yet.
      const there = () => serve(setup, place).then(({ look }) => look(1))
      await until(async () => (await versionIn(await there())) === 4, 5_000)
    })

    it('keeps what it has acknowledged for as long as the database is away', async () => {
      let away = 15
      const { change, versionThere } = await serveOver('write-behind', { flushMs: 10 }, (db) => ({
        ...db,
        transaction: (work) =>
          away-- > 0 ? Promise.reject(new Error('the database is away')) : db.transaction(work),
      }))
      assert.equal(await versionIn(await change(1, price(1))), 2)
      await until(async () => (await versionThere(1)) === 2, 10_000)
      assert(away < 0)
    })

    it('of two processes lets the one win that writes last, not the one that changed last', async () => {
      const place = { folder: tempFolder() }
      const setup = 'write-behind@memory~flushMs=400'
      const [early, late] = [await serve(setup, place), await serve(setup, place)]
      // Whoever has something to write takes along what was changed meanwhile.
      await late.change(1, price(1))
      await sleep(200)
      await early.change(2, price(22))
      await late.change(2, price(33))
      await sleep(900)
      const seen = await (await serve(setup, place)).look(2)
      assert.equal(((await seen.json()) as { priceCents: number }).priceCents, 22)
    })
  })

  describe('stale-while-revalidate', () => {
    it('asks the database once for all who see a stale price', async () => {
      let asked = 0
      const knobs = { ttlMs: 20, staleMs: 60_000, dbDelayMs: 100 }
      const { look } = await serveOver('stale-while-revalidate', knobs, (db) => ({
        ...db,
        query: (...args) => {
          asked++
          return db.query(...args)
        },
      }))
      await look(1)
      assert.equal(asked, 1)
      await sleep(knobs.ttlMs + 30)
      const seen = await Promise.all(Array.from({ length: 20 }, () => look(1)))
      for (const answer of seen) assert.match(answer.headers.get('cache-status') ?? '', /hit/)
      await sleep(2 * knobs.dbDelayMs)
      assert.equal(asked, 2)
    })
  })

  describe('what a cache says of itself', () => {
    for (const variant of cached)
      it(`is a Cache-Status as RFC 9211 has it, from ${variant}`, async () => {
        const { look, change } = await serve(`${variant}~ttlMs=1000,dbDelayMs=20`)
        const crowd = await Promise.all(Array.from({ length: 5 }, () => look(1)))
        const later = [await look(1), await look(999)]
        await sleep(1030)
        later.push(await look(1), await look(1))
        const said = [...crowd, ...later].map(({ headers }) => headers.get('cache-status') ?? '')
        for (const text of said) {
          const [caches, ...more] = parseList(text)
          assert.deepEqual(more, [])
          const [name, parameters] = caches as [unknown, Map<string, unknown>]
          assert(name instanceof Token && name.toString() === 'products', text)
          // Either it was answered from what was stored, or it went forward for a registered reason.
          assert.notEqual(parameters.has('hit'), parameters.has('fwd'), text)
          for (const [key, value] of parameters)
            if (key === 'hit') assert.equal(value, true, text)
            else if (key === 'fwd') assert(value instanceof Token && `${value}` === 'miss', text)
            else if (key === 'ttl') assert(parameters.has('hit') && Number.isInteger(value), text)
            else if (key === 'collapsed') assert(parameters.has('fwd') && value === true, text)
            else assert.fail(`${text}: ${key} is not registered`)
        }
        assert(said.some((text) => text.includes('hit')) && said.some((text) => /fwd/.test(text)))
        // A change asks no cache for an answer.
        assert.equal((await change(1, price(1))).headers.get('cache-status'), null)
      })
  })

  describe('its workloads', () => {
    const nobody = {} as Client
    const share = (requests: Request[], is: (request: Request) => boolean) =>
      requests.filter(is).length / requests.length

    it('are the same list each time, of requests that are answered well', async () => {
      const { look, change } = await serve('cache-aside')
      for (const { requests } of Object.values(scenario.workloads ?? {})) {
        assert.deepEqual(requests(nobody), requests(nobody))
        for (const { method, path, body } of requests(nobody).slice(0, 100)) {
          const id = path.split('/')[2] ?? ''
          const asked = method === 'GET' ? look(id) : change(id, JSON.stringify(body))
          assert.equal((await asked).status, 200)
        }
      }
    })

    it('change a price in 5 % of requests, and look at the first product most', () => {
      const requests = scenario.workloads?.zipf?.requests(nobody) ?? []
      const changes = share(requests, ({ method }) => method === 'PUT')
      assert(changes > 0.04 && changes < 0.06, `${changes}`)
      // 1 of 1 + 1/2 + … + 1/200, which is 5.88.
      const first = share(requests, ({ path }) => /^\/products\/1(\/|$)/.test(path))
      assert(first > 0.15 && first < 0.19, `${first}`)
    })
  })

  describe('a cache that goes away', function () {
    this.timeout(60_000)
    let redis: Awaited<ReturnType<typeof startRedis>> | undefined
    const shops = new Map<string, Shop>()

    before(async function () {
      redis = await startRedis()
      if (redis) return
      assert(!(process.env.REQUIRE_BACKENDS ?? '').split(',').includes('redis'))
      this.test!.title += ' — skipped: there is no redis-server on this machine'
      this.skip()
    })
    beforeEach(async () => {
      for (const name of cached)
        shops.set(name, await serve(`${name}@redis`, { url: redis?.url ?? '' }))
    })
    after(() => redis?.stop())

    /** Everybody looks, changes, and looks again, and is answered well. */
    const useAll = () =>
      Promise.all(
        [...shops].map(async ([name, { look, change }]) => {
          for (const id of [1, 2]) {
            await versionIn(await look(id))
            const changed = await versionIn(await change(id, price(7)))
            const seen = await versionIn(await look(id))
            if (name !== 'stale-while-revalidate') assert(seen >= changed, name)
          }
        }),
      )
    const isHit = async ({ look }: Shop) =>
      (await look(3)).headers.get('cache-status')?.includes('hit') === true

    it('makes nothing fail when it is killed, and is used again when it is back', async () => {
      await useAll()
      for (const shop of shops.values())
        assert.equal((await isHit(shop)) || (await isHit(shop)), true)
      await redis?.kill()
      await useAll()
      for (const shop of shops.values()) assert.equal(await isHit(shop), false)
      await useAll()
      await redis?.start()
      for (const shop of shops.values()) await until(() => isHit(shop), 5_000)
      await useAll()
    })

    it('makes nothing fail while it is frozen', async () => {
      await useAll()
      redis?.signal('SIGSTOP')
      try {
        await useAll()
      } finally {
        redis?.signal('SIGCONT')
      }
    })
  })
})

const badIds = ['0', '-1', '1.5', 'x', '1e3', '0x1', '01', '1234567890', '%00', '%F0%9F%AB%96', '%']

const badBodies = [
  '',
  '{',
  'null',
  '[]',
  '"1"',
  '{}',
  ...['1', -1, 1.5, null, true, [], {}, [1], 1e8 + 1, 1e300].map((priceCents) =>
    JSON.stringify({ priceCents }),
  ),
  '{"__proto__": {"priceCents": 1}}',
  '{"priceCents": NaN}',
  `{"priceCents": ${'['.repeat(1000)}${']'.repeat(1000)}}`,
]

/** A Redis of the test's own, on a free port; undefined where there is no program for it. */
const startRedis = async () => {
  const backend = (await loadBackend('redis')) as ServerBackend
  const folders = (process.env.PATH ?? '').split(delimiter)
  const binary = backend.binaries
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((file) => existsSync(file))
  if (!binary) return undefined
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')

  const folder = tempFolder()
  const { server, url } = backend.launch({ binary, folder, port })
  let child: ChildProcess | undefined
  const start = async () => {
    child = spawn(server.file, server.args, { cwd: folder, stdio: 'ignore' })
    await until(
      () =>
        backend.probe(url).then(
          () => true,
          () => false,
        ),
      20_000,
    )
  }
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await start()
  return {
    url,
    start,
    kill,
    stop: kill,
    signal: (name: NodeJS.Signals) => child?.kill(name),
  }
}
