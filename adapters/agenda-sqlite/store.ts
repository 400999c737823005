// One connection to the file, and the ways to use it: in a slice of time, or in one transaction.

import { setImmediate as nextTurn } from 'node:timers/promises'
import Database from 'libsql'
import { AgendaSqliteError, explain, isBusy } from './errors.ts'
import { createSchema } from './schema.ts'

export type Synchronous = 'off' | 'normal' | 'full' | 'extra'

export interface StoreOptions {
  path?: string | undefined
  db?: Database.Database | undefined
  table: string
  synchronous: Synchronous
  busyTimeoutMs: number
  indexedPaths: string[]
}

export interface Session {
  db: Database.Database
  /** A statement, compiled once per connection: for SQL that does not vary. */
  prepared(sql: string): Database.Statement
  /**
   * Runs `work` in one write transaction, or in the caller's if one is open on a passed `db`.
   * Every write goes through here: only so does the driver survive a busy or full file.
   */
  write<T>(work: () => T): T
  /** Drops the compiled statements: the driver does not reset one that failed. */
  forget(): void
}

export interface Store {
  ownsConnection: boolean
  /** Opens the file if need be and sees to the tables. */
  connect(): Promise<void>
  /** Closes the file if it was opened here. */
  disconnect(): void
  /**
   * Runs `work` against the file. While disconnected, the file is opened for this one call: a job
   * that ends after `agenda.stop()` still records that it ended, and is not run again.
   */
  use<T>(work: (session: Session) => T): Promise<T>
  /** The same, at once, for callers that may not wait; throws like `use`. */
  useNow<T>(work: (session: Session) => T): T
  /** The file, absolute; '' for a database in memory. */
  file(): string
}

export const createStore = (options: StoreOptions): Store => {
  const ownsConnection = options.db === undefined
  const label = options.path ?? 'The database'
  const timeout = ownsConnection ? 'busyTimeoutMs' : "the connection's own PRAGMA busy_timeout"
  const breathe = breather()
  let current: Session | undefined

  const useNow = <T>(work: (session: Session) => T): T => {
    const session = current ?? open(options)
    try {
      return work(session)
    } catch (error) {
      session.forget()
      throw explain(error, label, timeout)
    } finally {
      if (session !== current && ownsConnection) session.db.close()
    }
  }

  return {
    ownsConnection,
    async connect() {
      current ??= await retried(
        () => open(options),
        options.busyTimeoutMs,
        (error) => explain(error, label, timeout),
      )
    },
    disconnect() {
      if (ownsConnection) current?.db.close()
      current = undefined
    },
    useNow,
    async use(work) {
      const result = useNow(work)
      await breathe()
      return result
    },
    file: () =>
      useNow(({ db }) => {
        const rows = db.prepare('PRAGMA database_list').all([]) as { name: string; file: string }[]
        return rows.find(({ name }) => name === 'main')?.file ?? ''
      }),
  }
}

const open = (options: StoreOptions): Session => {
  const db = options.db ?? openFile(options)
  const session = createSession(db)
  try {
    session.write(() => createSchema(db, options.table, options.indexedPaths))
  } catch (error) {
    if (!options.db) db.close()
    throw error
  }
  return session
}

const openFile = ({ path, synchronous, busyTimeoutMs }: StoreOptions) => {
  if (!path) throw new AgendaSqliteError('INVALID_OPTION', 'Give a path or an open db.')
  const db = new Database(path, { timeout: busyTimeoutMs })
  try {
    // WAL: readers and the one writer do not wait for each other.
    db.exec('PRAGMA journal_mode = WAL')
    db.exec(`PRAGMA synchronous = ${synchronous}`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

const createSession = (db: Database.Database): Session => {
  const statements = new Map<string, Database.Statement>()
  const prepared = (sql: string) => {
    // Filters make SQL of many shapes; the few that matter are soon back.
    if (statements.size > 300) statements.clear()
    const known = statements.get(sql) ?? db.prepare(sql)
    statements.set(sql, known)
    return known
  }
  return {
    db,
    prepared,
    forget: () => statements.clear(),
    write(work) {
      if (db.inTransaction) return work()
      // IMMEDIATE takes the write lock first: what is read inside cannot change before the write,
      // and a locked file fails here. A prepared statement that fails as busy would count as in
      // progress for good, and no later transaction could commit; exec() cleans up after itself.
      db.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        db.exec('COMMIT')
        return result
      } catch (error) {
        // A full disk makes SQLite roll back by itself.
        if (db.inTransaction) db.exec('ROLLBACK')
        throw error
      }
    },
  }
}

// Switching a new file to WAL ignores the busy timeout, so processes that start together retry.
const retried = async <T>(
  work: () => T,
  forMs: number,
  explained: (error: unknown) => unknown,
): Promise<T> => {
  const untilMs = performance.now() + forMs
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() > untilMs) throw explained(error)
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20))
    }
  }
}

// SQLite answers at once, so a loop of awaited calls would never let timers and requests run:
// after a few milliseconds of it, one turn of the event loop is theirs. All that wait for that turn
// begin the next slice together, in the order in which they came. With a slice each, the first would
// go on alone, and take all places that jobs of other names wait for.
const breather = (sliceMs = 4) => {
  let sliceEndsAtMs = 0
  let turn: Promise<void> | undefined
  const begin = () => {
    turn = undefined
    sliceEndsAtMs = performance.now() + sliceMs
  }
  return async () => {
    if (performance.now() < sliceEndsAtMs) return
    turn ??= nextTurn().then(begin)
    await turn
  }
}
