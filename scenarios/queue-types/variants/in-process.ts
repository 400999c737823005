// In-process: answer now, and do the work afterwards without anybody waiting
// for it. Two words less than inline, `await` and `catch`, and it feels like
// a queue. The only one who knows of the work is this process.
import { randomUUID } from 'node:crypto'
import { defineVariant } from '#core/scenario'
import {
  accept,
  bookings,
  everySlot,
  feeOf,
  importKnobs,
  openLedger,
  readOrder,
  refuse,
} from '../ledger.ts'

type Import = { state: 'running' } | { state: 'done'; result: object }

export default defineVariant({
  title: 'In-process',
  idea: 'Answered at once, done afterwards by a promise nobody waits for.',
  needs: ['db'],
  knobs: importKnobs,

  async mount(router, { db, knobs }) {
    await db.define(bookings)
    const ledger = openLedger(db, knobs)

    // GET /accounts/:name and GET /ping, the same in every variant.
    ledger.addPages(router)

    const work = async (csv: string) => {
      const all = await ledger.check(csv)
      await db.transaction((within) => ledger.book(within, all))
      return ledger.report(all)
    }

    // What came of an import is known in this process and nowhere else, until
    // it ends; until then it grows, too.
    const imports = new Map<string, Import>()

    // A failure has to be caught somewhere, or it would end the process. By
    // now nobody is there who could be told.
    router.post('/imports', (ctx) => {
      const order = readOrder(ctx)
      if (!order) return
      const id = randomUUID()
      imports.set(id, { state: 'running' })
      work(order.csv)
        .then((result) => imports.set(id, { state: 'done', result }))
        .catch(() => {})
      accept(ctx, id)
    })

    router.get('/imports/:id', (ctx) => {
      const found = imports.get(String(ctx.params.id))
      if (!found) return refuse(ctx, 404, 'There is no such import.')
      ctx.body = found
    })

    // Every process has a timer of its own, and none knows of the others.
    everySlot(knobs.feeEveryMs, (slot) => ledger.book(db, [feeOf(slot)]))
  },
})
