/**
 * A backend for Agenda 6 that keeps jobs in a SQLite file: durable, shared by the processes of one
 * machine, without a server. See README.md for what it guarantees, and what keeps it.
 */

import type { AgendaBackend } from 'agenda'
import type Database from 'libsql'
import { createSignals } from './channel.ts'
import { AgendaSqliteError } from './errors.ts'
import { createLogger } from './logger.ts'
import { createRepository } from './repository.ts'
import { createStore, type Synchronous } from './store.ts'

export { AgendaSqliteError, type AgendaSqliteErrorCode } from './errors.ts'
export type { Synchronous } from './store.ts'

export interface SqliteBackendOptions {
  /** The file; made if missing, its folder is not. Either this or `db`. */
  path?: string
  /** An open connection of the `libsql` package. It is yours: its settings stay, nobody closes it. */
  db?: Database.Database
  /** The tables are called this, and this + Logs, Signals, Schema. Default `agendaJobs`. */
  table?: string
  /**
   * When a save is on the disk. `normal` (default): it survives `kill -9` of any process at once,
   * and a power cut from the next checkpoint on. `full`: it survives a power cut too; each save
   * waits for the disk. Only with `path`.
   */
  synchronous?: Synchronous
  /**
   * How long a write waits for another process's before it fails as BUSY. Default 5000. Only with
   * `path`: an open `db` has a PRAGMA busy_timeout of its own.
   */
  busyTimeoutMs?: number
  /** Tell other processes of new jobs at once. Default true; false leaves it to `processEvery`. */
  notifications?: boolean
  /** Paths such as `data.userId` that `unique()` and data filters look up by index. Default none. */
  indexedPaths?: string[]
}

/**
 * Makes the backend: `new Agenda({ backend: sqliteBackend({ path: 'jobs.db' }) })`. Nothing is
 * opened yet. Agenda connects it but does not catch a failure; to handle one, `await connect()`
 * first (a second time does nothing). Throws INVALID_OPTION.
 */
export const sqliteBackend = (options: SqliteBackendOptions): AgendaBackend => {
  const { table = 'agendaJobs', synchronous = 'normal', busyTimeoutMs = 5_000 } = options
  if (!options.path === !options.db)
    throw new AgendaSqliteError('INVALID_OPTION', 'Give either a path or an open db.')
  for (const name of ['synchronous', 'busyTimeoutMs'] as const)
    if (options.db && options[name] !== undefined)
      throw new AgendaSqliteError(
        'INVALID_OPTION',
        `${name} goes with a path; an open db keeps its own settings. Set the PRAGMA on the db.`,
      )
  if (!/^[A-Za-z_]\w*$/.test(table))
    throw new AgendaSqliteError('INVALID_OPTION', `'${table}' is no name for a table.`)
  if (!['off', 'normal', 'full', 'extra'].includes(synchronous))
    throw new AgendaSqliteError('INVALID_OPTION', `synchronous cannot be '${synchronous}'.`)

  const store = createStore({
    path: options.path,
    db: options.db,
    table,
    synchronous,
    busyTimeoutMs,
    indexedPaths: options.indexedPaths ?? [],
  })
  const signals = (options.notifications ?? true) ? createSignals(store, table) : undefined

  return {
    name: 'SQLite',
    repository: createRepository(store, table, signals),
    notificationChannel: signals?.channel,
    logger: createLogger(store, table),
    ownsConnection: store.ownsConnection,
    connect: () => store.connect(),
    async disconnect() {
      await signals?.channel.disconnect()
      store.disconnect()
    },
  }
}
