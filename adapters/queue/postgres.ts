// Agenda on a table of Postgres for each namespace. Agenda's own way to add a job looks for one with
// the same key first and inserts it then, so two processes would both insert; here the key makes the
// id, and one statement adds the job and tells the other processes of it.
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
import { connect, jobsChannel } from '../connections/postgres.ts'

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

    let unlisten = () => {}
    return agendaQueue({
      repository,
      call,
      async insert({ name, type, nextRunAt, data, repeatInterval }) {
        const id = data.key === undefined ? randomUUID() : uuidOf(data.key)
        const message = JSON.stringify([table, name, nextRunAt.getTime()])
        const values = [id, name, type, nextRunAt, JSON.stringify(data), repeatInterval, message]
        await call(() => postgres.ask(insertInto(table), values))
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

const insertInto = (table: string) => `
  with added as (
    insert into "${table}" (id, name, type, next_run_at, data, repeat_interval)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (id) do nothing
    returning id
  )
  select pg_notify('${jobsChannel}', $7) from added`

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
