// A schema of Postgres for each namespace, a role that may do nothing but own it, and connections of that
// role which look for tables there.
import { createHash } from 'node:crypto'
import { defineAdapter } from '#core/adapter'
import type { SqlValue } from '#core/kinds'
import { openSchema } from '../connections/postgres.ts'
import { checkSqlValues } from '../connections/shared.ts'

export default defineAdapter<'db'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const hash = createHash('sha256').update(namespace).digest('hex').slice(0, 32)
    const schema = `seesaw_db_${hash}`
    const postgres = openSchema(url, schema, namespace)
    let tables: readonly string[] = []

    // Two processes that create the same table at once get in each other's way in spite of "if not
    // exists", so they take turns.
    const make = async () => {
      await postgres.make()
      await postgres.transaction(async (ask) => {
        await ask('select pg_advisory_xact_lock(hashtext($1))', [schema])
        for (const statement of tables) await ask(statement, [])
      })
    }

    return {
      async define(statements) {
        tables = statements
        await make()
      },

      async query<Row extends object>(sql: string, values: readonly SqlValue[] = []) {
        checkSqlValues(values)
        const ask = () => postgres.query(numbered(sql), [...values]) as Promise<Row[]>
        return ask().catch(async (error: unknown) => {
          // Somebody has emptied the namespace.
          if (tables.length === 0 || !isGone(error)) throw error
          await make()
          return ask()
        })
      },

      transaction: (work) =>
        postgres.transaction((ask) =>
          work({
            async query<Row extends object>(sql: string, values: readonly SqlValue[] = []) {
              checkSqlValues(values)
              return (await ask(numbered(sql), [...values])) as Row[]
            },
          }),
        ),

      clear: postgres.drop,
      close: postgres.end,
    }
  },
})

/** `?` → `$1`, but not inside quotes. */
const numbered = (sql: string): string => {
  let count = 0
  return sql.replace(/'[^']*'|"[^"]*"|\?/g, (found) => (found === '?' ? `$${++count}` : found))
}

/** The table is not there, or not the schema, or not the role (then no password is right). */
const isGone = (error: unknown): boolean => {
  const { cause } = error as { cause?: { code?: string } }
  return /^(42P01|3F000|28000|28P01)$/.test(cause?.code ?? '')
}
