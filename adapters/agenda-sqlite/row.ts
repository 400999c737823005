// A job as a row and back. The driver binds only strings, finite numbers and null (a boolean would
// end the process), so everything a user may have put on a job passes through here.

import { type JobNotification, type JobParameters, toJobId } from 'agenda'
import { AgendaSqliteError } from './errors.ts'
import { decode, encode } from './payload.ts'

const dates = [
  'nextRunAt',
  'lockedAt',
  'lastRunAt',
  'lastFinishedAt',
  'failedAt',
  'startDate',
  'endDate',
  'debounceStartedAt',
] as const
const flags = ['disabled', 'fork'] as const
const numbers = ['priority', 'failCount', 'progress'] as const
const texts = ['failReason', 'repeatTimezone', 'repeatAt', 'lastModifiedBy'] as const

type Columns<Names extends readonly string[], T> = Record<Names[number], T | null>

/** The columns of a job that say what it is and when it runs. Times are milliseconds since 1970. */
export type NewRow = {
  name: string
  type: string
  data: string | null
  skipDays: string | null
  repeatInterval: string | number | null
} & Columns<typeof dates | typeof flags | typeof numbers, number> &
  Columns<typeof texts, string>

export type Row = NewRow & { id: number }

export const columnNames = [
  ...['name', 'type', 'data', 'skipDays', 'repeatInterval'],
  ...[...dates, ...flags, ...numbers, ...texts],
]

/** Throws INVALID_NAME or INVALID_DATA for what could not be read back as it was. */
export const toRow = (job: JobParameters): NewRow => ({
  name: jobName(job.name),
  type: job.type === 'single' ? 'single' : 'normal',
  data: encode(job.data),
  skipDays: job.skipDays ? JSON.stringify(job.skipDays) : null,
  repeatInterval: interval(job.repeatInterval),
  ...stateOf(job),
  startDate: ms('startDate', job.startDate),
  endDate: ms('endDate', job.endDate),
  debounceStartedAt: ms('debounceStartedAt', job.debounceStartedAt),
  disabled: flag(job.disabled),
  fork: flag(job.fork),
  priority: finite(job.priority),
  repeatTimezone: text(job.repeatTimezone),
  repeatAt: text(job.repeatAt),
  lastModifiedBy: null,
})

/** What the worker changes while it runs the job; leaves the payload alone. */
export const stateOf = (job: JobParameters) => ({
  nextRunAt: ms('nextRunAt', job.nextRunAt),
  lockedAt: ms('lockedAt', job.lockedAt),
  lastRunAt: ms('lastRunAt', job.lastRunAt),
  lastFinishedAt: ms('lastFinishedAt', job.lastFinishedAt),
  failedAt: ms('failedAt', job.failedAt),
  failCount: finite(job.failCount),
  failReason: text(job.failReason),
  progress: finite(job.progress),
})

export const toJob = (row: Row): JobParameters => {
  const job: Record<string, unknown> = {
    _id: toJobId(String(row.id)),
    name: row.name,
    type: row.type,
    data: decode(row.data),
    nextRunAt: null,
  }
  for (const name of dates) if (row[name] !== null) job[name] = new Date(row[name])
  for (const name of flags) if (row[name] !== null) job[name] = row[name] === 1
  for (const name of numbers) if (row[name] !== null) job[name] = row[name]
  for (const name of texts) if (row[name] !== null) job[name] = row[name]
  if (row.repeatInterval !== null) job.repeatInterval = row.repeatInterval
  if (row.skipDays !== null) job.skipDays = JSON.parse(row.skipDays)
  return job as unknown as JobParameters
}

/** An id as SQLite has it; what is no id matches no row. */
export const idOf = (id: unknown) => (/^\d{1,15}$/.test(String(id)) ? Number(id) : -1)

export const notificationOf = (
  job: Pick<Row, 'id' | 'name' | 'nextRunAt' | 'priority' | 'lastModifiedBy'>,
): JobNotification => ({
  jobId: toJobId(String(job.id)),
  jobName: job.name,
  nextRunAt: job.nextRunAt === null ? null : new Date(job.nextRunAt),
  priority: job.priority ?? 0,
  timestamp: new Date(),
  ...(job.lastModifiedBy === null ? {} : { source: job.lastModifiedBy }),
})

// SQLite reads text up to a NUL, so a name with one could be claimed, but never recognised.
const jobName = (name: unknown) => {
  if (typeof name === 'string' && name !== '' && !name.includes('\0')) return name
  throw new AgendaSqliteError(
    'INVALID_NAME',
    `A job's name must be text without NUL, not ${JSON.stringify(name)}.`,
  )
}

const ms = (field: string, value: unknown) => {
  if (!value) return null
  const time = new Date(value as Date).getTime()
  if (!Number.isNaN(time)) return time
  // Stored as "no time", the job would be accepted and never run.
  throw new AgendaSqliteError('INVALID_DATA', `The job was not saved: ${field} is no valid date.`)
}

const flag = (value: unknown) => (value === null || value === undefined ? null : value ? 1 : 0)

const finite = (value: unknown) => (Number.isFinite(value) ? (value as number) : null)

const interval = (value: unknown) => (typeof value === 'string' ? text(value) : finite(value))

const text = (value: unknown) =>
  value === null || value === undefined ? null : String(value).replaceAll('\0', '\u2400')
