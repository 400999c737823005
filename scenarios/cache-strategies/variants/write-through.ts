// Write-through: whoever changes a price writes it to the database and to the
// cache, and is answered when both have it. So the next reader finds the new
// price at once, without the database.
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
  title: 'Write-through',
  idea: 'Every change goes to the database and, before the answer, the cache.',
  needs: ['cache', 'db'],
  knobs: { ttlMs, ...databaseKnobs },

  async mount(router, { cache, db, knobs }) {
    const products = await openProducts(db, knobs)
    const copies = forgiving(cache)
    const { ttlMs } = knobs
    addImport(router, products)

    // What nobody has changed lately is not in the cache by itself.
    router.get('/products/:id', checkId, async (ctx) => {
      const key = `product:${ctx.state.id}`
      const copy = await copies.get<Product>(key)
      if (copy) return show(ctx, copy, 'hit')
      const product = await products.find(ctx.state.id)
      if (product) await copies.set(key, product, { ttlMs })
      show(ctx, product, 'fwd=miss')
    })

    // First the database: a crash in between leaves an old price in the
    // cache for a while, but never a price that was not written down.
    router.put('/products/:id/price', checkChange, async (ctx) => {
      const { id, priceCents } = ctx.state
      const product = await products.setPrice(id, priceCents)
      if (product) await copies.set(`product:${id}`, product, { ttlMs })
      show(ctx, product)
    })
  },
})
