// Read-through with single flight: readers who miss the same product at once
// wait for one answer. All of them pass through one place, so it can tell.
// The idea is that of Go's package singleflight.
// https://pkg.go.dev/golang.org/x/sync/singleflight
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
  title: 'Read-through, single flight',
  idea: 'The cache asks the database once for all who wait.',
  needs: ['cache', 'db'],
  knobs: { ttlMs, ...databaseKnobs },

  async mount(router, { cache, db, knobs }) {
    const products = await openProducts(db, knobs)
    const copies = forgiving(cache)
    const { ttlMs } = knobs
    addImport(router, products)

    const load = async (id: number) => {
      const product = await products.find(id)
      if (product) await copies.set(`product:${id}`, product, { ttlMs })
      return product
    }

    // The cache's "not here" may arrive when another has just put a copy there
    // and left. So the first one looks once more.
    const lookAgain = async (id: number) =>
      (await copies.get<Product>(`product:${id}`)) ?? load(id)

    // Readers who come during a read wait for the same answer. One of them may
    // come after a change, and then that answer is too old.
    const loading = new Map<number, Promise<Product | null>>()
    const loadOnce = (id: number) => {
      const begun = loading.get(id)
      if (begun) return { begun, status: 'fwd=miss; collapsed' }
      const mine = lookAgain(id).finally(() => loading.delete(id))
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
