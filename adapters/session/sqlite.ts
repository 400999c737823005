// Sessions in a SQLite table. Each operation is one statement, and a statement is atomic: an update
// finds a living row or none, so it cannot bring back a session that was deleted meanwhile.
import { defineAdapter, wellFormed } from '#core/adapter'
import type { SessionData } from '#core/kinds'
import { connectSqlite } from '../connections/sqlite.ts'

const schema = `
  create table if not exists session (
    namespace text not null,
    id text not null,
    user_id text not null,
    ends_at_ms real not null,
    data text not null,
    primary key (namespace, id)
  ) without rowid;
  create index if not exists session_of_user on session (namespace, user_id)`

export default defineAdapter<'session'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  open: async ({ folder, namespace }) => {
    const sqlite = connectSqlite(folder, schema)
    const insert = sqlite.prepare('insert or replace into session values (?, ?, ?, ?, ?)')
    const read = sqlite.prepare(
      'select data from session where namespace = ? and id = ? and ends_at_ms > ?',
    )
    const setData = sqlite.prepare(
      'update session set data = ? where namespace = ? and id = ? and ends_at_ms > ?',
    )
    const setEnd = sqlite.prepare(
      'update session set ends_at_ms = ? where namespace = ? and id = ? and ends_at_ms > ?',
    )
    const remove = sqlite.prepare('delete from session where namespace = ? and id = ?')
    const removeAll = sqlite.prepare('delete from session where namespace = ?')
    // Left to itself SQLite reads the whole namespace by the primary key.
    const ofUser = sqlite.prepare(
      `select id from session indexed by session_of_user
       where namespace = ? and user_id = ? and ends_at_ms > ?`,
    )
    sqlite.sweep('session')

    return {
      create: async (id, data, { ttlMs }) => {
        const row = [wellFormed(id), wellFormed(data.userId), Date.now() + ttlMs]
        insert.run([namespace, ...row, JSON.stringify(data)])
        sqlite.sweep('session')
      },
      get: async (id) => {
        const row = read.get([namespace, wellFormed(id), Date.now()])
        return row && (JSON.parse(row[0] as string) as SessionData)
      },
      replace: async (id, data) =>
        setData.run([JSON.stringify(data), namespace, wellFormed(id), Date.now()]) > 0,
      touch: async (id, { ttlMs }) => {
        const nowMs = Date.now()
        return setEnd.run([nowMs + ttlMs, namespace, wellFormed(id), nowMs]) > 0
      },
      delete: async (id) => {
        remove.run([namespace, wellFormed(id)])
      },
      idsOf: async (userId) =>
        ofUser
          .all([namespace, wellFormed(userId), Date.now()])
          .map(([spelt]) => asWritten(spelt as string)),
      clear: async () => {
        removeAll.run([namespace])
      },
      close: async () => sqlite.release(),
    }
  },
})

/** Undoes `wellFormed`: only a key that had to be spelt differently has a backslash in it. */
const asWritten = (spelt: string): string =>
  spelt.includes('\\') ? (JSON.parse(`"${spelt}"`) as string) : spelt
