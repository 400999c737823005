// A cache in a table of Postgres. The store is ours: @keyv/postgres knows no end of life, takes no
// key of more than 255 characters, deletes in two steps, and never recovers where the server was
// away when it was opened.
import { defineAdapter } from '#core/adapter'
import { cacheOver } from '../connections/keyv.ts'
import { connect } from '../connections/postgres.ts'
import { indexable, wholeMs } from '../connections/shared.ts'

export default defineAdapter<'cache'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const postgres = await connect(url)
    const clear = () => postgres.clear('cache', namespace)

    const cache = cacheOver({
      async get(key) {
        const { rows } = await postgres.query(get, [namespace, indexable(key)])
        return rows[0]?.value as string | undefined
      },
      async set(key, text, ttlMs) {
        const lifeMs = ttlMs === undefined ? null : wholeMs(ttlMs)
        await postgres.query(set, [namespace, indexable(key), text, lifeMs])
        postgres.sweep('cache')
      },
      delete: async (key) =>
        (await postgres.query(remove, [namespace, indexable(key)])).rowCount === 1,
      clear,
    })
    return { ...cache, clear, close: postgres.release }
  },
})

const get = {
  name: 'seesaw cache get',
  text: `
    select value from seesaw.cache
    where namespace = $1 and key = $2 and ends_at > now()`,
}

const set = {
  name: 'seesaw cache set',
  text: `
    insert into seesaw.cache (namespace, key, value, ends_at)
    values ($1, $2, $3, coalesce(now() + $4::float8 * interval '1 ms', 'infinity'))
    on conflict (namespace, key) do update
    set value = excluded.value, ends_at = excluded.ends_at`,
}

const remove = {
  name: 'seesaw cache delete',
  text: 'delete from seesaw.cache where namespace = $1 and key = $2',
}
