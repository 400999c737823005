// A limiter in a SQLite table. `begin immediate` takes the write lock before the state is read, so
// of all processes one at a time reads, steps and writes: no update is lost and none is repeated.
// They are all on this machine and share its clock.
import { defineAdapter, wellFormed } from '#core/adapter'
import type { Json, Step } from '#core/kinds'
import { connectSqlite } from '../connections/sqlite.ts'

const schema = `
  create table if not exists limiter (
    namespace text not null,
    key text not null,
    ends_at_ms real not null,
    state text not null,
    primary key (namespace, key)
  ) without rowid`

export default defineAdapter<'limiter'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  open: async ({ folder, namespace }) => {
    const sqlite = connectSqlite(folder, schema)
    const read = sqlite.prepare(
      'select state from limiter where namespace = ? and key = ? and ends_at_ms > ?',
    )
    const write = sqlite.prepare('insert or replace into limiter values (?, ?, ?, ?)')
    const removeAll = sqlite.prepare('delete from limiter where namespace = ?')
    sqlite.sweep('limiter')

    return {
      update: async <State extends Json, Result extends Json>(
        key: string,
        step: Step<State, Result>,
        { ttlMs }: { ttlMs: number },
      ) => {
        const name = wellFormed(key)
        const stepped = sqlite.immediate(() => {
          // Only now is it this process's turn; the clock may have moved while it waited.
          const nowMs = Date.now()
          const row = read.get([namespace, name, nowMs])
          const before = row && (JSON.parse(row[0] as string) as State)
          const { state, result } = step(before, nowMs)
          write.run([namespace, name, nowMs + ttlMs, JSON.stringify(state)])
          return result
        })
        sqlite.sweep('limiter')
        return stepped
      },
      clear: async () => {
        removeAll.run([namespace])
      },
      close: async () => sqlite.release(),
    }
  },
})
