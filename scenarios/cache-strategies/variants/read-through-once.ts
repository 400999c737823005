// Read-through, once: all reads go through one place, so that place can let
// many wait for one answer (single flight, request coalescing). Whoever waits
// gets what was asked for by another, and perhaps before their own time.
// https://pkg.go.dev/golang.org/x/sync/singleflight
import { defineVariant } from '#core/scenario'
import {
  addImport,
  checkChange,
  checkId,
  dbDelayMs,
  forgiving,
  openProducts,
  type Product,
  show,
  ttlMs,
} from '../products.ts'

export default defineVariant({
  title: 'Read-through, once',
  idea: 'The cache asks the database once for all who wait.',
  needs: ['cache', 'db'],
  knobs: { ttlMs, dbDelayMs },

  async mount(router, { cache, db, knobs }) {
    const products = await openProducts(db, knobs)
    const copies = forgiving(cache)
    const { ttlMs } = knobs
    addImport(router, products)

    // The cache's "not here" may arrive when another has just put a copy there
    // and left: so whoever is first looks once more.
    const load = async (id: number) => {
      const copy = await copies.get<Product>(`product:${id}`)
      if (copy) return copy
      const product = await products.find(id)
      if (product) await copies.set(`product:${id}`, product, { ttlMs })
      return product
    }

    // Who comes while a product is being read waits for the same answer, also
    // who comes after a change that this answer knows nothing of.
    const loading = new Map<number, Promise<Product | null>>()
    const loadOnce = (id: number) => {
      const begun = loading.get(id)
      if (begun) return { begun, status: 'fwd=miss; collapsed' }
      const mine = load(id).finally(() => loading.delete(id))
      loading.set(id, mine)
      return { begun: mine, status: 'fwd=miss' }
    }

    router.get('/products/:id', checkId, async (ctx) => {
      const { id } = ctx.state
      const copy = await copies.get<Product>(`product:${id}`)
      if (copy) return show(ctx, copy, 'hit')
      const { begun, status } = loadOnce(id)
      show(ctx, await begun, status)
    })

    router.put('/products/:id/price', checkChange, async (ctx) => {
      const { id, priceCents } = ctx.state
      const product = await products.setPrice(id, priceCents)
      await copies.delete(`product:${id}`)
      show(ctx, product)
    })
  },
})
