// A signed token that can be called back: the server lists those that do not
// count any more, and looks it up on every request. RFC 7519 (JWT), 6750, 8725.
import { randomUUID, subtle } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import type { Context } from 'koa'
import { defineVariant } from '#core/scenario'
import { openPeople, type Role, sessionTtlMs } from '../people.ts'

type Claims = { sub: string; role: Role; exp: number; iat: number; jti: string }
const rules = { algorithms: ['HS256'], typ: 'at+jwt', audience: 'reports' }

export default defineVariant({
  title: 'Token with denylist',
  idea: 'A signed token, and a list of those that no longer count.',
  needs: ['cache'],
  knobs: { sessionTtlMs },

  mount(router, { cache, secret, knobs, nowMs }) {
    const people = openPeople('Bearer')
    const now = () => nowMs() / 1000
    const ttlMs = knobs.sessionTtlMs
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const key = subtle.importKey('raw', secret, hmac, false, ['sign', 'verify'])

    // For each person a mark in time: tokens issued up to it are out. Marks and
    // new tokens come after the last mark, even within one millisecond.
    const next = async (name: string) =>
      Math.max(now(), 0.001 + ((await cache.get<number>(`mark:${name}`)) ?? 0))
    const endAll = async (name: string) =>
      cache.set(`mark:${name}`, await next(name), { ttlMs })

    // The role is read last, so that one taken away meanwhile is seen.
    router.post('/sign-in', async (ctx) => {
      const name = people.signIn(ctx)?.name
      if (!name) return
      const issued = await next(name)
      const role = people.roleOf(name)
      const token = await new SignJWT({ sub: name, role, jti: randomUUID() })
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
        .setAudience('reports')
        .setIssuedAt(issued)
        .setExpirationTime(issued + ttlMs / 1000)
        .sign(await key)
      ctx.body = { name, role, token }
    })

    // First the signature and the time, then both lists in one go.
    const whoIs = async (ctx: Context) => {
      const [, token] = /^Bearer +(.+)$/i.exec(ctx.get('Authorization')) ?? []
      if (!token) return people.refuse(ctx, 'missing')
      const claims = await jwtVerify<Claims>(token, await key, rules).then(
        ({ payload }) => (payload.exp > now() ? payload : 'expired'),
        (e) => (e instanceof errors.JWTExpired ? 'expired' : 'invalid'),
      )
      if (typeof claims === 'string') return people.refuse(ctx, claims)
      const { sub: name, role, jti, iat } = claims
      const [isEnded, mark = 0] = await Promise.all([
        cache.get(`ended:${jti}`),
        cache.get<number>(`mark:${name}`),
      ])
      if (isEnded || iat <= mark) return people.refuse(ctx, 'revoked')
      return { name, role, jti }
    }
    people.addPages(router, whoIs)

    // Listed by its id until it has expired by itself, and no longer.
    router.post('/sign-out', async (ctx) => {
      const person = await whoIs(ctx)
      if (!person) return
      await cache.set(`ended:${person.jti}`, true, { ttlMs })
      ctx.status = 204
    })

    router.post('/sign-out-everywhere', async (ctx) => {
      const person = await whoIs(ctx)
      if (!person) return
      await endAll(person.name)
      ctx.status = 204
    })

    // The token still tells the old role, so it is called back.
    router.post('/people/:name/role', async (ctx) => {
      const admin = await whoIs(ctx)
      const person = admin && people.changeRole(ctx, admin)
      if (!person) return
      await endAll(person.name)
      ctx.status = 204
    })
  },
})
