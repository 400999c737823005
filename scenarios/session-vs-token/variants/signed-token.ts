// A signed token: the server writes down who this is, signs it, hands it out
// and keeps nothing. Whoever shows it is let in until it expires, and nothing
// the server learns meanwhile changes that. RFC 7519 (JWT), 6750, 8725.
import { subtle } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import type { Context } from 'koa'
import { defineVariant } from '#core/scenario'
import { openPeople, type Person, type Role, sessionTtlMs } from '../people.ts'

type Claims = { sub: string; role: Role; exp: number }

// The server decides how a token is verified, never the token: by this
// algorithm with this key, as this type, for this audience. (`none` jose
// refuses whatever is said here.)
const rules = { algorithms: ['HS256'], typ: 'JWT', audience: 'reports' }

export default defineVariant({
  title: 'Signed token',
  idea: 'Name and role, signed, in the hands of the client; no memory at all.',
  needs: [],
  knobs: { sessionTtlMs },

  mount(router, { secret, knobs, nowMs }) {
    const people = openPeople('token')

    // Tokens count in seconds; a fraction is allowed.
    const now = () => nowMs() / 1000
    const ttl = knobs.sessionTtlMs / 1000

    // Prepared once: given plain bytes, jose would import them every time.
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const key = subtle.importKey('raw', secret, hmac, false, ['sign', 'verify'])

    router.post('/sign-in', async (ctx) => {
      const person = people.signIn(ctx)
      if (!person) return
      const token = await new SignJWT({ sub: person.name, role: person.role })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setAudience('reports')
        .setExpirationTime(now() + ttl)
        .sign(await key)
      ctx.body = { ...person, token }
    })

    // jose looks at whole seconds only, so a token could live up to a second
    // too long: the last line of the three compares exactly.
    const whoIs = async (ctx: Context): Promise<Person | undefined> => {
      const token = people.tokenIn(ctx)
      if (!token) return
      try {
        const { payload } = await jwtVerify<Claims>(token, await key, rules)
        if (payload.exp > now())
          return { name: payload.sub, role: payload.role }
        return people.refuse(ctx, 'expired')
      } catch (error) {
        const isLate = error instanceof errors.JWTExpired
        return people.refuse(ctx, isLate ? 'expired' : 'invalid')
      }
    }

    // GET /me and GET /reports, the same in every variant.
    people.addPages(router, whoIs)

    // Here and everywhere: all that the server can do is to let the client
    // throw its token away. A copy of it stays as good as it was.
    router.post(['/sign-out', '/sign-out-everywhere'], async (ctx) => {
      if (await whoIs(ctx)) ctx.status = 204
    })

    // The table has the new role; the token goes on telling the old one.
    router.post('/people/:name/role', async (ctx) => {
      const admin = await whoIs(ctx)
      if (admin && people.changeRole(ctx, admin)) ctx.status = 204
    })
  },
})
