// The steps of the rate-limits scenario without a server: against oracles that remember everything,
// against their twins in Lua, and against what their decisions promise, over random traffic on a
// clock that also steps backwards. Last, how a decision is told over HTTP.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import fc from 'fast-check'
import Koa from 'koa'
import { loadAdapter } from '#core/course/find'
import type { Json, LuaStep, Step } from '#core/kinds'
import { type Lab, startLab } from '#core/lab/lab'
import type { OwnServer } from '#core/lab/servers'
import { findBackEnd, startOwnServer } from '../../test/backends.ts'
import { freshNamespace } from '../../test/contracts/subject.ts'
import { until } from '../../test/seesaw.ts'
import scenario from './scenario.ts'
import type { Algorithm, Decision, Limit } from './shared.ts'
import { fixedWindow } from './variants/fixed-window.ts'
import { gcra } from './variants/gcra.ts'
import leakyBucketVariant, { leakyBucket } from './variants/leaky-bucket.ts'
import { slidingCounter } from './variants/sliding-counter.ts'
import { slidingLog } from './variants/sliding-log.ts'
import tokenBucketVariant, { tokenBucket } from './variants/token-bucket.ts'

/** When a request came: by its clock, and by the latest clock seen until then. */
interface Moment {
  clockMs: number
  latestMs: number
}

/** Whether a request may pass, from nothing but the moments of all that passed before it. */
type Oracle = (limit: Limit, passed: Moment[], now: Moment) => boolean

const countIf = <T>(list: T[], holds: (item: T) => boolean): bigint =>
  BigInt(list.filter(holds).length)

/** Time does not run backwards: a step back is a clock that stands still. */
const perWindow: Oracle = ({ limit, windowMs }, passed, now) => {
  const windowOf = ({ latestMs }: Moment) => Math.floor(latestMs / windowMs)
  return countIf(passed, (one) => windowOf(one) === windowOf(now)) < limit
}

const inLastWindow: Oracle = ({ limit, windowMs }, passed, now) =>
  countIf(passed, ({ latestMs }) => latestMs > now.latestMs - windowMs) < limit

/** The previous window's requests, evenly spread, count for the part that the last W still covers. */
const weighted: Oracle = ({ limit, windowMs }, passed, now) => {
  const windowOf = ({ latestMs }: Moment) => Math.floor(latestMs / windowMs)
  const startMs = windowOf(now) * windowMs
  const current = countIf(passed, (one) => windowOf(one) === windowOf(now))
  const previous = countIf(passed, (one) => windowOf(one) === windowOf(now) - 1)
  const intoMs = BigInt(Math.max(startMs, now.clockMs) - startMs)
  const wholeMs = BigInt(windowMs)
  return previous * (wholeMs - intoMs) + (current + 1n) * wholeMs <= BigInt(limit) * wholeMs
}

/**
 * A bucket's envelope (network calculus: Le Boudec and Thiran, 2001): of all requests since any
 * earlier one, no more may pass than a full bucket and what came in since then.
 */
const envelope =
  (timeOf: (moment: Moment) => number): Oracle =>
  ({ limit, windowMs }, passed, now) =>
    passed.every((since, index) => {
      const more = BigInt(passed.length - index + 1 - limit)
      return more * BigInt(windowMs) <= BigInt(timeOf(now) - timeOf(since)) * BigInt(limit)
    })

interface Subject {
  make(limit: Limit): Algorithm<Json>
  oracle: Oracle
  /** The most that a window's length of time can see, and whether it is served or admitted. */
  mostInAWindow(limit: number): number
  /** Numbers that the state is made of. */
  numbersKept(limit: number): number
  /** The longest wait, in windows. */
  longestWait: number
  /** Of a clock that was set back by more than a window it forgets the rest, and with it requests. */
  forgets?: true
}

const subject = <State extends Json>(
  make: (limit: Limit) => Algorithm<State>,
  rest: Omit<Subject, 'make'>,
): Subject => ({ make: make as unknown as Subject['make'], ...rest })

const subjects: Record<string, Subject> = {
  'fixed-window': subject(fixedWindow, {
    oracle: perWindow,
    mostInAWindow: (limit) => 2 * limit,
    numbersKept: () => 2,
    longestWait: 1,
  }),
  'sliding-log': subject(slidingLog, {
    oracle: inLastWindow,
    mostInAWindow: (limit) => limit,
    numbersKept: (limit) => limit,
    longestWait: 1,
  }),
  'sliding-counter': subject(slidingCounter, {
    oracle: weighted,
    mostInAWindow: (limit) => 2 * limit - 1,
    numbersKept: () => 3,
    longestWait: 2,
  }),
  'token-bucket': subject(tokenBucket, {
    oracle: envelope(({ latestMs }) => latestMs),
    mostInAWindow: (limit) => 2 * limit - 1,
    numbersKept: () => 2,
    longestWait: 1,
  }),
  // One number cannot tell a clock that was set back from a client that is ahead of its pace, so
  // it is the clock itself that counts.
  gcra: subject(gcra, {
    oracle: envelope(({ clockMs }) => clockMs),
    mostInAWindow: (limit) => 2 * limit - 1,
    numbersKept: () => 1,
    longestWait: 1,
    forgets: true,
  }),
  'leaky-bucket': subject(leakyBucket, {
    oracle: envelope(({ clockMs }) => clockMs),
    mostInAWindow: (limit) => limit,
    numbersKept: () => 1,
    longestWait: 1,
    forgets: true,
  }),
}

// ---- traffic

interface Traffic extends Limit {
  clocksMs: number[]
}

const limits = fc.record({
  limit: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 6 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 200 }) },
  ),
  windowMs: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 50, max: 400 }) },
    { weight: 1, arbitrary: fc.integer({ min: 50, max: 60_000 }) },
  ),
})

/** Bursts of one, a few, or more than the limit, with pauses in proportion to the window. */
const trafficOf = (earliest: number): fc.Arbitrary<Traffic> =>
  limits.chain(({ limit, windowMs }) => {
    const pace = windowMs / limit
    const pause = fc.oneof(
      { weight: 2, arbitrary: fc.constant(0) },
      {
        weight: 3,
        arbitrary: fc.integer({ min: 0, max: Math.ceil(2 * pace) }),
      },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 3 * windowMs }) },
      {
        weight: earliest < 0 ? 2 : 0,
        arbitrary: fc.integer({ min: earliest * windowMs, max: 0 }),
      },
    )
    const size = fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) },
      { weight: 1, arbitrary: fc.constant(limit + 1) },
    )
    const bursts = fc.array(fc.record({ pause, size }), {
      minLength: 1,
      maxLength: 15,
    })
    const startMs = fc.integer({
      min: 1_700_000_000_000,
      max: 2_000_000_000_000,
    })
    return fc.record({ bursts, startMs }).map(({ bursts, startMs }) => {
      let clockMs = startMs
      const clocksMs = bursts.flatMap(({ pause, size }) => {
        clockMs += pause
        return Array.from({ length: size }, () => clockMs)
      })
      return { limit, windowMs, clocksMs }
    })
  })

const forwards = trafficOf(0)
/** Whether the clock never stands more than a window behind where it was. */
const isSetBackLittle = ({ clocksMs, windowMs }: Traffic): boolean => {
  let latestMs = -Infinity
  return clocksMs.every((clockMs) => {
    latestMs = Math.max(latestMs, clockMs)
    return latestMs - clockMs <= windowMs
  })
}
const withStepsBack = trafficOf(-4)

interface Event extends Moment {
  state: Json
  decision: Decision
}

/** Sends the traffic through a step and returns what came of every request. */
const replay = ({ step }: Algorithm<Json>, clocksMs: number[], start?: Json): Event[] => {
  let state = start
  let latestMs = -Infinity
  return clocksMs.map((clockMs) => {
    latestMs = Math.max(latestMs, clockMs)
    const next = step(state, clockMs)
    state = next.state
    return { clockMs, latestMs, state: next.state, decision: next.result }
  })
}

const allowedOf = (events: Event[]) => events.filter(({ decision }) => decision.allowed)

/** The most of `timesMs` within a window's length; a window does not contain its own end. */
const mostWithin = (windowMs: number, timesMs: number[]) =>
  Math.max(
    0,
    ...timesMs.map(
      (from) => timesMs.filter((time) => time >= from && time < from + windowMs).length,
    ),
  )

/** When a request was served: a leaky bucket keeps it waiting, by the clock that it came by. */
const servedMs = ({ clockMs, latestMs, decision: { delayMs } }: Event) =>
  delayMs === undefined ? latestMs : clockMs + delayMs

describe('rate-limits', () => {
  for (const [name, subject] of Object.entries(subjects)) {
    describe(name, () => {
      const { make, oracle, mostInAWindow, numbersKept, longestWait, forgets } = subject

      it('decides as an oracle does that remembers every request', () => {
        fc.assert(
          fc.property(withStepsBack, (traffic) => {
            fc.pre(!forgets || isSetBackLittle(traffic))
            const passed: Event[] = []
            for (const event of replay(make(traffic), traffic.clocksMs)) {
              assert.equal(event.decision.allowed, oracle(traffic, passed, event))
              if (event.decision.allowed) passed.push(event)
            }
          }),
          { numRuns: 300 },
        )
      })

      it('says how many more it would admit, and when it would be one more than that', () => {
        const admittedAt = (traffic: Traffic, state: Json, atMs: number, upTo: number) =>
          allowedOf(replay(make(traffic), Array(upTo).fill(atMs), state)).length
        fc.assert(
          fc.property(withStepsBack, (traffic) => {
            for (const { state, clockMs, decision } of replay(make(traffic), traffic.clocksMs)) {
              const { allowed, remaining, moreAfterMs } = decision
              const more = remaining + 1
              assert.ok(moreAfterMs >= 1 && Number.isInteger(moreAfterMs), `${moreAfterMs} ms`)
              assert.ok(remaining >= 0 && Number.isInteger(remaining), `${remaining}`)
              assert.ok(allowed || remaining === 0)
              if (remaining > 6) continue
              assert.equal(admittedAt(traffic, state, clockMs, more), remaining)
              assert.equal(admittedAt(traffic, state, clockMs + moreAfterMs - 1, more), remaining)
              assert.equal(admittedAt(traffic, state, clockMs + moreAfterMs, more), more)
            }
          }),
          { numRuns: 200 },
        )
      })

      it('lets a stretch of time as long as the window see no more than it may', () => {
        fc.assert(
          fc.property(withStepsBack, (traffic) => {
            fc.pre(!forgets || isSetBackLittle(traffic))
            const events = allowedOf(replay(make(traffic), traffic.clocksMs))
            const most = mostWithin(traffic.windowMs, events.map(servedMs))
            assert.ok(most <= mostInAWindow(traffic.limit), `${most} of ${traffic.limit}`)
          }),
          { numRuns: 300 },
        )
      })

      it(`gives ${mostInAWindow(4)} to a client that is after the most, where the limit is 4`, () => {
        const limit = { limit: 4, windowMs: 100 }
        const burst = Array(4).fill(999)
        const everyMs = Array.from({ length: 200 }, (_, i) => 1000 + i).flatMap((ms) => [ms, ms])
        const events = allowedOf(
          replay(make(limit), [...burst, ...everyMs.flatMap((ms) => [ms, ms])]),
        )
        assert.equal(mostWithin(100, events.map(servedMs)), mostInAWindow(4))
      })

      it('locks nobody out for longer than the clock was set back plus an ordinary wait', () => {
        fc.assert(
          fc.property(withStepsBack, (traffic) => {
            for (const { clockMs, latestMs, decision } of replay(make(traffic), traffic.clocksMs)) {
              const longestMs = latestMs - clockMs + longestWait * traffic.windowMs
              assert.ok(decision.moreAfterMs <= longestMs, `${decision.moreAfterMs} ms`)
            }
          }),
          { numRuns: 300 },
        )
      })

      if (forgets)
        it('locks nobody out for longer than two windows, however far the clock was set back', () => {
          const limit = { limit: 9, windowMs: 900 }
          for (const backMs of [500, 1_500, 3_600_000]) {
            const before = Array(9).fill(1_700_000_000_000)
            const backAtMs = 1_700_000_000_000 - backMs
            const after = Array.from({ length: 40 }, (_, i) => backAtMs + i * 50)
            const events = replay(make(limit), [...before, ...after]).slice(9)
            const admitted = allowedOf(events)
            assert.ok(admitted.length >= 1, `set back by ${backMs} ms`)
            assert.ok(admitted[0]!.clockMs - backAtMs <= 1_800, `set back by ${backMs} ms`)
          }
        })

      it(`remembers ${numbersKept(4)} numbers about a client, where the limit is 4`, () => {
        const numbersIn = (state: Json) => JSON.stringify(state).match(/\d+/g)?.length ?? 0
        fc.assert(
          fc.property(withStepsBack, (traffic) => {
            for (const { state } of replay(make(traffic), traffic.clocksMs))
              assert.ok(numbersIn(state) <= numbersKept(traffic.limit), JSON.stringify(state))
          }),
        )
        const flood = replay(make({ limit: 4, windowMs: 100 }), Array(9).fill(1000))
        assert.equal(numbersIn(flood.at(-1)!.state), numbersKept(4))
      })
    })
  }

  describe('GCRA', () => {
    it('decides like a token bucket as long as the clock runs forwards', () => {
      fc.assert(
        fc.property(forwards, (traffic) => {
          const decisions = (algorithm: Algorithm<Json>) =>
            replay(algorithm, traffic.clocksMs).map(({ decision }) => decision)
          assert.deepEqual(
            decisions(subjects.gcra!.make(traffic)),
            decisions(subjects['token-bucket']!.make(traffic)),
          )
        }),
        { numRuns: 500 },
      )
    })

    // The case by which the limiters throttled (Go) and redis-cell (Rust) are held to GCRA: one request
    // per second, five at once. When all is paid off is told in ms from now.
    it('decides as others have published it', () => {
      const cells = gcra({ limit: 5, windowMs: 5_000 })
      const table: [atMs: number, allowed: boolean, remaining: number, paidOffInMs: number][] = [
        [0, true, 4, 1_000],
        [0, true, 3, 2_000],
        [0, true, 2, 3_000],
        [0, true, 1, 4_000],
        [0, true, 0, 5_000],
        [0, false, 0, 5_000],
        [3_000, true, 2, 3_000],
        [3_100, true, 1, 3_900],
        [4_000, true, 1, 4_000],
        [8_000, true, 4, 1_000],
        [9_500, true, 4, 1_000],
      ]
      const startMs = 1_700_000_000_000
      let paidOff: number | undefined
      for (const [atMs, allowed, remaining, paidOffInMs] of table) {
        const { state, result } = cells.step(paidOff, startMs + atMs)
        paidOff = state
        assert.deepEqual(
          [result.allowed, result.remaining, state / 5 - startMs - atMs],
          [allowed, remaining, paidOffInMs],
          `at ${atMs} ms`,
        )
        if (!allowed) assert.equal(result.moreAfterMs, 1_000)
      }
    })
  })

  describe('a leaky bucket', () => {
    it('decides like GCRA and lets what it admits out one by one', () => {
      fc.assert(
        fc.property(withStepsBack, (traffic) => {
          fc.pre(isSetBackLittle(traffic))
          const { limit, windowMs, clocksMs } = traffic
          let leaves: bigint | undefined
          const cells = replay(subjects.gcra!.make(traffic), clocksMs)
          for (const [i, event] of replay(
            subjects['leaky-bucket']!.make(traffic),
            clocksMs,
          ).entries()) {
            const { delayMs, ...decision } = event.decision
            assert.deepEqual(decision, cells[i]!.decision)
            if (!decision.allowed) continue
            // In units of 1 / limit ms, the pace is a whole number.
            const now = BigInt(event.clockMs) * BigInt(limit)
            const next: bigint = leaves === undefined ? now : leaves + BigInt(windowMs)
            leaves = next > now ? next : now
            const ceilMs = (leaves - now + BigInt(limit) - 1n) / BigInt(limit)
            assert.equal(BigInt(delayMs!), ceilMs)
          }
        }),
        { numRuns: 300 },
      )
    })
  })

  describe('in Lua', async () => {
    for (const [name, { make }] of Object.entries(subjects)) {
      it(`${name} decides as in JavaScript`, async function () {
        const backEnd = await findBackEnd('redis')
        if ('missing' in backEnd) {
          assert.ok(!backEnd.required, backEnd.missing)
          return this.skip()
        }
        const adapter = await loadAdapter('limiter', 'redis')
        const limiter = await adapter.open({
          namespace: freshNamespace(),
          folder: '',
          url: backEnd.url,
          nowMs: Date.now,
        })
        // A step is told the server's time; in its place each of these brings the traffic's along.
        const at = ({ source, args }: LuaStep, clockMs: number): LuaStep => ({
          source: `now_ms = args[${args.length + 1}]\n${source}`,
          args: [...args, clockMs],
        })
        const notInLua: Step<Json, Decision> = () => assert.fail('the Lua step was not taken')
        let keys = 0
        try {
          await fc.assert(
            fc.asyncProperty(withStepsBack, async (traffic) => {
              const { lua } = make(traffic)
              const key = String(keys++)
              const decisions: Decision[] = []
              // Kept for longer than the test runs: a step's own lifetime is the adapter's matter.
              for (const clockMs of traffic.clocksMs) {
                const options = { ttlMs: 60_000, lua: at(lua, clockMs) }
                decisions.push(await limiter.update(key, notInLua, options))
              }
              assert.deepEqual(
                decisions,
                replay(make(traffic), traffic.clocksMs).map(({ decision }) => decision),
              )
            }),
            { numRuns: 60 },
          )
        } finally {
          await limiter.clear()
          await limiter.close()
        }
      })
    }
  })

  describe('whose store dies', function () {
    this.timeout(60_000)
    let redis: OwnServer | undefined
    let lab: Lab | undefined
    before(async function () {
      redis = await startOwnServer(this, 'redis')
      lab = await startLab({ urls: { redis: redis.url } })
    })
    after(async () => {
      await lab?.stop()
      await redis?.stop()
    })

    it('lets nobody in and says why, and limits again when the store is back', async () => {
      const visit = (variant: string) =>
        fetch(`${lab?.url}/run/rate-limits/${variant}@redis~limit=3/`, {
          headers: { 'x-api-key': variant },
        })
      const names = Object.keys(scenario.variants)
      for (const name of names) assert.equal((await visit(name)).status, 200, name)
      await redis?.kill()
      for (const name of names)
        for (let i = 0; i < 5; i++) {
          const answer = await visit(name)
          const text = await answer.text()
          assert.equal(answer.status, 503, `${name}: ${text}`)
          assert.equal((JSON.parse(text) as { code: string }).code, 'BACKEND_UNREACHABLE')
        }
      await redis?.heal()
      for (const name of names) await until(async () => (await visit(name)).status !== 503, 5_000)
    })
  })

  describe('over HTTP', () => {
    let servers: Server[] = []
    afterEach(() => {
      for (const server of servers) server.close()
      servers = []
    })

    const serve = async (variant: typeof tokenBucketVariant, knobs: Limit) => {
      const adapter = await loadAdapter('limiter', 'memory')
      const nowMs = () => 1_700_000_000_000
      const limiter = await adapter.open({
        namespace: 'test',
        folder: '',
        url: '',
        nowMs,
      })
      const router = new Router()
      variant.mount(router, {
        limiter,
        knobs,
        nowMs,
        secret: new Uint8Array(32),
      })
      const app = new Koa().use(router.routes())
      const server = createServer(app.callback()).listen(0, '127.0.0.1')
      servers.push(server)
      await new Promise((resolve) => server.once('listening', resolve))
      const { port } = server.address() as AddressInfo
      return (path: string, key = '') =>
        fetch(`http://127.0.0.1:${port}${path}`, {
          headers: key ? { 'X-Api-Key': key } : {},
        })
    }

    it('says with every answer what is left of the limit', async () => {
      const get = await serve(tokenBucketVariant, { limit: 2, windowMs: 2500 })
      const first = await get('/')
      assert.equal(first.status, 200)
      assert.deepEqual(await first.json(), { remaining: 1 })
      assert.equal(first.headers.get('RateLimit-Policy'), '"default";q=2;w=3')
      assert.equal(first.headers.get('RateLimit'), '"default";r=1;t=2')
      assert.equal(first.headers.get('Retry-After'), null)
    })

    it('refuses with a problem that says when to come back', async () => {
      const get = await serve(tokenBucketVariant, { limit: 1, windowMs: 2500 })
      await get('/')
      const refused = await get('/')
      assert.equal(refused.status, 429)
      assert.match(refused.headers.get('Content-Type') ?? '', /^application\/problem\+json/)
      assert.equal(refused.headers.get('Retry-After'), '3')
      assert.equal(refused.headers.get('RateLimit'), '"default";r=0;t=3')
      assert.deepEqual(await refused.json(), {
        type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
        title: 'Quota exceeded',
        status: 429,
        detail: 'The limit is 1 in 2500 ms.',
        'violated-policies': ['default'],
        retryAfterMs: 2500,
      })
    })

    it('counts every key for itself, and those without one by their address', async () => {
      const get = await serve(tokenBucketVariant, { limit: 1, windowMs: 2500 })
      const statuses = []
      for (const key of ['a', 'a', 'b', '', '', '127.0.0.1'])
        statuses.push((await get('/', key)).status)
      assert.deepEqual(statuses, [200, 429, 200, 200, 429, 200])
    })

    it('refuses a key that is too long', async () => {
      const get = await serve(tokenBucketVariant, { limit: 1, windowMs: 2500 })
      assert.equal((await get('/', 'k'.repeat(100))).status, 200)
      const refused = await get('/', 'k'.repeat(101))
      assert.equal(refused.status, 400)
      assert.match(refused.headers.get('Content-Type') ?? '', /^application\/problem\+json/)
    })

    it('shows what it remembers, and counts the question', async () => {
      const get = await serve(tokenBucketVariant, { limit: 2, windowMs: 2500 })
      const state = { level: 2500, atMs: 1_700_000_000_000 }
      const shown = await get('/state')
      assert.deepEqual(await shown.json(), {
        bytes: JSON.stringify(state).length,
        state,
      })
      assert.deepEqual(await (await get('/')).json(), { remaining: 0 })
    })

    it('keeps a request waiting in a leaky bucket, and says for how long', async () => {
      const get = await serve(leakyBucketVariant, { limit: 4, windowMs: 400 })
      const beganMs = performance.now()
      const [first, second] = await Promise.all([get('/'), get('/')])
      // A timer may fire a millisecond early.
      assert.ok(performance.now() - beganMs >= 99)
      const bodies = [await first!.json(), await second!.json()] as {
        delayMs: number
      }[]
      assert.deepEqual(new Set(bodies.map(({ delayMs }) => delayMs)), new Set([0, 100]))
    })
  })

  it('promises in its README what its claims declare', () => {
    const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8')
    const cells = (line: string) => line.split('|').map((cell) => cell.trim().replaceAll('`', ''))
    const table = readme.split('\n').filter((line) => /^\| (claim|`)/.test(line))
    const [, , ...columns] = cells(table.find((line) => line.startsWith('| claim'))!).slice(0, -1)
    assert.deepEqual(columns.toSorted(), Object.keys(scenario.variants).sort())
    const rows = table
      .filter((line) => / [✓✗◐] /.test(line))
      .map((line) => cells(line).slice(1, -1))
    const traits = { sharedBetweenProcesses: true, survivesRestart: true }
    const lacking = { sharedBetweenProcesses: false, survivesRestart: false }
    const declared = Object.entries(scenario.claims).map(([id, { heldBy }]) => {
      const marks = columns.map((column) => {
        const variant = column as keyof typeof scenario.variants
        if (typeof heldBy !== 'function') return heldBy.includes(variant) ? '✓' : '✗'
        const [best, worst] = [heldBy({ variant, traits }), heldBy({ variant, traits: lacking })]
        return best === worst ? (best ? '✓' : '✗') : '◐'
      })
      return [id, ...marks]
    })
    assert.deepEqual(rows, declared)
  })
})
