// The work that has to be done: a file of bookings, as a bank would send it,
// is entered into a ledger. It is the same in every variant; they differ in
// when it is done, by whom, and how often.
import { Readable } from 'node:stream'
import {
  setImmediate as nextTurn,
  setTimeout as sleep,
} from 'node:timers/promises'
import type Router from '@koa/router'
import { parse } from 'csv-parse'
import { parse as parseAtOnce } from 'csv-parse/sync'
import type { Context } from 'koa'
import type { Db, Json, Knob, Statements } from '#core/scenario'

/** What a file has to look like. */
export const header = 'account,cents'

export interface Booking {
  readonly account: string
  readonly cents: number
}

/** Every variant has these. */
export const importKnobs = {
  checkMs: {
    says: 'how long an import asks elsewhere before it books (modelled)',
    default: 0,
    min: 0,
    max: 60_000,
    unit: 'ms',
  },
  bookMs: {
    says: 'how long it goes from the first rows to the commit (modelled)',
    default: 0,
    min: 0,
    max: 60_000,
    unit: 'ms',
  },
  reportMs: {
    says: 'how long it goes on after it has booked (modelled)',
    default: 0,
    min: 0,
    max: 60_000,
    unit: 'ms',
  },
  sliceBytes: {
    says: 'how much of a file is read before others have a turn; 0: all of it',
    default: 0,
    min: 0,
    max: 1_000_000,
    unit: 'bytes',
  },
  feeEveryMs: {
    says: 'how long a slot is for which a fee is charged',
    default: 60_000,
    min: 100,
    max: 86_400_000,
    unit: 'ms',
  },
} as const satisfies Record<string, Knob>

/** Those with a queue have these as well. */
export const queueKnobs = {
  ...importKnobs,
  concurrency: {
    says: 'imports under way at once, per process',
    default: 2,
    min: 1,
    max: 100,
    unit: 'count',
  },
  attempts: {
    says: 'how often an import is tried',
    default: 3,
    min: 1,
    max: 10,
    unit: 'count',
  },
  backoffMs: {
    says: 'pause before the second attempt; every further one is twice as long',
    default: 1000,
    min: 10,
    max: 60_000,
    unit: 'ms',
  },
  withinMs: {
    says: 'the lease of an attempt: without an end it is given up then',
    default: 30_000,
    min: 500,
    max: 3_600_000,
    unit: 'ms',
  },
} as const satisfies Record<string, Knob>

/** The ledger's only table: a balance is the sum of an account's rows. */
export const bookings = [
  `create table if not exists bookings
     (account text not null, cents bigint not null)`,
  'create index if not exists bookings_by_account on bookings (account)',
]

/** The ids of the jobs that have booked, in the variants that note them. */
export const notes =
  'create table if not exists jobs_booked (id text primary key)'

/** The steps of the work, in the order in which they are taken. */
export const openLedger = (
  db: Db,
  knobs: { [Name in keyof typeof importKnobs]: number },
) => ({
  /** Reads a file, and asks elsewhere whether all is well. Throws. */
  async check(csv: string): Promise<Booking[]> {
    const found = await read(csv, knobs.sliceBytes)
    if (found.length === 0) throw new Error('There is no booking in the file.')
    await pause(knobs.checkMs)
    return found
  },

  /** Enters bookings and returns how many. Done twice it enters them twice. */
  async book(within: Statements, all: Booking[]): Promise<number> {
    for (let i = 0; i < all.length; i += mostRows) {
      const some = all.slice(i, i + mostRows)
      await within.query(
        `insert into bookings (account, cents)
         values ${some.map(() => '(?, ?)').join(', ')}`,
        some.flatMap(({ account, cents }) => [account, cents]),
      )
      if (i === 0) await pause(knobs.bookMs)
      // A database inside the process computes on this thread, too.
      if (knobs.sliceBytes > 0) await nextTurn()
    }
    return all.length
  },

  /** Tells the world, and returns the result of the whole import. */
  async report(all: Booking[]) {
    await pause(knobs.reportMs)
    const cents = all.reduce((sum, booking) => sum + booking.cents, 0)
    return { bookings: all.length, cents }
  },

  /** Adds what there is to see besides imports: `/accounts/:name`, `/ping`. */
  addPages(router: Router): void {
    router.get('/accounts/:name', async (ctx) => {
      const name = String(ctx.params.name)
      const [row] = isAccount(name)
        ? await db.query<{ bookings: number; cents: number | null }>(
            `select count(*) as bookings, cast(sum(cents) as bigint) as cents
             from bookings where account = ?`,
            [name],
          )
        : []
      ctx.body = { name, bookings: row?.bookings ?? 0, cents: row?.cents ?? 0 }
    })
    router.get('/ping', (ctx) => {
      ctx.body = { pong: true }
    })
  },
})

/** What is charged for a slot, on an account of the slot's own. */
export const feeOf = (slot: Json): Booking => ({
  account: `fees-${slot}`,
  cents: -1,
})

/**
 * Cuts time into slots of `ms` milliseconds, numbered alike in all processes,
 * and does `work` once in each slot that begins from now on, until it fails.
 */
export const everySlot = (
  ms: number,
  work: (slot: number) => Promise<unknown>,
): void => {
  let last = Math.floor(Date.now() / ms)
  let isOver = false
  const stop = () => {
    isOver = true
  }
  const wait = () => {
    setTimeout(begin, ms - (Date.now() % ms)).unref()
  }
  // A timer may ring a little early, still in the slot before.
  const begin = () => {
    if (isOver) return
    const slot = Math.floor(Date.now() / ms)
    if (slot > last) work(slot).catch(stop)
    last = slot
    wait()
  }
  wait()
}

/** Returns what a `POST /imports` brings; otherwise answers 400. */
export const readOrder = (ctx: Context) => {
  const { csv } = Object(ctx.request.body) as { csv?: unknown }
  if (typeof csv !== 'string') {
    return refuse(ctx, 400, `Send {"csv": "${header}\\n…"} as JSON.`)
  }
  const key = ctx.get('Idempotency-Key')
  if (key.length > 200) {
    return refuse(ctx, 400, 'An Idempotency-Key has 200 characters at most.')
  }
  return { csv, key }
}

/** Answers that the import of this id will be done. */
export const accept = (ctx: Context, id: string): void => {
  ctx.status = 202
  ctx.set('Location', `imports/${encodeURIComponent(id)}`)
  ctx.body = { id }
}

/** Answers with a problem (RFC 9457). */
export const refuse = (
  ctx: Context,
  status: 400 | 404 | 422,
  title: string,
): undefined => {
  ctx.status = status
  ctx.body = { type: 'about:blank', title, status }
  ctx.type = 'application/problem+json'
}

/** So many at once: databases do not take any number of values. */
const mostRows = 500

type Row = { account?: string; cents?: string }
const form = { columns: true, bom: true } as const

/** Reads a file, all at once or in slices between which others have a turn. */
const read = async (csv: string, sliceBytes: number): Promise<Booking[]> => {
  if (sliceBytes === 0) return (parseAtOnce(csv, form) as Row[]).map(toBooking)
  const found: Booking[] = []
  const rows = Readable.from(slicesOf(csv, sliceBytes)).pipe(parse(form))
  for await (const row of rows) found.push(toBooking(row, found.length))
  return found
}

async function* slicesOf(csv: string, size: number) {
  for (let i = 0; i < csv.length; i += size) {
    yield csv.slice(i, i + size)
    await nextTurn()
  }
}

const toBooking = ({ account = '', cents = '' }: Row, i: number): Booking => {
  const amount = Number(cents)
  if (!isAccount(account) || !/^-?\d{1,12}$/.test(cents)) {
    const seen = JSON.stringify(`${account},${cents}`.slice(0, 60))
    throw new Error(`Booking ${i + 1} makes no sense: ${seen}.`)
  }
  return { account, cents: amount }
}

const isAccount = (name: string) => /^[\w-]{1,40}$/.test(name)

const pause = async (ms: number) => {
  if (ms > 0) await sleep(ms)
}
