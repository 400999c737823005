// A session without a store: what the server wants to remember travels in the
// cookie itself. It is signed, so nobody can change it, but not encrypted, so
// whoever holds it can read it. RFC 6265bis; RFC 2104 (HMAC).
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Context } from 'koa'
import { defineVariant } from '#core/scenario'
import { openPeople, type Person, sessionTtlMs } from '../people.ts'

type Data = Person & { expiresAtMs: number }

export default defineVariant({
  title: 'Signed cookie session',
  idea: 'The whole session in a signed cookie, issued anew on every visit.',
  needs: [],
  knobs: { sessionTtlMs },

  mount(router, { secret, knobs, nowMs }) {
    const people = openPeople('cookie')

    // Scripts cannot read the cookie (httpOnly). Other sites' forms do not
    // send it, their links do (sameSite). Over HTTPS, add `secure: true`.
    const cookie = { httpOnly: true, sameSite: 'lax' } as const

    const sign = (text: string) =>
      `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`

    const issue = (ctx: Context, { name, role }: Person) => {
      const expiresAtMs = nowMs() + knobs.sessionTtlMs
      const data: Data = { name, role, expiresAtMs }
      const text = Buffer.from(JSON.stringify(data)).toString('base64url')
      ctx.cookies.set('sid', sign(text), cookie)
    }

    // Returns nothing for a value that this server never signed. Comparing in
    // constant time tells nobody how much of a guess was right.
    const open = (value: string): Data | undefined => {
      const [text = ''] = value.split('.')
      const shown = Buffer.from(value)
      const right = Buffer.from(sign(text))
      if (shown.length !== right.length) return
      if (!timingSafeEqual(shown, right)) return
      return JSON.parse(Buffer.from(text, 'base64url').toString())
    }

    router.post('/sign-in', async (ctx) => {
      const person = people.signIn(ctx)
      if (!person) return
      issue(ctx, person)
      ctx.body = person
    })

    // Every visit gets a cookie with a later end. The one before it stays
    // good until its own end, and so does a thief's, who may renew it too.
    const whoIs = async (ctx: Context): Promise<Person | undefined> => {
      const value = ctx.cookies.get('sid')
      if (!value) return people.refuse(ctx, 'missing')
      const data = open(value)
      if (!data) return people.refuse(ctx, 'invalid')
      if (data.expiresAtMs <= nowMs()) return people.refuse(ctx, 'expired')
      issue(ctx, data)
      return data
    }

    // GET /me and GET /reports, the same in every variant.
    people.addPages(router, whoIs)

    // Here and everywhere: all that the server can do is to ask this browser
    // to drop its cookie. A copy of it stays as good as it was.
    router.post(['/sign-out', '/sign-out-everywhere'], async (ctx) => {
      if (!(await whoIs(ctx))) return
      ctx.cookies.set('sid', null, { ...cookie, overwrite: true })
      ctx.status = 204
    })

    // The table has the new role; the cookie goes on telling the old one.
    router.post('/people/:name/role', async (ctx) => {
      const admin = await whoIs(ctx)
      if (admin && people.changeRole(ctx, admin)) ctx.status = 204
    })
  },
})
