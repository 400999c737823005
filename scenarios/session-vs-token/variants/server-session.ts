// A server session: the browser gets a random number and nothing else. What
// the number stands for stays on the server, where it can be read, changed
// and ended. RFC 6265bis; OWASP Session Management Cheat Sheet.
import { randomBytes } from 'node:crypto'
import type { Context } from 'koa'
import { defineVariant } from '#core/scenario'
import { openPeople, type Person, type Role, sessionTtlMs } from '../people.ts'

export default defineVariant({
  title: 'Server session',
  idea: 'A random id in a cookie; everything else stays on the server.',
  needs: ['session'],
  knobs: { sessionTtlMs },

  mount(router, { session, knobs }) {
    const people = openPeople('Cookie')
    const ttlMs = knobs.sessionTtlMs

    // Scripts cannot read the cookie (httpOnly), and forms on other sites do
    // not send it (sameSite). Over HTTPS, add `secure: true`.
    const cookie = { httpOnly: true, sameSite: 'lax' } as const

    // A fresh id on every sign-in: an id that someone else planted in this
    // browser must not become trusted. Nobody guesses 256 random bits.
    router.post('/sign-in', async (ctx) => {
      const person = people.signIn(ctx)
      if (!person) return
      const id = randomBytes(32).toString('base64url')
      const data = { userId: person.name, role: person.role }
      await session.create(id, data, { ttlMs })
      ctx.cookies.set('sid', id, cookie)
      ctx.body = person
    })

    // Every visit pushes the end away again; the two calls leave together.
    // An id that is not there was made up, or ended, or ran out of time: the
    // server no longer knows which.
    const whoIs = async (ctx: Context): Promise<Person | undefined> => {
      const id = ctx.cookies.get('sid')
      if (!id) return people.refuse(ctx, 'missing')
      const [found] = await Promise.all([
        session.get(id),
        session.touch(id, { ttlMs }),
      ])
      if (!found) return people.refuse(ctx, 'invalid')
      return { name: found.userId, role: found.role as Role }
    }

    // GET /me and GET /reports, the same in every variant.
    people.addPages(router, whoIs)

    // Forgotten here, the id is worth nothing, whoever else has a copy of it.
    router.post('/sign-out', async (ctx) => {
      if (!(await whoIs(ctx))) return
      await session.delete(ctx.cookies.get('sid') ?? '')
      ctx.cookies.set('sid', null, cookie)
      ctx.status = 204
    })

    // The server knows all sessions of a person, on whatever device.
    router.post('/sign-out-everywhere', async (ctx) => {
      const person = await whoIs(ctx)
      if (!person) return
      const ids = await session.idsOf(person.name)
      await Promise.all(ids.map((id) => session.delete(id)))
      ctx.cookies.set('sid', null, cookie)
      ctx.status = 204
    })

    // What the server remembers it can also rewrite: the person stays signed
    // in, and has the new role from the next request on.
    router.post('/people/:name/role', async (ctx) => {
      const admin = await whoIs(ctx)
      const person = admin && people.changeRole(ctx, admin)
      if (!person) return
      const data = { userId: person.name, role: person.role }
      const ids = await session.idsOf(person.name)
      await Promise.all(ids.map((id) => session.replace(id, data)))
      ctx.status = 204
    })
  },
})
