// The meter: it counts every call from outside, and follows a request only while somebody watches.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Opened } from '#core/adapter'
import { type Call, metered, readTotals, traced } from '#core/lab/meter'

let count = 0
/** A metered cache whose calls take 20 ms, and its totals. */
const openCache = () => {
  const backend = `test-${count++}`
  const owner = { cleared: 0, closed: 0 }
  const cache: Opened<'cache'> = {
    get: async (key) => {
      await sleep(20)
      if (key === 'bad') throw new TypeError('no such luck')
      return undefined
    },
    set: async () => {},
    delete: async () => {},
    clear: async () => {
      owner.cleared++
    },
    close: async () => {
      owner.closed++
    },
  }
  const totals = (operation: string) => readTotals()[`cache.${operation}@${backend}`]
  return { backend, owner, totals, cache: metered('cache', backend, cache) }
}

describe('the meter', () => {
  it('counts calls and failures of each operation', async () => {
    const { cache, totals } = openCache()
    await Promise.all([cache.get('a'), cache.get('b'), cache.set('a', 1)])
    await assert.rejects(cache.get('bad'), TypeError)
    assert.equal(totals('get')?.calls, 3)
    assert.equal(totals('get')?.failures, 1)
    assert.deepEqual([totals('set')?.calls, totals('set')?.failures], [1, 0])
  })

  it('adds up the time from each call to its answer', async () => {
    const { cache, totals } = openCache()
    await Promise.all([cache.get('a'), cache.get('b')])
    const ms = totals('get')?.ms ?? 0
    // Timers may fire up to a millisecond early.
    assert(ms >= 38, `${ms} ms`)
  })

  it('shows operations that were never called with zero calls', () => {
    const { totals } = openCache()
    assert.deepEqual(totals('delete'), { calls: 0, failures: 0, ms: 0 })
  })

  it('leaves what the owner does uncounted', async () => {
    const { cache, owner, totals } = openCache()
    await cache.clear()
    await cache.close()
    assert.deepEqual(owner, { cleared: 1, closed: 1 })
    assert.equal(totals('clear'), undefined)
    assert.equal(totals('close'), undefined)
  })

  it('adds up over everything that was opened on the same backend', async () => {
    const { backend, cache, totals } = openCache()
    const another = metered('cache', backend, openCache().cache)
    await cache.set('a', 1)
    await another.set('a', 1)
    assert.equal(totals('set')?.calls, 2)
  })
})

describe('a trace', () => {
  it('notes the calls of its request, in the order in which they end', async () => {
    const { backend, cache } = openCache()
    const calls: Call[] = []
    await traced(calls, async () => {
      await Promise.all([cache.get('a'), cache.set('a', 1)])
      await cache.get('bad').catch(() => {})
    })
    assert.deepEqual(
      calls.map(({ name, backend, failed }) => ({ name, backend, failed })),
      [
        { name: 'cache.set', backend, failed: false },
        { name: 'cache.get', backend, failed: false },
        { name: 'cache.get', backend, failed: true },
      ],
    )
    const [, first, second] = calls
    assert(first && second && second.startMs >= first.startMs + first.ms - 1)
  })

  it('does not see the calls of other requests, watched or not', async () => {
    const { cache } = openCache()
    const [mine, yours]: [Call[], Call[]] = [[], []]
    await Promise.all([
      traced(mine, async () => void (await cache.get('a'))),
      traced(yours, async () => cache.set('a', 1)),
      cache.get('c'),
    ])
    assert.deepEqual(
      mine.map(({ name }) => name),
      ['cache.get'],
    )
    assert.deepEqual(
      yours.map(({ name }) => name),
      ['cache.set'],
    )
  })

  it('ends with its request, also where that fails', async () => {
    const { cache } = openCache()
    const calls: Call[] = []
    const failing = traced(calls, async () => {
      await cache.set('a', 1)
      throw new TypeError('no such luck')
    })
    await assert.rejects(failing, TypeError)
    await cache.set('a', 1)
    assert.equal(calls.length, 1)
  })
})
