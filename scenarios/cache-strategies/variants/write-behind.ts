// Write-behind (write-back): a change is answered when it is in memory, and
// goes to the database later, together with others. Fast, and a promise that
// a crash can break.
// https://docs.oracle.com/cd/E15357_01/coh.360/e15723/cache_rtwtwbra.htm
import { defineVariant } from '#core/scenario'
import {
  addImport,
  type Change,
  checkChange,
  checkId,
  databaseKnobs,
  forgiving,
  openProducts,
  type Product,
  show,
  ttlMs,
} from '../products.ts'

const flushMs = {
  says: 'how long a change waits for its way to the database',
  default: 1000,
  min: 10,
  max: 60_000,
  unit: 'ms',
} as const

export default defineVariant({
  title: 'Write-behind',
  idea: 'A change is answered at once; the database hears of it later.',
  needs: ['cache', 'db'],
  knobs: { ttlMs, ...databaseKnobs, flushMs },

  async mount(router, { cache, db, knobs, nowMs }) {
    const products = await openProducts(db, knobs)
    const copies = forgiving(cache)
    const { ttlMs, flushMs } = knobs
    addImport(router, products)

    // Changes that the database does not know yet. They are seen first: the
    // copy may be over before they are written.
    const waiting = new Map<number, Change>()
    const look = async (id: number) => {
      const copy =
        waiting.get(id)?.product ?? (await copies.get<Product>(`p:${id}`))
      if (copy) return { product: copy, status: 'hit' }
      const product = await products.find(id)
      if (product) await copies.set(`p:${id}`, product, { ttlMs })
      return { product, status: 'fwd=miss' }
    }

    router.get('/products/:id', checkId, async (ctx) => {
      const { product, status } = await look(ctx.state.id)
      show(ctx, product, status)
    })

    // The answer names the product. So where there is no copy of it, even
    // this waits for the database, once.
    router.put('/products/:id/price', checkChange, async (ctx) => {
      const { id, priceCents } = ctx.state
      const seen = (await look(id)).product
      if (!seen) return show(ctx, null)
      const { version, name } = waiting.get(id)?.product ?? seen
      const product = { id, name, priceCents, version: version + 1 }
      if (waiting.size === 0) flushLater()
      waiting.set(id, { product, atMs: nowMs() })
      await copies.set(`p:${id}`, product, { ttlMs })
      show(ctx, product)
    })

    // Ten changes of one product are one write. A change stays here until it
    // is written, however often that fails, for it was acknowledged. What was
    // changed again during the write stays, too. Each failure waits longer.
    const flushLater = (tries = 1) => {
      const flush = async () => {
        const batch = [...waiting.values()]
        const isSaved = await products.save(batch).then(
          () => true,
          () => false,
        )
        for (const change of isSaved ? batch : []) {
          const { id } = change.product
          if (waiting.get(id) === change) waiting.delete(id)
        }
        if (waiting.size > 0) flushLater(isSaved ? 1 : tries + 1)
      }
      setTimeout(flush, tries * flushMs).unref()
    }
  },
})
