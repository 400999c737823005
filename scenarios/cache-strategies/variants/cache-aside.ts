// Cache-aside: the cache stands beside the database and knows nothing of it.
// The program asks the cache, then the database, and puts a copy aside for
// the next one.
// https://learn.microsoft.com/azure/architecture/patterns/cache-aside
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

export default defineVariant({
  title: 'Cache-aside',
  idea: 'Look into the cache, else into the database, and keep a copy.',
  needs: ['cache', 'db'],
  knobs: { ttlMs, ...databaseKnobs },

  async mount(router, { cache, db, knobs }) {
    const products = await openProducts(db, knobs)
    const copies = forgiving(cache)
    const { ttlMs } = knobs
    addImport(router, products)

    // Between find and set anything may happen. If the price changes
    // meanwhile, what is kept here is the old one, and nobody will notice
    // until its time is over.
    router.get('/products/:id', checkId, async (ctx) => {
      const key = `product:${ctx.state.id}`
      const copy = await copies.get<Product>(key)
      if (copy) return show(ctx, copy, 'hit')
      const product = await products.find(ctx.state.id)
      if (product) await copies.set(key, product, { ttlMs })
      show(ctx, product, 'fwd=miss')
    })

    // First the database, then the cache: the other way round, a reader in
    // between would put the old price back. And the copy is deleted, not
    // rewritten: of two writers the slower one might be the older one.
    router.put('/products/:id/price', checkChange, async (ctx) => {
      const { id, priceCents } = ctx.state
      const product = await products.setPrice(id, priceCents)
      await copies.delete(`product:${id}`)
      show(ctx, product)
    })
  },
})
