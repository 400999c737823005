// Read-through with single flight and stamps: a copy counts only if no change
// was made since its read began. The stamps do what leases do in Nishtala et
// al., Scaling Memcache at Facebook, NSDI 2013.
import { randomUUID } from 'node:crypto'
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

type Copy = { product: Product; stamp: string }

export default defineVariant({
  title: 'Read-through, stamped',
  idea: 'A copy counts only if no change came after its read began.',
  needs: ['cache', 'db'],
  knobs: { ttlMs, ...databaseKnobs },

  async mount(router, { cache, db, knobs }) {
    const products = await openProducts(db, knobs)
    const copies = forgiving(cache)
    const { ttlMs } = knobs
    addImport(router, products)

    // Every change leaves a new stamp, and a copy counts only under the stamp
    // that was there before it was read. So it does not matter how late a slow
    // reader comes with an old price.
    const load = async (id: number, stamp: string) => {
      const product = await products.find(id)
      if (!product) return null
      const copy: Copy = { product, stamp }
      await copies.set(`product:${id}`, copy, { ttlMs })
      return product
    }

    // The cache's "not here" may arrive when another has just put a copy there
    // and left. So the first one looks once more.
    const lookAgain = async (id: number, stamp: string) => {
      const copy = await copies.get<Copy>(`product:${id}`)
      return copy?.stamp === stamp ? copy.product : load(id, stamp)
    }

    // Single flight, but only under the same stamp: an answer whose read began
    // before a change is too old for a reader who comes after it.
    const loading = new Map<string, Promise<Product | null>>()
    const loadOnce = (id: number, stamp: string) => {
      const key = `${id} ${stamp}`
      const begun = loading.get(key)
      if (begun) return { begun, status: 'fwd=miss; collapsed' }
      const mine = lookAgain(id, stamp).finally(() => loading.delete(key))
      loading.set(key, mine)
      return { begun: mine, status: 'fwd=miss' }
    }

    router.get('/products/:id', checkId, async (ctx) => {
      const { id } = ctx.state
      const [copy, stamp = 'unchanged'] = await Promise.all([
        copies.get<Copy>(`product:${id}`),
        copies.get<string>(`stamp:${id}`),
      ])
      if (copy?.stamp === stamp) return show(ctx, copy.product, 'hit')
      const { begun, status } = loadOnce(id, stamp)
      show(ctx, await begun, status)
    })

    // A stamp must outlive what it speaks against: copies, and readers that
    // are still on their way, who have a minute.
    router.put('/products/:id/price', checkChange, async (ctx) => {
      const { id, priceCents } = ctx.state
      const product = await products.setPrice(id, priceCents)
      const life = { ttlMs: ttlMs + 60_000 }
      await copies.set(`stamp:${id}`, randomUUID(), life)
      show(ctx, product)
    })
  },
})
