// The tables, and how a file of an older version of this package becomes a current one.

import type Database from 'libsql'
import { AgendaSqliteError } from './errors.ts'

/**
 * Creates or upgrades the tables in one write transaction, so that processes that start at the
 * same time wait for each other and find the work done. `indexedPaths` are paths such as
 * `data.userId` that `unique()` and data filters may then look up without a scan.
 * Throws NEWER_SCHEMA.
 */
export const createSchema = (db: Database.Database, table: string, indexedPaths: string[]) => {
  db.exec(`CREATE TABLE IF NOT EXISTS ${table}Schema (version INTEGER NOT NULL) STRICT`)
  const row = db.prepare(`SELECT max(version) AS version FROM ${table}Schema`).get([])
  const found = (row as { version: number | null }).version ?? 0

  if (found > migrations.length)
    throw new AgendaSqliteError(
      'NEWER_SCHEMA',
      `The tables ${table}* are of version ${found}; this package knows ${migrations.length}. Upgrade it.`,
    )
  for (const migrate of migrations.slice(found)) db.exec(migrate(table))
  if (found < migrations.length)
    db.exec(`DELETE FROM ${table}Schema; INSERT INTO ${table}Schema VALUES (${migrations.length})`)
  for (const path of indexedPaths) db.exec(pathIndex(table, path))
}

/** `data.user.id` as SQL: the JSON text of that member, NULL where there is none. */
export const memberOf = (path: string) => `data -> ${jsonPath(path)}`

/** The path of `data.user.id` as a SQL literal. */
export const jsonPath = (path: string, suffix = '') => {
  const names = path.split('.').slice(1)
  if (!path.startsWith('data.') || names.some((name) => name === '' || /["\\\0]/.test(name)))
    throw new AgendaSqliteError('INVALID_FILTER', `'${path}' is no path into a job's data.`)
  const quoted = names.map((name) => (/^\d+$/.test(name) ? `[${name}]` : `."${name}"`)).join('')
  return `'$${quoted.replaceAll("'", "''")}${suffix}'`
}

/** Where SQL says `waiting`: the jobs a worker may claim, as the partial index has them. */
export const waiting = 'lockedAt IS NULL AND nextRunAt IS NOT NULL AND disabled IS NOT 1'

// Add to the end; never change one that was published.
const migrations = [
  (table: string) => `
    -- AUTOINCREMENT: an id is never given twice, so a slow worker that reports the end of a job
    -- that was removed cannot hit a newer one. data must be JSON that SQLite can read, or one
    -- deep payload would break every later look into the data of its neighbours.
    CREATE TABLE ${table} (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL,
      type TEXT NOT NULL,
      priority REAL,
      data TEXT CHECK (data IS NULL OR json_valid(data)),
      nextRunAt INTEGER,
      lockedAt INTEGER,
      lastRunAt INTEGER,
      lastFinishedAt INTEGER,
      failedAt INTEGER,
      failCount REAL,
      failReason TEXT,
      progress REAL,
      repeatInterval ANY,
      repeatTimezone TEXT,
      repeatAt TEXT,
      startDate INTEGER,
      endDate INTEGER,
      skipDays TEXT,
      debounceStartedAt INTEGER,
      disabled INTEGER,
      fork INTEGER,
      lastModifiedBy TEXT,
      rescheduled INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    -- Two small indexes in claim order: a claim reads their first entry, however many jobs wait.
    CREATE INDEX ${table}Waiting ON ${table} (name, nextRunAt, priority DESC) WHERE ${waiting};
    CREATE INDEX ${table}Locked ON ${table} (name, lockedAt) WHERE lockedAt IS NOT NULL;
    CREATE INDEX ${table}ByName ON ${table} (name);
    CREATE INDEX ${table}Single ON ${table} (name) WHERE type = 'single';

    CREATE TABLE ${table}Logs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      timestamp INTEGER NOT NULL,
      level TEXT NOT NULL,
      event TEXT NOT NULL,
      jobId TEXT,
      jobName TEXT NOT NULL,
      rest TEXT NOT NULL
    ) STRICT;
    CREATE INDEX ${table}LogsByTime ON ${table}Logs (timestamp);
    CREATE INDEX ${table}LogsByJob ON ${table}Logs (jobId, timestamp);
    CREATE INDEX ${table}LogsByName ON ${table}Logs (jobName, timestamp);

    -- What one process tells the others; only the newest rows are kept.
    CREATE TABLE ${table}Signals (
      id INTEGER PRIMARY KEY,
      sender TEXT NOT NULL,
      messages TEXT NOT NULL
    ) STRICT;
  `,
]

const pathIndex = (table: string, path: string) => {
  const suffix = Buffer.from(path).toString('hex')
  return `CREATE INDEX IF NOT EXISTS ${table}Path_${suffix} ON ${table} (name, ${memberOf(path)})`
}
