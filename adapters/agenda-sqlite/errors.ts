// SQLite's error codes, put into words that say what happened to the job and what to do.

export type AgendaSqliteErrorCode =
  | 'CANNOT_OPEN'
  | 'NOT_A_DATABASE'
  | 'NEWER_SCHEMA'
  | 'READ_ONLY'
  | 'BUSY'
  | 'DISK_FULL'
  | 'INVALID_OPTION'
  | 'INVALID_NAME'
  | 'INVALID_DATA'
  | 'INVALID_FILTER'
  | 'JOB_GONE'

/** Every error this backend makes itself: a stable `code`, a message, and SQLite's own error as `cause`. */
export class AgendaSqliteError extends Error {
  override readonly name = 'AgendaSqliteError'
  readonly code: AgendaSqliteErrorCode

  constructor(code: AgendaSqliteErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** Is another connection holding the file? */
export const isBusy = (error: unknown) => sqliteCode(error).startsWith('SQLITE_BUSY')

/** Turns an error of the driver into one of ours; anything else passes unchanged. */
export const explain = (error: unknown, file: string, timeout = 'busyTimeoutMs') => {
  const code = sqliteCode(error)
  const made = (ours: AgendaSqliteErrorCode, message: string) =>
    new AgendaSqliteError(ours, message, error)

  if (code.startsWith('SQLITE_BUSY'))
    return made(
      'BUSY',
      `${file} stayed locked by another connection for longer than ${timeout}; nothing was written.`,
    )
  if (code === 'SQLITE_CONSTRAINT_CHECK')
    return made(
      'INVALID_DATA',
      'The job was not saved: its data is nested too deeply (over 1,000).',
    )
  if (code.startsWith('SQLITE_FULL') || code.startsWith('SQLITE_IOERR'))
    return made(
      'DISK_FULL',
      `${file} could not be written (disk full or failing); nothing was written.`,
    )
  if (code.startsWith('SQLITE_READONLY'))
    return made('READ_ONLY', `${file} or its folder cannot be written by this process.`)
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT'))
    return made(
      'NOT_A_DATABASE',
      `${file} is not a SQLite database, or is damaged. It was not changed.`,
    )
  if (code.startsWith('SQLITE_CANTOPEN') || /ConnectionFailed/.test(String(error)))
    return made(
      'CANNOT_OPEN',
      `${file} cannot be opened: its folder must exist and be writable by this process.`,
    )
  return error
}

const sqliteCode = (error: unknown) =>
  error instanceof Error && 'code' in error ? String(error.code) : ''
