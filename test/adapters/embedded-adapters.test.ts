// What only the adapters inside the process can do wrong: the contracts do not know of folders,
// damaged files, access rights, and memory.
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Opened } from '#core/adapter'
import { adapterIndex, loadAdapter } from '#core/course/find'
import type { Kind } from '#core/kinds'
import { expiringMap } from '../../adapters/connections/expiring-map.ts'
import { connectSqlite } from '../../adapters/connections/sqlite.ts'
import { marginMs, waitMs } from '../contracts/subject.ts'
import { type OtherProcess, otherProcess } from '../other-process.ts'

const namespace = 'embedded'
/** Waits until none of the files is there; sweeping goes on in the background. */
const gone = async (...files: string[]): Promise<void> => {
  while (files.some((file) => existsSync(file))) await waitMs(10)
}
const longAgoMs = Date.now() - 120_000

describe('adapters inside the process', () => {
  let folder: string
  const processes: OtherProcess<Kind>[] = []
  const opened: { close(): Promise<void> }[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'seesaw-embedded-'))
  })
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((process) => process.kill()))
    await Promise.all(opened.splice(0).map((one) => one.close()))
    rmSync(folder, { recursive: true })
  })

  const open = async <K extends Kind>(kind: K, backend: string): Promise<Opened<K>> => {
    const adapter = await loadAdapter(kind, backend)
    const one = await adapter.open({ namespace, folder, url: '', nowMs: Date.now })
    opened.push(one)
    return one
  }
  const fork = <K extends Kind>(kind: K, backend: string): OtherProcess<K> => {
    const process = otherProcess({ kind, backend, folder, url: '' })
    processes.push(process)
    return process
  }
  const files = (): string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))

  for (const backend of ['file', 'sqlite']) {
    describe(`on ${backend}`, () => {
      it('says which data folder cannot be used, and what to do', async () => {
        writeFileSync(join(folder, 'no-folder'), '')
        const adapter = await loadAdapter('cache', backend)
        const place = { namespace, folder: join(folder, 'no-folder'), url: '', nowMs: Date.now }
        await assert.rejects(adapter.open(place), {
          code: 'DATA_FOLDER_UNUSABLE',
          message: /no-folder.*--data/,
        })
      })

      it('lets nobody but its owner read what it stores', async () => {
        chmodSync(folder, 0o700)
        await (await open('cache', backend)).set('key', 'value')
        await (await open('session', backend)).create('id', { userId: 'a' }, { ttlMs: 60_000 })
        if (adapterIndex.limiter.includes(backend)) {
          const limiter = await open('limiter', backend)
          await limiter.update('key', () => ({ state: 1, result: 1 }), { ttlMs: 60_000 })
        }
        const all = readdirSync(folder, { recursive: true, withFileTypes: true })
        assert(all.length > 0)
        for (const entry of all) {
          const mode = statSync(join(entry.parentPath, entry.name)).mode & 0o777
          assert.equal(mode, entry.isFile() ? 0o600 : 0o700, entry.name)
        }
      })

      it('holds whole values after a writer was killed in the middle of writing', async () => {
        const writer = fork('cache', backend)
        const values = ['a', 'b'].map((letter) => letter.repeat(500_000))
        const set = (value: string) => ({ method: 'set', args: ['key', value] }) as const
        await writer.call(namespace, set(values[0]!))
        const lost = Promise.allSettled(
          values.map((value) => writer.call(namespace, set(value), 500)),
        )
        await waitMs(60)
        await writer.kill()
        await lost
        const cache = await open('cache', backend)
        assert(values.includes(String(await cache.get('key'))))
      })

      it('is opened by four processes at once, in a folder that none has used', async () => {
        const others = Array.from({ length: 4 }, () => fork('session', backend))
        await Promise.all(
          others.map((other, index) => {
            const args = [`id ${index}`, { userId: 'alice' }, { ttlMs: 60_000 }]
            return other.call(namespace, { method: 'create', args })
          }),
        )
        const session = await open('session', backend)
        assert.equal((await session.idsOf('alice')).length, 4)
      })
    })
  }

  describe('on sqlite', () => {
    it('says which file is no database, and what to do', async () => {
      const file = join(folder, 'seesaw.sqlite')
      writeFileSync(file, 'this is no database '.repeat(1_000))
      for (const kind of ['cache', 'session', 'limiter'] as const) {
        await assert.rejects(open(kind, 'sqlite'), {
          code: 'DATA_CORRUPT',
          message: /seesaw\.sqlite .*delete it/,
        })
      }
    })

    it('says so when the file is damaged while it is in use', async () => {
      const cache = await open('cache', 'sqlite')
      await cache.set('key', 'x'.repeat(100_000))
      await cache.close()
      const sqlite = connectSqlite(folder, '')
      sqlite.prepare('pragma wal_checkpoint(truncate)').all([])
      const size = statSync(join(folder, 'seesaw.sqlite')).size
      writeFileSync(join(folder, 'seesaw.sqlite'), Buffer.alloc(size - 4_096, 'x'), {
        flag: 'r+',
      })
      sqlite.release()
      const other = fork('cache', 'sqlite')
      const reading = other.call(namespace, { method: 'get', args: ['key'] })
      await assert.rejects(reading, /DATA_CORRUPT|no sound SQLite database/)
    })

    it('deletes what is over when it is opened', async () => {
      const ttlMs = 10
      await (await open('cache', 'sqlite')).set('key', 1, { ttlMs })
      await (await open('session', 'sqlite')).create('id', { userId: 'alice' }, { ttlMs })
      const step = () => ({ state: 1, result: 1 })
      await (await open('limiter', 'sqlite')).update('key', step, { ttlMs })
      await Promise.all(opened.splice(0).map((one) => one.close()))
      await waitMs(ttlMs + marginMs)
      const sqlite = connectSqlite(folder, '')
      for (const kind of ['cache', 'session', 'limiter'] as const) {
        const rows = () => sqlite.prepare(`select count(*) from ${kind}`).get([])?.[0]
        assert.equal(rows(), 1)
        await open(kind, 'sqlite')
        assert.equal(rows(), 0)
      }
      sqlite.release()
    })
  })

  describe('on file', () => {
    it('says which file holds something else than it stored', async () => {
      const cache = await open('cache', 'file')
      for (const damage of ['', 'x', 'Infinity\n{"value":']) {
        await cache.set('key', 'value')
        const [file] = files()
        writeFileSync(file!, damage)
        await assert.rejects(cache.get('key'), { code: 'DATA_CORRUPT', message: /delete it/ })
      }
      await cache.delete('key')
      assert.equal(await cache.get('key'), undefined)
    })

    it('deletes values that have long been over, and nothing else', async () => {
      const cache = await open('cache', 'file')
      await cache.set('over', 1, { ttlMs: 60_000 })
      const [over] = files()
      await cache.set('living', 2, { ttlMs: 60_000 })
      await cache.set('for ever', 3)
      writeFileSync(over!, readFileSync(over!, 'utf8').replace(/^\d+/, `${longAgoMs}`))
      const aside = join(folder, 'files', 'cache', 'aside', `${longAgoMs}-left-by-a-killed-process`)
      writeFileSync(aside, '')

      // A process that has not swept this folder yet.
      const other = fork('cache', 'file')
      await other.call(namespace, { method: 'get', args: ['living'] })
      await gone(over!, aside)
      assert.equal(await cache.get('living'), 2)
      assert.equal(await cache.get('for ever'), 3)
    })

    it('deletes sessions that have long ended, and marks that lead nowhere', async () => {
      const session = await open('session', 'file')
      await session.create('over', { userId: 'bob' }, { ttlMs: 60_000 })
      const ends = files().find((file) => file.endsWith('ends'))
      writeFileSync(ends!, `${longAgoMs}`)
      await session.create('living', { userId: 'alice' }, { ttlMs: 60_000 })
      const mark = files().find((file) => file.includes('users'))
      const lost = join(mark!, '..', '0123.4567')
      writeFileSync(lost, '')
      utimesSync(lost, longAgoMs / 1_000, longAgoMs / 1_000)

      const other = fork('session', 'file')
      await other.call(namespace, { method: 'get', args: ['living'] })
      await gone(lost, join(ends!, '..'))
      // about, data, ends and the mark of the living one.
      assert.equal(files().length, 4)
      assert.deepEqual(await session.idsOf('alice'), ['living'])
    })
  })

  describe('in memory', () => {
    it('drops what is over although nobody asks for it again', async () => {
      const dropped: string[] = []
      const map = expiringMap<number>((key) => dropped.push(key))
      for (let n = 0; n < 1_000; n++) map.set(`old ${n}`, n, 5, 0)
      for (let n = 0; n < 1_000; n++) map.set(`new ${n}`, n, 60_000, 5)
      assert.equal(map.size(), 1_000)
      assert.equal(dropped.length, 1_000)
    })
  })
})
