// What queue-types' claims leave out: input that makes no sense, files in every form, and attempts
// that are given up without any crash.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Router from '@koa/router'
import Koa from 'koa'
import dbAdapter from '../adapters/db/sqlite.ts'
import queueAdapter from '../adapters/queue/memory.ts'
import { answerProblems, parseBody, refuseRoute } from '../core/http.ts'
import type { AnyVariant } from '../core/scenario.ts'
import { every } from '../scenarios/queue-types/ledger.ts'
import scenario from '../scenarios/queue-types/scenario.ts'
import { until } from './seesaw.ts'

const variants = Object.entries(scenario.variants) as [string, AnyVariant][]

describe('queue-types', () => {
  const cleanUps: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp()
  })

  /** Serves `variant`, with its knobs as by default but for those given. */
  const serve = async (variant: AnyVariant, changed: Record<string, number> = {}) => {
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
    await variant.mount(router, { db, queue, knobs, secret: new Uint8Array(32), nowMs: Date.now })
    const app = new Koa()
    answerProblems(app)
    app
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
        assert.deepEqual(await answer.json(), { name: 'ada', bookings: 2, cents: 2 })
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

  it('makes one import of the same key, and two of different ones', async () => {
    const server = await serve(scenario.variants.queued)
    const body = JSON.stringify({ csv: 'account,cents\nada,1' })
    const keys = ['one', 'one', 'two', 'one']
    const answers = await Promise.all(
      keys.map((key) => server.post(body, { 'idempotency-key': key })),
    )
    const ids = await Promise.all(answers.map(async (answer) => (await answer.json()) as object))
    assert.equal(new Set(ids.map((id) => JSON.stringify(id))).size, 2)
    await until(async () => (await server.bookingsOf('ada')) === 2, 5_000)
  })

  it('stops a timer whose work has failed', async () => {
    let calls = 0
    every(5, async () => {
      if (++calls === 3) throw new Error('The database is closed.')
    })
    await until(() => calls === 3, 5_000)
    await sleep(50)
    assert.equal(calls, 3)
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
