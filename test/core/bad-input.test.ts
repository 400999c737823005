// Whatever comes in over HTTP, to the lab or to control: never a 5xx, never a trace of the inside,
// and every refusal is problem+json. The routes are taken from the variants themselves, so those of
// a new scenario are tested without a word here.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import Router from '@koa/router'
import { createControl } from '#core/control/api'
import { adapterIndex, loadAdapter, loadConfig, loadScenario, scenarioIds } from '#core/course/find'
import { answerClientErrors } from '#core/http/problems'
import type { Kind } from '#core/kinds'
import { type Lab, startLab } from '#core/lab/lab'
import { type Desk, openDesk } from '#core/measurements/desk'
import { requestsFor } from '#core/traffic/workload'
import { assertNoTrace, problemIn, sendRaw, tempFolder } from '../seesaw.ts'

const jsonType = { 'content-type': 'application/json' }
const long = 'x'.repeat(3_000)
/** Values that no field expects. */
const odd: unknown[] = [
  'a\0b',
  '\ud800',
  '\udc00\ud800',
  'é\u202e\u0007',
  '',
  long,
  '__proto__',
  0,
  -1e308,
  null,
  true,
  [],
  [[]],
  {},
  { toString: 1, constructor: null },
]
const fields = ['name', 'password', 'role', 'key', 'value', 'id']

/** Bodies that are wrong in themselves, and the code for each. */
const badBodies: [string, string | Buffer, Record<string, string>, string][] = [
  ['cut off', '{"name": "ada', {}, 'BODY_MALFORMED'],
  ['a bare word', 'ada', {}, 'BODY_MALFORMED'],
  ['a bare string', '"ada"', {}, 'BODY_INVALID'],
  ['a bare number', '42', {}, 'BODY_INVALID'],
  ['a bare null', 'null', {}, 'BODY_INVALID'],
  ['a bare true, with white space', ' true\n', {}, 'BODY_INVALID'],
  ['of bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), {}, 'BODY_MALFORMED'],
  ['with a __proto__', '{"__proto__": {"role": "admin"}}', {}, 'BODY_MALFORMED'],
  ['nested 100,000 deep', `${'['.repeat(1e5)}${']'.repeat(1e5)}`, {}, 'BODY_INVALID'],
  ['nested deep inside', `{"name":${'{"a":'.repeat(5e3)}1${'}'.repeat(5e3)}}`, {}, 'BODY_INVALID'],
  ['of 10 MB', JSON.stringify({ name: 'x'.repeat(1e7) }), {}, 'BODY_TOO_LARGE'],
  [
    'packed, of 10 MB',
    gzipSync(JSON.stringify({ name: 'x'.repeat(1e7) })),
    { 'content-encoding': 'gzip' },
    'BODY_TOO_LARGE',
  ],
  ['not packed as it says', '{}', { 'content-encoding': 'gzip' }, 'BODY_MALFORMED'],
  ['packed by something unknown', '{}', { 'content-encoding': 'zstd9' }, 'MEDIA_TYPE_REFUSED'],
]

/** Bytes that are no sound HTTP, and the code for each. */
const badBytes: [string, string | Buffer, string][] = [
  ['noise', Buffer.from([0, 1, 2, 255, 254, 13, 10, 13, 10]), 'REQUEST_MALFORMED'],
  ['a TLS greeting', Buffer.from('16030100c8010000c40303', 'hex'), 'REQUEST_MALFORMED'],
  ['an unknown method', 'FETCH / HTTP/1.1\r\nHost: x\r\n\r\n', 'REQUEST_MALFORMED'],
  ['an unknown version', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', 'REQUEST_MALFORMED'],
  ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'REQUEST_MALFORMED'],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'REQUEST_MALFORMED',
  ],
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'REQUEST_MALFORMED',
  ],
  ['a header with a NUL', 'GET / HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n', 'REQUEST_MALFORMED'],
  ['CONNECT', 'CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n', 'METHOD_NOT_ALLOWED'],
  [
    'an expectation',
    'GET / HTTP/1.1\r\nHost: x\r\nExpect: the-unexpected\r\n\r\n',
    'REQUEST_MALFORMED',
  ],
  [
    '20 KB in one header',
    `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`,
    'HEADERS_TOO_LARGE',
  ],
  [
    '20 KB in many headers',
    `GET / HTTP/1.1\r\nHost: x\r\n${'X-A: aaaaaaaaaa\r\n'.repeat(1900)}\r\n`,
    'HEADERS_TOO_LARGE',
  ],
  ['20 KB of path', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 'HEADERS_TOO_LARGE'],
]

/** The first answer in what a socket received, as problem+json. */
const problemInBytes = (received: string) => {
  const [head = '', body = ''] = received.split('\r\n\r\n')
  assert.match(head, /^HTTP\/1\.1 4\d\d /, received.slice(0, 200))
  assert.match(head, /content-type: application\/problem\+json/i)
  assertNoTrace(body)
  return JSON.parse(body) as { code: string; status: number }
}

/** Holds that an answer is no failure, and problem+json where it is a refusal. */
const assertRefusedWell = async (response: Response, what: string) => {
  const text = await response.text()
  assert(response.status < 500, `${what}: ${response.status} ${text.slice(0, 300)}`)
  assertNoTrace(text)
  if (response.status < 400) return
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/, what)
  if (response.headers.get('content-length') !== null && text)
    assert.equal(JSON.parse(text).status, response.status, what)
}

describe('bad input', () => {
  let lab: Lab
  let server: Server
  let control: string
  let desk: Desk
  before(async () => {
    lab = await startLab({ workers: 1, dataFolder: tempFolder() })
    server = createServer({ requireHostHeader: false }).listen(0, '127.0.0.1')
    answerClientErrors(server)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    // What would measure ends at once.
    desk = openDesk({
      folder: tempFolder(),
      defaults: {},
      environment: lab.environment,
      command: [process.execPath, '--eval', ''],
    })
    server.on(
      'request',
      createControl({ lab, config: await loadConfig(), port, version: '0', desk }).callback(),
    )
    control = `http://localhost:${port}`
  })
  after(async () => {
    server?.close().closeAllConnections()
    await desk?.stop()
    await lab?.stop()
  })

  const testBytes = (url: () => string) => {
    for (const [what, bytes, code] of badBytes)
      it(`answers ${what} with ${code}, and closes the connection or goes on`, async () => {
        assert.equal(problemInBytes(await sendRaw(url(), bytes)).code, code)
      })
  }

  describe('to the lab', () => {
    const echo = () => `${lab.url}/run/session-vs-token/server-session/sign-in`

    testBytes(() => lab.url)

    it('answers a request without a Host with REQUEST_MALFORMED', async () => {
      const received = await sendRaw(lab.url, 'GET /run/rate-limits/live/ HTTP/1.1\r\n\r\n')
      assert.equal(problemInBytes(received).code, 'REQUEST_MALFORMED')
    })

    it('answers a request of HTTP/1.0, which needs no Host', async () => {
      const received = await sendRaw(lab.url, 'GET /run/rate-limits/live/ HTTP/1.0\r\n\r\n')
      assert.match(received, /^HTTP\/1\.1 200 /)
    })

    for (const [what, body, headers, code] of badBodies)
      it(`answers a body ${what} with ${code}`, async () => {
        const options = { method: 'POST', headers: { ...jsonType, ...headers }, body }
        assert.equal((await problemIn(await fetch(echo(), options))).code, code)
      })

    it('answers the next request on the connection over which 10 MB came', async () => {
      const body = JSON.stringify({ name: 'x'.repeat(1e7) })
      const path = new URL(echo()).pathname
      const received = await sendRaw(
        lab.url,
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
        body,
        'GET /run/rate-limits/live/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      )
      assert.match(received, /^HTTP\/1\.1 413 /)
      assert.match(received, /HTTP\/1\.1 200 OK/)
    })

    for (const path of [
      '/run/%',
      '/run/%zz/live/',
      '/run/rate-limits/%ED%A0%80/',
      '/run/rate-limits/gcra~limit=%00/',
      '/run/rate%00limits/gcra/',
      '/run/rate-limits%2F..%2F../gcra/',
      '/run/../../etc/passwd',
      '/run/__proto__/constructor/',
      '/run/constructor/live/',
      '/run/rate-limits/__proto__@__proto__=__proto__~__proto__=1/',
      `/run/rate-limits/gcra~limit=${'9'.repeat(5000)}/`,
      `/run/rate-limits/${'a'.repeat(10_000)}/`,
      `/run/${'@~=,/'.repeat(2000)}`,
      '/run/rate-limits/gcra@limiter=redis,limiter=memory/',
      '///',
      '/?',
      '/run?/rate-limits/live/',
    ])
      it(`refuses ${path.slice(0, 60)} by a code`, async () => {
        const received = await sendRaw(
          lab.url,
          `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
        )
        const problem = problemInBytes(received)
        assert.match(problem.code, /^[A-Z_]+$/)
        assert.notEqual(problem.code, 'INTERNAL')
        assert(received.length < 2_500, 'it does not send all of it back')
      })

    for (const id of scenarioIds())
      describe(`with ${id}`, function () {
        this.timeout(60_000)
        const variants = async () => Object.entries((await loadScenario(id)).variants)

        it('never fails on a path, a header or a body that nobody expects', async () => {
          for (const [name, variant] of await variants()) {
            const { routes, setup } = await routesOf(id, name, variant)
            const signedIn = await requestsFor(setup, lab.url).then(
              ({ requests }) => requests[0]?.headers ?? {},
            )
            for (const { method, path } of routes)
              for (const request of oddRequests(method, path)) {
                const { suffix, body, headers = {} } = request
                const response = await fetch(`${lab.url}/run/${setup}${suffix}`, {
                  method,
                  redirect: 'manual',
                  headers: { ...signedIn, ...(body === undefined ? {} : jsonType), ...headers },
                  ...(body === undefined ? {} : { body }),
                })
                await assertRefusedWell(
                  response,
                  `${method} ${suffix.slice(0, 80)} ${body?.slice(0, 80)}`,
                )
              }
          }
        })

        it('refuses methods that a route does not take', async () => {
          for (const [name, variant] of await variants()) {
            const { routes, setup } = await routesOf(id, name, variant)
            for (const path of new Set(routes.map(({ path }) => path)))
              for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
                const url = `${lab.url}/run/${setup}${path.replaceAll(/:\w+/g, 'x')}`
                const response = await fetch(url, { method, redirect: 'manual' })
                await assertRefusedWell(response, `${method} ${path}`)
                const known = routes.some((route) => route.path === path && route.method === method)
                if (known || (method === 'HEAD' && response.status !== 405)) continue
                assert.equal(response.status, 405, `${method} ${path}`)
                assert(response.headers.get('allow'), 'says which it takes')
              }
          }
        })
      })
  })

  describe('to control', () => {
    const post = (
      path: string,
      body: string | Buffer,
      headers: Record<string, string> = jsonType,
    ) => fetch(`${control}${path}`, { method: 'POST', body, headers })
    const paths = ['/api/toggle', '/api/reset', '/api/prove', '/api/try', '/api/bench']

    testBytes(() => control)

    for (const path of paths)
      for (const [what, body, headers, code] of badBodies)
        it(`answers a body ${what} at ${path} with ${code}`, async () => {
          const response = await post(path, body, { ...jsonType, ...headers })
          assert.equal((await problemIn(response)).code, code)
        })

    it('never fails on a value that nobody expects', async () => {
      const sound: Record<string, Record<string, unknown>> = {
        '/api/toggle': {
          scenario: 'rate-limits',
          variant: 'gcra',
          backends: {},
          knobs: {},
          reset: true,
        },
        '/api/reset': { setup: 'rate-limits/gcra' },
        '/api/prove': { targets: ['rate-limits/gcra'], backends: ['memory'], workers: 1 },
        '/api/try': { setup: 'rate-limits/gcra', exercise: 'small-state' },
        '/api/bench': {
          target: 'rate-limits',
          variants: ['gcra', 'fixed-window'],
          backends: ['memory'],
          workers: 1,
          workload: 'crowd',
          knobs: { limit: 5 },
          preset: 'quick',
          load: 'open',
          rate: 10,
          blocks: 1,
          seed: 1,
        },
      }
      for (const [path, whole] of Object.entries(sound))
        for (const field of Object.keys(whole))
          for (const value of [...odd, ['--help'], '--help', { limit: '\0' }, { limiter: '\0' }]) {
            // What is sound with this value in it would start a proof.
            if (
              path === '/api/prove' &&
              field === 'targets' &&
              Array.isArray(value) &&
              !value.length
            )
              continue
            const body = JSON.stringify({ ...whole, [field]: value })
            const response = await post(path, body)
            await assertRefusedWell(response, `${path} ${body.slice(0, 200)}`)
          }
    })

    for (const path of paths)
      it(`names the key that ${path} does not know`, async () => {
        const problem = await problemIn(await post(path, '{"sceanrio":"x","setup":"x"}'))
        assert.equal(problem.code, 'BODY_INVALID')
        assert.match(problem.detail, /sceanrio/)
      })

    it('names the exercise that there is not, also one that looks like an option', async () => {
      for (const exercise of ['small-stat', '--help', '--json', '\0', '']) {
        const body = JSON.stringify({ setup: 'rate-limits/gcra', exercise })
        const problem = await problemIn(await post('/api/try', body))
        assert.equal(problem.code, 'EXERCISE_NOT_FOUND', exercise)
      }
    })

    it('refuses hosts that are not its own (DNS rebinding)', async () => {
      const { port } = new URL(control)
      for (const host of [
        '',
        'example.org',
        `example.org:${port}`,
        `evil.localhost:${port}`,
        `localhost.example.org:${port}`,
        `127.0.0.1.example.org:${port}`,
        `1270.0.1:${port}`,
        `0.0.0.0:${port}`,
        `localhost:${port}:1`,
        `a@localhost:${port}`,
      ])
        for (const request of ['GET /api/state', 'GET /', 'POST /api/toggle']) {
          const received = await sendRaw(
            control,
            `${request} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
          )
          assert.equal(problemInBytes(received).code, 'HOST_REFUSED', `${request} ${host}`)
        }
      const without = await sendRaw(control, 'GET /api/state HTTP/1.1\r\nConnection: close\r\n\r\n')
      assert.equal(problemInBytes(without).code, 'HOST_REFUSED')
    })

    it('answers to every name of loopback and any port, as a forwarded one has', async () => {
      for (const host of ['localhost', 'LocalHost:1', 'localhost.:9', '127.0.0.2', '[::1]:3000']) {
        const head = `Host: ${host}\r\nConnection: close\r\n`
        const read = await sendRaw(control, `GET /api/scenarios HTTP/1.1\r\n${head}\r\n`)
        assert.match(read, /^HTTP\/1.1 200 /, host)
        const body = `Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`
        const own = `Origin: http://${host.toLowerCase()}\r\nSec-Fetch-Site: same-origin\r\n`
        const written = await sendRaw(control, `POST /api/try HTTP/1.1\r\n${head}${own}${body}`)
        assert.equal(problemInBytes(written).code, 'BODY_INVALID', host)
      }
    })

    for (const headers of [
      { origin: 'https://example.org' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:3001' },
      { origin: 'http://localhost' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ] as Record<string, string>[])
      it(`refuses writes that come with ${JSON.stringify(headers)}`, async () => {
        const { port } = new URL(control)
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
        for (const path of paths) {
          const received = await sendRaw(
            control,
            `POST ${path} HTTP/1.1\r\nHost: localhost:${port}\r\n${lines.join('')}Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
          )
          assert.equal(problemInBytes(received).code, 'ORIGIN_REFUSED')
        }
      })

    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      '',
    ])
      it(`refuses a body of type '${type}', with a length or in chunks`, async () => {
        const { port } = new URL(control)
        const head = `POST /api/reset HTTP/1.1\r\nHost: localhost:${port}\r\n${type && `Content-Type: ${type}\r\n`}Connection: close\r\n`
        for (const rest of [
          'Content-Length: 2\r\n\r\n{}',
          'Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
        ])
          assert.equal(
            problemInBytes(await sendRaw(control, head + rest)).code,
            'MEDIA_TYPE_REFUSED',
          )
      })

    it('refuses methods and paths that it does not know', async () => {
      for (const [method, path, code] of [
        ['GET', '/api/toggle', 'METHOD_NOT_ALLOWED'],
        ['PUT', '/api/toggle', 'METHOD_NOT_ALLOWED'],
        ['OPTIONS', '/api/toggle', 'METHOD_NOT_ALLOWED'],
        ['POST', '/api/state', 'METHOD_NOT_ALLOWED'],
        ['GET', '/api/nothing', 'ROUTE_NOT_FOUND'],
        ['GET', '/api/%', 'ROUTE_NOT_FOUND'],
        ['POST', '/', undefined],
        ['GET', '/..%2f..%2fpackage.json', 'ROUTE_NOT_FOUND'],
      ] as const) {
        const problem = await problemIn(await fetch(`${control}${path}`, { method }))
        if (code) assert.equal(problem.code, code, `${method} ${path}`)
      }
    })
  })
})

/** The routes that a variant adds, on adapters of its own. */
const routesOf = async (
  id: string,
  name: string,
  variant: Awaited<ReturnType<typeof loadScenario>>['variants'][string],
) => {
  const router = new Router()
  const needs: readonly Kind[] = variant.needs
  const folder = tempFolder()
  const opened = await Promise.all(
    needs.map(async (kind) => {
      const backend = adapterIndex[kind].includes('memory') ? 'memory' : 'sqlite'
      const adapter = await loadAdapter(kind, backend)
      return [kind, await adapter.open({ namespace: 'routes', folder, url: '', nowMs: Date.now })]
    }),
  )
  const knobs = Object.entries<{ default: number }>(variant.knobs ?? {})
  const tools = {
    ...Object.fromEntries(opened),
    knobs: Object.fromEntries(knobs.map(([knob, value]) => [knob, value.default])),
    nowMs: Date.now,
    secret: new Uint8Array(32),
  }
  await variant.mount(router, tools)
  for (const [, kind] of opened) await (kind as { close(): Promise<void> }).close()
  const routes = router.stack.flatMap((layer) =>
    layer.methods.map((method) => ({ method, path: String(layer.path) })),
  )
  return { setup: `${id}/${name}`, routes: routes.filter(({ method }) => method !== 'HEAD') }
}

interface OddRequest {
  suffix: string
  body?: string
  headers?: Record<string, string>
}

function* oddRequests(method: string, path: string): Generator<OddRequest> {
  const plain = path.replaceAll(/:\w+/g, 'ada')
  for (const word of ['%', '%00', '%ED%A0%80', '__proto__', '..%2f..', long, '%F0%9F%92%A9'])
    if (path.includes(':')) yield { suffix: path.replaceAll(/:\w+/g, word) }
  for (const query of ['%', '%00=%00', 'a[b]=c&a=d', '__proto__[x]=1', `q=${long}`, '&&&==='])
    yield { suffix: `${plain}?${query}` }
  for (const value of [
    '\u0080\u00ff',
    long,
    'Bearer',
    `Bearer ${long}`,
    'Bearer a.b.c',
    '=;=;,',
    'sid=%',
  ])
    yield { suffix: plain, headers: { authorization: value, cookie: value, 'x-api-key': value } }
  if (method === 'GET') return
  for (const body of ['', '{', '[]', '{}', '[[[]]]']) yield { suffix: plain, body }
  for (const value of odd) {
    yield { suffix: plain, body: JSON.stringify(Object.fromEntries(fields.map((f) => [f, value]))) }
    yield {
      suffix: plain,
      body: JSON.stringify({ name: 'ada', password: 'correct horse', role: value }),
    }
    yield { suffix: plain, body: JSON.stringify({ name: 'ada', password: value }) }
  }
}
