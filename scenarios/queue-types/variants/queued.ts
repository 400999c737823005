// Queued: accepting and doing are two things. The answer says that the work is
// written down; a process that has time does it. What is not known to have
// ended is done again: at least once, so sometimes twice. What fails every
// time is given up in the end, and lies among the failed.
import { defineVariant, type RunningJob } from '#core/scenario'
import {
  accept,
  bookings,
  everySlot,
  feeOf,
  openLedger,
  queueKnobs,
  readOrder,
  refuse,
} from '../ledger.ts'

export default defineVariant({
  title: 'Queued',
  idea: 'Written down, then answered; done at least once, or given up.',
  needs: ['queue', 'db'],
  knobs: queueKnobs,

  async mount(router, { queue, db, knobs }) {
    await db.define(bookings)
    const ledger = openLedger(db, knobs)

    // GET /accounts/:name and GET /ping, the same in every variant.
    ledger.addPages(router)

    // The knobs say how many at once, how often an import is tried, after
    // which pauses, and when the lease of an attempt ends. A process that dies
    // after the booking and before the end leaves a job that looks as if it
    // had never begun.
    const work = async ({ data }: RunningJob) => {
      const all = await ledger.check(String(data))
      await db.transaction((within) => ledger.book(within, all))
      return ledger.report(all)
    }
    await queue.process('import', work, knobs)

    // A double click, or a client that did not get the answer and asks again,
    // shows the same key: the queue makes one job of both.
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

    // How many are in which state, and the dead letters: those given up.
    router.get('/imports', async (ctx) => {
      const [counts, failures] = await Promise.all([
        queue.counts(),
        queue.failed(),
      ])
      ctx.body = { ...counts, failures }
    })

    // Every process adds the slot's fee, and the key makes one job of it. That
    // job is done at least once, like any other.
    const charge = ({ data }: RunningJob) => ledger.book(db, [feeOf(data)])
    await queue.process('fee', charge, knobs)
    everySlot(knobs.feeEveryMs, (slot) =>
      queue.add('fee', slot, { key: String(slot) }),
    )
  },
})
