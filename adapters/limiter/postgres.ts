// A limiter in a table of Postgres, by compare-and-set. The version is one that Postgres keeps of
// every row anyway: xmin, the transaction that wrote it. A lock (select … for update) would take
// four round trips instead of two, with everybody else waiting in the meantime.
import { defineAdapter } from '#core/adapter'
import type { Json } from '#core/kinds'
import { compareAndSet } from '../connections/compare-and-set.ts'
import { connect } from '../connections/postgres.ts'
import { indexable, wholeMs } from '../connections/shared.ts'

export default defineAdapter<'limiter'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const postgres = await connect(url)

    const update = compareAndSet<string | null>({
      async read(key) {
        const { rows } = await postgres.query(read, [namespace, indexable(key)])
        const [{ state: text, alive, version, now_ms: nowMs }] = rows
        const state = alive ? (JSON.parse(text as string) as Json) : undefined
        return { state, version: version as string | null, nowMs: nowMs as number }
      },
      async write(key, version, state, ttlMs) {
        const values = [namespace, indexable(key), JSON.stringify(state), wholeMs(ttlMs), version]
        const { rowCount } = await postgres.query(write, values)
        postgres.sweep('limits')
        return rowCount === 1
      },
    })

    return {
      update,
      clear: () => postgres.clear('limits', namespace),
      close: postgres.release,
    }
  },
})

const read = {
  name: 'seesaw limiter read',
  text: `
    select mine.state, mine.ends_at > now() as alive, mine.xmin::text as version,
      floor(extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms
    from (select) as always
    left join seesaw.limits as mine on mine.namespace = $1 and mine.key = $2`,
}

// Without a version ($5 is null) it inserts a row or, where somebody else just did, nothing.
const write = {
  name: 'seesaw limiter write',
  text: `
    insert into seesaw.limits as mine (namespace, key, state, ends_at)
    values ($1, $2, $3, now() + $4::float8 * interval '1 ms')
    on conflict (namespace, key) do update
    set state = excluded.state, ends_at = excluded.ends_at
    where mine.xmin::text = $5`,
}
