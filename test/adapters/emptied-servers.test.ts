// A server that lost everything that it kept, while processes go on: `flushall`, a dropped schema.
import { createClient } from '@redis/client'
import pg from 'pg'
import type { Opened } from '#core/adapter'
import { loadAdapter } from '#core/course/find'
import type { OwnServer } from '#core/lab/servers'
import { startOwnServer } from '../backends.ts'
import { until } from '../seesaw.ts'

const wipes: Record<string, (url: string) => Promise<void>> = {
  async redis(url) {
    const client = await createClient({ url }).connect()
    await client.flushAll()
    await client.close()
  },
  async postgres(url) {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('drop schema seesaw cascade')
    await client.end()
  },
}

for (const [backend, wipe] of Object.entries(wipes))
  describe(`a queue on a ${backend} that was emptied`, function () {
    this.timeout(60_000)
    let server: OwnServer | undefined
    let queue: Opened<'queue'> | undefined
    let runs = 0

    before(async function () {
      server = await startOwnServer(this, backend)
      const adapter = await loadAdapter('queue', backend)
      const { url } = server
      queue = await adapter.open({ namespace: 'emptied', folder: '', url, nowMs: Date.now })
      const work = async () => {
        runs++
        return null
      }
      const options = { concurrency: 1, attempts: 1, backoffMs: 10, withinMs: 1_000 }
      await queue.process('tick', work, options)
      await queue.schedule('tick', null, { everyMs: 150 })
      await until(() => runs > 0, 10_000)
    })
    after(async () => {
      await queue?.close()
      await server?.stop()
    })

    it('goes on with its schedule', async () => {
      await wipe(server?.url ?? '')
      const before = runs
      await until(() => runs >= before + 3, 8_000)
    })

    it('takes jobs as before', async () => {
      const before = runs
      await queue?.add('tick', null)
      await until(() => runs > before, 5_000)
    })
  })
