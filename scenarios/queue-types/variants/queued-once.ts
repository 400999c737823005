// Queued, booked once: no queue can promise that a job runs once, for the last
// word of a process that dies is not heard. But a database can promise that an
// effect and a note of it are kept together, or neither of them.
import { defineVariant, type RunningJob } from '#core/scenario'
import {
  accept,
  type Booking,
  bookings,
  everySlot,
  feeOf,
  notes,
  openLedger,
  queueKnobs,
  readOrder,
  refuse,
} from '../ledger.ts'

export default defineVariant({
  title: 'Queued, booked once',
  idea: 'Done at least once; booked together with the id of the job.',
  needs: ['queue', 'db'],
  knobs: queueKnobs,

  async mount(router, { queue, db, knobs }) {
    await db.define([...bookings, notes])
    const ledger = openLedger(db, knobs)

    // GET /accounts/:name and GET /ping, the same in every variant.
    ledger.addPages(router)

    // The id of a job stays the same over all of its attempts. An attempt that
    // cannot note it finds that another one has booked already. The note has
    // to be in the same transaction: before it, a crash in between would lose
    // the booking; after it, double it.
    const bookOnce = (id: string, all: Booking[]) =>
      db.transaction(async (within) => {
        const [noted] = await within.query(
          `insert into jobs_booked (id) values (?)
           on conflict do nothing returning id`,
          [id],
        )
        return noted ? ledger.book(within, all) : 0
      })

    const work = async ({ id, data }: RunningJob) => {
      const all = await ledger.check(String(data))
      await bookOnce(id, all)
      return ledger.report(all)
    }
    await queue.process('import', work, knobs)

    // The key makes one job of a double click. It does nothing about a job
    // that is done twice: that is a matter of the line above.
    router.post('/imports', async (ctx) => {
      const order = readOrder(ctx)
      if (!order) return
      const { csv, key } = order
      accept(ctx, await queue.add('import', csv, key ? { key } : {}))
    })

    router.get('/imports/:id', async (ctx) => {
      const found = await queue.find(String(ctx.params.id))
      if (!found) return refuse(ctx, 404, 'There is no such import.')
      ctx.body = found
    })

    router.get('/imports', async (ctx) => {
      const [counts, failures] = await Promise.all([
        queue.counts(),
        queue.failed(),
      ])
      ctx.body = { ...counts, failures }
    })

    // The note of a fee is its slot: one charge, however many jobs there are.
    const charge = ({ data }: RunningJob) =>
      bookOnce(`fee-${data}`, [feeOf(data)])
    await queue.process('fee', charge, knobs)
    everySlot(knobs.feeEveryMs, (slot) =>
      queue.add('fee', slot, { key: String(slot) }),
    )
  },
})
