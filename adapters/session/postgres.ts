// Sessions in a table of Postgres: one row each, so every operation is one atomic statement.
import { defineAdapter, wellFormed } from '#core/adapter'
import type { SessionData } from '#core/kinds'
import { connect } from '../connections/postgres.ts'
import { asGiven, indexable, wholeMs } from '../connections/shared.ts'

export default defineAdapter<'session'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const postgres = await connect(url)

    return {
      async create(id, data, { ttlMs }) {
        const [key, user] = [indexable(id), indexable(data.userId)]
        const json = JSON.stringify(data)
        await postgres.query(create, [namespace, key, wellFormed(id), user, json, wholeMs(ttlMs)])
        postgres.sweep('sessions')
      },

      async get(id) {
        const { rows } = await postgres.query(get, [namespace, indexable(id)])
        return rows[0] && (JSON.parse(rows[0].data as string) as SessionData)
      },

      async replace(id, data) {
        const values = [namespace, indexable(id), JSON.stringify(data)]
        return (await postgres.query(replace, values)).rowCount === 1
      },

      async touch(id, { ttlMs }) {
        const values = [namespace, indexable(id), wholeMs(ttlMs)]
        return (await postgres.query(touch, values)).rowCount === 1
      },

      delete: async (id) => void (await postgres.query(remove, [namespace, indexable(id)])),

      async idsOf(userId) {
        const { rows } = await postgres.query(idsOf, [namespace, indexable(userId)])
        return rows.map(({ id }) => asGiven(id as string))
      },

      clear: () => postgres.clear('sessions', namespace),
      close: postgres.release,
    }
  },
})

const create = {
  name: 'seesaw session create',
  text: `
    insert into seesaw.sessions (namespace, key, id, user_key, data, ends_at)
    values ($1, $2, $3, $4, $5, now() + $6::float8 * interval '1 ms')
    on conflict (namespace, key) do update
    set user_key = excluded.user_key, data = excluded.data, ends_at = excluded.ends_at`,
}

const get = {
  name: 'seesaw session get',
  text: `
    select data from seesaw.sessions
    where namespace = $1 and key = $2 and ends_at > now()`,
}

const replace = {
  name: 'seesaw session replace',
  text: `
    update seesaw.sessions set data = $3
    where namespace = $1 and key = $2 and ends_at > now()`,
}

const touch = {
  name: 'seesaw session touch',
  text: `
    update seesaw.sessions set ends_at = now() + $3::float8 * interval '1 ms'
    where namespace = $1 and key = $2 and ends_at > now()`,
}

const remove = {
  name: 'seesaw session delete',
  text: 'delete from seesaw.sessions where namespace = $1 and key = $2',
}

const idsOf = {
  name: 'seesaw session idsOf',
  text: `
    select id from seesaw.sessions
    where namespace = $1 and user_key = $2 and ends_at > now()`,
}
