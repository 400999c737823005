// A database file for each namespace, by libsql inside the process. Every statement runs at once and
// is over when the call returns; only a transaction spans time, so it has a connection of its own,
// and the other writers of this process wait for it in a line, those of other processes by asking
// again. Waiting inside SQLite would stop the whole process.
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineAdapter, SeesawError } from '#core/adapter'
import type { SqlValue } from '#core/kinds'
import { checkSqlValues } from '../connections/shared.ts'
import { openFile } from '../connections/sqlite.ts'

/** How long a writer waits for those of other processes before it gives up. */
const busyForMs = 1_500

export default defineAdapter<'db'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, folder }) {
    const files = join(folder, 'db')
    mkdirSync(files, { recursive: true, mode: 0o700 })
    const name = createHash('sha256').update(namespace).digest('base64url')
    const file = join(files, `${name}.sqlite`)
    const main = openFile(folder, file, 0)
    const inTransaction = openFile(folder, file, 0)
    let tables: readonly string[] = []

    // Whoever writes waits for the one before.
    let last: Promise<unknown> = Promise.resolve()
    const inLine = <Result>(work: () => Promise<Result>): Promise<Result> => {
      const mine = last.then(work, work)
      last = mine.catch(() => {})
      return mine
    }

    const define = async (statements: readonly string[]): Promise<void> => {
      tables = statements
      await inLine(() => patiently(() => runAll(main, statements)))
    }

    const query = <Row extends object>(
      database: Database,
      sql: string,
      values: readonly SqlValue[] = [],
    ): Promise<Row[]> =>
      patiently(() => {
        try {
          return ask<Row>(database, sql, values)
        } catch (error) {
          // Somebody has emptied the namespace.
          if (database !== main || tables.length === 0 || !isMissingTable(error)) throw error
          runAll(main, tables)
          return ask<Row>(database, sql, values)
        }
      })

    return {
      define,

      query: (sql, values) =>
        isReading(sql) ? query(main, sql, values) : inLine(() => query(main, sql, values)),

      transaction: (work) =>
        inLine(async () => {
          await patiently(() => ask(inTransaction, 'begin immediate'))
          try {
            const result = await work({
              query: (sql, values) => query(inTransaction, sql, values),
            })
            await patiently(() => ask(inTransaction, 'commit'))
            return result
          } catch (error) {
            inTransaction.rollBack()
            throw error
          }
        }),

      clear: () =>
        inLine(() =>
          patiently(() => {
            for (const { name } of ask<{ name: string }>(main, ownTables))
              ask(main, `drop table if exists "${name.replaceAll('"', '""')}"`)
          }),
        ),

      async close() {
        await last
        main.close()
        inTransaction.close()
      },
    }
  },
})

const ownTables = `select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'`

const isReading = (sql: string): boolean => /^\s*select\b/i.test(sql)

const isMissingTable = (error: unknown): boolean =>
  error instanceof Error && /no such table/.test(error.message)

type Database = ReturnType<typeof openFile>

const ask = <Row extends object>(
  { sqlite }: Database,
  sql: string,
  values: readonly SqlValue[] = [],
): Row[] => {
  checkSqlValues(values)
  refuseOtherFiles(sql)
  const statement = sqlite.prepare(sql)
  if (statement.columns.length === 0) {
    statement.run([...values])
    return []
  }
  return statement
    .all([...values])
    .map((row) => Object.fromEntries(statement.columns.map((name, i) => [name, row[i]])) as Row)
}

// libsql has them built in. A name cannot be put together while a statement runs, so it stands in it.
const fileFunctions = /\b(readfile|writefile|fsdir|sha3_query|load_extension)\b/i

const beforeWord = /^(?:[\s;]|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))*/

/**
 * Throws BACKEND_UNAVAILABLE for the statements and functions by which SQLite reaches other files than
 * its own. SQL may be somebody else's: of a variant that lets it in on purpose. SQLite runs the first
 * statement of a text and no other, so for statements it is the first word that counts.
 */
const refuseOtherFiles = (sql: string): void => {
  const [first = ''] = /^\w+/.exec(sql.replace(beforeWord, '')) ?? []
  const [word] = /^(attach|detach|vacuum|pragma)$/i.exec(first) ?? fileFunctions.exec(sql) ?? []
  if (word)
    throw new SeesawError(
      'BACKEND_UNAVAILABLE',
      `SQLite refuses ${word.toUpperCase()}: it could reach files that are not this setup's.`,
    )
}

/** All or nothing: another process must not see half of the tables. */
const runAll = (database: Database, statements: readonly string[]): void =>
  database.sqlite.immediate(() => {
    for (const statement of statements) ask(database, statement)
  })

/** Runs `work`, again and again while another process writes. Throws BACKEND_UNREACHABLE. */
const patiently = async <Result>(work: () => Result): Promise<Result> => {
  const untilMs = performance.now() + busyForMs
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, 20)) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() > untilMs) throw error
    }
    await sleep(pauseMs)
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof SeesawError && error.code === 'BACKEND_UNREACHABLE'
