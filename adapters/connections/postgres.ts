// The connection to Postgres: one small pool per process and address. All that Seesaw keeps lies in
// a schema of its own, which the first process that needs it creates.
import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import type { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { parseIntoClientConfig } from 'pg-connection-string'
import { countRoundTrip, defineBackend, SeesawError } from '#core/adapter'
import {
  badUrl,
  checkUrl,
  isNetworkError,
  misused,
  oneForEachUrl,
  poolSize,
  refused,
  silenceMs,
  takingTurns,
  unreachable,
} from './shared.ts'

/** A statement that the server parses once per connection, under its name. */
interface Statement {
  name: string
  text: string
}

// Keys compare byte by byte, whatever the language of the database: that is exact, and faster. The
// end of a life is kept by the server's clock, the only one that all processes share.
const tables = `
  create schema if not exists seesaw;

  create table if not exists seesaw.cache (
    namespace text collate "C",
    key text collate "C",
    value text not null,
    ends_at timestamptz not null,
    primary key (namespace, key)
  );

  create table if not exists seesaw.sessions (
    namespace text collate "C",
    key text collate "C",
    id text not null,
    user_key text collate "C" not null,
    data text not null,
    ends_at timestamptz not null,
    primary key (namespace, key)
  );
  create index if not exists sessions_of_user on seesaw.sessions (namespace, user_key);

  create table if not exists seesaw.limits (
    namespace text collate "C",
    key text collate "C",
    state text not null,
    ends_at timestamptz not null,
    primary key (namespace, key)
  );
`
const tableNames = ['cache', 'sessions', 'limits'] as const
type Table = (typeof tableNames)[number]

const areThere = `
  select ${tableNames.map((name) => `to_regclass('seesaw.${name}') is not null`).join(' and ')}
    as ready`

// Two processes that create the same table at once get in each other's way in spite of "if not
// exists", so they take turns. Statements sent together are one transaction.
const create = `select pg_advisory_xact_lock(5935241874); ${tables}`

const connections = poolSize(10)
const sweepEveryMs = 60_000

const openPostgres = (url: string) => {
  const pool = new pg.Pool({
    // Tables whose statements somebody else wrote lie in our schema, too.
    ...poolOptions(url, 'seesaw,public'),
    max: connections,
  })
  // A connection that breaks while it is idle is replaced when the next one is needed.
  pool.on('error', () => {})
  const clients = new Set<pg.Client>()
  pool.on('connect', (client) => clients.add(client as pg.Client))
  pool.on('remove', (client) => clients.delete(client as pg.Client))

  const inTurn = takingTurns(connections, isTimeout)
  const run = (config: pg.QueryConfig): Promise<pg.QueryResult> =>
    inTurn(() =>
      whileFull(() => {
        countRoundTrip('postgres')
        return pool.query(config)
      }),
    )

  /** Asks the server whether it is there, and creates what is not. */
  const ready = async (): Promise<void> => {
    try {
      const { rows } = await run({ text: areThere })
      if (!rows[0]?.ready) await run({ text: create })
    } catch (error) {
      throw explained(error, url)
    }
  }

  /** Sends one statement and returns the answer. Throws BACKEND_UNREACHABLE. */
  const query = ({ name, text }: Statement, values: unknown[]): Promise<pg.QueryResult> => {
    // Spelt out, because the driver takes a tenth longer with the object that a spread makes.
    const config = { name, text, values }
    return run(config).catch(async (error) => {
      if (!isTableMissing(error)) throw explained(error, url)
      // Somebody dropped the schema, or the server came back as a new one.
      await ready()
      return run(config).catch((error) => {
        throw explained(error, url)
      })
    })
  }

  const clear = async (table: Table, namespace: string): Promise<void> => {
    await query(
      { name: `seesaw ${table} clear`, text: `delete from seesaw.${table} where namespace = $1` },
      [namespace],
    )
  }

  const sweptAtMs = new Map<Table, number>()
  /**
   * Removes the rows whose time is over, of all namespaces, now and then. Queries do not see them
   * anyway, so nobody waits for this, and nobody needs to know when it fails.
   */
  const sweep = (table: Table): void => {
    if (performance.now() - (sweptAtMs.get(table) ?? -sweepEveryMs) < sweepEveryMs) return
    sweptAtMs.set(table, performance.now())
    run({ text: `delete from seesaw.${table} where ends_at <= now()` }).catch(() => {})
  }

  /** Sends a statement as it is. Throws BACKEND_UNREACHABLE. */
  const ask = (text: string, values: unknown[] = []): Promise<pg.QueryResult> =>
    run({ text, values }).catch((error) => {
      throw explained(error, url)
    })

  const ears = openEars(url)

  return {
    query,
    ask,
    listen: ears.listen,
    clear,
    sweep,
    ready,
    async end() {
      ears.close()
      const connected = [...clients]
      const hangUp = () => {
        for (const client of connected) client.connection.stream.destroy()
      }
      // A frozen server never says goodbye.
      const timer = setTimeout(hangUp, silenceMs)
      await pool.end()
      clearTimeout(timer)
    },
  }
}

/** Returns the process's connection to the server at `url`. Throws BACKEND_UNREACHABLE. */
export const connect = oneForEachUrl(openPostgres)

/** The channel on which processes tell each other of new jobs. */
export const jobsChannel = 'seesaw_jobs'
const listenAgainMs = 500

/** A connection that only listens, opened when somebody wants to hear, and again when it breaks. */
const openEars = (url: string) => {
  const listeners = new Set<(message: string) => void>()
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined

  const open = async (): Promise<void> => {
    const fresh = new pg.Client({ ...configOf(url), keepAlive: true })
    client = fresh
    const again = () => {
      if (client !== fresh) return
      client = undefined
      hangUp(fresh)
      timer = setTimeout(open, listenAgainMs).unref()
    }
    fresh.on('error', again)
    fresh.on('end', again)
    fresh.on('notification', ({ payload = '' }) => {
      for (const listener of listeners) listener(payload)
    })
    try {
      await fresh.connect()
      await fresh.query(`listen ${jobsChannel}`)
    } catch {
      again()
    }
  }

  return {
    /** Calls `listener` with the messages that are sent from now on; what is sent meanwhile is lost. */
    async listen(listener: (message: string) => void): Promise<() => void> {
      const isFirst = listeners.size === 0
      listeners.add(listener)
      if (isFirst && !client) await open()
      return () => listeners.delete(listener)
    },
    close() {
      clearTimeout(timer)
      listeners.clear()
      const last = client
      client = undefined
      if (last) hangUp(last)
    },
  }
}

/** Ends a connection without waiting for the goodbye of a server that may be frozen. */
const hangUp = (client: pg.Client): void => {
  client.end().catch(() => {})
  client.connection.stream.destroy()
}

/** Sends a statement within one transaction or outside of any. */
type Ask = (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>

const schemaConnections = poolSize(4)

/**
 * A schema of one's own: statements name its tables without it. Its owner ends it. It is asked as a
 * role of its own, which owns this schema and may do nothing else, because statements may be somebody
 * else's: of a variant that lets SQL in on purpose. Transactions come out as if they had run one after
 * another; one that the server cannot fit in between others is run again. Throws BACKEND_UNREACHABLE,
 * and BACKEND_UNAVAILABLE where the address's user may not create roles.
 */
export const openSchema = (url: string, schema: string, says: string) => {
  const { password: ownersPassword = '' } = configOf(url)
  // The same in all processes, and nothing that a statement could read.
  const password = createHmac('sha256', `${ownersPassword}`).update(schema).digest('hex')
  const pool = new pg.Pool({
    ...poolOptions(url, schema, '-c default_transaction_isolation=serializable'),
    user: schema,
    password,
    max: schemaConnections,
  })
  pool.on('error', () => {})
  // The pool does not listen to one that is lent to a transaction. Between two of its statements
  // nobody would, and a server that goes away then would end this process.
  pool.on('connect', (client) => client.on('error', () => {}))
  const inTurn = takingTurns(schemaConnections, isTimeout)

  const asking =
    (client: pg.Pool | pg.PoolClient): Ask =>
    async (text, values) => {
      countRoundTrip('postgres')
      const result: pg.QueryResult | pg.QueryResult[] = await client.query({
        text,
        values,
        types: plainNumbers,
      })
      // Several statements in one text have a result each; the last one counts.
      return (Array.isArray(result) ? result.at(-1)?.rows : result.rows) ?? []
    }

  const again = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    for (let tries = 1; ; tries++) {
      try {
        return await whileFull(work)
      } catch (error) {
        const isMisfit = error instanceof pg.DatabaseError && /^40(001|P01)$/.test(error.code ?? '')
        const isOurs = error instanceof pg.DatabaseError || isUnreachable(error)
        if (!isOurs) throw error
        if (!isMisfit || tries === mostTries) throw explained(error, url)
        await sleep(Math.random() * 2 ** tries)
      }
    }
  }

  const transact = async <Result>(work: (ask: Ask) => Promise<Result>): Promise<Result> => {
    const client = await pool.connect()
    const ask = asking(client)
    let broken: unknown = true
    try {
      await ask('begin', [])
      try {
        const result = await work(ask)
        await ask('commit', [])
        broken = undefined
        return result
      } catch (error) {
        await ask('rollback', [])
        broken = undefined
        throw error
      }
    } finally {
      // One that could not even roll back is of no use to anybody.
      client.release(Boolean(broken))
    }
  }

  /** Runs statements as the address's own user, who may create roles; for what makes and removes. */
  const asOwner = async (statements: string): Promise<void> => {
    try {
      await whileFull(async () => {
        const client = new pg.Client(configOf(url))
        client.on('error', () => {})
        try {
          await client.connect()
          await client.query(statements)
        } finally {
          hangUp(client)
        }
      })
    } catch (error) {
      throw mayNot(error) ? refused('Postgres', url, mayNotCreateRoles) : explained(error, url)
    }
  }

  return {
    /**
     * Makes the schema and its role, where they are not there. Two processes that do so at once get in
     * each other's way, so they take turns. Statements sent together are one transaction.
     */
    make: () =>
      asOwner(`
        select pg_advisory_xact_lock(5935241876);
        do $$ begin
          if not exists (select from pg_roles where rolname = '${schema}') then
            create role ${schema} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
          end if;
        end $$;
        alter role ${schema} password '${password}';
        grant ${schema} to current_user;
        create schema if not exists ${schema} authorization ${schema};
        comment on schema ${schema} is ${quoted(says)};
        comment on role ${schema} is ${quoted(says)}`),

    /** Removes the schema with all that is in it, and its role. */
    drop: () => asOwner(dropping(schema)),

    query: (text: string, values: unknown[] = []) =>
      again(() => inTurn(() => asking(pool)(text, values))),
    // Not in turn: what `work` itself waits for says nothing about the server.
    transaction: <Result>(work: (ask: Ask) => Promise<Result>) => again(() => transact(work)),
    end: () => pool.end(),
  }
}

/** Statements that remove a schema that `openSchema` has made, and its role. */
const dropping = (schema: string): string => `
  select pg_advisory_xact_lock(5935241876);
  do $$ begin
    if exists (select from pg_roles where rolname = '${schema}') then
      grant ${schema} to current_user;
      drop owned by ${schema} cascade;
      drop role ${schema};
    end if;
    drop schema if exists ${schema} cascade;
  end $$`

const mostTries = 12

/** Integers and sums as numbers, where the driver would give texts, for they may not fit. */
const plainNumbers: pg.CustomTypesConfig = {
  getTypeParser: (type, format) =>
    type === pg.types.builtins.INT8 || type === pg.types.builtins.NUMERIC
      ? Number
      : pg.types.getTypeParser(type, format),
}

const mayNotCreateRoles =
  'its user may not create roles, and the kind db needs one for each setup. Give that user CREATEROLE'

const mayNot = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === '42501'

/** `text` as a literal of SQL. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/**
 * What an address says, and what is ours. The driver would let the address go before, so it is taken
 * apart here and nowhere else. What the address says in `options` stays, and ours comes after it.
 */
const configOf = (url: string, ownOptions: string[] = []): pg.ClientConfig => {
  const example = 'postgres://user:password@host:5432/database'
  checkUrl('Postgres', url, /^postgres(ql)?:$/, example)
  const given = parsed(url, example)
  const options = [given.options, ...ownOptions].filter(Boolean).join(' ')
  return {
    application_name: 'seesaw',
    ...given,
    connectionTimeoutMillis: silenceMs,
    query_timeout: silenceMs,
    ...(options ? { options } : {}),
  }
}

const parsed = (url: string, example: string): pg.ClientConfig => {
  try {
    return parseIntoClientConfig(url)
  } catch {
    throw badUrl('Postgres', example)
  }
}

/** A pool whose connections look for tables where `path` says; one that does not is refused. */
const poolOptions = (url: string, path: string, ...more: string[]): pg.PoolConfig => ({
  ...configOf(url, [`-c search_path=${path}`, ...more]),
  // A pooler between us and the server may drop our options, and others' tables would be ours.
  verify(client, done) {
    client
      .query('show search_path')
      .then(
        ({ rows: [row] }) =>
          row.search_path === path
            ? done()
            : done(
                refused(
                  'Postgres',
                  url,
                  `it sets search_path to '${row.search_path}', not to '${path}'`,
                ),
              ),
        done,
      )
  },
})

const fullForMs = 800

/** Connects again for a moment where the server has no connection left. */
const whileFull = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  const untilMs = performance.now() + fullForMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const isFull = error instanceof pg.DatabaseError && error.code === '53300'
      if (!isFull || performance.now() > untilMs) throw error
      await sleep(20 + 60 * Math.random())
    }
  }
}

const isTableMissing = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && /^(42P01|3F000)$/.test(error.code ?? '')

const explained = (error: unknown, url: string): SeesawError => {
  if (error instanceof SeesawError) return error
  if (isUnreachable(error)) return unreachable('Postgres', url, error)
  if (error instanceof Error && /client password must be/.test(error.message))
    return refused('Postgres', url, 'it asks for a password, and the address has none')
  // Wrong values and wrong statements (classes 22, 23 and 42) are mistakes of the one who wrote
  // them, but for a missing permission; all else (28, 25006, 53…) is for the server's operator.
  const code = error instanceof pg.DatabaseError ? (error.code ?? '') : ''
  const mistaken = /^(22|23|42)/.test(code) && code !== '42501'
  return (mistaken ? misused : refused)('Postgres', url, error)
}

// The driver gives its own errors no codes. Those of the server: connections that broke (class 08),
// a server that shuts down, crashes or starts.
const isUnreachable = (error: unknown): boolean =>
  isNetworkError(error) ||
  isTimeout(error) ||
  (error instanceof pg.DatabaseError
    ? /^(08|57P0[123])/.test(error.code ?? '')
    : error instanceof Error &&
      /^(Connection terminated|Client has encountered|Cannot use a pool)/.test(error.message))

const isTimeout = (error: unknown): boolean =>
  error instanceof Error &&
  /^(timeout exce|timeout exp|Query read timeout|.* due to connection timeout)/.test(error.message)

export default defineBackend({
  title: 'Postgres',
  urlVariable: 'POSTGRES_URL',
  defaultUrl: 'postgres://127.0.0.1:5432/postgres',
  isUnreachable,

  async probe(url) {
    const client = new pg.Client(configOf(url))
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query(`
        select
          current_setting('server_version') as version,
          current_setting('server_version_num')::int as number,
          current_setting('server_encoding') as encoding,
          pg_is_in_recovery() or current_setting('transaction_read_only')::bool as read_only,
          has_database_privilege(current_database(), 'create') as may_create,
          to_regnamespace('seesaw') is not null as has_schema`)
      const { version, number, encoding, read_only, may_create, has_schema } = rows[0]
      const problem =
        number < 12_00_00
          ? `its version is ${version}; Seesaw needs 12 or later`
          : read_only
            ? 'it can only be read'
            : encoding !== 'UTF8'
              ? `the encoding of its database is ${encoding}; Seesaw needs UTF8`
              : !may_create && !has_schema
                ? 'its user may not create the schema seesaw'
                : undefined
      if (problem) throw refused('Postgres', url, problem)
      return version.split(' ')[0]
    } catch (error) {
      throw explained(error, url)
    } finally {
      // Nobody waits for the goodbye of a server that may be frozen.
      ;(client.connection.stream as Socket).unref()
      client.end().catch(() => {})
    }
  },

  async forget(url, isLeft) {
    const postgres = await connect(url)
    try {
      const namesIn = async (text: string): Promise<string[]> => {
        const { rows } = await postgres.ask(text)
        return rows.flatMap(({ name, says }) => (isLeft(says ?? '') ? [name] : []))
      }
      const tables = await namesIn(`
        select c.oid::regclass::text as name, obj_description(c.oid, 'pg_class') as says
        from pg_class c where c.relkind = 'r' and c.relname like 'seesaw\\_jobs\\_%'`)
      for (const table of tables) await postgres.ask(`drop table if exists ${table}`)
      const schemas = await namesIn(`
        select nspname as name, obj_description(oid, 'pg_namespace') as says
        from pg_namespace where nspname like 'seesaw\\_db\\_%'`)
      for (const schema of schemas) await postgres.ask(dropping(schema))
      await postgres.ready()
      for (const table of tableNames) {
        const names = await namesIn(`
          select distinct namespace as name, namespace as says from seesaw.${table}
          where namespace like 'seesaw:once-%'`)
        if (names.length > 0)
          await postgres.ask(`delete from seesaw.${table} where namespace = any($1)`, [names])
      }
    } finally {
      await postgres.release()
    }
  },

  binaries: ['postgres'],

  // Debian and macOS keep it out of the PATH, in a folder of its version.
  folders: () => [
    ...versionsIn('/usr/lib/postgresql').map((folder) => join(folder, 'bin')),
    ...['/opt/homebrew/opt', '/usr/local/opt'].flatMap((opt) =>
      versionsIn(opt, 'postgresql@').map((folder) => join(folder, 'bin')),
    ),
  ],

  launch({ binary, folder, port }) {
    const user = anotherUser()
    const data = join(folder, 'data')
    const initdb = join(dirname(realpathSync(binary)), 'initdb')
    // Trust is for the loopback interface only, and there is no socket: its path could be too long.
    const makeData = '--username seesaw --auth trust --encoding UTF8 --locale C --no-sync'
    const settings = `listen_addresses=127.0.0.1 unix_socket_directories= port=${port} max_connections=400`
    return {
      before: [
        ...(user ? [{ file: 'chown', args: [`${user.uid}:${user.gid}`, folder] }] : []),
        { file: initdb, args: ['--pgdata', data, ...makeData.split(' ')], ...user },
      ],
      server: {
        file: binary,
        args: ['-D', data, ...settings.split(' ').flatMap((setting) => ['-c', setting])],
        ...user,
      },
      url: `postgres://seesaw@127.0.0.1:${port}/postgres`,
    }
  },

  remedy:
    'install Postgres (Debian: sudo apt install postgresql; macOS: brew install postgresql) ' +
    'or set POSTGRES_URL',
})

/** The folders whose names are versions, after `prefix`, newest first. */
const versionsIn = (folder: string, prefix = ''): string[] => {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
      .sort((a, b) => Number(b.slice(prefix.length)) - Number(a.slice(prefix.length)))
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

/** Whom Postgres is run as when root asks, whom it refuses; undefined when it is not root. */
const anotherUser = (): { uid: number; gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}
