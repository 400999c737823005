// A server session: the browser gets a random number and nothing else. What
// the number stands for stays on the server, where it can be read, changed
// and ended. RFC 6265bis; OWASP Session Management Cheat Sheet.
import { randomBytes } from 'node:crypto'
import type { Context } from 'koa'
import { defineVariant } from '#core/scenario'
import { lifetimes, openPeople, type Role } from '../people.ts'

export default defineVariant({
  title: 'Server session',
  idea: 'A random id in a cookie; everything else stays on the server.',
  needs: ['session'],
  knobs: lifetimes,

  mount(router, { session, knobs, nowMs }) {
    const people = openPeople('cookie')
    const ttlMs = knobs.sessionTtlMs

    // Scripts cannot read the cookie (httpOnly). Other sites' forms do not
    // send it, their links do (sameSite). Over HTTPS, add `secure: true`.
    const cookie = { httpOnly: true, sameSite: 'lax' } as const

    // A fresh id on every sign-in, so that one planted in this browser is not
    // trusted; and the old one ends, for somebody may have a copy of it.
    router.post('/sign-in', async (ctx) => {
      const person = people.signIn(ctx)
      if (!person) return
      const id = randomBytes(32).toString('base64url')
      const data = { userId: person.name, role: person.role, sinceMs: nowMs() }
      await session.create(id, data, { ttlMs })
      // A role that was taken away meanwhile did not find this session yet.
      const role = people.roleOf(person.name)
      if (role !== data.role) await session.replace(id, { ...data, role })
      await session.delete(ctx.cookies.get('sid') ?? '')
      ctx.cookies.set('sid', id, cookie)
      ctx.body = { ...person, role }
    })

    // Every visit puts the end off, but never past the last one. An unknown id
    // was made up, or ended, or ran out: the server no longer knows which.
    const whoIs = async (ctx: Context) => {
      const id = ctx.cookies.get('sid')
      if (!id) return people.refuse(ctx, 'missing')
      const [found] = await Promise.all([
        session.get(id),
        session.touch(id, { ttlMs }),
      ])
      const sinceMs = Number(found?.sinceMs)
      if (!found || nowMs() >= sinceMs + knobs.absoluteTtlMs)
        return people.refuse(ctx, 'invalid')
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

    // What the server remembers it can rewrite: the new role counts from the
    // next request on.
    router.post('/people/:name/role', async (ctx) => {
      const admin = await whoIs(ctx)
      const person = admin && people.changeRole(ctx, admin)
      if (!person) return
      const ids = await session.idsOf(person.name)
      for (const id of ids) {
        const found = await session.get(id)
        if (found) await session.replace(id, { ...found, role: person.role })
      }
      ctx.status = 204
    })
  },
})
