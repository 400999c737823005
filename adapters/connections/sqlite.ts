// SQLite inside the process, by libsql, which needs no compiler. One file per data folder, one
// handle per process, shared by everything that keeps something there. Every call is synchronous,
// so nothing of this process comes between two of them; other processes are kept out by SQLite's
// own locks. With a write-ahead log readers never wait for the one writer (sqlite.org/wal.html).
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { defineBackend, SeesawError } from '#core/adapter'

export default defineBackend({
  title: 'SQLite',
  version: async () => {
    const [version] = arrays(new Database(':memory:'), 'select sqlite_version()').get([]) as [
      string,
    ]
    return version
  },
})

/** Values that can be bound and that come back. */
type Value = string | number | null

export interface Statement {
  /** The names of the columns of its rows; none for a statement that has no rows. */
  columns: readonly string[]
  /** The first row as a list of its columns; undefined if there is none. */
  get(values: Value[]): Value[] | undefined
  all(values: Value[]): Value[][]
  /** Returns how many rows it changed. */
  run(values: Value[]): number
}

export interface Sqlite {
  /** Prepares a statement once, however often it is asked for. */
  prepare(sql: string): Statement
  /** Runs `work` as one transaction that no other process can write into; undone if it throws. */
  immediate<Result>(work: () => Result): Result
  /** Deletes from `table` all rows whose `ends_at_ms` has come; at most once a minute. */
  sweep(table: string): void
  /** Closes the handle when everybody who connected has released it. */
  release(): void
}

/** How long a writer waits for another process before it gives up; a transaction takes 50 µs. */
const busyTimeoutMs = 2_000

const handles = new Map<string, ReturnType<typeof openFile> & { users: number }>()

/**
 * Opens `<folder>/seesaw.sqlite` and makes what `schema` says ("create table if not exists …").
 * Throws DATA_FOLDER_UNUSABLE, DATA_CORRUPT.
 */
export const connectSqlite = (folder: string, schema: string): Sqlite => {
  const file = join(folder, 'seesaw.sqlite')
  const handle = handles.get(file) ?? { ...openFile(folder, file, busyTimeoutMs), users: 0 }
  explained(folder, file, () => handle.sqlite.prepare('select 1').get([]))
  for (const statement of schema.split(';')) {
    if (statement.trim()) handle.sqlite.prepare(statement).run([])
  }
  handles.set(file, handle)
  handle.users++
  let released = false
  return {
    ...handle.sqlite,
    release: () => {
      if (released) return
      released = true
      if (--handle.users > 0) return
      handles.delete(file)
      handle.close()
    },
  }
}

/**
 * Opens a database file of its own, for its owner to close. `waitMs`: how long a call waits, and
 * with it this whole process, while another process writes. Throws as connectSqlite does.
 */
export const openFile = (folder: string, file: string, waitMs: number) => {
  const explain = <Result>(work: () => Result): Result => explained(folder, file, work)
  const db = explain(() => {
    make(file)
    const opened = new Database(file, { timeout: waitMs })
    useLog(opened)
    // With a log NORMAL loses nothing when a process dies, only when the power fails.
    arrays(opened, 'pragma synchronous = normal').all([])
    return opened
  })

  const prepared = new Map<string, Statement>()
  const prepare = (sql: string): Statement => {
    const known = prepared.get(sql)
    if (known) return known
    const bare = explain(() => arrays(db, sql))
    const statement: Statement = {
      columns: bare.reader ? bare.columns().map(({ name }) => name) : [],
      get: (values) => explain(() => bare.get(values) as Value[] | undefined),
      all: (values) => explain(() => bare.all(values) as Value[][]),
      run: (values) => explain(() => bare.run(values).changes),
    }
    // Statements that are put together anew each time must not pile up.
    if (prepared.size > 500) prepared.clear()
    prepared.set(sql, statement)
    return statement
  }

  const begin = prepare('begin immediate')
  const commit = prepare('commit')
  const rollback = prepare('rollback')
  const sweptAtMs = new Map<string, number>()

  return {
    sqlite: {
      prepare,
      immediate: <Result>(work: () => Result): Result => {
        begin.run([])
        try {
          const result = work()
          commit.run([])
          return result
        } catch (error) {
          if (db.inTransaction) rollback.run([])
          throw error
        }
      },
      sweep: (table: string) => {
        const nowMs = Date.now()
        // The clock may have stepped backwards.
        if (Math.abs(nowMs - (sweptAtMs.get(table) ?? 0)) < 60_000) return
        sweptAtMs.set(table, nowMs)
        prepare(`delete from ${table} where ends_at_ms <= ?`).run([nowMs])
      },
    },
    /** Ends a transaction that `begin` began; nothing where there is none. */
    rollBack: () => {
      if (db.inTransaction) rollback.run([])
    },
    close: () => {
      prepared.clear()
      db.close()
    },
  }
}

/** Rows as lists: libsql adds a member of its own to rows that are objects. */
const arrays = (db: Database.Database, sql: string) => {
  const statement = db.prepare(sql)
  return statement.reader ? statement.raw() : statement
}

/**
 * Makes an empty file that only its owner can read; SQLite would make it readable for everybody.
 * Its log takes over the mode. A file that is there must not even be opened: closing it again would
 * take away the locks that SQLite holds on it in this process (sqlite.org/howtocorrupt.html, 2.2).
 */
const make = (file: string): void => {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Turns on the write-ahead log. SQLite does not wait for others here, so this does. */
const useLog = (db: Database.Database): void => {
  const untilMs = Date.now() + busyTimeoutMs
  for (;;) {
    try {
      arrays(db, 'pragma journal_mode = wal').all([])
      return
    } catch (error) {
      if (codeOf(error) !== 'SQLITE_BUSY' || Date.now() > untilMs) throw error
    }
  }
}

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  return /ConnectionFailed/.test(error.message) ? 'SQLITE_CANTOPEN' : ''
}

/** Runs `work` and turns what SQLite or the file system throws into what can be done about it. */
const explained = <Result>(folder: string, file: string, work: () => Result): Result => {
  try {
    return work()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const code = codeOf(cause)
    if (/^SQLITE_(NOTADB|CORRUPT)/.test(code))
      throw new SeesawError(
        'DATA_CORRUPT',
        `${file} is no sound SQLite database (${why}); move it away or delete it, and a new one is made.`,
        { cause },
      )
    if (/^(SQLITE_(CANTOPEN|READONLY|IOERR|FULL|PERM)|E[A-Z]+$)/.test(code))
      throw new SeesawError(
        'DATA_FOLDER_UNUSABLE',
        `The data folder ${folder} cannot be used (${why}); name another one with --data or in scenarios.config.ts.`,
        { cause },
      )
    if (/^SQLITE_(BUSY|LOCKED)/.test(code))
      throw new SeesawError(
        'BACKEND_UNREACHABLE',
        `SQLite: another process keeps ${file} locked.`,
        { cause },
      )
    throw cause
  }
}
