// One request to several setups: what goes out, what comes back, and that one that cannot answer keeps
// no other from answering.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { home } from '#core/course/find'
import { parseServerTiming } from '../../core/lab/server-timing.ts'
import type { Sent, Suggestions } from '../../core/traffic/send.ts'
import { copyWith, type Started, startSeesaw } from '../seesaw.ts'

describe('POST /api/send', function () {
  this.timeout(30_000)
  let real: Started
  let loud: Started
  before(async () => {
    ;[real, loud] = await Promise.all([
      startSeesaw({ words: ['--workers', '2'], env: { REDIS_URL: 'redis://127.0.0.1:1' } }),
      startSeesaw({ root: copyWith(join(home, 'test', 'fixtures', 'answers')) }),
    ])
  })
  after(() => Promise.all([real, loud].map((seesaw) => seesaw?.stop())))

  const post = async (seesaw: Started, body: object) => {
    const response = await fetch(`${seesaw.url}/api/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const json = (await response.json()) as { sent: Sent[]; code?: string }
    return { status: response.status, json }
  }
  const send = async (seesaw: Started, body: object): Promise<Sent[]> => {
    const { status, json } = await post(seesaw, body)
    assert.equal(status, 200, JSON.stringify(json))
    return json.sent
  }

  it('signs in first, at the process that answers, and shows what each asked of what', async () => {
    const setups = ['session-vs-token/server-session@memory', 'session-vs-token/signed-token']
    // A session that one of two processes keeps: by chance it would be known only half the time.
    for (let i = 0; i < 4; i++)
      for (const { answer } of await send(real, { setups })) assert.equal(answer?.status, 200)
    const [session, token] = await send(real, { setups })
    assert.equal(session?.before[0]?.request.path, '/sign-in')
    assert.match(session?.before[0]?.answer.setCookies[0] ?? '', /^sid=/)
    assert.match(session?.request?.headers.cookie ?? '', /^sid=/)
    assert.match(token?.request?.headers.authorization ?? '', /^Bearer ey/)
    assert.deepEqual(
      session?.answer?.calls.map(({ name, backend }) => `${name} on ${backend}`).sort(),
      ['session.get on memory', 'session.touch on memory'],
    )
    for (const { startMs, ms } of session?.answer?.calls ?? [])
      assert(startMs + ms <= (session?.answer?.totalMs ?? 0))
    assert.deepEqual(token?.answer?.calls, [])
  })

  it('sends what it is told, and nothing before it where that is not wanted', async () => {
    const [sent] = await send(real, {
      setups: ['session-vs-token/server-session'],
      request: { method: 'GET', path: '/me', headers: { 'X-Odd': 'ä' } },
      prepare: false,
    })
    assert.deepEqual(sent?.before, [])
    assert.deepEqual(sent?.request?.headers, { 'x-odd': 'ä' })
    assert.equal(sent?.answer?.status, 401)
  })

  it('lets the others answer where one cannot', async () => {
    const [broken, well] = await send(real, {
      setups: ['rate-limits/nope', 'rate-limits/gcra'],
    })
    assert.equal(broken?.problem?.code, 'VARIANT_NOT_FOUND')
    assert.equal(well?.answer?.status, 200)
    const [gone, token] = await send(real, {
      setups: ['session-vs-token/server-session@redis', 'session-vs-token/signed-token'],
    })
    const told = gone?.problem ?? JSON.parse(gone?.answer?.body ?? '{}')
    assert.match(told.code, /^BACKEND_UN/)
    assert.equal(gone?.before[0]?.answer.status, 503)
    assert.equal(token?.answer?.status, 200)
  })

  it('gives every Set-Cookie line, and of a long body its beginning and its size', async () => {
    const [shouting, quiet] = await send(loud, {
      setups: ['shouting/shouting', 'shouting/quiet'],
    })
    assert.equal(shouting?.answer?.setCookies.length, 2)
    assert.equal(Math.round((shouting?.answer?.body.length ?? 0) / 1024), 64)
    assert((shouting?.answer?.bodyBytes ?? 0) > 1_000_000)
    assert.equal(shouting?.answer?.calls.length, 2)
    assert.equal(quiet?.answer?.body, '{"method":"GET","sent":""}')
  })

  it('gives up an answer that does not end', async () => {
    const [endless] = await send(loud, {
      setups: ['shouting/quiet'],
      request: { method: 'GET', path: '/endless' },
    })
    assert.equal(endless?.problem?.code, 'WORKER_FAILED')
    assert.match(endless?.problem?.detail ?? '', /no whole answer came within 10 s/)
  })

  it('refuses what is no request before anything is sent', async () => {
    const wrong = [
      { method: 'get', path: '/' },
      { method: 'CONNECT', path: '/' },
      { method: 'GET', path: 'http://example.org/' },
      { method: 'GET', path: '/\r\nx: y' },
      { method: 'GET', path: '/', headers: { 'a b': 'c' } },
      { method: 'GET', path: '/', headers: { a: 'b\nc: d' } },
      { method: 'GET', path: '/', headers: { 'Content-Length': '5' } },
      { method: 'GET', path: '/', headers: { 'transfer-encoding': 'chunked' } },
    ]
    for (const request of wrong) {
      const { status, json } = await post(loud, { setups: ['shouting/quiet'], request })
      assert.equal(status, 400, JSON.stringify(request))
      assert.equal(json.code, 'BODY_INVALID')
    }
    assert.equal((await post(loud, { setups: [] })).status, 400)
    assert.equal((await post(loud, { setups: Array(4).fill('shouting/quiet') })).status, 400)
  })

  it('suggests what workloads send and what variants listen to', async () => {
    const suggest = async (seesaw: Started, id: string) =>
      (await (await fetch(`${seesaw.url}/api/send/${id}`)).json()) as Suggestions
    const { workloads, requests } = await suggest(real, 'session-vs-token')
    assert.deepEqual(
      workloads.map(({ id, prepares }) => [id, prepares]),
      [['me', true]],
    )
    const shown = requests.map(({ method, path }) => `${method} ${path}`)
    assert.equal(shown[0], 'GET /me')
    assert(shown.includes('POST /sign-in') && shown.includes('POST /people/:name/role'))
    const cache = (await suggest(real, 'cache-strategies')).requests
    assert.match(cache[0]?.path ?? '', /^\/products\/\d+$/)
    assert.equal((await fetch(`${real.url}/api/send/nope`)).status, 404)
  })

  it('reads a Server-Timing header as it was written', () => {
    const { calls, totalMs } = parseServerTiming(
      'session.get;dur=0.100;start=1.200;desc="redis failed", total;dur=2.500',
    )
    const call = { name: 'session.get', backend: 'redis', startMs: 1.2, ms: 0.1, failed: true }
    assert.deepEqual(calls, [call])
    assert.equal(totalMs, 2.5)
    assert.deepEqual(parseServerTiming(''), { calls: [] })
  })
})
