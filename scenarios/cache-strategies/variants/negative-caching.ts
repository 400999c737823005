// Negative caching: cache-aside that also keeps the answer "there is none". So
// the database is not asked twice for what does not exist.
// RFC 2308 does it for names in the DNS.
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
  title: 'Negative caching',
  idea: 'Cache-aside that also keeps the answer "there is none".',
  needs: ['cache', 'db'],
  knobs: { ttlMs, ...databaseKnobs },

  async mount(router, { cache, db, knobs }) {
    const products = await openProducts(db, knobs)
    const copies = forgiving(cache)
    const { ttlMs } = knobs
    addImport(router, products)

    // null is a value here, undefined is a miss. Whoever creates a product
    // must delete the copy that says that there is none.
    router.get('/products/:id', checkId, async (ctx) => {
      const key = `product:${ctx.state.id}`
      const copy = await copies.get<Product | null>(key)
      if (copy !== undefined) return show(ctx, copy, 'hit')
      const product = await products.find(ctx.state.id)
      await copies.set(key, product, { ttlMs })
      show(ctx, product, 'fwd=miss')
    })

    router.put('/products/:id/price', checkChange, async (ctx) => {
      const { id, priceCents } = ctx.state
      const product = await products.setPrice(id, priceCents)
      await copies.delete(`product:${id}`)
      show(ctx, product)
    })
  },
})
