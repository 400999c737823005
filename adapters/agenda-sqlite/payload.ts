// A job's data as JSON text, so that SQL can look inside it. Dates survive as MongoDB keeps them:
// {"$date": "2025-01-01T00:00:00.000Z"}.

import { AgendaSqliteError } from './errors.ts'

/** Throws INVALID_DATA for what JSON cannot hold: cycles, BigInt, bottomless nesting. */
export const encode = (data: unknown): string | null => {
  if (data === undefined) return null
  try {
    return JSON.stringify(data, datesKept) ?? null
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new AgendaSqliteError('INVALID_DATA', `The job was not saved: its data ${why}`, error)
  }
}

export const decode = (text: string | null): unknown => {
  if (text === null) return null
  // A reviver visits every value, so it is only used where there is a date to revive.
  return text.includes('"$date"') ? JSON.parse(text, datesRevived) : JSON.parse(text)
}

// A plain function: `this` is the object that holds the value, before Date.prototype.toJSON.
function datesKept(this: Record<string, unknown>, key: string, value: unknown) {
  const original = this[key]
  return original instanceof Date && !Number.isNaN(original.getTime())
    ? { $date: original.toISOString() }
    : value
}

const datesRevived = (_key: string, value: unknown) => {
  if (typeof value !== 'object' || value === null || !('$date' in value)) return value
  const isDate = Object.keys(value).length === 1 && typeof value.$date === 'string'
  return isDate ? new Date(value.$date as string) : value
}
