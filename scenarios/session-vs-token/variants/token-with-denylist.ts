// A signed token that can be called back: the server lists those that do not
// count any more, and looks it up on every request. RFC 7519 (JWT), 6750, 8725.
import { randomUUID, subtle } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import type { Context } from 'koa'
import { defineVariant } from '#core/scenario'
import { openPeople, type Role, sessionTtlMs } from '../people.ts'

type Claims = { sub: string; role: Role; exp: number; jti: string; gen: number }
const rules = { algorithms: ['HS256'], typ: 'JWT', audience: 'reports' }

export default defineVariant({
  title: 'Token with denylist',
  idea: 'A signed token, and a list of those that no longer count.',
  needs: ['cache'],
  knobs: { sessionTtlMs },

  mount(router, { cache, secret, knobs, nowMs }) {
    const people = openPeople('token')
    const now = () => nowMs() / 1000
    const ttlMs = knobs.sessionTtlMs
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const key = subtle.importKey('raw', secret, hmac, false, ['sign', 'verify'])

    // Each person's tokens have a generation; the next one ends all before it.
    // It is counted, as clocks differ, and kept: old ones must not come back.
    const generation = async (name: string) =>
      (await cache.get<number>(`gen:${name}`)) ?? 0
    const endAll = async (name: string) =>
      cache.set(`gen:${name}`, 1 + (await generation(name)))

    // The role is read last, so that one taken away meanwhile is seen.
    router.post('/sign-in', async (ctx) => {
      const name = people.signIn(ctx)?.name
      if (!name) return
      const gen = await generation(name)
      const role = people.roleOf(name)
      const claims = { sub: name, role, jti: randomUUID(), gen }
      const token = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setAudience('reports')
        .setExpirationTime(now() + ttlMs / 1000)
        .sign(await key)
      ctx.body = { name, role, token }
    })

    // First the signature and the time, then both lists in one go.
    const whoIs = async (ctx: Context) => {
      const token = people.tokenIn(ctx)
      if (!token) return
      const claims = await jwtVerify<Claims>(token, await key, rules).then(
        ({ payload }) => (payload.exp > now() ? payload : 'expired'),
        (e) => (e instanceof errors.JWTExpired ? 'expired' : 'invalid'),
      )
      if (typeof claims === 'string') return people.refuse(ctx, claims)
      const { sub: name, role, jti, gen } = claims
      const [isEnded, current] = await Promise.all([
        cache.get(`ended:${jti}`),
        generation(name),
      ])
      if (isEnded || gen < current) return people.refuse(ctx, 'revoked')
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
