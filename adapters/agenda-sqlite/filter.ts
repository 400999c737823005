// MongoDB's query language, the part of it that unique() and data filters are used with, as SQL.

import { AgendaSqliteError } from './errors.ts'
import { encode } from './payload.ts'
import { jsonPath, memberOf } from './schema.ts'

export interface Condition {
  sql: string
  values: (string | number | null)[]
}

/**
 * `{ 'data.userId': 7, priority: { $gte: 5 } }` as a SQL condition. Values are bound, never spliced
 * in. Knows equality and `$eq $ne $in $nin $gt $gte $lt $lte $exists $and $or`; throws
 * INVALID_FILTER for anything else, such as `$where`.
 */
export const matching = (filter: Record<string, unknown>): Condition =>
  all(
    Object.entries(filter).map(([path, wanted]) => {
      if (path === '$and') return all(list(path, wanted).map(asFilter).map(matching))
      if (path === '$or') return any(list(path, wanted).map(asFilter).map(matching))
      return field(path, wanted)
    }),
  )

/** `{ user: { id: 7 } }` as the paths it means, `{ 'data.user.id': 7 }`: a partial match. */
export const dataFilter = (data: unknown): Record<string, unknown> =>
  isPlain(data) ? flattened(data, 'data') : { data }

export const all = (conditions: Condition[]): Condition => joined(conditions, ' AND ', '1')
const any = (conditions: Condition[]): Condition => joined(conditions, ' OR ', '0')

const joined = (conditions: Condition[], by: string, none: string): Condition => ({
  sql: conditions.length ? conditions.map(({ sql }) => `(${sql})`).join(by) : none,
  values: conditions.flatMap(({ values }) => values),
})

const flattened = (data: Record<string, unknown>, prefix: string): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(data).flatMap(([key, value]) =>
      isPlain(value)
        ? Object.entries(flattened(value, `${prefix}.${key}`))
        : [[`${prefix}.${key}`, value]],
    ),
  )

const field = (path: string, wanted: unknown): Condition => {
  const operators = isPlain(wanted) && Object.keys(wanted).some((key) => key.startsWith('$'))
  if (!operators) return equal(path, wanted)
  return all(Object.entries(wanted as object).map(([name, value]) => operator(path, name, value)))
}

const operator = (path: string, name: string, value: unknown): Condition => {
  switch (name) {
    case '$eq':
      return equal(path, value)
    case '$ne':
      return not(equal(path, value))
    case '$in':
      return any(list(name, value).map((one) => equal(path, one)))
    case '$nin':
      return not(any(list(name, value).map((one) => equal(path, one))))
    case '$gt':
      return compared(path, '>', value)
    case '$gte':
      return compared(path, '>=', value)
    case '$lt':
      return compared(path, '<', value)
    case '$lte':
      return compared(path, '<=', value)
    case '$exists': {
      const there = path.startsWith('data.') ? memberOf(path) : column(path)
      return { sql: `${there} IS ${value ? 'NOT ' : ''}NULL`, values: [] }
    }
    default:
      throw new AgendaSqliteError('INVALID_FILTER', `'${name}' is not supported in a filter.`)
  }
}

const not = ({ sql, values }: Condition): Condition => ({ sql: `(${sql}) IS NOT 1`, values })

// Inside data, JSON text is compared with JSON text: 1 is not '1', and {a: 1} is {a: 1}.
const equal = (path: string, value: unknown): Condition => {
  const isNothing = value === null || value === undefined
  if (path === 'data' || path.startsWith('data.')) {
    const member = path === 'data' ? 'data' : memberOf(path)
    return isNothing
      ? { sql: `coalesce(${member}, 'null') = 'null'`, values: [] }
      : { sql: `${member} = ?`, values: [encode(value)] }
  }
  if (isNothing) return { sql: `${column(path)} IS NULL`, values: [] }
  return { sql: `${column(path)} = ?`, values: [scalar(path, value)] }
}

// As in MongoDB, an order exists only among values of one type.
const compared = (path: string, sign: string, value: unknown): Condition => {
  if (!path.startsWith('data.'))
    return { sql: `${column(path)} ${sign} ?`, values: [scalar(path, value)] }
  const place = value instanceof Date ? jsonPath(path, '."$date"') : jsonPath(path)
  const types = typeof value === 'number' ? `'integer', 'real'` : `'text'`
  return {
    sql: `json_type(data, ${place}) IN (${types}) AND data ->> ${place} ${sign} ?`,
    values: [value instanceof Date ? value.toISOString() : scalar(path, value)],
  }
}

const columns = new Set(
  `name type priority nextRunAt lockedAt lastRunAt lastFinishedAt failedAt failCount failReason
   progress repeatInterval repeatTimezone repeatAt startDate endDate debounceStartedAt disabled
   fork lastModifiedBy`.split(/\s+/),
)

const column = (path: string) => {
  if (path === '_id') return 'id'
  if (columns.has(path)) return path
  throw new AgendaSqliteError(
    'INVALID_FILTER',
    `'${path}' is no field of a job; look into its data as 'data.${path}'.`,
  )
}

// The driver ends the process on a boolean, so every value is checked before it is bound.
const scalar = (path: string, value: unknown): string | number => {
  if (typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Date) return value.getTime()
  throw new AgendaSqliteError(
    'INVALID_FILTER',
    `'${path}' cannot be compared with ${Object.prototype.toString.call(value)}.`,
  )
}

const list = (name: string, value: unknown): unknown[] => {
  if (Array.isArray(value)) return value
  throw new AgendaSqliteError('INVALID_FILTER', `'${name}' needs a list.`)
}

const asFilter = (value: unknown): Record<string, unknown> => {
  if (isPlain(value)) return value
  throw new AgendaSqliteError('INVALID_FILTER', 'A filter must be an object.')
}

const isPlain = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
