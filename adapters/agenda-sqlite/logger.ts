// The job log: what happened to which job when. Only what is searched for has a column.

import type { JobLogEntry, JobLogger, JobLogQuery } from 'agenda'
import { all, type Condition } from './filter.ts'
import { decode, encode } from './payload.ts'
import type { Store } from './store.ts'

interface LogRow {
  id: number
  timestamp: number
  level: JobLogEntry['level']
  event: JobLogEntry['event']
  jobId: string | null
  jobName: string
  rest: string
}

export const createLogger = (store: Store, table: string): JobLogger => {
  const insert = `INSERT INTO ${table}Logs (timestamp, level, event, jobId, jobName, rest)
    VALUES (?, ?, ?, ?, ?, ?)`
  return {
    log: ({ timestamp, level, event, jobId, jobName, ...rest }) =>
      store.use(({ prepared, write }) => {
        const values = [timestamp.getTime(), level, event, jobId ?? null, jobName, encode(rest)]
        write(() => prepared(insert).run(values))
      }),

    getLogs: (query = {}) =>
      store.use(({ db }) => {
        const { sql, values } = where(query)
        const order = query.sort === 'asc' ? 'ASC' : 'DESC'
        const rows = db
          .prepare(
            `SELECT * FROM ${table}Logs WHERE ${sql}
           ORDER BY timestamp ${order}, id ${order} LIMIT ? OFFSET ?`,
          )
          .all([...values, query.limit || (query.limit === 0 ? -1 : 50), query.offset ?? 0])
        const count = db.prepare(`SELECT count(*) AS total FROM ${table}Logs WHERE ${sql}`)
        const { total } = count.get(values) as { total: number }
        return { entries: (rows as LogRow[]).map(toEntry), total }
      }),

    clearLogs: (query = {}) =>
      store.use(({ db, write }) => {
        const { sql, values } = where(query)
        return write(() => db.prepare(`DELETE FROM ${table}Logs WHERE ${sql}`).run(values).changes)
      }),
  }
}

const toEntry = ({ id, timestamp, jobId, rest, ...row }: LogRow): JobLogEntry => ({
  ...(decode(rest) as { message: string }),
  _id: String(id),
  timestamp: new Date(timestamp),
  level: row.level,
  event: row.event,
  jobName: row.jobName,
  ...(jobId === null ? {} : { jobId }),
})

const where = ({ jobId, jobName, level, event, from, to }: JobLogQuery): Condition =>
  all([
    ...(jobId ? [oneOf('jobId', jobId)] : []),
    ...(jobName ? [oneOf('jobName', jobName)] : []),
    ...(level ? [oneOf('level', level)] : []),
    ...(event ? [oneOf('event', event)] : []),
    ...(from ? [{ sql: 'timestamp >= ?', values: [from.getTime()] }] : []),
    ...(to ? [{ sql: 'timestamp <= ?', values: [to.getTime()] }] : []),
  ])

const oneOf = (column: string, wanted: string | string[]): Condition => {
  const values = [wanted].flat()
  return { sql: `${column} IN (${values.map(() => '?').join(', ')})`, values }
}
