// Faults on purpose: what is refused before anything starts, servers that are taken away and brought
// back, and what the timeline of it shows and says.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeesawError } from '#core/errors'
import { findOwnServer, type OwnServer } from '#core/lab/servers'
import type { Fault, Timeline } from '#core/measurement/run'
import { createBuckets } from '../../bench/client/buckets.ts'
import { startClient } from '../../bench/client/start.ts'
import { makePlan } from '../../bench/plan/plan.ts'
import { outagesInWords } from '../../bench/report/outage.ts'
import { allWatched, watchFaults } from '../../bench/run/timeline.ts'
import { measurementOf } from '../measurements.ts'
import { isOpen } from '../seesaw.ts'

const kill = (backend: string, atMs: number): Fault => ({ do: 'kill', backend, atMs })
const heal = (backend: string, atMs: number): Fault => ({ do: 'heal', backend, atMs })

/** Finds what starts a server of our own; skips the test where there is none. */
const own = async (context: Mocha.Context, backend: string) => {
  try {
    return await findOwnServer(backend)
  } catch (error) {
    const required = (process.env.REQUIRE_BACKENDS ?? '').split(',').includes(backend)
    if (required || !(error instanceof SeesawError)) throw error
    console.log(`      skipped: ${error.message}`)
    return context.skip()
  }
}

describe('faults on purpose', () => {
  const plan = (faults: Fault[]) =>
    makePlan({
      targets: ['session-vs-token/server-session@redis', 'session-vs-token/server-session@memory'],
      faults,
    })
  const refused = (title: string, faults: Fault[], words: RegExp) =>
    it(`are refused ${title}`, () =>
      assert.rejects(plan(faults), (error) => {
        assert(error instanceof SeesawError)
        assert.equal(error.code, 'WRONG_USE')
        assert.match(error.message, words)
        return true
      }))

  refused('of a backend that is not known', [kill('reddis', 1000)], /reddis@1: No backend 'reddis'/)
  refused('of what is no server', [kill('memory', 1000)], /memory lives inside the server process/)
  refused('of what nobody uses', [kill('postgres', 1000)], /no contender uses postgres/)
  refused('that heal what is well', [heal('redis', 1000)], /nothing has killed redis before/)
  refused('that heal too early', [heal('redis', 1), kill('redis', 2)], /nothing has killed redis/)
  refused('that kill twice', [kill('redis', 1), kill('redis', 2)], /has been killed before/)

  it('come in the order in which they happen', async () => {
    const [first, last] = [kill('redis', 1000), heal('redis', 2000)]
    assert.deepEqual((await plan([last, first])).plan.faults, [first, last])
  })
})

for (const backend of ['redis', 'postgres'])
  describe(`a ${backend} of our own`, function () {
    this.timeout(60_000)
    let server: OwnServer | undefined
    after(() => server?.stop())

    it('is gone when it is killed, stays so, and comes back on the same port', async function () {
      server = await (await own(this, backend))()
      assert(await isOpen(server.url))
      await server.kill()
      assert(!(await isOpen(server.url)))
      // Longer than its keeper leaves one alone that died by itself.
      await sleep(1_500)
      assert(!(await isOpen(server.url)))
      await server.heal()
      assert(await isOpen(server.url))
      // And again, at once.
      await server.kill()
      await server.heal()
      assert(await isOpen(server.url))
    })

    it('ends for good when it is stopped', async function () {
      if (!server) return this.skip()
      await server.stop()
      assert(!(await isOpen(server.url)))
    })
  })

describe('buckets', () => {
  it('count by the moment at which a request was due, however late its answer is', () => {
    const buckets = createBuckets(1_000, 250)
    buckets.add(0, 2, true)
    buckets.add(249.9, 4_000, true)
    buckets.add(250, 1, false)
    assert.deepEqual(buckets.result(), [
      { offered: 2, right: 2, other: 0, medianMs: 2001, maxMs: 4000 },
      { offered: 1, right: 0, other: 1, medianMs: 1, maxMs: 1 },
      { offered: 0, right: 0, other: 0, medianMs: null, maxMs: null },
      { offered: 0, right: 0, other: 0, medianMs: null, maxMs: null },
    ])
  })
})

describe('a timeline', function () {
  this.timeout(60_000)

  it('shows who needs the server and who does not, and touches no other server', async function () {
    await own(this, 'redis')
    const targets = ['session-vs-token/server-session@redis', 'session-vs-token/signed-token']
    const faults = [kill('redis', 1_000), heal('redis', 2_500)]
    const { plan, setups } = await makePlan({ targets, faults, seed: 7 })
    const measurement = measurementOf()
    Object.assign(measurement, { plan: { ...plan, warmUpMs: 400 }, timelines: [] })
    measurement.calibration.ratePerSecond = 200
    const addresses = { ...process.env }
    const client = await startClient()
    let saved = 0
    try {
      assert(!allWatched(measurement))
      await watchFaults(setups, measurement, {
        client,
        tailMs: 2_500,
        save: () => {
          saved++
        },
      })
    } finally {
      await client.stop()
    }
    assert(allWatched(measurement))
    assert.equal(saved, 2)
    assert.deepEqual({ ...process.env }, addresses)

    const [needy, free] = measurement.timelines as [Timeline, Timeline]
    const sum = (of: Timeline, from: number, to: number, key: 'offered' | 'right' | 'other') =>
      of.buckets.slice(from, to).reduce((all, bucket) => all + bucket[key], 0)
    for (const one of [needy, free]) {
      assert.equal(one.ratePerSecond, 100)
      assert.equal(one.buckets.length, 20)
      for (const { offered, right, other } of one.buckets) assert.equal(right + other, offered)
      assert.deepEqual(
        one.faults.map(({ do: what }) => what),
        ['kill', 'heal'],
      )
    }
    assert(sum(needy, 0, 3, 'right') > 0)
    // Killed at 1.0 s and back at 2.5 s at the earliest: in between nobody is known.
    assert.equal(sum(needy, 5, 9, 'right'), 0)
    assert(sum(needy, 5, 9, 'other') > 0)
    assert(sum(needy, 10, 20, 'right') > 0)
    assert.equal(sum(free, 0, 20, 'other'), 0)
    const words = /^Redis was gone for .*: ([\d.]+) % of \d+ requests meanwhile/
    const [, failed] = words.exec(outagesInWords(needy)) ?? assert.fail(outagesInWords(needy))
    // One may be answered in the very moment of the kill.
    assert(Number(failed) >= 98, `${failed} %`)
    assert.match(outagesInWords(free), /^Redis was gone for .*: all of \d+ requests meanwhile were/)
  })

  it('is left out where it is interrupted', async function () {
    await own(this, 'redis')
    const targets = ['session-vs-token/server-session@redis', 'session-vs-token/signed-token']
    const { plan, setups } = await makePlan({ targets, faults: [kill('redis', 30_000)] })
    const measurement = measurementOf()
    Object.assign(measurement, { plan: { ...plan, warmUpMs: 0 }, timelines: [] })
    measurement.calibration.ratePerSecond = 20
    const client = await startClient()
    const stop = new AbortController()
    try {
      const watching = watchFaults(setups, measurement, { client, signal: stop.signal })
      await sleep(3_000)
      stop.abort()
      await watching
    } finally {
      await client.stop()
    }
    assert.deepEqual(measurement.timelines, [])
    assert(!allWatched(measurement))
  })
})

describe('the sentence of a timeline', () => {
  const timeline = (...rights: [right: number, other: number][]): Timeline => ({
    contender: 0,
    ratePerSecond: 40,
    bucketMs: 250,
    faults: [kill('redis', 500), heal('redis', 1_000)],
    buckets: rights.map(([right, other]) => ({
      ...{ offered: right + other, right, other },
      ...{ medianMs: 1, maxMs: 2 },
    })),
  })
  const says = (of: Timeline, words: string) => assert.equal(outagesInWords(of), words)

  it('says how many met the outage and when the first was answered again', () =>
    says(
      timeline([10, 0], [10, 0], [0, 10], [0, 10], [0, 10], [5, 5], [10, 0]),
      'Redis was gone for 500 ms: 100 % of 20 requests meanwhile were answered wrongly or not at ' +
        'all; the first right answer came within 500 ms of its return, and from 500 ms after its return on, all were right.',
    ))

  it('says that nobody noticed', () =>
    says(
      timeline([10, 0], [10, 0], [10, 0], [10, 0], [10, 0]),
      'Redis was gone for 500 ms: all of 20 requests meanwhile were answered right, as were all after its return.',
    ))

  it('says that it never became well again', () =>
    says(
      timeline([10, 0], [10, 0], [5, 5], [5, 5], [5, 5], [5, 5]),
      'Redis was gone for 500 ms: 50 % of 20 requests meanwhile were answered wrongly or not at all; ' +
        'not all were right again within 500 ms.',
    ))

  it('says that it was not brought back, how long people waited, and that the client was late', () => {
    const lasting = timeline([10, 0], [10, 0], [10, 0], [10, 0])
    lasting.faults.pop()
    lasting.lagP99Ms = 12
    lasting.buckets[3]!.medianMs = 900
    says(
      lasting,
      'Redis was gone from 500 ms on: all of 20 requests meanwhile were answered right. In the slowest ' +
        '250 ms of that time half of them waited 900 ms or more, before it at most 1 ms. The load client itself ' +
        'was late by 12 ms for one request in a hundred: shorter times say nothing.',
    )
  })
})
