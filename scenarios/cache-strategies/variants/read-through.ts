// Read-through: the program asks only the cache, and the cache asks the
// database for what it has not. One place knows how a product is found, how
// long a copy lives and who may throw it away. That place is all that it adds:
// what it promises is what cache-aside promises.
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
  title: 'Read-through',
  idea: 'The cache itself asks the database for what it has not.',
  needs: ['cache', 'db'],
  knobs: { ttlMs, dbDelayMs },

  async mount(router, { cache, db, knobs }) {
    const products = await openProducts(db, knobs)
    const copies = forgiving(cache)
    const { ttlMs } = knobs
    addImport(router, products)

    const shelf = {
      async read(id: number) {
        const copy = await copies.get<Product>(`product:${id}`)
        if (copy) return { product: copy, status: 'hit' }
        const product = await products.find(id)
        if (product) await copies.set(`product:${id}`, product, { ttlMs })
        return { product, status: 'fwd=miss' }
      },
      forget: (id: number) => copies.delete(`product:${id}`),
    }

    router.get('/products/:id', checkId, async (ctx) => {
      const { product, status } = await shelf.read(ctx.state.id)
      show(ctx, product, status)
    })

    // A read goes through the cache; a change does not, and has to tell it.
    router.put('/products/:id/price', checkChange, async (ctx) => {
      const { id, priceCents } = ctx.state
      const product = await products.setPrice(id, priceCents)
      await shelf.forget(id)
      show(ctx, product)
    })
  },
})
