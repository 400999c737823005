// Noted after: the worker notes the id of a job when all is done, so that no
// job is lost. A worker that dies between the booking and the note leaves a
// booking that nothing tells of: at least once, as without any note.
import { defineVariant, type RunningJob } from '#core/scenario'
import {
  accept,
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
  title: 'Noted after',
  idea: 'The id of the job is noted last; what dies earlier is doubled.',
  needs: ['queue', 'db'],
  knobs: queueKnobs,

  async mount(router, { queue, db, knobs }) {
    await db.define([...bookings, notes])
    const ledger = openLedger(db, knobs)

    // GET /accounts/:name and GET /ping, the same in every variant.
    ledger.addPages(router)

    // The next attempt, or one beside this one, finds no note and books again.
    const work = async ({ id, data }: RunningJob) => {
      const all = await ledger.check(String(data))
      const [known] = await db.query(
        'select id from jobs_booked where id = ?',
        [id],
      )
      if (!known) await db.transaction((within) => ledger.book(within, all))
      const result = await ledger.report(all)
      await db.query(
        'insert into jobs_booked (id) values (?) on conflict do nothing',
        [id],
      )
      return result
    }
    await queue.process('import', work, knobs)

    // From here on it is the same as queued.
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

    const charge = ({ data }: RunningJob) => ledger.book(db, [feeOf(data)])
    await queue.process('fee', charge, knobs)
    everySlot(knobs.feeEveryMs, (slot) =>
      queue.add('fee', slot, { key: String(slot) }),
    )
  },
})
