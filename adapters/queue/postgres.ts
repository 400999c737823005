// Agenda on a table of Postgres for each namespace. Agenda's own way to add a job looks for one with
// the same key first and inserts it then, so two processes would both insert; here the key makes the
// id. Other processes are told by NOTIFY, which is only a hint: what they miss they find by looking.
import { createHash, randomUUID } from 'node:crypto'
import {
  getCreateIndexesSQL,
  getCreateTableSQL,
  PostgresJobRepository,
} from '@agendajs/postgres-backend'
import { toJobId } from 'agenda'
import type { Pool } from 'pg'
import { defineAdapter, SeesawError } from '#core/adapter'
import type { JobState } from '#core/kinds'
import { agendaQueue } from '../connections/agenda.ts'
import { connect, jobsChannel, quoted } from '../connections/postgres.ts'

export default defineAdapter<'queue'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const postgres = await connect(url)
    const hash = createHash('sha256').update(namespace).digest('hex').slice(0, 32)
    const table = `seesaw_jobs_${hash}`

    // Agenda expects a pool; this one takes care of time-outs and of errors.
    const pool = { query: postgres.ask } as unknown as Pool
    const repository = new PostgresJobRepository({ pool, tableName: table, ensureSchema: false })

    const make = async (): Promise<void> => {
      // Without our schema the table would be made in the next one of the search path.
      await postgres.ready()
      const { rows } = await postgres.ask('select to_regclass($1) is not null as there', [table])
      // Two processes that create the same table at once get in each other's way in spite of "if
      // not exists", so they take turns. Statements sent together are one transaction.
      if (!rows[0]?.there)
        await postgres.ask(
          [
            'select pg_advisory_xact_lock(5935241875)',
            getCreateTableSQL(table),
            ...getCreateIndexesSQL(table),
            `create index if not exists "${table}_failed" on "${table}" (failed_at)
               where failed_at is not null`,
            `comment on table "${table}" is ${quoted(namespace)}`,
          ].join(';'),
        )
    }

    const call = async <Result>(operation: () => Promise<Result>): Promise<Result> => {
      try {
        return await operation()
      } catch (error) {
        if (!isTableMissing(error)) throw error
        // Somebody dropped it, or the server came back as a new one.
        await make()
        return operation()
      }
    }

    try {
      await make()
    } catch (error) {
      await postgres.release()
      throw error
    }

    const insert = { name: `add ${table}`, text: insertInto(table) }

    const telling = new Map<string, number>()
    /** Tells all processes, once for all jobs of a name that are added within some milliseconds. */
    const tell = (name: string, dueAtMs: number): void => {
      const told = telling.get(name)
      telling.set(name, Math.min(dueAtMs, told ?? dueAtMs))
      if (told !== undefined) return
      setTimeout(() => {
        const message = JSON.stringify([table, name, telling.get(name)])
        telling.delete(name)
        postgres.ask(`select pg_notify('${jobsChannel}', $1)`, [message]).catch(() => {})
      }, tellAfterMs).unref()
    }

    let unlisten = () => {}
    return agendaQueue({
      repository,
      call,
      async insert({ name, type, nextRunAt, data, repeatInterval }) {
        const id = data.key === undefined ? randomUUID() : uuidOf(data.key)
        const values = [id, name, type, nextRunAt, JSON.stringify(data), repeatInterval]
        await call(() => postgres.query(insert, values))
        tell(name, nextRunAt.getTime())
        return id
      },
      isId: (id) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id),
      async counts() {
        const { rows } = await call(() => postgres.ask(countsIn(table)))
        return rows[0] as Record<JobState, number>
      },
      async failed() {
        const { rows } = await call(() => postgres.ask(failedIn(table)))
        return rows.map(({ id, name, failed_at, fail_reason, progress }) => ({
          ...{ _id: toJobId(id), name, progress },
          ...{ failedAt: failed_at, failReason: fail_reason },
        }))
      },
      async listen(heard) {
        unlisten = await postgres.listen((message) => {
          const [toTable, name, dueAtMs] = JSON.parse(message)
          if (toTable === table) heard(name, dueAtMs)
        })
      },
      clear: async () => void (await call(() => postgres.ask(`delete from "${table}"`))),
      async close() {
        unlisten()
        await postgres.release()
      },
    })
  },
})

/** NOTIFY makes commits wait for each other, so it must not be sent for every job. */
const tellAfterMs = 5

// Two processes that add the same schedule at once meet at its id, or at its name.
const insertInto = (table: string) => `
  insert into "${table}" (id, name, type, next_run_at, data, repeat_interval)
  values ($1, $2, $3, $4, $5, $6)
  on conflict do nothing`

const countsIn = (table: string) => `
  select
    count(*) filter (where locked_at is null and next_run_at is not null)::int as waiting,
    count(*) filter (where locked_at is not null)::int as running,
    count(*) filter (where locked_at is null and next_run_at is null and failed_at is null)::int
      as done,
    count(*) filter (where locked_at is null and next_run_at is null and failed_at is not null)::int
      as failed
  from "${table}" where type = 'normal'`

const failedIn = (table: string) => `
  select id, name, failed_at, fail_reason, progress from "${table}"
  where failed_at is not null and locked_at is null and type = 'normal'
  order by failed_at desc limit 100`

/** The first 128 bits of a hash as the id of a row. */
const uuidOf = (hash: string): string =>
  hash.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

const isTableMissing = (error: unknown): boolean =>
  error instanceof SeesawError && (error.cause as { code?: string } | undefined)?.code === '42P01'
