// A cache in a SQLite table: shared by the processes of one machine, and there after a restart.
// @keyv/sqlite would need a compiler; this is the same kind of store over libsql.
import { defineAdapter, wellFormed } from '#core/adapter'
import { cacheOver } from '../connections/keyv.ts'
import { connectSqlite } from '../connections/sqlite.ts'

const schema = `
  create table if not exists cache (
    namespace text not null,
    key text not null,
    ends_at_ms real,
    text text not null,
    primary key (namespace, key)
  )`

export default defineAdapter<'cache'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  open: async ({ folder, namespace }) => {
    const sqlite = connectSqlite(folder, schema)
    const get = sqlite.prepare(
      'select text from cache where namespace = ? and key = ? and coalesce(ends_at_ms > ?, 1)',
    )
    const set = sqlite.prepare(
      `insert into cache (namespace, key, ends_at_ms, text) values (?, ?, ?, ?)
       on conflict do update set ends_at_ms = excluded.ends_at_ms, text = excluded.text`,
    )
    const remove = sqlite.prepare('delete from cache where namespace = ? and key = ?')
    const removeAll = sqlite.prepare('delete from cache where namespace = ?')
    sqlite.sweep('cache')

    const clear = async () => {
      removeAll.run([namespace])
    }
    const cache = cacheOver({
      get: async (key) => get.get([namespace, wellFormed(key), Date.now()])?.[0] as string,
      set: async (key, text, ttlMs) => {
        const endsAtMs = ttlMs === undefined ? null : Date.now() + ttlMs
        set.run([namespace, wellFormed(key), endsAtMs, text])
        sqlite.sweep('cache')
      },
      delete: async (key) => remove.run([namespace, wellFormed(key)]) > 0,
      clear,
    })
    return { ...cache, clear, close: async () => sqlite.release() }
  },
})
