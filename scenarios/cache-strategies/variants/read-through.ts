// Read-through: the program asks only the cache, and the cache asks the
// database. The load has one place now, and no reader needs to know it. What a
// reader sees is the same as with cache-aside.
// https://docs.oracle.com/cd/E15357_01/coh.360/e15723/cache_rtwtwbra.htm
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
  title: 'Read-through',
  idea: 'The program asks only the cache, and the cache asks the database.',
  needs: ['cache', 'db'],
  knobs: { ttlMs, ...databaseKnobs },

  async mount(router, { cache, db, knobs }) {
    const products = await openProducts(db, knobs)
    const copies = forgiving(cache)
    const { ttlMs } = knobs
    addImport(router, products)

    // The cache and its loader. A library has this part inside.
    const load = async (id: number) => {
      const product = await products.find(id)
      if (product) await copies.set(`product:${id}`, product, { ttlMs })
      return { product, status: 'fwd=miss' }
    }
    const read = async (id: number) => {
      const product = await copies.get<Product>(`product:${id}`)
      return product ? { product, status: 'hit' } : load(id)
    }

    router.get('/products/:id', checkId, async (ctx) => {
      const { product, status } = await read(ctx.state.id)
      show(ctx, product, status)
    })

    // The name says nothing about changes. This one goes around the cache,
    // first to the database, and then takes the copy away.
    router.put('/products/:id/price', checkChange, async (ctx) => {
      const { id, priceCents } = ctx.state
      const product = await products.setPrice(id, priceCents)
      await copies.delete(`product:${id}`)
      show(ctx, product)
    })
  },
})
