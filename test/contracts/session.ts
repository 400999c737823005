// What every session adapter must do.
import assert from 'node:assert/strict'
import {
  freshNamespace,
  marginMs,
  oddStrings,
  oddValues,
  type Subject,
  sameJson,
  waitMs,
  withinLifeOf,
} from './subject.ts'

const alice = { userId: 'alice' }
const longTtl = { ttlMs: 60_000 }

export const sessionContract = ({
  traits,
  open,
  fork,
  neighbour,
  tidy,
}: Subject<'session'>): void => {
  afterEach(tidy)

  describe('create, get, delete', () => {
    it('returns undefined for an id that was never created', async () => {
      const session = await open()
      assert.equal(await session.get('never'), undefined)
    })

    it('returns any data exactly as they were stored', async () => {
      const session = await open()
      for (const [index, value] of oddValues.entries()) {
        const data = { value, userId: 'alice', role: 'admin' }
        await session.create(`id ${index}`, data, longTtl)
        const got = await session.get(`id ${index}`)
        assert(sameJson(got, data), `value ${index} came back as ${JSON.stringify(got)}`)
      }
    })

    it('takes any strings as ids and users and never mixes two of them up', async () => {
      const session = await open()
      const names = [...new Set(oddStrings)]
      // The session of each user has the id that is the name of the next one.
      const idOf = (index: number) => names[(index + 1) % names.length]!
      await Promise.all(
        names.map((userId, index) => session.create(idOf(index), { userId, index }, longTtl)),
      )
      for (const [index, userId] of names.entries()) {
        assert.deepEqual(await session.get(idOf(index)), { userId, index })
        assert.deepEqual(await session.idsOf(userId), [idOf(index)])
      }
      await session.delete(idOf(0))
      for (const [index, userId] of names.entries()) {
        assert.equal((await session.get(idOf(index)))?.userId, index ? userId : undefined)
        assert.deepEqual(await session.idsOf(userId), index ? [idOf(index)] : [])
      }
    })

    it('keeps a copy: changing what was stored or read changes nothing in it', async () => {
      const session = await open()
      const stored = { userId: 'alice', roles: ['admin'] }
      await session.create('id', stored, longTtl)
      stored.roles.push('owner')
      const read = (await session.get('id')) as typeof stored
      read.roles.push('root')
      assert.deepEqual(await session.get('id'), { userId: 'alice', roles: ['admin'] })
    })

    it('forgets a deleted session and no other', async () => {
      const session = await open()
      await session.create('id', alice, longTtl)
      await session.create('other', alice, longTtl)
      await session.delete('id')
      assert.equal(await session.get('id'), undefined)
      assert.deepEqual(await session.get('other'), alice)
      assert.deepEqual(await session.idsOf('alice'), ['other'])
    })

    it('deletes an id that was never created without complaint', async () => {
      const session = await open()
      await session.delete('never')
    })

    it('puts a new session in the place of an old one, with its own end of life', async () => {
      const session = await open()
      await session.create('shorter', { ...alice, visit: 1 }, longTtl)
      await session.create('shorter', { ...alice, visit: 2 }, { ttlMs: 40 })
      await session.create('longer', { ...alice, visit: 1 }, { ttlMs: 40 })
      await session.create('longer', { ...alice, visit: 2 }, longTtl)
      await waitMs(40 + marginMs)
      assert.equal(await session.get('shorter'), undefined)
      assert.deepEqual(await session.get('longer'), { ...alice, visit: 2 })
      assert.deepEqual(await session.idsOf('alice'), ['longer'])
    })

    it('moves an id to the user it was created for last', async () => {
      const session = await open()
      await session.create('id', alice, longTtl)
      await session.create('id', { userId: 'bob' }, longTtl)
      assert.deepEqual(await session.get('id'), { userId: 'bob' })
      assert.deepEqual(await session.idsOf('alice'), [])
      assert.deepEqual(await session.idsOf('bob'), ['id'])
    })
  })

  describe('lifetimes', () => {
    it('forgets a session once its ttlMs has passed, and not before', async () => {
      const session = await open()
      const beforeMs = Date.now()
      await session.create('id', alice, { ttlMs: 100 })
      const afterMs = Date.now()
      for (;;) {
        const askedAtMs = Date.now()
        const [got, ids] = await Promise.all([session.get('id'), session.idsOf('alice')])
        if (Date.now() < beforeMs + 100) {
          assert.deepEqual([got, ids], [alice, ['id']], 'before its time')
        }
        if (askedAtMs > afterMs + 100 + marginMs) {
          assert.deepEqual([got, ids], [undefined, []], 'after its time')
          return
        }
        await waitMs(5)
      }
    })

    it('keeps nothing whose ttlMs is 0 or less, not even what was there before', async () => {
      const session = await open()
      for (const ttlMs of [0, -1, -60_000]) {
        await session.create('created', alice, longTtl)
        await session.create('created', alice, { ttlMs })
        await session.create('touched', alice, longTtl)
        await session.touch('touched', { ttlMs })
        assert.equal(await session.get('created'), undefined, `ttlMs: ${ttlMs}`)
        assert.equal(await session.get('touched'), undefined, `ttlMs: ${ttlMs}`)
        assert.deepEqual(await session.idsOf('alice'), [], `ttlMs: ${ttlMs}`)
      }
    })

    it('takes fractions of a millisecond, and more than a timer can hold', async () => {
      const session = await open()
      const ids = ['fraction', '32 bits', '30 years']
      await session.create('fraction', alice, { ttlMs: 60_000.5 })
      await session.create('32 bits', alice, { ttlMs: 2 ** 31 + 1 })
      await session.create('30 years', alice, longTtl)
      await session.touch('fraction', { ttlMs: 70_000.25 })
      await session.touch('30 years', { ttlMs: 1e12 })
      await waitMs(marginMs)
      for (const id of ids) assert.deepEqual(await session.get(id), alice, id)
      assert.deepEqual((await session.idsOf('alice')).sort(), ids.sort())
    })
  })

  describe('replace', () => {
    it('puts new data in the place of old ones', async () => {
      const session = await open()
      await session.create('id', { ...alice, role: 'admin' }, longTtl)
      assert.equal(await session.replace('id', { ...alice, visits: [1] }), true)
      assert.deepEqual(await session.get('id'), { ...alice, visits: [1] })
      assert.deepEqual(await session.idsOf('alice'), ['id'])
    })

    it('leaves the end of life alone', async () => {
      const session = await open()
      await session.create('ending', alice, { ttlMs: 60 })
      await session.create('staying', alice, longTtl)
      await session.replace('ending', { ...alice, visits: 1 })
      await session.replace('staying', { ...alice, visits: 1 })
      await waitMs(60 + marginMs)
      assert.equal(await session.get('ending'), undefined)
      assert.deepEqual(await session.get('staying'), { ...alice, visits: 1 })
    })

    it('brings back no session that never was, was deleted, or has ended', async () => {
      const session = await open()
      await session.create('deleted', alice, longTtl)
      await session.delete('deleted')
      await session.create('ended', alice, { ttlMs: 10 })
      await waitMs(10 + marginMs)
      for (const id of ['never', 'deleted', 'ended']) {
        assert.equal(await session.replace(id, alice), false, id)
        assert.equal(await session.get(id), undefined, id)
      }
      assert.deepEqual(await session.idsOf('alice'), [])
    })
  })

  describe('touch', () => {
    it('lets a session end ttlMs from now, later or sooner than it would have', async () => {
      const session = await open()
      const { result, ttlMs } = await withinLifeOf(60, async (ttlMs) => {
        await session.create('later', { ...alice, role: 'admin' }, { ttlMs })
        await session.create('sooner', alice, longTtl)
        return [await session.touch('later', longTtl), await session.touch('sooner', { ttlMs: 30 })]
      })
      assert.deepEqual(result, [true, true])
      await waitMs(ttlMs + marginMs)
      assert.deepEqual(await session.get('later'), { ...alice, role: 'admin' })
      assert.equal(await session.get('sooner'), undefined)
      assert.deepEqual(await session.idsOf('alice'), ['later'])
    })

    it('brings back no session that never was, was deleted, or has ended', async () => {
      const session = await open()
      await session.create('deleted', alice, longTtl)
      await session.delete('deleted')
      await session.create('ended', alice, { ttlMs: 10 })
      await waitMs(10 + marginMs)
      for (const id of ['never', 'deleted', 'ended']) {
        assert.equal(await session.touch(id, longTtl), false, id)
        assert.equal(await session.get(id), undefined, id)
      }
      assert.deepEqual(await session.idsOf('alice'), [])
    })
  })

  describe('idsOf', () => {
    it('is empty for a user who never signed in', async () => {
      const session = await open()
      assert.deepEqual(await session.idsOf('nobody'), [])
    })

    it('lists every living session of a user and nobody else’s', async () => {
      const session = await open()
      const ids = Array.from({ length: 60 }, (_, index) => `id ${index}`).sort()
      await Promise.all(ids.map((id) => session.create(id, alice, longTtl)))
      await session.create('other', { userId: 'alice2' }, longTtl)
      assert.deepEqual((await session.idsOf('alice')).sort(), ids)
      await Promise.all(ids.slice(5).map((id) => session.delete(id)))
      assert.deepEqual((await session.idsOf('alice')).sort(), ids.slice(0, 5))
      assert.deepEqual(await session.idsOf('alice2'), ['other'])
    })

    it('goes on listing a long session when a shorter one of the user ends', async () => {
      const session = await open()
      await session.create('long', alice, longTtl)
      const { ttlMs } = await withinLifeOf(30, async (ttlMs) => {
        await session.create('short', alice, { ttlMs })
        await session.create('touched', alice, { ttlMs })
        await session.touch('touched', longTtl)
      })
      await waitMs(ttlMs + marginMs)
      assert.deepEqual((await session.idsOf('alice')).sort(), ['long', 'touched'])
    })
  })

  describe('namespaces', () => {
    it('keeps namespaces apart and clears only its own', async () => {
      const name = freshNamespace()
      // The first is a prefix of the others, or a pattern that could match them.
      const names = [name, `${name}x`, `${name}:`, `${name}:x`, name.replace(/[._]/g, 'x')]
      const sessions = await Promise.all(names.map((namespace) => open({ namespace })))
      const ids = ['id', 'x:id', ':x:id']
      for (const id of ids) {
        for (const [index, session] of sessions.entries()) {
          await session.create(id, { ...alice, index }, longTtl)
        }
      }
      await sessions[0]!.clear()
      for (const [index, session] of sessions.entries()) {
        for (const id of ids) assert.equal((await session.get(id))?.index, index || undefined)
        assert.deepEqual((await session.idsOf('alice')).sort(), index ? [...ids].sort() : [])
      }
      assert.equal(await sessions[0]!.replace('id', alice), false)
    })

    it('clears hundreds of sessions, and is as good as new afterwards', async () => {
      const session = await open()
      await session.clear()
      const ids = Array.from({ length: 200 }, (_, index) => `id ${index}`)
      await Promise.all(ids.map((id) => session.create(id, alice, longTtl)))
      await session.clear()
      assert.deepEqual(await session.idsOf('alice'), [])
      assert.equal(await session.get('id 0'), undefined)
      await session.create('id 0', alice, longTtl)
      assert.deepEqual(await session.idsOf('alice'), ['id 0'])
    })

    it('closes twice without taking another opening along', async () => {
      const [session, neighbour] = [await open(), await open()]
      await session.close()
      await session.close()
      await neighbour.create('id', alice, longTtl)
      assert.deepEqual(await neighbour.get('id'), alice)
    })
  })

  describe('many at once', () => {
    it('lists all of 100 sessions that were created at once', async () => {
      const session = await open()
      const ids = Array.from({ length: 100 }, (_, index) => `id ${index}`).sort()
      await Promise.all(ids.map((id) => session.create(id, { ...alice, id }, longTtl)))
      assert.deepEqual((await session.idsOf('alice')).sort(), ids)
    })

    it('stays signed out, whatever is replaced and touched while it is deleted', async () => {
      const session = await open()
      const ids = Array.from({ length: 30 }, (_, index) => `id ${index}`)
      await Promise.all(ids.map((id) => session.create(id, alice, longTtl)))
      await Promise.all(
        ids.flatMap((id) => [
          session.replace(id, { ...alice, visits: 1 }),
          session.touch(id, longTtl),
          session.delete(id),
          session.replace(id, { ...alice, visits: 2 }),
          session.touch(id, longTtl),
        ]),
      )
      for (const id of ids) assert.equal(await session.get(id), undefined, id)
      assert.deepEqual(await session.idsOf('alice'), [])
    })

    it('loses neither the new data nor the new end when replaced and touched at once', async () => {
      const session = await open()
      const ids = Array.from({ length: 20 }, (_, index) => `id ${index}`)
      const { ttlMs } = await withinLifeOf(100, async (ttlMs) => {
        await Promise.all(ids.map((id) => session.create(id, alice, { ttlMs })))
        await Promise.all(
          ids.flatMap((id) => [
            session.replace(id, { ...alice, visits: 1 }),
            session.touch(id, longTtl),
          ]),
        )
      })
      // Had the touch been lost, the session would be over now.
      await waitMs(ttlMs + marginMs)
      for (const id of ids) assert.deepEqual(await session.get(id), { ...alice, visits: 1 }, id)
    })

    it('lists a session that is signed in anew while it is signed out', async () => {
      const session = await open()
      const ids = Array.from({ length: 20 }, (_, index) => `id ${index}`)
      await Promise.all(ids.map((id) => session.create(id, alice, longTtl)))
      await Promise.all(
        ids.flatMap((id) => [session.delete(id), session.create(id, alice, longTtl)]),
      )
      // Either may have come last; a session that can be used must be listed.
      const living: string[] = []
      for (const id of ids) if (await session.get(id)) living.push(id)
      assert.deepEqual((await session.idsOf('alice')).sort(), living.sort())
    })
  })

  describe('other processes', () => {
    it(
      traits.sharedBetweenProcesses
        ? 'shares what it stores and forgets with other processes'
        : 'shares nothing with other processes',
      async () => {
        const namespace = freshNamespace()
        const session = await open({ namespace })
        const other = neighbour(0)
        const get = (id: string) => other.call(namespace, { method: 'get', args: [id] })
        const create = (id: string, ttlMs = 60_000) =>
          other.call(namespace, { method: 'create', args: [id, alice, { ttlMs }] })
        const seen = traits.sharedBetweenProcesses
        await session.create('here', alice, longTtl)
        await create('there')
        await create('to delete')
        await create('to end', 30)
        await session.delete('to delete')
        await waitMs(30 + marginMs)
        assert.deepEqual(await get('here'), seen ? alice : undefined)
        assert.deepEqual(await session.get('there'), seen ? alice : undefined)
        assert.deepEqual(await get('to delete'), seen ? undefined : alice)
        assert.equal(await session.get('to end'), undefined)
        assert.deepEqual((await session.idsOf('alice')).sort(), seen ? ['here', 'there'] : ['here'])

        // A replace that runs in one process while another one signs out.
        for (let round = 0; round < 5; round++) {
          await create('race')
          if (seen) assert.deepEqual(await session.get('race'), alice)
          const args = ['race', { ...alice, round }]
          const replacing = other.call(namespace, { method: 'replace', args }, 20)
          await session.delete('race')
          await replacing
          if (seen) assert.equal(await session.get('race'), undefined)
          if (seen) assert.equal(await get('race'), undefined)
        }
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
        await first.call(namespace, { method: 'create', args: ['id', alice, longTtl] })
        await first.kill()
        const second = fork()
        const got = await second.call(namespace, { method: 'get', args: ['id'] })
        const ids = await second.call(namespace, { method: 'idsOf', args: ['alice'] })
        assert.deepEqual([got, ids], traits.survivesRestart ? [alice, ['id']] : [undefined, []])
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
        await before.create('id', alice, longTtl)
        await before.create('ending', alice, { ttlMs: 30 })
        await before.close()
        await waitMs(30 + marginMs)
        const after = await open({ namespace })
        assert.deepEqual(await after.get('id'), traits.survivesRestart ? alice : undefined)
        assert.equal(await after.get('ending'), undefined)
        assert.deepEqual(await after.idsOf('alice'), traits.survivesRestart ? ['id'] : [])
      },
    )
  })
}
