// Stale-while-revalidate: what is past its time is handed out once more, and
// fetched anew behind the reader's back. Nobody waits but the very first.
// RFC 5861; a cache as it stands in front of others' servers: it learns of a
// change only by looking.
import { defineVariant } from '#core/scenario'
import {
  addImport,
  checkChange,
  checkId,
  databaseKnobs,
  forgiving,
  openProducts,
  type Product,
  show,
  ttlMs,
} from '../products.ts'

const staleMs = {
  says: 'how much longer a stale product may be handed out',
  default: 60_000,
  min: 0,
  max: 3_600_000,
  unit: 'ms',
} as const

type Copy = { product: Product; freshUntilMs: number }

export default defineVariant({
  title: 'Stale while revalidate',
  idea: 'Answer with what is there, and look for something newer afterwards.',
  needs: ['cache', 'db'],
  knobs: { ttlMs, ...databaseKnobs, staleMs },

  async mount(router, { cache, db, knobs, nowMs }) {
    const products = await openProducts(db, knobs)
    const copies = forgiving(cache)
    const { ttlMs, staleMs } = knobs
    addImport(router, products)

    // A copy's time runs from before the database was asked: it is no younger.
    const fetch = async (id: number) => {
      const freshUntilMs = nowMs() + ttlMs
      const product = await products.find(id)
      if (!product) return null
      const copy: Copy = { product, freshUntilMs }
      await copies.set(`product:${id}`, copy, { ttlMs: ttlMs + staleMs })
      return product
    }

    // One of those who see a stale product fetches it for all. Nobody waits
    // for that, so nobody hears if it fails: the next one tries again.
    const fetching = new Set<number>()
    const fetchBehind = (id: number) => {
      if (fetching.has(id)) return
      fetching.add(id)
      fetch(id)
        .catch(() => {})
        .finally(() => fetching.delete(id))
    }

    router.get('/products/:id', checkId, async (ctx) => {
      const { id } = ctx.state
      const copy = await copies.get<Copy>(`product:${id}`)
      if (!copy) return show(ctx, await fetch(id), 'fwd=miss')
      const ttlS = Math.floor((copy.freshUntilMs - nowMs()) / 1000)
      if (ttlS < 0) fetchBehind(id)
      show(ctx, copy.product, `hit; ttl=${ttlS}`)
    })

    // The cache is not told.
    router.put('/products/:id/price', checkChange, async (ctx) => {
      const { id, priceCents } = ctx.state
      show(ctx, await products.setPrice(id, priceCents))
    })
  },
})
