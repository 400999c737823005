// No cache: every look is a question to the database. It is never stale, and
// it is what all the others have to beat.
import { defineVariant } from '#core/scenario'
import {
  addImport,
  checkChange,
  checkId,
  databaseKnobs,
  openProducts,
  show,
} from '../products.ts'

export default defineVariant({
  title: 'No cache',
  idea: 'Every look asks the database.',
  needs: ['db'],
  knobs: databaseKnobs,

  async mount(router, { db, knobs }) {
    const products = await openProducts(db, knobs)
    addImport(router, products)

    router.get('/products/:id', checkId, async (ctx) => {
      show(ctx, await products.find(ctx.state.id))
    })

    router.put('/products/:id/price', checkChange, async (ctx) => {
      const { id, priceCents } = ctx.state
      show(ctx, await products.setPrice(id, priceCents))
    })
  },
})
