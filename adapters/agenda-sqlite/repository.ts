// Jobs in a table. Each method is one statement or one write transaction, so that every process
// sees a job either before or after a step, never in between.

import {
  computeJobState,
  type JobParameters,
  type JobRepository,
  type JobsOverview,
  type JobsQueryOptions,
  type JobsSort,
  type RemoveJobsOptions,
  toJobId,
} from 'agenda'
import type { Signals } from './channel.ts'
import { debounced } from './debounce.ts'
import { AgendaSqliteError } from './errors.ts'
import { all, type Condition, dataFilter, matching } from './filter.ts'
import { idOf, type NewRow, notificationOf, type Row, stateOf, toJob, toRow } from './row.ts'
import { type Statements, stateAt, statements } from './statements.ts'
import type { Session, Store } from './store.ts'

export const createRepository = (
  store: Store,
  table: string,
  signals: Signals | undefined,
): JobRepository => {
  const sql = statements(table)
  // The names of which the last claim found a job: more may be waiting.
  const backlog = new Set<string>()

  const setDisabled = async (options: RemoveJobsOptions, disabled: 0 | 1) => {
    const condition = chosen(options)
    if (!condition) return 0
    return changed(
      `UPDATE ${table} SET disabled = ${disabled}
       WHERE (${condition.sql}) AND disabled IS NOT ${disabled}`,
      condition.values,
    )
  }

  const changed = (statement: string, values: Condition['values'] = []) =>
    store.use(({ prepared, write }) => write(() => prepared(statement).run(values).changes))

  const jobNames = ({ prepared }: Session) =>
    (prepared(sql.names).all([]) as { name: string }[]).map(({ name }) => name)

  return {
    connect: () => store.connect(),

    async saveJob(job, options) {
      const row = {
        ...toRow(job as JobParameters),
        lastModifiedBy: options?.lastModifiedBy ?? null,
      }
      return store.use((session) =>
        session.write(() => {
          const saved = save(session, sql, job as JobParameters, row)
          if (!saved) return job
          if (saved.nextRunAt !== null && !saved.disabled)
            signals?.announce(session, notificationOf(saved))
          return toJob(saved) as typeof job
        }),
      )
    },

    async saveJobState(job, options) {
      if (!job._id) throw new Error('Cannot save job state without job ID')
      const id = idOf(job._id)
      const state = stateOf(job)
      const values = [
        state.lockedAt,
        state.nextRunAt,
        state.lastRunAt,
        state.lastFinishedAt,
        state.failedAt,
        state.failCount,
        state.failReason,
        state.progress,
        options?.lastModifiedBy ?? null,
        id,
        job.name,
      ]
      await store.use(({ prepared, write }) => {
        const saved = write(() => prepared(sql.saveState).get(values)) as
          | Pick<Row, 'nextRunAt'>
          | undefined
        if (!saved)
          throw new AgendaSqliteError(
            'JOB_GONE',
            `job ${job._id} (name: ${job.name}) cannot be updated in the database, maybe it does not exist anymore?`,
          )
        if (state.lockedAt !== null) return
        // Agenda looks for jobs when it hears of one. A place has become free: it shall look now
        // if more may be waiting, if this one waits for a time soon to come (a retry), or if it
        // was saved anew meanwhile. A job that asks to run again at once waits for the next look,
        // or one that always fails would keep the process busy.
        const { name, priority } = job
        const more = backlog.has(name)
        const { nextRunAt } = saved
        const waits = nextRunAt !== null && (state.nextRunAt === null || nextRunAt > Date.now())
        const notification = { id, name, priority, nextRunAt, lastModifiedBy: null }
        if (more) signals?.wake(notificationOf({ ...notification, nextRunAt: null }))
        else if (waits) signals?.wake(notificationOf(notification))
      })
    },

    async getNextJobToRun(name, nextScanAt, lockDeadline, now, options) {
      const which = [name, nextScanAt.getTime(), lockDeadline.getTime()]
      const how = [(now ?? new Date()).getTime(), options?.lastModifiedBy ?? null]
      return store.use(({ prepared, write }) => {
        // Looking first keeps idle workers from queueing for the write lock.
        const found = prepared(sql.next).get(which) !== undefined
        const row = found ? write(() => prepared(sql.claim).get([...which, ...how])) : undefined
        if (row) backlog.add(name)
        else backlog.delete(name)
        return row ? toJob(row as Row) : undefined
      })
    },

    async lockJob(job, options) {
      if (!job._id) return undefined
      const how = [Date.now(), options?.lastModifiedBy ?? null]
      const which = [idOf(job._id), job.name, stateOf(job).nextRunAt]
      return store.use(({ prepared, write }) => {
        const row = write(() => prepared(sql.lock).get([...how, ...which])) as Row | undefined
        return row && toJob(row)
      })
    },

    async unlockJob({ _id }) {
      // Agenda does not wait for this call: a rejection would end the process. Without it, the
      // lock lives until it expires.
      if (_id) await changed(sql.unlock, [idOf(_id)]).catch(() => {})
    },

    async unlockJobs(ids) {
      await changed(sql.unlockAll, [JSON.stringify(ids.map(idOf))])
    },

    async removeJobs(options) {
      const condition = chosen(options)
      if (!condition) return 0
      return changed(`DELETE FROM ${table} WHERE ${condition.sql}`, condition.values)
    },

    purgeAllJobs: () => changed(`DELETE FROM ${table}`),
    disableJobs: (options) => setDisabled(options, 1),
    enableJobs: (options) => setDisabled(options, 0),

    getJobById: (id) =>
      store.use(({ prepared }) => {
        const row = prepared(sql.byId).get([idOf(id)]) as Row | undefined
        return row ? toJob(row) : null
      }),

    queryJobs: (options = {}) =>
      store.use((session) => {
        const now = new Date()
        const { sql: where, values } = queried(options, () => jobNames(session), now.getTime())
        const select = `SELECT * FROM ${table} WHERE ${where} ${order(options.sort)} LIMIT ? OFFSET ?`
        const page = [options.limit || -1, options.skip ?? 0]
        const rows = session.prepared(select).all([...values, ...page]) as Row[]
        const count = `SELECT count(*) AS total FROM ${table} WHERE ${where}`
        const { total } = session.prepared(count).get(values) as { total: number }
        const jobs = rows.map((row) => {
          const job = toJob(row)
          return { ...job, _id: toJobId(String(row.id)), state: computeJobState(job, now) }
        })
        return { jobs, total }
      }),

    getJobsOverview: () =>
      store.use(({ prepared }) => prepared(sql.overview).all([Date.now()]) as JobsOverview[]),

    getDistinctJobNames: () => store.use(jobNames),

    getQueueSize: () =>
      store.use(({ prepared }) => {
        const { total } = prepared(sql.queueSize).get([Date.now()]) as { total: number }
        return total
      }),
  }
}

/** Inserts the job, or updates the one it stands for; undefined if that one is gone. */
const save = (
  { prepared }: Session,
  sql: Statements,
  job: JobParameters,
  row: NewRow,
): Row | undefined => {
  const insert = (changes: Partial<Row> = {}) =>
    prepared(sql.insert).get({ ...row, ...changes }) as Row
  const update = (id: number, changes: Partial<Row> = {}) =>
    prepared(sql.update).get({ ...row, ...changes, id }) as Row | undefined

  if (job._id) return update(idOf(job._id))

  if (row.type === 'single') {
    const existing = prepared(sql.single).get([row.name]) as Row | undefined
    if (!existing) return insert()
    // every() at the start of each process must not make a job due that waits for its time.
    const keepsTime = row.nextRunAt !== null && row.nextRunAt <= Date.now()
    return update(existing.id, keepsTime ? { nextRunAt: existing.nextRunAt } : {})
  }

  if (job.unique) {
    const same = all([{ sql: 'name = ?', values: [row.name] }, matching(job.unique)])
    const existing = prepared(`${sql.select} WHERE ${same.sql} LIMIT 1`).get(same.values) as
      | Row
      | undefined
    const { debounce, insertOnly } = job.uniqueOpts ?? {}
    const changes = debounce ? debounced(debounce, existing, Date.now()) : {}
    if (!existing) return insert(changes)
    return insertOnly && !debounce ? existing : update(existing.id, changes)
  }

  return insert()
}

const queried = (options: JobsQueryOptions, allNames: () => string[], nowMs: number): Condition => {
  const { id, ids, state, data, search } = options
  const conditions = search
    ? [oneOf('name', allNames().filter(containing(search)))]
    : nameCondition(options)
  if (id) conditions.push(oneOf('id', [idOf(id)]))
  else if (ids?.length) conditions.push(oneOf('id', ids.map(idOf)))
  if (data !== undefined) conditions.push(matching(dataFilter(data)))
  if (options.includeDisabled === false) conditions.push({ sql: 'disabled IS NOT 1', values: [] })
  if (state === 'paused') conditions.push({ sql: 'disabled IS 1', values: [] })
  else if (state) conditions.push({ sql: `${stateAt('?')} = ?`, values: [nowMs, nowMs, state] })
  return all(conditions)
}

/** The jobs that `options` names; undefined if it names none, which must not mean all. */
const chosen = (options: RemoveJobsOptions): Condition | undefined => {
  const { id, ids, name, names, notNames, data } = options
  const conditions = nameCondition(options)
  if (id) conditions.push(oneOf('id', [idOf(id)]))
  else if (ids?.length) conditions.push(oneOf('id', ids.map(idOf)))
  if (!name && !names?.length && notNames?.length) {
    const { sql, values } = oneOf('name', notNames)
    conditions.push({ sql: `NOT (${sql})`, values })
  }
  const filter = data === undefined ? {} : dataFilter(data)
  if (Object.keys(filter).length) conditions.push(matching(filter))
  return conditions.length ? all(conditions) : undefined
}

const nameCondition = ({ name, names }: { name?: string; names?: string[] }): Condition[] => {
  if (name) return [oneOf('name', [name])]
  return names?.length ? [oneOf('name', names)] : []
}

const oneOf = (column: string, values: (string | number)[]): Condition => ({
  sql: `${column} IN (SELECT value FROM json_each(?))`,
  values: [JSON.stringify(values)],
})

const containing = (search: string) => (name: string) =>
  name.toLowerCase().includes(search.toLowerCase())

const sortable = ['nextRunAt', 'lastRunAt', 'lastFinishedAt', 'priority', 'name', 'data'] as const

const order = (sort: JobsSort = {}) => {
  const wanted = sortable.filter((column) => sort[column])
  if (!wanted.length) return 'ORDER BY nextRunAt DESC, lastRunAt DESC, id'
  const terms = wanted.map((column) => `${column} ${sort[column] === 'asc' ? 'ASC' : 'DESC'}`)
  return `ORDER BY ${[...terms, 'id'].join(', ')}`
}
