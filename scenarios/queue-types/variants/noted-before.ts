// Noted before: the worker notes the id of a job first of all, so that no job
// is booked twice. A worker that dies or fails after that leaves a note of
// something that never happened: at most once.
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
  title: 'Noted before',
  idea: 'The id of the job is noted first; what dies later is lost.',
  needs: ['queue', 'db'],
  knobs: queueKnobs,

  async mount(router, { queue, db, knobs }) {
    await db.define([...bookings, notes])
    const ledger = openLedger(db, knobs)

    // GET /accounts/:name and GET /ping, the same in every variant.
    ledger.addPages(router)

    // The next attempt finds the note, takes the job for booked, and says that
    // it is done. So a failure is not seen either.
    const work = async ({ id, data }: RunningJob) => {
      const [isFirst] = await db.query(
        `insert into jobs_booked (id) values (?)
         on conflict do nothing returning id`,
        [id],
      )
      if (!isFirst) return null
      const all = await ledger.check(String(data))
      await db.transaction((within) => ledger.book(within, all))
      return ledger.report(all)
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
