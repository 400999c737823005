// The people of this service and the answers they get when they are turned
// away. It stands for the users' table that every real service has, so it is
// not what the variants differ in.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Knob } from '#core/scenario'

export type Role = 'reader' | 'editor' | 'admin'
export interface Person {
  readonly name: string
  readonly role: Role
}

/** Everybody who can sign in. */
export const people = [
  { name: 'ada', role: 'editor', password: 'correct horse' },
  { name: 'ben', role: 'editor', password: 'battery staple' },
  { name: 'cleo', role: 'reader', password: 'tall ships' },
  { name: 'dora', role: 'admin', password: 'keys of the house' },
] as const satisfies readonly (Person & { password: string })[]

export const sessionTtlMs = {
  says: 'how long a sign-in lasts',
  default: 1_800_000,
  min: 50,
  max: 86_400_000,
  unit: 'ms',
} as const satisfies Knob

const absoluteTtlMs = {
  says: 'how long a sign-in lasts at most, however often it is used',
  default: 43_200_000,
  min: 50,
  max: 604_800_000,
  unit: 'ms',
} as const satisfies Knob

/** For a variant that remembers when somebody signed in. */
export const lifetimes = { sessionTtlMs, absoluteTtlMs }

/** What a refusal says about the credential that came with the request. */
type Reason = 'missing' | 'invalid' | 'expired' | 'revoked'

/**
 * Opens the users' table. `shownBy` is what a client shows to say who it is.
 */
export const openPeople = (shownBy: 'token' | 'cookie') => {
  const rows = new Map(
    people.map((person) => [person.name as string, row(person)]),
  )

  /** Answers 401 with the reason; returns nothing, so `return refuse(…)`. */
  const refuse = (ctx: Context, reason: Reason): undefined => {
    // A request that showed nothing has made no mistake (RFC 6750, section 3).
    const error = reason === 'missing' ? '' : `, error="invalid_token"`
    const why = error && `, error_description="${reason}"`
    // RFC 9110 (15.5.2) wants a challenge with every 401, but it has no scheme
    // for cookies, and to invent one helps no client. So only tokens have one.
    if (shownBy === 'token')
      ctx.set('WWW-Authenticate', `Bearer realm="people"${error}${why}`)
    problem(ctx, 401, 'You are not signed in', { reason })
  }

  return {
    refuse,

    /**
     * Returns the token of `Authorization: Bearer …`; otherwise answers 401 and
     * returns undefined. Three parts of base64url, each spelled in the one way
     * there is: many decoders skip padding, white space and the spare bits of
     * the last letter (RFC 7515, section 2; RFC 4648, section 3.5).
     */
    tokenIn(ctx: Context): string | undefined {
      const header = ctx.get('Authorization')
      const [, shown] = /^Bearer +(.+)$/i.exec(header) ?? []
      if (!shown) return refuse(ctx, 'missing')
      const isPlain =
        /^[\w-]+\.[\w-]+\.[\w-]*$/.test(shown) &&
        shown.split('.').every(isBase64url)
      return isPlain ? shown : refuse(ctx, 'invalid')
    },

    /** The role that `name` has at this moment. */
    roleOf: (name: string): Role => rows.get(name)?.role ?? 'reader',

    /**
     * Returns whom the request's name and password belong to; otherwise
     * answers 400 or 401 and returns undefined. How passwords are kept
     * properly is another scenario's lesson: one salted SHA-256 is far too
     * fast for real ones.
     */
    signIn(ctx: Context): Person | undefined {
      keepFromCaches(ctx)
      const { name, password } = fieldsOf(ctx)
      if (!isName(name) || !isText(password)) {
        return malformed(ctx, '{"name": "…", "password": "…"}')
      }
      // An unknown name costs the same comparison as a known one.
      const found = rows.get(name) ?? nobody
      const isRight = timingSafeEqual(hash(found.salt, password), found.hash)
      if (!isRight || found === nobody) return refuse(ctx, 'invalid')
      return { name, role: found.role }
    },

    /**
     * Gives `/people/:name/role` the role in the request's body, if `by` may
     * do that, and returns the person as they are now; otherwise answers 400,
     * 403 or 404 and returns undefined.
     */
    changeRole(ctx: Context, by: Person): Person | undefined {
      if (by.role !== 'admin') return problem(ctx, 403, 'Only an admin may')
      const { role } = fieldsOf(ctx)
      if (!isRole(role)) {
        return malformed(ctx, '{"role": "reader | editor | admin"}')
      }
      const name = String(ctx.params.name)
      const found = rows.get(name)
      if (!found) return problem(ctx, 404, 'Nobody here has that name')
      found.role = role
      return { name, role }
    },

    /**
     * Adds what there is to see: `GET /me` for everybody, `GET /reports` for
     * editors and admins. `whoIs` answers for itself where it finds nobody.
     */
    addPages(
      router: Router,
      whoIs: (ctx: Context) => Promise<Person | undefined>,
    ): void {
      router.get('/me', async (ctx) => {
        keepFromCaches(ctx)
        const person = await whoIs(ctx)
        if (person) ctx.body = { name: person.name, role: person.role }
      })
      router.get('/reports', async (ctx) => {
        keepFromCaches(ctx)
        const person = await whoIs(ctx)
        if (!person) return
        if (person.role === 'reader') problem(ctx, 403, 'Only for editors')
        else ctx.body = { reports: ['Spring sales', 'Summer sales'] }
      })
    },
  }
}

const row = ({ role, password }: { role: Role; password: string }) => {
  const salt = randomBytes(16)
  return { role, salt, hash: hash(salt, password) }
}
const hash = (salt: Uint8Array, password: string) =>
  createHash('sha256').update(salt).update(password).digest()
const nobody = row({
  role: 'reader',
  password: randomBytes(16).toString('hex'),
})

// Whatever JSON came in: an object's fields, and no fields for anything else.
const fieldsOf = (ctx: Context): Record<string, unknown> =>
  Object(ctx.request.body)

const isBase64url = (text: string): boolean =>
  Buffer.from(text, 'base64url').toString('base64url') === text

// Names are plain; passwords are anything but control characters and halves
// of characters (lone surrogates), which no keyboard types.
const isName = (value: unknown): value is string =>
  typeof value === 'string' && /^[a-z]{1,40}$/.test(value)
const isText = (value: unknown): value is string =>
  typeof value === 'string' && /^[^\p{Cc}\p{Cs}]{1,200}$/u.test(value)
const isRole = (value: unknown): value is Role =>
  value === 'reader' || value === 'editor' || value === 'admin'

// What is for one person must not lie in a cache, where the next one finds it
// (RFC 9111, section 5.2.2.5).
const keepFromCaches = (ctx: Context) => ctx.set('Cache-Control', 'no-store')

const malformed = (ctx: Context, wanted: string) =>
  problem(ctx, 400, `Send ${wanted} as JSON`, { code: 'BODY_INVALID' })

// A refusal is an answer like any other: problem+json (RFC 9457).
const problem = (
  ctx: Context,
  status: number,
  title: string,
  more?: { reason: Reason } | { code: string },
): undefined => {
  ctx.status = status
  ctx.body = { type: 'about:blank', title, status, ...more }
  ctx.type = 'application/problem+json'
}
