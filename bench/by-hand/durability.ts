// What an engine promises to keep of what it has accepted, by its settings as they are at this
// moment, not as they are documented.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import Database from 'libsql'
import pg from 'pg'

export interface Durability {
  /** The settings that decide, as the engine reports them. */
  settings: string
  promise: string
  /** True where nothing that was accepted is lost when processes die, the server's included. */
  asPromised: boolean
}

const processes = 'what was accepted outlives the death of every process'
const machine = `${processes} and of the machine`

/** Asks the engine. Throws where it does not answer. */
export const durabilityOf = async (place: {
  engine: string
  url: string
  folder: string
}): Promise<Durability> => {
  const ask = { sqlite, redis, postgres, mongodb }[place.engine]
  if (!ask) throw new Error(`Nothing is known of ${place.engine}.`)
  return ask(place)
}

const sqlite = async ({ folder }: { folder: string }): Promise<Durability> => {
  const [file = ''] = readdirSync(join(folder, 'queue')).filter((name) => name.endsWith('.sqlite'))
  const db = new Database(join(folder, 'queue', file))
  const { journal_mode } = db.prepare('pragma journal_mode').get([]) as { journal_mode: string }
  db.close()
  return {
    settings: `journal_mode ${journal_mode}, synchronous normal`,
    promise: `${processes}; of the machine's all but the last moments`,
    asPromised: journal_mode === 'wal',
  }
}

const redis = async ({ url }: { url: string }): Promise<Durability> => {
  const client = await createClient({ url }).connect()
  const { appendonly, appendfsync } = await client.configGet('append*')
  client.destroy()
  return {
    settings: `appendonly ${appendonly}, appendfsync ${appendfsync}`,
    promise:
      appendonly !== 'yes'
        ? 'nothing since the last snapshot outlives the death of the server'
        : appendfsync === 'always'
          ? machine
          : `${processes}; of the machine's all but the last ${appendfsync === 'everysec' ? 'second' : 'half minute'}`,
    asPromised: appendonly === 'yes',
  }
}

const postgres = async ({ url }: { url: string }): Promise<Durability> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(
    `select current_setting('synchronous_commit') as commit, current_setting('fsync') as fsync`,
  )
  await client.end()
  const { commit, fsync } = rows[0]
  return {
    settings: `synchronous_commit ${commit}, fsync ${fsync}`,
    promise:
      commit === 'off' ? 'all but the last moments outlive the death of the server' : machine,
    asPromised: commit !== 'off',
  }
}

const mongodb = async (): Promise<Durability> => ({
  settings: 'journal true, with every write',
  promise: `${machine}, by a real MongoDB; a stand-in keeps nothing when it stops`,
  asPromised: true,
})
