// What cache-strategies' claims cannot ask from outside: a cache that goes away while people look,
// every order in which readers and writers may meet, and input that makes no sense.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'libsql'
import { parseList, Token } from 'structured-headers'
import type { ServerBackend } from '#core/adapter'
import { adapterIndex, home, loadBackend, loadScenario } from '#core/course/find'
import { parseSetup, resolveSetup } from '#core/course/setup'
import { type MountedRequest, mountSetup } from '#core/lab/app'
import { readTotals } from '#core/lab/meter'
import type { AnyClaim, AnyVariant, Client, Request } from '#core/scenario'
import { tempFolder, until } from '../../test/seesaw.ts'

const scenario = await loadScenario('cache-strategies')
const { variants } = scenario
const cached = Object.keys(variants).filter((name) => variants[name]?.needs.includes('cache'))

interface Shop {
  /** Empties its tables and copies, as a reset does; what its process remembers stays. */
  clear(): Promise<void>
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
      clear: mounted.clear,
      look: (id) => fetch(`${home}/products/${id}`),
      change: (id, body) => fetch(`${home}/products/${id}/price`, { method: 'PUT', headers, body }),
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

  describe('the Cache-Status of every answer', () => {
    /** What the caches say in a day of the shop: looks, a change, a crowd, and what is not there. */
    const statuses = async (variant: string): Promise<string[]> => {
      const ttlMs = variants[variant]?.knobs?.ttlMs ? ',ttlMs=100' : ''
      const { look, change } = await serve(`${variant}~dbDelayMs=20${ttlMs}`)
      const answers: Response[] = []
      const ask = async (...asked: Promise<Response>[]) =>
        answers.push(...(await Promise.all(asked)))
      for (const id of [1, 1, 999, 999]) await ask(look(id))
      await ask(look(2), look(2), look(2))
      await ask(change(1, price(1)), look(1))
      // Longer than a second after its end, a stale copy has a ttl of less than -1.
      await sleep(1_200)
      await ask(look(1), look(2))
      await ask(look(1), change(999, price(1)), change(1, '{'), look('x'))
      return answers.map(({ headers }) => headers.get('cache-status') ?? '')
    }

    for (const variant of Object.keys(variants))
      it(`is a structured field as RFC 9211 has it: ${variant}`, async () => {
        const seen = await statuses(variant)
        assert.equal(seen.some(Boolean), cached.includes(variant))
        for (const text of seen.filter(Boolean)) assertCacheStatus(text)
        const all = seen.join()
        assert.equal(/; hit/.test(all), cached.includes(variant), all)
        const isCollapsed = /^read-through-(once|stamped)$/.test(variant)
        assert.equal(/; collapsed/.test(all), isCollapsed, all)
        assert.equal(/; ttl=-[12]/.test(all), variant === 'stale-while-revalidate', all)
      })

    it('is refused where it is none', () => {
      for (const text of [
        'products',
        'products; hit; fwd=miss',
        'products; fwd=maybe',
        'products; hit; ttl=1.5',
        'products; hit; collapsed',
        'products; hit=?0',
        'products; Hit',
        'products; hit,',
        'pro ducts; hit',
      ])
        assert.throws(() => assertCacheStatus(text), Error, text)
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

    for (const variant of ['cache-aside', 'read-through', 'read-through-once'])
      it(`see old prices through ${variant}`, async () => {
        assert.notEqual(await staleLooks(variant), 0)
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

    it('writes no change into a table that was made after it', async () => {
      const place = { folder: tempFolder() }
      const setup = 'write-behind@memory~flushMs=300'
      const before = await serve(setup, place)
      await before.change(1, price(77))
      await before.clear()
      const after = await serve(setup, place)
      const saves = () => readTotals()['db.transaction@sqlite']?.calls ?? 0
      const saved = saves()
      await until(() => saves() > saved, 5_000)
      assert.equal(await versionIn(await after.look(1)), 1)
    })

    it('keeps an acknowledged change through more than ten failed writes', async () => {
      const folder = tempFolder()
      const { look, change } = await serve('write-behind@memory~flushMs=10,ttlMs=20', { folder })
      await look(1)
      const [name = assert.fail()] = readdirSync(join(folder, 'db')).filter((file) =>
        file.endsWith('.sqlite'),
      )
      const database = new Database(join(folder, 'db', name))
      const failures = () => readTotals()['db.query@sqlite']?.failures ?? 0
      const before = failures()
      database.exec(
        `create trigger full before update on catalogue begin select raise(abort, 'full'); end`,
      )
      assert.equal(await versionIn(await change(1, price(77))), 2)
      await until(() => failures() > before + 11, 20_000)
      assert.equal(await versionIn(await look(1)), 2)
      database.exec('drop trigger full')
      const stored = () => database.prepare('select price_cents from catalogue where id = 1').get()
      await until(() => (stored() as { price_cents: number }).price_cents === 77, 5_000)
      database.close()
    }).timeout(30_000)
  })

  describe('stale-while-revalidate', () => {
    it('asks the database once for a stale copy, however many look at it', async () => {
      const { look } = await serve('stale-while-revalidate@memory~ttlMs=50,dbDelayMs=100')
      const reads = () => readTotals()['db.query@sqlite']?.calls ?? 0
      const first = await versionIn(await look(1))
      await sleep(150)
      const before = reads()
      const answers = await Promise.all(Array.from({ length: 20 }, () => look(1)))
      for (const answer of answers) {
        assert.match(answer.headers.get('cache-status') ?? '', /; hit; ttl=-/)
        assert.equal(await versionIn(answer), first)
      }
      await until(() => reads() > before, 5_000)
      await sleep(50)
      assert.equal(reads() - before, 1)
    })
  })

  describe('its lesson', () => {
    const text = readFileSync(join(home, 'scenarios', 'cache-strategies', 'README.md'), 'utf8')

    /** ✓ where it holds, ✗ where it breaks, ◐ where it holds if the cache is shared. */
    const markOf = ({ heldBy }: AnyClaim, variant: string): string => {
      const held = (sharedBetweenProcesses: boolean): boolean =>
        typeof heldBy === 'function'
          ? heldBy({ variant, traits: { sharedBetweenProcesses, survivesRestart: true } })
          : heldBy.includes(variant)
      return held(false) ? '✓' : held(true) ? '◐' : '✗'
    }

    it('has a table of all claims that says what the scenario declares', () => {
      const [[, ...names] = [], , ...rows] = text
        .split('\n')
        .filter((line) => line.startsWith('|'))
        .map((line) => line.split('|').slice(1, -1))
        .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')))
        .filter((cells) => cells.length === 1 + Object.keys(variants).length)
      assert.deepEqual(names, Object.keys(variants))
      const declared = Object.entries(scenario.claims).map(([id, claim]) => [
        id,
        ...names.map((variant) => markOf(claim, variant)),
      ])
      assert.deepEqual(rows, declared)
    })

    it('asks questions that its claims answer', () => {
      const [, asked = ''] = text.split('## You may be asked')
      const seen = [...asked.matchAll(/^Seen in: (.*)$/gm)].flatMap(([, list = '']) =>
        [...list.matchAll(/`([^`]+)`/g)].map(([, claim = '']) => claim),
      )
      assert(seen.length >= 4)
      for (const claim of seen) assert(claim in scenario.claims, claim)
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

/** Strictly as RFC 9211 and RFC 8941 have it; throws what is wrong. */
const assertCacheStatus = (text: string): void => {
  const caches = parseList(text)
  assert(caches.length > 0)
  for (const [cache, parameters] of caches) {
    assert(cache instanceof Token || typeof cache === 'string', text)
    const told = new Map<string, unknown>(parameters)
    const known = ['hit', 'fwd', 'fwd-status', 'ttl', 'stored', 'collapsed', 'key', 'detail']
    for (const name of told.keys()) assert(known.includes(name), `${name} in ${text}`)
    // A cache either answered by itself or went on, and says which.
    assert.notEqual(told.has('hit'), told.has('fwd'), text)
    for (const name of ['hit', 'stored', 'collapsed'])
      if (told.has(name)) assert.equal(told.get(name), true, text)
    if (told.has('fwd')) assert(forwards.includes(`${told.get('fwd')}`), text)
    if (told.has('ttl')) assert(Number.isInteger(told.get('ttl')), text)
    if (told.has('collapsed')) assert(told.has('fwd'), text)
  }
}
const forwards = 'bypass method uri-miss vary-miss miss request stale partial'.split(' ')

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
  return { url, start, kill, stop: kill, signal: (name: NodeJS.Signals) => child?.kill(name) }
}
