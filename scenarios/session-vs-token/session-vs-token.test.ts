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
import cacheAdapter from '../../adapters/cache/memory.ts'
import sessionAdapter from '../../adapters/session/memory.ts'
import type { Opened } from '../../core/adapter.ts'
import { SeesawError } from '../../core/errors.ts'
import { answerProblems, refuseRoute } from '../../core/http/problems.ts'
import type { AnyVariant } from '../../core/scenario.ts'
import scenario from './scenario.ts'

const secret = randomBytes(32)
const lifeMs = 60_000
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
  const serve = async (
    variant: AnyVariant,
    {
      ttlMs = lifeMs,
      wrap = (cache: Opened<'cache'>) => cache,
      wrapSession = (session: Opened<'session'>) => session,
    } = {},
  ) => {
    const place = {
      namespace: 'test',
      folder: tmpdir(),
      url: '',
      nowMs: () => nowMs,
    }
    const session = wrapSession(await sessionAdapter.open(place))
    const cache = wrap(await cacheAdapter.open(place))
    const router = new Router()
    const knobs = { sessionTtlMs: ttlMs, absoluteTtlMs: 10 * ttlMs }
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
            const challenge = answer.headers.get('www-authenticate')
            // No scheme is registered for cookies (RFC 9110 §16.4.1), so none is named.
            if (isShownInHeader(id)) assert.match(challenge ?? '', /^Bearer realm=/)
            else assert.equal(challenge, null)
            assert.equal(((await answer.json()) as { reason: string }).reason, reason)
          }
      })

      it('keeps what is for one person from every cache', async () => {
        const ask = await serve(variant)
        const credentials = JSON.stringify({
          name: 'dora',
          password: 'keys of the house',
        })
        const answers = [await post(ask, '/sign-in', credentials)]
        const headers = await signIn(ask)
        for (const path of ['/me', '/reports']) answers.push(await ask(path, { headers }))
        answers.push(await ask('/me'))
        for (const answer of answers) assert.equal(answer.headers.get('cache-control'), 'no-store')
      })

      it('refuses strange credentials with 401', async () => {
        const ask = await serve(variant)
        for (const text of strangeCredentials) {
          const headers = {
            authorization: `Bearer ${text}`,
            cookie: `sid=${text}`,
          }
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
        gen: 0,
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
        const typ = 'JWT'
        const { exp: _, ...endless } = claims(nowS)
        assert.equal(await status(ask, { alg: 'HS256', typ }, claims(nowS)), 200)
        assert.equal(await status(ask, { alg: 'HS256', typ: 'at+jwt' }, claims(nowS)), 401)
        assert.equal(await status(ask, { alg: 'HS512', typ }, claims(nowS)), 401)
        assert.equal(await status(ask, { alg: 'HS256' }, claims(nowS)), 401)
        assert.equal(await status(ask, { alg: 'HS256', typ }, { ...claims(nowS), aud: 'x' }), 401)
        assert.equal(await status(ask, { alg: 'HS256', typ }, endless), 401)
      })

      it('lives to the millisecond', async () => {
        // Whole seconds would show only if the end does not fall on one.
        nowMs -= (nowMs % 1000) - 500
        const ask = await serve(variant)
        const headers = await signIn(ask)
        nowMs += lifeMs - 1
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

  it('signs out everywhere also where the clock of another server is behind', async () => {
    let cache: Opened<'cache'> | undefined
    const share = (own: Opened<'cache'>) => (cache ??= own)
    const ahead = await serve(scenario.variants['token-with-denylist'], {
      wrap: share,
    })
    const phone = await signIn(ahead)
    const laptop = await signIn(ahead)
    const closeAhead = close
    nowMs -= 30_000
    const behind = await serve(scenario.variants['token-with-denylist'], {
      wrap: share,
    })
    assert.equal((await post(behind, '/sign-out-everywhere', '', laptop)).status, 204)
    assert.equal((await behind('/me', { headers: phone })).status, 401)
    assert.equal((await behind('/me', { headers: await signIn(behind) })).status, 200)
    await closeAhead?.()
  })

  it('lists a token that was signed out for as long as it lives', async () => {
    const ttlMs = 30 * 60_000
    const lives: (number | undefined)[] = []
    const wrap = (cache: Opened<'cache'>): Opened<'cache'> => ({
      ...cache,
      set(key, value, options) {
        lives.push(options?.ttlMs)
        return cache.set(key, value, options)
      },
    })
    const ask = await serve(scenario.variants['token-with-denylist'], {
      ttlMs,
      wrap,
    })
    const headers = await signIn(ask)
    assert.equal((await post(ask, '/sign-out', '', headers)).status, 204)
    assert.deepEqual(lives, [ttlMs])
    const again = await signIn(ask)
    assert.equal((await post(ask, '/sign-out-everywhere', '', again)).status, 204)
    // A count that ended would begin anew, and let old tokens in.
    assert.deepEqual(lives.slice(1), [undefined])
  })

  it('lets nobody in while the denylist cannot be asked', async () => {
    let isGone = false
    const wrap = (cache: Opened<'cache'>): Opened<'cache'> => ({
      ...cache,
      async get(key) {
        if (isGone) throw new SeesawError('BACKEND_UNREACHABLE', 'The list is away.')
        return cache.get(key)
      },
    })
    const ask = await serve(scenario.variants['token-with-denylist'], { wrap })
    const headers = await signIn(ask)
    assert.equal((await ask('/me', { headers })).status, 200)
    isGone = true
    for (const path of ['/me', '/reports']) assert.equal((await ask(path, { headers })).status, 503)
  })

  it('gives a session the role of the moment in which it is there', async () => {
    let meanwhile = async () => {}
    const wrapSession = (session: Opened<'session'>): Opened<'session'> => ({
      ...session,
      async create(...args) {
        await meanwhile()
        await session.create(...args)
      },
    })
    const ask = await serve(scenario.variants['server-session'], {
      wrapSession,
    })
    const admin = await signIn(ask)
    meanwhile = async () => {
      const role = JSON.stringify({ role: 'reader' })
      assert.equal((await post(ask, '/people/ben/role', role, admin)).status, 204)
    }
    const headers = await signIn(ask, 'ben', 'battery staple')
    assert.equal((await ask('/reports', { headers })).status, 403)
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

const isShownInHeader = (id: string) => !id.includes('session')

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
