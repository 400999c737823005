// What session-vs-token's claims cannot ask from outside: input that makes no sense, tokens signed
// with the true key but not by these rules, and ends of life to the millisecond.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import { SignJWT } from 'jose'
import Koa from 'koa'
import cacheAdapter from '../adapters/cache/memory.ts'
import sessionAdapter from '../adapters/session/memory.ts'
import { answerProblems, refuseRoute } from '../core/http.ts'
import type { AnyVariant } from '../core/scenario.ts'
import scenario from '../scenarios/session-vs-token/scenario.ts'

const secret = randomBytes(32)
const ttlMs = 60_000
const variants = Object.entries(scenario.variants) as [string, AnyVariant][]

describe('session-vs-token', () => {
  let nowMs = Date.now()
  let close: (() => Promise<void>) | undefined

  beforeEach(() => {
    nowMs = Date.now()
  })
  afterEach(async () => {
    await close?.()
  })

  /** Serves `variant` on memory, with a clock that stands still until it is set. */
  const serve = async (variant: AnyVariant) => {
    const place = { namespace: 'test', folder: tmpdir(), url: '', nowMs: () => nowMs }
    const session = await sessionAdapter.open(place)
    const cache = await cacheAdapter.open(place)
    const router = new Router()
    const knobs = { sessionTtlMs: ttlMs }
    variant.mount(router, { session, cache, knobs, secret, nowMs: () => nowMs })
    const app = new Koa()
    answerProblems(app)
    app.use(bodyParser({ jsonLimit: '1mb', encoding: 'utf-8' }))
    app.use(router.routes()).use(refuseRoute)
    const server: Server = createServer(app.callback())
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    close = async () => {
      server.closeAllConnections()
      server.close()
      await session.close()
      await cache.close()
    }
    const { port } = server.address() as AddressInfo
    return (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init)
  }
  type Ask = Awaited<ReturnType<typeof serve>>

  const post = (ask: Ask, path: string, body: string, headers: Record<string, string> = {}) =>
    ask(path, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    })

  /** Signs in and returns the headers that prove it. */
  const signIn = async (ask: Ask, name = 'dora', password = 'keys of the house') => {
    const answer = await post(ask, '/sign-in', JSON.stringify({ name, password }))
    assert.equal(answer.status, 200)
    const { token } = (await answer.json()) as { token?: string }
    const [cookie = ''] = answer.headers.getSetCookie()
    return (token ? { authorization: `Bearer ${token}` } : { cookie }) as Record<string, string>
  }

  const isProblem = (answer: Response) =>
    answer.headers.get('content-type')?.startsWith('application/problem+json')

  for (const [id, variant] of variants) {
    describe(id, () => {
      it('answers 400 problem+json to a body that makes no sense', async () => {
        const ask = await serve(variant)
        const admin = await signIn(ask)
        for (const body of badBodies)
          for (const path of ['/sign-in', '/people/ben/role']) {
            const answer = await post(ask, path, body, admin)
            const seen = `${path} ${body.slice(0, 40)} → ${answer.status}`
            assert.ok(answer.status === 400 || (isHuge(body) && answer.status === 413), seen)
            assert.ok(isProblem(answer), seen)
          }
      })

      it('answers 404 to a role for nobody, and 403 to whoever is no admin', async () => {
        const ask = await serve(variant)
        const role = JSON.stringify({ role: 'admin' })
        const admin = await signIn(ask)
        for (const name of ['nobody', '__proto__', 'constructor', '%00', '%F0%9F%98%80'])
          assert.equal((await post(ask, `/people/${name}/role`, role, admin)).status, 404)
        const reader = await signIn(ask, 'cleo', 'tall ships')
        assert.equal((await post(ask, '/people/cleo/role', role, reader)).status, 403)
      })

      it('answers a wrong password and an unknown name alike', async () => {
        const ask = await serve(variant)
        const answers = await Promise.all(
          ['ada', 'nobody', 'constructor'].map((name) =>
            post(ask, '/sign-in', JSON.stringify({ name, password: 'wrong' })),
          ),
        )
        const texts = await Promise.all(answers.map((answer) => answer.text()))
        assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([401]))
        assert.equal(new Set(texts).size, 1)
      })

      it('says with every 401 how to sign in and why not, on every route', async () => {
        const ask = await serve(variant)
        const bad = { authorization: 'Bearer nonsense', cookie: 'sid=nonsense' }
        for (const [method, path] of routes)
          for (const [headers, reason] of [
            [{}, 'missing'],
            [bad, 'invalid'],
          ] as const) {
            const answer = await ask(path, { method, headers })
            assert.equal(answer.status, 401, `${method} ${path}`)
            assert.ok(isProblem(answer))
            assert.match(answer.headers.get('www-authenticate') ?? '', /^(Bearer|Cookie) realm=/)
            assert.equal(((await answer.json()) as { reason: string }).reason, reason)
          }
      })

      it('refuses strange credentials with 401', async () => {
        const ask = await serve(variant)
        for (const text of strangeCredentials) {
          const headers = { authorization: `Bearer ${text}`, cookie: `sid=${text}` }
          const answer = await ask('/me', { headers })
          assert.equal(answer.status, 401, text.slice(0, 40))
        }
      })

      it('gives a different credential at every sign-in', async () => {
        const ask = await serve(variant)
        const first = await signIn(ask)
        nowMs++
        assert.notDeepEqual(await signIn(ask), first)
      })
    })
  }

  for (const [id, variant] of variants.filter(([id]) => id.includes('token'))) {
    describe(id, () => {
      const claims = (nowS: number) => ({
        sub: 'dora',
        role: 'admin',
        aud: 'reports',
        jti: 'x',
        iat: nowS,
        exp: nowS + 60,
      })
      const status = async (
        ask: Ask,
        header: { alg: string; typ?: string },
        content: Record<string, unknown>,
      ) => {
        const token = await new SignJWT(content).setProtectedHeader(header).sign(secret)
        return (await ask('/me', { headers: { authorization: `Bearer ${token}` } })).status
      }

      it('accepts with the true key only its own algorithm, type and audience', async () => {
        const ask = await serve(variant)
        const nowS = nowMs / 1000
        const typ = 'at+jwt'
        const { exp: _, ...endless } = claims(nowS)
        assert.equal(await status(ask, { alg: 'HS256', typ }, claims(nowS)), 200)
        assert.equal(await status(ask, { alg: 'HS256', typ: 'JWT' }, claims(nowS)), 401)
        assert.equal(await status(ask, { alg: 'HS256' }, claims(nowS)), 401)
        assert.equal(await status(ask, { alg: 'HS256', typ }, { ...claims(nowS), aud: 'x' }), 401)
        assert.equal(await status(ask, { alg: 'HS256', typ }, endless), 401)
      })

      it('lives to the millisecond', async () => {
        // Whole seconds would show only if the end does not fall on one.
        nowMs -= (nowMs % 1000) - 500
        const ask = await serve(variant)
        const headers = await signIn(ask)
        nowMs += ttlMs - 1
        assert.equal((await ask('/me', { headers })).status, 200)
        nowMs += 1
        assert.equal((await ask('/me', { headers })).status, 401)
      })
    })
  }

  it('signs out everywhere and in again within one millisecond', async () => {
    const ask = await serve(scenario.variants['token-with-denylist'])
    const before = await signIn(ask)
    assert.equal((await post(ask, '/sign-out-everywhere', '', before)).status, 204)
    const after = await signIn(ask)
    assert.equal((await ask('/me', { headers: before })).status, 401)
    assert.equal((await ask('/me', { headers: after })).status, 200)
    assert.equal((await post(ask, '/sign-out-everywhere', '', after)).status, 204)
    assert.equal((await ask('/me', { headers: after })).status, 401)
  })

  it('keeps cookies from scripts and from forms on other sites', async () => {
    for (const id of ['server-session', 'signed-cookie-session'] as const) {
      const ask = await serve(scenario.variants[id])
      const { cookie } = await signIn(ask)
      assert.match(cookie ?? '', /^sid=.+; samesite=lax; httponly$/i)
      await close?.()
    }
  })
})

const routes = [
  ['GET', '/me'],
  ['GET', '/reports'],
  ['POST', '/sign-out'],
  ['POST', '/sign-out-everywhere'],
  ['POST', '/people/ada/role'],
] as const

const isHuge = (body: string) => body.length > 1_000_000
const badBodies = [
  '',
  '{',
  'null',
  '[]',
  '"text"',
  '7',
  '{}',
  '{"name":1,"password":2,"role":3}',
  '{"name":["ada"],"password":{"$ne":null},"role":["admin"]}',
  '{"__proto__":{"name":"ada","password":"x","role":"admin"}}',
  '{"name":"a\\u0000b","password":"x","role":"ad\\u0000min"}',
  '{"name":"\\ud800","password":"x","role":"\\udfff"}',
  '{"name":"ada","password":"\\u0000","role":"Admin"}',
  '{"name":"ada","password":"\\ud800","role":"owner"}',
  `{"name":"${'a'.repeat(1_000_000)}","password":"x","role":"${'a'.repeat(10)}"}`,
  `{"name":"${'a'.repeat(900_000)}","password":"x","role":"${'a'.repeat(10)}"}`,
  `{"name":"ada","password":"${'x'.repeat(900_000)}","role":"${'a'.repeat(10)}"}`,
]

const strangeCredentials = [
  '.',
  '..',
  '...',
  'a.b.c',
  'null',
  'undefined',
  '__proto__',
  '%00',
  '"quoted"',
  'e30.e30.e30',
  `${Buffer.from('null').toString('base64url')}.${Buffer.from('[]').toString('base64url')}.x`,
  'x'.repeat(8_000),
  `${'a.'.repeat(2_000)}a`,
]
