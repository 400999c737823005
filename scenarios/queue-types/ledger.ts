// The work that has to be done: a file of bookings, as a bank would send it,
// is entered into a ledger. It is the same in every variant; they differ in
// when it is done, by whom, and how often.
import { setTimeout as sleep } from 'node:timers/promises'
import type Router from '@koa/router'
import { parse } from 'csv-parse/sync'
import type { Context } from 'koa'
import type { Db, Knob, Statements } from '#core/scenario'

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
  reportMs: {
    says: 'how long it goes on after it has booked (modelled)',
    default: 0,
    min: 0,
    max: 60_000,
    unit: 'ms',
  },
  feeEveryMs: {
    says: 'how often a fee is charged',
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
    says: 'after how long without an end an attempt is given up',
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

/** The steps of the work, in the order in which they are taken. */
export const openLedger = (
  db: Db,
  knobs: { [Name in keyof typeof importKnobs]: number },
) => ({
  /** Reads a file, and asks elsewhere whether all is well. Throws. */
  async check(csv: string): Promise<Booking[]> {
    const rows = parse(csv, { columns: true, bom: true }) as Row[]
    const found = rows.map(toBooking)
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

/** What the ledger's owner is charged, again and again. */
export const fee: Booking = { account: 'fees', cents: -1 }

/** Does `work` every `ms` milliseconds in this process, until it fails. */
export const every = (ms: number, work: () => Promise<unknown>): void => {
  const timer = setInterval(() => {
    work().catch(() => clearInterval(timer))
  }, ms).unref()
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
