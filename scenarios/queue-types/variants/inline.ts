// Inline: the one who asks waits until the work is done. Nothing is promised,
// so nothing that was promised can be lost.
import { defineVariant } from '#core/scenario'
import {
  bookings,
  everySlot,
  feeOf,
  importKnobs,
  openLedger,
  readOrder,
  refuse,
} from '../ledger.ts'

export default defineVariant({
  title: 'Inline',
  idea: 'The work is done first, then the answer is given.',
  needs: ['db'],
  knobs: importKnobs,

  async mount(router, { db, knobs }) {
    await db.define(bookings)
    const ledger = openLedger(db, knobs)

    // GET /accounts/:name and GET /ping, the same in every variant.
    ledger.addPages(router)

    // A file that makes no sense is refused to the face of whoever sent it.
    // But who loses the connection meanwhile does not learn whether it was
    // booked, can ask nobody, and has to guess whether to send it again.
    router.post('/imports', async (ctx) => {
      const order = readOrder(ctx)
      if (!order) return
      const all = await ledger
        .check(order.csv)
        .catch((error: Error) => refuse(ctx, 422, error.message))
      if (!all) return
      await db.transaction((within) => ledger.book(within, all))
      ctx.status = 201
      ctx.body = { state: 'done', result: await ledger.report(all) }
    })

    // Every process has a timer of its own, and none knows of the others.
    everySlot(knobs.feeEveryMs, (slot) => ledger.book(db, [feeOf(slot)]))
  },
})
