// What queue-types' claims leave out: input that makes no sense, files in every form, a failure of
// the database at each single step, and whether the exercises see what they are to see.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Router from '@koa/router'
import Koa from 'koa'
import dbAdapter from '../../adapters/db/sqlite.ts'
import queueAdapter from '../../adapters/queue/memory.ts'
import { adapterIndex, home, loadScenario } from '../../core/course/find.ts'
import { type Setup, setupsOf } from '../../core/course/setup.ts'
import { answerProblems, parseBody, refuseRoute } from '../../core/http/problems.ts'
import { declare } from '../../core/proof/declare.ts'
import { type Outcome, runExercise } from '../../core/proof/exercise.ts'
import {
  type AnyClaim,
  type AnyVariant,
  type Db,
  defineVariant,
  type Statements,
} from '../../core/scenario.ts'
import { until } from '../../test/seesaw.ts'
import { everySlot } from './ledger.ts'
import scenario from './scenario.ts'

const variants = Object.entries(scenario.variants) as [string, AnyVariant][]

describe('queue-types', () => {
  const cleanUps: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp()
  })

  /** Serves `variant`, with its knobs as by default but for those given, on what `broken` makes of the database. */
  const serve = async (
    variant: AnyVariant,
    changed: Record<string, number> = {},
    broken: (db: Db) => Db = (db) => db,
  ) => {
    const folder = mkdtempSync(join(tmpdir(), 'seesaw-queue-types-'))
    const place = { namespace: 'test', folder, url: '', nowMs: Date.now }
    const db = await dbAdapter.open(place)
    const queue = await queueAdapter.open(place)
    const knobs = Object.fromEntries(
      Object.entries(variant.knobs ?? {}).map(([name, knob]) => [
        name,
        changed[name] ?? (knob as { default: number }).default,
      ]),
    )
    const router = new Router()
    const kinds = { db: broken(db), queue }
    await variant.mount(router, {
      ...kinds,
      knobs,
      secret: new Uint8Array(32),
      nowMs: Date.now,
    })
    const app = new Koa()
    answerProblems(app)
    app
      .use((ctx, next) => {
        // Where an exercise looks for it.
        ctx.path = ctx.path.replace(/^\/run\/queue-types\/test/, '')
        return next()
      })
      .use(parseBody(['json']))
      .use(router.routes())
      .use(refuseRoute)
    const server = createServer(app.callback())
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    cleanUps.push(async () => {
      server.closeAllConnections()
      server.close()
      await queue.close()
      await db.close()
      rmSync(folder, { recursive: true, maxRetries: 5 })
    })
    const { port } = server.address() as AddressInfo
    const address = `http://127.0.0.1:${port}`
    return {
      address,
      knobs,
      get: (path: string) => fetch(address + path),
      post: (body: string, headers: Record<string, string> = {}) =>
        fetch(`${address}/imports`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', ...headers },
        }),
      bookingsOf: async (account: string) => {
        const answer = await fetch(`${address}/accounts/${account}`)
        return ((await answer.json()) as { bookings: number }).bookings
      },
    }
  }

  for (const [id, variant] of variants)
    describe(id, () => {
      it('answers 400 problem+json to what is no order', async () => {
        const server = await serve(variant)
        const file = JSON.stringify({ csv: 'account,cents\nada,1' })
        const tries = [
          ...noOrders.map((body) => server.post(body)),
          server.post(file, { 'idempotency-key': 'x'.repeat(201) }),
        ]
        for (const answer of await Promise.all(tries)) {
          assert.equal(answer.status, 400)
          assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
        }
        assert.equal(await server.bookingsOf('ada'), 0)
      })

      it('knows no import and no account of a strange name', async () => {
        const server = await serve(variant)
        for (const name of strangeNames) {
          assert.equal((await server.get(`/imports/${name}`)).status, 404, name)
          assert.equal(await server.bookingsOf(name), 0, name)
        }
      })

      it('books a file in whatever form CSV comes', async () => {
        const server = await serve(variant)
        const csv = '\ufeff"cents",account\r\n"-5",ada\r\n7,"ada"\r\n'
        assert.ok((await server.post(JSON.stringify({ csv }))).ok)
        await until(async () => (await server.bookingsOf('ada')) === 2, 5_000)
        const answer = await server.get('/accounts/ada')
        assert.deepEqual(await answer.json(), {
          name: 'ada',
          bookings: 2,
          cents: 2,
        })
      })

      it('books nothing of a file whose last row makes no sense', async () => {
        const server = await serve(variant, { attempts: 1 })
        const rows = Array.from({ length: 1500 }, () => 'ada,1')
        const csv = ['account,cents', ...rows, 'ada,much'].join('\n')
        await server.post(JSON.stringify({ csv }))
        const next = { csv: 'account,cents\nben,1' }
        await server.post(JSON.stringify(next))
        await until(async () => (await server.bookingsOf('ben')) === 1, 5_000)
        assert.equal(await server.bookingsOf('ada'), 0)
      })
    })

  describe('inline', () => {
    it('says with 422 what is wrong with a file', async () => {
      const server = await serve(scenario.variants.inline)
      for (const [csv, wanted] of brokenFiles) {
        const answer = await server.post(JSON.stringify({ csv }))
        assert.equal(answer.status, 422, csv)
        assert.match(((await answer.json()) as { title: string }).title, wanted)
      }
    })
  })

  // The work takes longer than an attempt may, though it has booked long before.
  const slow = { withinMs: 500, reportMs: 700, attempts: 2, backoffMs: 10 }
  const afterTwoAttempts = async (variant: AnyVariant) => {
    const server = await serve(variant, slow)
    await server.post(JSON.stringify({ csv: 'account,cents\nada,1' }))
    const failed = async () => {
      const answer = await server.get('/imports')
      return ((await answer.json()) as { failed: number }).failed === 1
    }
    await until(failed, 10_000)
    return server.bookingsOf('ada')
  }

  it('books a file with every attempt where none knows of the others', async () => {
    assert.equal(await afterTwoAttempts(scenario.variants.queued), 2)
  })

  it('books a file once where the booking is noted with it, however often it is tried', async () => {
    assert.equal(await afterTwoAttempts(scenario.variants['queued-once']), 1)
  })

  for (const [id, variant] of variants.filter(([, { needs }]) => needs.includes('queue')))
    it(`makes one import of the same key, and two of different ones (${id})`, async () => {
      const server = await serve(variant)
      const body = JSON.stringify({ csv: 'account,cents\nada,1' })
      const keys = ['one', 'one', 'two', 'one']
      const answers = await Promise.all(
        keys.map((key) => server.post(body, { 'idempotency-key': key })),
      )
      const ids = await Promise.all(answers.map(async (answer) => (await answer.json()) as object))
      assert.equal(new Set(ids.map((id) => JSON.stringify(id))).size, 2)
      await until(async () => (await server.bookingsOf('ada')) === 2, 5_000)
    })

  describe('after the database has failed once', () => {
    // The file has more rows than one statement takes, so that there is a middle.
    const rows = 501
    const file = ['account,cents', ...Array.from({ length: rows }, () => 'ada,1')].join('\n')

    /** How often the file is there, for a failure before and after each write of the work, in turn. */
    const afterEachFailure = async (variant: AnyVariant): Promise<number[]> => {
      const found: number[] = []
      for (let at = 0; ; at++) {
        let left = at
        let hasFailed = false
        const server = await serve(variant, { attempts: 2, backoffMs: 10 }, (db) =>
          failing(db, () => {
            if (left-- !== 0) return
            hasFailed = true
            throw new Error('The connection broke.')
          }),
        )
        await server.post(JSON.stringify({ csv: file }))
        await until(async () => {
          const answer = await server.get('/imports')
          const { done, failed } = (await answer.json()) as {
            done: number
            failed: number
          }
          return done + failed === 1
        }, 10_000)
        if (!hasFailed) return found
        found.push((await server.bookingsOf('ada')) / rows)
      }
    }

    // Before and after the note where it comes first, the first rows, the last rows; after the commit;
    // before and after the note where it comes last.
    const wanted = {
      queued: [1, 1, 1, 1, 2],
      'noted-before': [1, 0, 0, 0, 0, 0, 1],
      'noted-after': [1, 1, 1, 1, 2, 2, 1],
      'queued-once': [1, 1, 1, 1, 1, 1, 1],
    }
    for (const [id, times] of Object.entries(wanted))
      it(`${id} has booked a file ${times.join(', ')} times, by the step of the failure`, async () => {
        const variant = scenario.variants[id as keyof typeof wanted]
        assert.deepEqual(await afterEachFailure(variant), times)
      })
  })

  it('stops a timer whose work has failed', async () => {
    let calls = 0
    everySlot(5, async () => {
      if (++calls === 3) throw new Error('The database is closed.')
    })
    await until(() => calls === 3, 5_000)
    await sleep(50)
    assert.equal(calls, 3)
  })

  it('does its work in each slot of time once', async () => {
    const seen: number[] = []
    everySlot(20, async (slot) => {
      if (seen.push(slot) === 5) throw new Error('That is enough.')
    })
    await until(() => seen.length === 5, 5_000)
    assert.equal(new Set(seen).size, 5)
  })

  describe('the lesson', () => {
    const rowsOf = (columns: number) =>
      readFileSync(join(home, 'scenarios', 'queue-types', 'README.md'), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('|'))
        .map((line) => line.split('|').slice(1, -1))
        .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')))
        .filter((cells) => cells.length === columns)
    let setups: Setup[]
    before(async () => {
      setups = setupsOf('queue-types', await loadScenario('queue-types'), adapterIndex)
    })

    /** ✓ where it holds on each backend, ✗ on none, ◐ on all but memory, ○ in memory only. */
    const markOf = async (claim: AnyClaim, variant: string): Promise<string> => {
      const own = setups.filter((setup) => setup.variant === variant)
      const verdicts = await Promise.all(own.map((setup) => declare(claim, setup)))
      const holds = (verdict: string) => verdict === 'holds'
      if (verdicts.every(holds)) return '✓'
      if (!verdicts.some(holds)) return '✗'
      const inMemory = own.findIndex(({ backends }) => backends.queue === 'memory')
      return holds(verdicts[inMemory] ?? '') ? '○' : '◐'
    }

    it('has a table of all claims that says what the scenario declares', async () => {
      const [[, ...names] = [], , ...rows] = rowsOf(1 + variants.length)
      assert.deepEqual(
        rows.map(([claim]) => claim),
        Object.keys(scenario.claims),
      )
      for (const [name = '', ...marks] of rows)
        for (const [i, mark] of marks.entries()) {
          const claim = scenario.claims[name] as AnyClaim
          assert.equal(await markOf(claim, names[i] as string), mark, `${name}, ${names[i]}`)
        }
    })

    it('has a table of what a crash loses or doubles, once where the claim holds', async () => {
      const [[, , ...names] = [], , ...rows] = rowsOf(2 + variants.length)
      assert.equal(rows.length, 3)
      for (const [step = '', name = '', ...words] of rows)
        for (const [i, word] of words.entries()) {
          const mark = await markOf(scenario.claims[name] as AnyClaim, names[i] as string)
          const wrong = step.startsWith('after') ? 'doubled' : 'lost'
          assert.equal(word, /[✓◐]/.test(mark) ? 'once' : wrong, `${name}, ${names[i]}`)
        }
    })

    it('asks questions that its claims answer', () => {
      const text = readFileSync(join(home, 'scenarios', 'queue-types', 'README.md'), 'utf8')
      const [, asked = ''] = text.split('## You may be asked')
      const seen = [...asked.matchAll(/^Seen in: (.*)$/gm)].flatMap(([, list = '']) =>
        [...list.matchAll(/`([^`]+)`/g)].map(([, claim = '']) => claim),
      )
      assert(seen.length >= 5)
      for (const claim of seen) assert(claim in scenario.claims, claim)
    })
  })

  describe('exercises', () => {
    const { claims } = scenario
    /** Runs the claim's exercise on `variant`, which nothing but the test has seen. */
    const judge = async (name: keyof typeof claims, variant: AnyVariant): Promise<Outcome> => {
      const claim = claims[name] ?? assert.fail(`no claim ${String(name)}`)
      const { address, knobs } = await serve(variant, claim.knobs as Record<string, number>)
      const setup = {
        id: 'queue-types/test',
        scenario: 'queue-types',
        variant: 'test',
      }
      return runExercise(
        claim,
        { ...setup, backends: {}, knobs },
        { doors: [address], restart: async () => {}, kill: async () => {} },
        { alone: (_, work) => work() },
      )
    }

    it('see a check that stops the process for as long as it waits', async () => {
      const { verdict, because } = await judge('waiting-delays-nobody', blocking)
      assert.equal(verdict, 'breaks', because)
    })

    it('see no answer that comes first where the work is done before it, though it says 202', async () => {
      const { verdict, because } = await judge('answer-first', late)
      assert.equal(verdict, 'unknown')
      assert.match(because, /the import is done/)
    })

    it('see more than one under way where two are', async () => {
      const twoAtOnce = {
        ...scenario.variants.queued,
        mount: withTwo(scenario.variants.queued),
      }
      const { verdict, because } = await judge('one-at-a-time', twoAtOnce as AnyVariant)
      assert.equal(verdict, 'breaks', because)
    })
  })
})

const noOrders = ['{}', '[]', '[{"csv":"a"}]', '{"csv":1}', '{"csv":["a"]}', '{"csv":null}', '"x"']

const strangeNames = [
  'nobody',
  '-1',
  '1e99',
  '%00',
  '__proto__',
  'constructor',
  "'%3B--",
  '%F0%9F%98%80',
  '..%2F..',
  'x'.repeat(5000),
]

const brokenFiles: [string, RegExp][] = [
  ['', /no booking/],
  ['account,cents', /no booking/],
  ['account,cents\nada,"1', /Quote/i],
  ['account,cents\nada', /line 2/],
  ['account\nada', /Booking 1/],
  ['account,cents\nada,1\nada,1.5', /Booking 2.*1\.5/],
  ['account,cents\nada,9999999999999', /Booking 1/],
  ['account,cents\n,1', /Booking 1/],
  ['account,cents\na b,1', /Booking 1/],
  ['account,cents\na\0,1', /Booking 1/],
  ['__proto__,cents\nada,1', /Booking 1/],
]

/** A database that calls `step` before and after each write, and after each commit. */
const failing = (db: Db, step: () => void): Db => {
  const writing = (within: Statements): Statements => ({
    async query(sql, values) {
      if (/^\s*select/i.test(sql)) return within.query(sql, values)
      step()
      const rows = await within.query(sql, values)
      step()
      return rows as never
    },
  })
  return {
    ...writing(db),
    define: (statements) => db.define(statements),
    async transaction(work) {
      const result = await db.transaction((within) => work(writing(within)))
      step()
      return result
    },
  }
}

const { inline, queued } = scenario.variants

/** Asks elsewhere like inline, but stops the process until there is an answer. */
const blocking = defineVariant({
  ...inline,
  mount(router, tools) {
    router.post('/imports', (_, next) => {
      const untilMs = performance.now() + tools.knobs.checkMs
      while (performance.now() < untilMs);
      return next()
    })
    return inline.mount(router, {
      ...tools,
      knobs: { ...tools.knobs, checkMs: 0 },
    })
  },
})

/** Has done the work when it says that it has accepted it. */
const late = defineVariant({
  ...queued,
  async mount(router, tools) {
    router.post('/imports', async (ctx, next) => {
      await next()
      const { id } = Object(ctx.body) as { id: string }
      for (;;) {
        const { state } = (await tools.queue.find(id)) ?? {}
        if (state !== 'waiting' && state !== 'running') break
        await sleep(10)
      }
    })
    await queued.mount(router, tools)
  },
})

const withTwo =
  ({ mount }: typeof queued): typeof queued.mount =>
  (router, tools) =>
    mount(router, { ...tools, knobs: { ...tools.knobs, concurrency: 2 } })
