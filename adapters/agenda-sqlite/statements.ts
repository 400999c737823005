// The SQL of the repository whose shape never changes.

import { columnNames } from './row.ts'
import { waiting } from './schema.ts'

/** `?1` name, `?2` run times up to, `?3` locks up to: the id of the job to run next. */
const nextJob = (table: string) => `
  SELECT id FROM (
    SELECT * FROM (
      SELECT id, nextRunAt, priority FROM ${table} INDEXED BY ${table}Waiting
      WHERE name = ?1 AND ${waiting} AND nextRunAt <= ?2
      ORDER BY nextRunAt, priority DESC, id LIMIT 1)
    UNION ALL
    -- Expired locks, the oldest first: after a worker died with 100,000 of them, a claim still
    -- looks at a hundred.
    SELECT * FROM (
      SELECT id, nextRunAt, priority FROM ${table} INDEXED BY ${table}Locked
      WHERE name = ?1 AND lockedAt <= ?3 AND disabled IS NOT 1
      ORDER BY lockedAt LIMIT 100)
  ) ORDER BY nextRunAt, priority DESC, id LIMIT 1`

export const statements = (table: string) => ({
  next: nextJob(table),

  // Claims in one statement: SQLite lets one writer in at a time, so no two get the same job.
  claim: `
    UPDATE ${table} SET lockedAt = ?4, lastModifiedBy = ?5, rescheduled = 0
    WHERE id = (${nextJob(table)}) RETURNING *`,

  lock: `
    UPDATE ${table} SET lockedAt = ?1, lastModifiedBy = ?2, rescheduled = 0
    WHERE id = ?3 AND name = ?4 AND nextRunAt IS ?5 AND lockedAt IS NULL AND disabled IS NOT 1
    RETURNING *`,

  // A job that runs (nextRunAt is null) keeps its lock.
  unlock: `UPDATE ${table} SET lockedAt = NULL WHERE id = ? AND nextRunAt IS NOT NULL`,

  unlockAll: `
    UPDATE ${table} SET lockedAt = NULL WHERE id IN (SELECT value FROM json_each(?))`,

  // What a worker reports. A time that was saved while the job ran is kept (see update).
  saveState: `
    UPDATE ${table} SET
      lockedAt = ?1,
      nextRunAt = CASE WHEN rescheduled THEN coalesce(min(?2, nextRunAt), ?2, nextRunAt)
                  ELSE ?2 END,
      lastRunAt = ?3, lastFinishedAt = ?4, failedAt = ?5, failCount = ?6, failReason = ?7,
      progress = ?8, lastModifiedBy = ?9,
      rescheduled = CASE WHEN ?1 IS NULL THEN 0 ELSE rescheduled END
    WHERE id = ?10 AND name = ?11 RETURNING nextRunAt`,

  insert: `
    INSERT INTO ${table} (${columnNames.join(', ')})
    VALUES (${columnNames.map((name) => `:${name}`).join(', ')}) RETURNING *`,

  // While a worker has the job, the lock and the run's state are the worker's; a new time is
  // remembered for after the run, or a save that was accepted during it would have no effect.
  update: `
    UPDATE ${table} SET
      ${columnNames.map((name) => `${name} = ${updated(name)}`).join(', ')},
      rescheduled = rescheduled OR (
        lockedAt IS NOT NULL AND :nextRunAt IS NOT NULL AND nextRunAt IS NOT :nextRunAt)
    WHERE id = :id AND name = :name RETURNING *`,

  select: `SELECT * FROM ${table}`,
  single: `SELECT * FROM ${table} WHERE name = ? AND type = 'single' LIMIT 1`,
  byId: `SELECT * FROM ${table} WHERE id = ?`,
  // From name to name through the index: DISTINCT would read every job.
  names: `
    WITH RECURSIVE names(name) AS (
      SELECT min(name) FROM ${table}
      UNION ALL
      SELECT (SELECT min(name) FROM ${table} WHERE name > names.name) FROM names
      WHERE names.name IS NOT NULL)
    SELECT name FROM names WHERE name IS NOT NULL`,

  queueSize: `SELECT count(*) AS total FROM ${table} WHERE nextRunAt < ?`,

  overview: `
    SELECT name, count(*) AS total, ${states.map((state) => `sum(state = '${state}') AS ${state}`)},
      sum(disabled IS 1) AS paused
    FROM (SELECT name, disabled, ${stateAt('?1')} AS state FROM ${table}) GROUP BY name`,
})

export type Statements = ReturnType<typeof statements>

const states = ['running', 'scheduled', 'queued', 'completed', 'failed', 'repeating']

/** Agenda's computeJobState() in SQL; `now` is a number or a parameter. */
export const stateAt = (now: string | number) => `
  CASE
    WHEN lockedAt IS NOT NULL THEN 'running'
    WHEN failedAt IS NOT NULL AND (lastFinishedAt IS NULL OR failedAt >= lastFinishedAt)
      THEN 'failed'
    WHEN repeatInterval IS NOT NULL AND repeatInterval NOT IN ('', 0) THEN 'repeating'
    WHEN nextRunAt > ${now} THEN 'scheduled'
    WHEN nextRunAt <= ${now} THEN 'queued'
    ELSE 'completed'
  END`

const runState = new Set([
  ...['lockedAt', 'lastRunAt', 'lastFinishedAt', 'failedAt', 'failCount', 'failReason', 'progress'],
])

const updated = (name: string) =>
  runState.has(name)
    ? `coalesce(:${name}, CASE WHEN lockedAt IS NOT NULL THEN ${name} END)`
    : `:${name}`
