// What every limiter adapter must do. Everything is asked twice: with the step alone, and with its
// Lua twin, which a Redis adapter takes instead and every other one leaves aside.
import assert from 'node:assert/strict'
import type { Opened } from '#core/adapter'
import type { Json } from '#core/kinds'
import { count, countInLua } from './steps.ts'
import {
  freshNamespace,
  marginMs,
  oddStrings,
  oddValues,
  type Subject,
  sameJson,
  waitMs,
} from './subject.ts'

const longTtl = { ttlMs: 60_000 }

export const limiterContract = ({
  traits,
  open,
  fork,
  neighbour,
  tidy,
}: Subject<'limiter'>): void => {
  afterEach(tidy)

  for (const [means, lua] of [
    ['by the step alone', {}],
    ['by the step or its Lua twin', { lua: countInLua }],
  ] as const) {
    const countUp = (limiter: Opened<'limiter'>, key: string, ttlMs = 60_000) =>
      limiter.update(key, count, { ttlMs, ...lua })

    describe(`counting ${means}`, () => {
      it('gives a step what it made of the key last, and returns its result', async () => {
        const limiter = await open()
        assert.deepEqual(
          [
            await countUp(limiter, 'key'),
            await countUp(limiter, 'key'),
            await countUp(limiter, 'other'),
            await countUp(limiter, 'key'),
          ],
          [1, 2, 1, 3],
        )
      })

      it('takes any string as a key and never mixes two of them up', async () => {
        const limiter = await open()
        const keys = [...new Set(oddStrings)]
        for (const key of keys) {
          const title = JSON.stringify(key).slice(0, 100)
          assert.equal(await countUp(limiter, key), 1, title)
        }
        assert.deepEqual(
          await Promise.all(keys.map((key) => countUp(limiter, key))),
          keys.map(() => 2),
        )
      })

      it('loses none of 200 concurrent updates of one key', async () => {
        const limiter = await open()
        const results = await Promise.all(
          Array.from({ length: 200 }, () => countUp(limiter, 'key')),
        )
        assert.deepEqual(results.sort(ascending), upTo(200))
      })

      it('forgets a key once ttlMs has passed since its last update, and not before', async () => {
        const limiter = await open()
        // Updates refresh the life: the fourth comes later than 80 ms after the first.
        let lastAskedAtMs = Date.now()
        let n = await countUp(limiter, 'key', 80)
        for (let update = 0; update < 3; update++) {
          await waitMs(30)
          const askedAtMs = Date.now()
          const got = await countUp(limiter, 'key', 80)
          // A machine that stood still for 80 ms is no proof of anything.
          if (Date.now() < lastAskedAtMs + 80) assert.equal(got, n + 1, 'before its time')
          lastAskedAtMs = askedAtMs
          n = got
        }
        await waitMs(80 + marginMs)
        assert.equal(await countUp(limiter, 'key'), 1, 'after its time')
      })

      it('gives a key the ttlMs of its last update', async () => {
        const limiter = await open()
        await countUp(limiter, 'shorter', 60_000)
        await countUp(limiter, 'shorter', 40)
        await countUp(limiter, 'longer', 40)
        const longer = await countUp(limiter, 'longer', 60_000)
        await waitMs(40 + marginMs)
        assert.equal(await countUp(limiter, 'shorter'), 1)
        assert.equal(await countUp(limiter, 'longer'), longer + 1)
      })

      it('takes fractions of a millisecond, and more than a timer can hold', async () => {
        const limiter = await open()
        for (const ttlMs of [60_000.5, 2 ** 31 + 1, 1e12]) {
          await countUp(limiter, `${ttlMs}`, ttlMs)
          await waitMs(1)
          assert.equal(await countUp(limiter, `${ttlMs}`, ttlMs), 2, `ttlMs: ${ttlMs}`)
        }
      })

      it('keeps namespaces apart and clears only its own', async () => {
        const name = freshNamespace()
        // The first is a prefix of the others, or a pattern that could match them.
        const names = [name, `${name}x`, `${name}:`, `${name}:x`, name.replace(/[._]/g, 'x')]
        const limiters = await Promise.all(names.map((namespace) => open({ namespace })))
        const keys = ['key', 'x:key', ':x:key']
        for (const key of keys) {
          for (const limiter of limiters) assert.equal(await countUp(limiter, key), 1)
        }
        await limiters[0]!.clear()
        for (const key of keys) {
          for (const [index, limiter] of limiters.entries()) {
            assert.equal(await countUp(limiter, key), index ? 2 : 1, `${names[index]} ${key}`)
          }
        }
      })
    })
  }

  describe('steps', () => {
    it('keeps any JSON as state and returns any JSON as result', async () => {
      const limiter = await open()
      for (const [index, value] of oddValues.entries()) {
        const key = `value ${index}`
        const seen: (Json | undefined)[] = []
        const step = (state: Json | undefined) => {
          seen.push(state)
          return { state: value, result: value }
        }
        const first = await limiter.update(key, step, longTtl)
        const second = await limiter.update(key, step, longTtl)
        assert.equal(seen[0], undefined)
        for (const got of [first, second, seen.at(-1)]) assert(sameJson(got, value), key)
      }
    })

    if (!traits.sharedBetweenProcesses)
      it('tells the step what the caller’s clock says, also when that steps backwards', async () => {
        let nowMs = Date.now()
        const limiter = await open({ nowMs: () => nowMs })
        const startMs = nowMs
        for (const byMs of [0, 5_000, -10_000, -3_600_000, 1]) {
          nowMs = startMs + byMs
          const result = await limiter.update(
            'key',
            (state: number | undefined, stepMs) => ({
              state: (state ?? 0) + 1,
              result: [state ?? 0, stepMs],
            }),
            longTtl,
          )
          assert.equal(result[1], nowMs)
          if (byMs < 0) assert.notEqual(result[0], 0, 'the state is still there')
        }
        assert.equal(await limiter.update('key', count, longTtl), 6)
      })
    else
      it('tells all processes one time, however their own clocks differ', async () => {
        const namespace = freshNamespace()
        const ahead = await open({ namespace })
        const behind = await open({ namespace, nowMs: () => Date.now() - 1_500 })
        const tell = (state: number | undefined, nowMs: number) => ({
          state: nowMs,
          result: [state ?? nowMs, nowMs],
        })
        const inLua = { source: 'return now_ms, {state or now_ms, now_ms}', args: [] }
        for (const [key, options] of [
          ['in JavaScript', longTtl],
          ['in Lua', { ...longTtl, lua: inLua }],
        ] as const)
          for (let i = 0; i < 6; i++) {
            const limiter = i % 2 ? behind : ahead
            const beforeMs = Date.now()
            const [last, nowMs] = (await limiter.update(key, tell, options)) as [number, number]
            assert(Number.isInteger(nowMs) && nowMs >= last - 20, `${key}: ${last}, then ${nowMs}`)
            // The servers of the tests are on this machine.
            const isNow = nowMs > beforeMs - 100 && nowMs < Date.now() + 100
            assert(isNow, `${key}: ${nowMs - beforeMs} ms off`)
          }
      })

    it('rejects with what a step throws, and changes nothing', async () => {
      const limiter = await open()
      const mistake = new TypeError('a mistake in the step')
      const throwing = () => {
        throw mistake
      }
      await assert.rejects(limiter.update('key', throwing, longTtl), (error) => error === mistake)
      assert.equal(await limiter.update('key', count, longTtl), 1)
      await assert.rejects(limiter.update('key', throwing, longTtl), (error) => error === mistake)
      assert.equal(await limiter.update('key', count, longTtl), 2)
    })

    it('keeps good updates apart from failing ones that run at once', async () => {
      const limiter = await open()
      const step = (fails: boolean) => (state: number | undefined, nowMs: number) => {
        if (fails) throw new RangeError('no')
        return count(state, nowMs)
      }
      const settled = await Promise.allSettled(
        Array.from({ length: 60 }, (_, index) =>
          limiter.update('key', step(index % 3 === 0), longTtl),
        ),
      )
      const good = settled.filter((one) => one.status === 'fulfilled').map((one) => one.value)
      assert.deepEqual(good.sort(ascending), upTo(40))
    })

    it('calls a step again only with a fresher state', async () => {
      const limiter = await open()
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const seen: number[] = []
          const result = await limiter.update(
            'key',
            (state: number | undefined, nowMs) => {
              seen.push(state ?? 0)
              return count(state, nowMs)
            },
            longTtl,
          )
          assert.deepEqual(seen, [...new Set(seen)].sort(ascending), 'each fresher than the last')
          assert.equal(result, seen.at(-1)! + 1, 'the last call is the one that counted')
        }),
      )
    })
  })

  describe('other processes', () => {
    it(
      traits.sharedBetweenProcesses
        ? 'loses none of the updates of one key from three processes'
        : 'counts in every process for itself',
      async () => {
        const namespace = freshNamespace()
        const limiter = await open({ namespace })
        const others = [neighbour(0), neighbour(1)]
        const countThere = (times: number) =>
          others.map(
            (other) =>
              other.call(
                namespace,
                { method: 'update', args: ['key', 'count', longTtl] },
                times,
              ) as Promise<number[]>,
          )
        // First one each, so that all are open before they race. Then in many heats, for three that
        // are asked at one time need not meet.
        const all = (await Promise.all(countThere(1))).flat()
        const heats = 10
        for (let heat = 0; heat < heats; heat++)
          all.push(
            ...(
              await Promise.all([
                ...countThere(60),
                ...Array.from({ length: 60 }, () => limiter.update('key', count, longTtl)),
              ])
            ).flat(),
          )
        const [own, theirs] = [60 * heats, 1 + 60 * heats]
        assert.deepEqual(
          all.sort(ascending),
          traits.sharedBetweenProcesses
            ? upTo(2 * theirs + own)
            : [...upTo(theirs), ...upTo(theirs), ...upTo(own)].sort(ascending),
        )
      },
    )

    it(
      traits.survivesRestart
        ? 'keeps what it acknowledged although the process is killed right after'
        : 'forgets everything with its process',
      async () => {
        const namespace = freshNamespace()
        const there = open({ namespace })
        const call = { method: 'update', args: ['key', 'count', longTtl] } as const
        const first = fork()
        await first.call(namespace, call)
        await first.kill()
        const second = fork()
        assert.equal(await second.call(namespace, call), traits.survivesRestart ? 2 : 1)
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
        await before.update('key', count, longTtl)
        await before.close()
        await before.close()
        const after = await open({ namespace })
        assert.equal(await after.update('key', count, longTtl), traits.survivesRestart ? 2 : 1)
      },
    )
  })
}

const ascending = (a: number, b: number) => a - b
const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1)
