// A relational database, asked in SQL.

/** Tables of one namespace: names in statements stand for this setup's own tables. */
export interface Db extends Statements {
  /**
   * Makes the tables. `statements` must do no harm when they run again, as they do in every process
   * and after a restart: `create table if not exists …`. Throws BACKEND_UNREACHABLE.
   */
  define(statements: readonly string[]): Promise<void>

  /**
   * Runs `work` in one transaction: all of its statements take effect, or none where it throws;
   * the error is passed on. Transactions come out as if they had run one after another; `work` may
   * be run again for that, and must not write but by what it is given. Throws BACKEND_UNREACHABLE.
   */
  transaction<Result>(work: (within: Statements) => Promise<Result>): Promise<Result>
}

export interface Statements {
  /**
   * Runs one statement, its values in the place of each `?`, and returns its rows; none for one
   * that returns none. Use `returning` to learn what was changed. Throws PAYLOAD_REFUSED for a value
   * that is no SqlValue or holds a NUL, BACKEND_UNREACHABLE.
   */
  query<Row extends object>(sql: string, values?: readonly SqlValue[]): Promise<Row[]>
}

/** Integers up to 2^53 arrive as numbers; there are no dates, use milliseconds since epoch. */
export type SqlValue = null | number | string
