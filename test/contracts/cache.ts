// What every cache adapter must do.
import assert from 'node:assert/strict'
import type { Json } from '#core/kinds'
import {
  freshNamespace,
  marginMs,
  oddStrings,
  oddValues,
  type Subject,
  sameJson,
  waitMs,
} from './subject.ts'

export const cacheContract = ({ traits, open, fork, neighbour, tidy }: Subject<'cache'>): void => {
  afterEach(tidy)

  describe('keys and values', () => {
    it('returns undefined for a key that was never set', async () => {
      const cache = await open()
      assert.equal(await cache.get('never'), undefined)
    })

    it('returns any JSON exactly as it was stored', async () => {
      const cache = await open()
      for (const [index, value] of oddValues.entries()) {
        await cache.set(`value ${index}`, value)
        const got = await cache.get(`value ${index}`)
        assert(sameJson(got, value), `${short(value)} came back as ${short(got)}`)
      }
    })

    it('takes any string as a key and never mixes two of them up', async () => {
      const cache = await open()
      const keys = [...new Set(oddStrings)]
      await Promise.all(keys.map((key, index) => cache.set(key, index)))
      const got = await Promise.all(keys.map((key) => cache.get(key)))
      for (const [index, key] of keys.entries()) {
        assert.equal(got[index], index, `the value of ${short(key)}`)
      }
      await Promise.all(keys.filter((_, index) => index % 2).map((key) => cache.delete(key)))
      for (const [index, key] of keys.entries()) {
        assert.equal(await cache.get(key), index % 2 ? undefined : index, `after: ${short(key)}`)
      }
    })

    it('returns the value that was stored last', async () => {
      const cache = await open()
      for (const value of [1, 'two', null, { three: 3 }]) {
        await cache.set('key', value)
        assert.deepEqual(await cache.get('key'), value)
      }
    })

    it('keeps a copy: changing what was stored or read changes nothing in it', async () => {
      const cache = await open()
      const stored = { list: [1] }
      await cache.set('key', stored)
      stored.list.push(2)
      const read = await cache.get<{ list: number[] }>('key')
      read?.list.push(3)
      assert.deepEqual(await cache.get('key'), { list: [1] })
    })

    it('forgets a deleted key and no other', async () => {
      const cache = await open()
      await cache.set('key', 1)
      await cache.set('other', 2)
      await cache.delete('key')
      assert.equal(await cache.get('key'), undefined)
      assert.equal(await cache.get('other'), 2)
    })

    it('deletes a key that was never set without complaint', async () => {
      const cache = await open()
      await cache.delete('never')
    })
  })

  describe('lifetimes', () => {
    it('forgets a value once its ttlMs has passed, and not before', async () => {
      const cache = await open()
      const beforeMs = Date.now()
      await cache.set('key', 'value', { ttlMs: 100 })
      const afterMs = Date.now()
      for (;;) {
        const askedAtMs = Date.now()
        const got = await cache.get('key')
        if (Date.now() < beforeMs + 100) assert.equal(got, 'value', 'before its time')
        if (askedAtMs > afterMs + 100 + marginMs) {
          assert.equal(got, undefined, 'after its time')
          return
        }
        await waitMs(5)
      }
    })

    it('keeps a value without ttlMs, also where one with ttlMs was before', async () => {
      const cache = await open()
      await cache.set('key', 'old', { ttlMs: 40 })
      await cache.set('key', 'new')
      await waitMs(40 + marginMs)
      assert.equal(await cache.get('key'), 'new')
    })

    it('gives a value the ttlMs that it was stored with last', async () => {
      const cache = await open()
      await cache.set('shorter', 1, { ttlMs: 60_000 })
      await cache.set('shorter', 2, { ttlMs: 40 })
      await cache.set('longer', 1, { ttlMs: 40 })
      await cache.set('longer', 2, { ttlMs: 60_000 })
      await waitMs(40 + marginMs)
      assert.equal(await cache.get('shorter'), undefined)
      assert.equal(await cache.get('longer'), 2)
    })

    it('keeps nothing whose ttlMs is 0 or less, not even what was there before', async () => {
      const cache = await open()
      for (const ttlMs of [0, -1, -60_000]) {
        await cache.set('key', 'old')
        await cache.set('key', 'new', { ttlMs })
        assert.equal(await cache.get('key'), undefined, `ttlMs: ${ttlMs}`)
      }
    })

    it('takes fractions of a millisecond, and more than a timer can hold', async () => {
      const cache = await open()
      await cache.set('fraction', 1, { ttlMs: 60_000.5 })
      await cache.set('32 bits', 2, { ttlMs: 2 ** 31 + 1 })
      await cache.set('30 years', 3, { ttlMs: 1e12 })
      await waitMs(marginMs)
      assert.equal(await cache.get('fraction'), 1)
      assert.equal(await cache.get('32 bits'), 2)
      assert.equal(await cache.get('30 years'), 3)
    })
  })

  describe('namespaces', () => {
    it('keeps namespaces apart and clears only its own', async () => {
      const name = freshNamespace()
      // The first is a prefix of the others, or a pattern that could match them.
      const names = [name, `${name}x`, `${name}:`, `${name}:x`, name.replace(/[._]/g, 'x')]
      const caches = await Promise.all(names.map((namespace) => open({ namespace })))
      const keys = ['key', 'x:key', ':x:key', `${name}:key`, '']
      for (const key of keys) {
        for (const [index, cache] of caches.entries()) await cache.set(key, index)
      }
      await caches[0]!.clear()
      for (const key of keys) {
        for (const [index, cache] of caches.entries()) {
          assert.equal(await cache.get(key), index || undefined, `${names[index]} ${key}`)
        }
      }
    })

    it('clears more than a thousand keys, and is as good as new afterwards', async () => {
      const cache = await open()
      await cache.clear()
      const keys = Array.from({ length: 1_100 }, (_, index) => `key ${index}`)
      await Promise.all(keys.map((key) => cache.set(key, key, { ttlMs: 60_000 })))
      await cache.clear()
      const left = await Promise.all(keys.map((key) => cache.get(key)))
      assert.deepEqual(
        left.filter((value) => value !== undefined),
        [],
      )
      await cache.set('key', 'new')
      assert.equal(await cache.get('key'), 'new')
    })

    it('closes twice without taking another opening along', async () => {
      const namespace = freshNamespace()
      const [cache, neighbour] = [await open({ namespace }), await open()]
      await cache.close()
      await cache.close()
      await neighbour.set('key', 1)
      assert.equal(await neighbour.get('key'), 1)
    })
  })

  describe('many at once', () => {
    it('loses none of 200 concurrent writes to different keys', async () => {
      const cache = await open()
      const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`)
      await Promise.all(keys.map((key) => cache.set(key, key)))
      assert.deepEqual(await Promise.all(keys.map((key) => cache.get(key))), keys)
    })

    it('reads a whole value while another is written under the same key', async () => {
      const cache = await open()
      const value = (digit: number) => ({ text: `${digit}`.repeat(50_000), digit })
      await cache.set('key', value(0))
      const writes = Array.from({ length: 20 }, (_, index) => cache.set('key', value(index % 10)))
      const reads = Array.from({ length: 20 }, () => cache.get<ReturnType<typeof value>>('key'))
      for (const got of await Promise.all(reads)) {
        assert(got && sameJson(got, value(got.digit)), short(got))
      }
      await Promise.all(writes)
    })

    it('does not lose a new value to a reader who finds the old one over', async () => {
      const cache = await open()
      const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`)
      await Promise.all(keys.map((key) => cache.set(key, 'old', { ttlMs: 20 })))
      await waitMs(20 + marginMs)
      await Promise.all(keys.flatMap((key) => [cache.get(key), cache.set(key, 'new')]))
      assert.deepEqual(
        await Promise.all(keys.map((key) => cache.get(key))),
        keys.map(() => 'new'),
      )
    })
  })

  describe('other processes', () => {
    it(
      traits.sharedBetweenProcesses
        ? 'shares what it stores, forgets and lets end with other processes'
        : 'shares nothing with other processes',
      async () => {
        const namespace = freshNamespace()
        const cache = await open({ namespace })
        const other = neighbour(0)
        const get = (key: string) => other.call(namespace, { method: 'get', args: [key] })
        const set = (...args: [string, Json, { ttlMs: number }?]) =>
          other.call(namespace, { method: 'set', args })
        await cache.set('here', { stored: 'here' })
        await cache.set('to delete', 1)
        await set('there', { stored: 'there' })
        await set('to delete', 1)
        await set('to end', 1, { ttlMs: 40 })
        await cache.delete('to delete')
        await waitMs(40 + marginMs)
        const seen = traits.sharedBetweenProcesses
        assert.deepEqual(await get('here'), seen ? { stored: 'here' } : undefined)
        assert.deepEqual(await cache.get('there'), seen ? { stored: 'there' } : undefined)
        assert.equal(await get('to delete'), seen ? undefined : 1)
        assert.equal(await cache.get('to end'), undefined)
      },
    )

    it(
      traits.survivesRestart
        ? 'keeps what it acknowledged although the process is killed right after'
        : 'forgets everything with its process',
      async () => {
        const namespace = freshNamespace()
        const there = open({ namespace })
        const first = fork()
        await first.call(namespace, { method: 'set', args: ['key', 'value'] })
        await first.kill()
        const second = fork()
        const got = await second.call(namespace, { method: 'get', args: ['key'] })
        assert.equal(got, traits.survivesRestart ? 'value' : undefined)
        assert.equal(await second.end(), 0, 'a process that closed everything ends by itself')
        await (await there).clear()
      },
    )

    it(
      traits.survivesRestart
        ? 'has everything when it is closed and opened again'
        : 'has nothing when it is closed and opened again',
      async () => {
        const namespace = freshNamespace()
        const before = await open({ namespace })
        await before.set('key', 'value')
        await before.set('ending', 'value', { ttlMs: 30 })
        await before.close()
        await waitMs(30 + marginMs)
        const after = await open({ namespace })
        assert.equal(await after.get('key'), traits.survivesRestart ? 'value' : undefined)
        assert.equal(await after.get('ending'), undefined)
      },
    )
  })
}

const short = (value: unknown): string => String(JSON.stringify(value)).slice(0, 100)
