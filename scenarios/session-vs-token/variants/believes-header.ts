// WRONG ON PURPOSE. It asks the token itself how it is to be checked. Then a
// forger says that it needs no check (`none`), or that the server's public key,
// which anybody may have, is a shared secret. RFC 8725, sections 2.1 and 3.1.
import {
  createHmac,
  createPublicKey,
  createSign,
  createVerify,
} from 'node:crypto'
import type { Context } from 'koa'
import { defineVariant } from '#core/scenario'
import { demoKey } from '../demo-key.ts'
import { openPeople, type Person, sessionTtlMs } from '../people.ts'

type Claims = Person & { exp: number }

const publicKey = createPublicKey(demoKey)
  .export({ type: 'spki', format: 'pem' })
  .toString()

// Three ways to check a signature. Each is right for the key that it is made
// for; the fault is who chooses.
const checks: Record<string, (signed: string, signature: string) => boolean> = {
  none: () => true,
  hs256: (signed, signature) =>
    createHmac('sha256', publicKey).update(signed).digest('base64url') ===
    signature,
  rs256: (signed, signature) =>
    createVerify('RSA-SHA256')
      .update(signed)
      .verify(publicKey, signature, 'base64url'),
}

export default defineVariant({
  title: 'Token that says how',
  idea: 'A signed token that may say itself how it is to be checked.',
  safe: false,
  needs: [],
  knobs: { sessionTtlMs },

  mount(router, { knobs, nowMs }) {
    const people = openPeople('token')

    const encode = (value: unknown) =>
      Buffer.from(JSON.stringify(value)).toString('base64url')
    const decode = (part = '') =>
      JSON.parse(Buffer.from(part, 'base64url').toString())

    // Other services verify with it, so it is for everybody to see.
    router.get('/key', (ctx) => {
      ctx.body = publicKey
    })

    router.post('/sign-in', async (ctx) => {
      const person = people.signIn(ctx)
      if (!person) return
      const exp = (nowMs() + knobs.sessionTtlMs) / 1000
      const signed = `${encode({ alg: 'RS256' })}.${encode({ ...person, exp })}`
      const signer = createSign('RSA-SHA256').update(signed)
      const token = `${signed}.${signer.sign(demoKey, 'base64url')}`
      ctx.body = { ...person, token }
    })

    // The token's own word picks the check: that is the hole.
    const whoIs = async (ctx: Context): Promise<Person | undefined> => {
      const [head, body, signature = ''] = people.tokenIn(ctx)?.split('.') ?? []
      if (!head) return
      try {
        const check = checks[String(decode(head).alg).toLowerCase()]
        if (!check?.(`${head}.${body}`, signature)) throw new Error('forged')
        const { name, role, exp }: Claims = decode(body)
        if (exp * 1000 > nowMs()) return { name, role }
      } catch {
        return people.refuse(ctx, 'invalid')
      }
      return people.refuse(ctx, 'expired')
    }

    people.addPages(router, whoIs)
    router.post(['/sign-out', '/sign-out-everywhere'], async (ctx) => {
      if (await whoIs(ctx)) ctx.status = 204
    })
    router.post('/people/:name/role', async (ctx) => {
      const admin = await whoIs(ctx)
      if (admin && people.changeRole(ctx, admin)) ctx.status = 204
    })
  },
})
