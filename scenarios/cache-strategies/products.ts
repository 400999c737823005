// A shop's products and their prices: the table that all variants share, what
// may be asked of it, and how a request and an answer look. What is kept in
// the cache, and when, is up to the variants.
import { setTimeout } from 'node:timers/promises'
import type Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { Cache, Db, Json, Knob } from '#core/scenario'

export type Product = {
  id: number
  name: string
  priceCents: number
  /** Counts the changes of this product, from 1. */
  version: number
}

/** A product as a change left it, and when that was (since epoch). */
export type Change = { product: Product; atMs: number }

export const productCount = 200

export const ttlMs = {
  says: 'how long a product in the cache counts as fresh',
  default: 10_000,
  min: 20,
  max: 3_600_000,
  unit: 'ms',
} as const satisfies Knob

const dbDelayMs = {
  says: 'modelled: how much longer the database takes',
  default: 0,
  min: 0,
  max: 2000,
  unit: 'ms',
} as const satisfies Knob

const writeDelayMs = {
  says: 'modelled: how much longer again a write takes than a read',
  default: 0,
  min: 0,
  max: 2000,
  unit: 'ms',
} as const satisfies Knob

/** How slow the database is. Every variant has these. */
export const databaseKnobs = { dbDelayMs, writeDelayMs }

// Runs in every process and after every restart, so it must not do harm twice.
// A product's first price counts as a change of `nowMs`: what was changed in
// an older table, and is written late, is older than that.
const tablesAt = (nowMs: number) => [
  `create table if not exists catalogue (
    id integer primary key,
    name text not null,
    price_cents integer not null,
    version integer not null,
    changed_at_ms bigint not null
  )`,
  `insert into catalogue (id, name, price_cents, version, changed_at_ms)
    with recursive numbers (n) as (
      select 1 union all select n + 1 from numbers where n < ${productCount}
    )
    select n, 'Teapot no. ' || n, 1000 + 10 * n, 1, ${nowMs}
    from numbers where true
    on conflict do nothing`,
]
const columns = 'id, name, price_cents as "priceCents", version'

/**
 * Opens the table. A slow database is slow in two ways: what it reads is what
 * was there when it began, and what it writes is there when it ends.
 */
export const openProducts = async (
  db: Db,
  { dbDelayMs, writeDelayMs }: Record<keyof typeof databaseKnobs, number>,
) => {
  await db.define(tablesAt(Date.now()))
  const delay = async (ms: number) => {
    if (ms > 0) await setTimeout(ms)
  }
  return {
    /** Returns the product; null if there is none. */
    async find(id: number): Promise<Product | null> {
      const select = `select ${columns} from catalogue where id = ?`
      const [product = null] = await db.query<Product>(select, [id])
      await delay(dbDelayMs)
      return product
    },

    /** Changes a price and returns the product; null if there is none. */
    async setPrice(id: number, priceCents: number): Promise<Product | null> {
      await delay(dbDelayMs + writeDelayMs)
      const [product = null] = await db.query<Product>(
        `update catalogue
         set price_cents = ?, version = version + 1, changed_at_ms = ?
         where id = ? returning ${columns}`,
        [priceCents, Date.now(), id],
      )
      return product
    },

    /**
     * Writes all of these changes, or none of them. Leaves out those that a
     * later change was faster than, and lets no version go back.
     */
    async save(changes: readonly Change[]): Promise<void> {
      await delay(dbDelayMs + writeDelayMs)
      await db.transaction(async ({ query }) => {
        for (const { product, atMs } of changes) {
          const { id, priceCents, version } = product
          await query(
            `update catalogue set price_cents = ?, changed_at_ms = ?,
             version = case when version < ? then ? else version + 1 end
             where id = ? and changed_at_ms <= ?`,
            [priceCents, atMs, version, version, id, atMs],
          )
        }
      })
    },
  }
}
type Products = Awaited<ReturnType<typeof openProducts>>

/** A cache that is away is an empty one: that makes it slower, not wrong. */
export const forgiving = (cache: Cache): Cache => ({
  get: <Value extends Json>(key: string) =>
    cache.get<Value>(key).catch(() => undefined),
  set: (key, value, options) =>
    cache.set(key, value, options).catch(() => undefined),
  delete: (key) => cache.delete(key).catch(() => undefined),
})

/**
 * Adds the way that goes around every cache: another program, which reads and
 * writes the same table and does not know that there are copies.
 */
export const addImport = (router: Router, products: Products): void => {
  router.get('/import/products/:id', checkId, async (ctx) => {
    show(ctx, await products.find(ctx.state.id))
  })
  router.put('/import/products/:id/price', checkChange, async (ctx) => {
    const { id, priceCents } = ctx.state
    show(ctx, await products.setPrice(id, priceCents))
  })
}

/** Takes the product's id from the path; answers 400 where it is none. */
export const checkId: Middleware<{ id: number }> = (ctx, next) => {
  const text = String(ctx.params.id)
  // Nine digits fit into every database's integer.
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    return problem(ctx, 400, 'A product has a number from 1')
  }
  ctx.state.id = Number(text)
  return next()
}

/** The same, and takes the new price from the body or answers 400. */
export const checkChange: Middleware<{ id: number; priceCents: number }> = (
  ctx,
  next,
) => {
  const { priceCents } = Object(ctx.request.body)
  if (!isPrice(priceCents)) {
    const title = 'Send {"priceCents": 0 to 100000000} as JSON'
    return problem(ctx, 400, title, { code: 'BODY_INVALID' })
  }
  ctx.state.priceCents = priceCents
  return checkId(ctx, next)
}

const isPrice = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 1e8

/**
 * Answers with the product, or 404. `status` is what the cache did with the
 * request, in the words of RFC 9211; left out where no cache was asked.
 */
export const show = (
  ctx: Context,
  product: Product | null,
  status?: string,
): void => {
  if (status) ctx.set('Cache-Status', `products; ${status}`)
  if (product) ctx.body = product
  else problem(ctx, 404, 'There is no such product')
}

// A refusal is an answer like any other: problem+json (RFC 9457).
const problem = (
  ctx: Context,
  status: number,
  title: string,
  more?: { code: string },
): void => {
  ctx.status = status
  ctx.body = { type: 'about:blank', title, status, ...more }
  ctx.type = 'application/problem+json'
}
