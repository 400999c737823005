// What there is to say about an answer of the shop, from outside: it shows the
// product that was asked for, with a price that this product has had, and that
// price is the present one or it is stale.
import type { Request, Seen } from '#core/scenario'
import { type Product, productCount } from './products.ts'

/**
 * Judges the answers to `requests`, and to no others: their prices are those
 * that may be seen.
 *
 * `stale` is a look that shows an older price than a change that was
 * acknowledged before the look was sent. A change that is still under way may
 * be seen or not.
 *
 * Stale by design is stale-while-revalidate, whose cache is told of nothing.
 * So are all that have a cache, where more processes than one keep one each.
 * Never stale are `none`, and read-through-stamped where all share a cache.
 * The others may be stale when a slow reader or writer puts what is old over
 * what is new.
 */
export const judgePrices = (requests: Request[]) => {
  const plausible = pricesIn(requests)
  const acknowledged = new Map<number, Change[]>()

  const isPlausible = ({ id, name, priceCents, version }: Product) =>
    name === `Teapot no. ${id}` &&
    Number.isInteger(version) &&
    (version === 1
      ? priceCents === firstCents(id)
      : version > 1 && plausible.get(id)?.has(priceCents) === true)

  return ({ request, status, text, sentMs, doneMs }: Seen): string => {
    const id = Number(request.path.split('/')[2])
    const product = parse(text)
    if (status !== 200 || product?.id !== id) return 'wrong'
    if (!isPlausible(product)) return 'wrong'
    const changes = acknowledged.get(id) ?? []

    if (request.method === 'PUT') {
      const { priceCents } = Object(request.body)
      if (product.version === 1 || product.priceCents !== priceCents)
        return 'wrong'
      const newest = newer(changes.at(-1), { ...product, doneMs })
      acknowledged.set(id, [...changes, newest].slice(-mostChanges))
      return 'right'
    }
    const before = changes.findLast((change) => change.doneMs <= sentMs)
    return before && isOlder(product, before) ? 'stale' : 'right'
  }
}

/** The newest change that was acknowledged until `doneMs`. */
type Change = { version: number; priceCents: number; doneMs: number }

/** So many are under way at once, and more: older ones need not be kept. */
const mostChanges = 100

/** Changes may be acknowledged in another order than they were made. */
const newer = (before: Change | undefined, now: Change): Change =>
  before && before.version > now.version
    ? { ...before, doneMs: now.doneMs }
    : now

// Two processes that count for themselves may give two changes one number.
// Then the one that was acknowledged first is the older one.
const isOlder = (seen: Product, { version, priceCents }: Change): boolean =>
  seen.version < version ||
  (seen.version === version && seen.priceCents !== priceCents)

/** What products.ts puts into the table. */
const firstCents = (id: number) => 1000 + 10 * id

const pricesIn = (requests: Request[]) => {
  const all = new Map<number, Set<number>>()
  for (let id = 1; id <= productCount; id++) all.set(id, new Set())
  for (const { path, body } of requests)
    if (body) all.get(Number(path.split('/')[2]))?.add(Object(body).priceCents)
  return all
}

const parse = (text: string): Product | undefined => {
  try {
    return Object(JSON.parse(text))
  } catch {
    return undefined
  }
}
