// What an address of Redis says: the same to both drivers, and a refusal keeps its reason.
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { createClient } from '@redis/client'
import { loadAdapter } from '#core/course/find'
import type { OwnServer } from '#core/lab/servers'
import { createServers } from '#core/lab/servers'
import { plainRedisUrl } from '../../adapters/connections/redis.ts'
import { startOwnServer } from '../backends.ts'
import { freshNamespace } from '../contracts/subject.ts'

describe('an address of Redis', function () {
  this.timeout(30_000)
  let server: OwnServer
  before(async function () {
    server = await startOwnServer(this, 'redis')
  })
  after(() => server?.stop())

  it('names one database, in its path or behind db=, and nothing else', () => {
    assert.equal(plainRedisUrl('redis://h:1/3'), 'redis://h:1/3')
    assert.equal(plainRedisUrl(' redis://u:p%40@h:1?db=3&family=4#x '), 'redis://u:p%40@h:1/3')
    assert.equal(plainRedisUrl('redis://h'), 'redis://h')
    for (const wrong of ['redis://h/1?db=2', 'redis://h/a', 'http://h', 'h:1'])
      assert.throws(() => plainRedisUrl(wrong), { code: 'CONFIG_INVALID' }, wrong)
  })

  for (const where of ['?db=3', '/3'])
    it(`keeps jobs and their names in one database with ${where}, and clears both`, async () => {
      const namespace = freshNamespace()
      const url = `${server.url}${where}`
      const adapter = await loadAdapter('queue', 'redis')
      const queue = await adapter.open({ namespace, folder: tmpdir(), url, nowMs: Date.now })
      await queue.add('a', 1)
      const keysIn = async (database: number) => {
        const client = await createClient({ url: `${server.url}/${database}` }).connect()
        const keys = await client.keys('*')
        await client.close()
        return keys.filter((key) => key.startsWith(namespace))
      }
      assert.deepEqual(await keysIn(0), [])
      assert((await keysIn(3)).length > 1)
      await queue.clear()
      assert.deepEqual((await queue.counts()).waiting, 0)
      await queue.close()
    })

  it('is read without the white space around it', async () => {
    const servers = createServers({ urls: { redis: ` ${server.url}\n` }, allowStart: false })
    if (process.env.REDIS_URL === undefined) assert.equal(await servers.locate('redis'), server.url)
    await servers.stop()
  })

  it('that is refused tells the reason, and the remedy for it', async function () {
    if (process.env.REDIS_URL !== undefined) return this.skip()
    const client = await createClient({ url: server.url })
      .on('error', () => {})
      .connect()
    await client.configSet('requirepass', 'secret')
    const servers = createServers({ urls: { redis: server.url } })
    const [report] = await servers.doctor(['redis'])
    assert.equal(report?.status, 'unavailable')
    assert.match(report?.reason ?? '', /refuses: NOAUTH/)
    assert.match(report?.remedy ?? '', /change what that server refuses/)
    await client.configSet('requirepass', '')
    await client.close()
    await servers.stop()
  })
})
