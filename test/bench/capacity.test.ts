// How much a setup can take: the knee of loads that are made up, what cannot be trusted, what the
// report says of both, and a real one.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { home } from '#core/course/find'
import { SeesawError } from '#core/errors'
import { measureCapacity } from '../../bench/capacity/capacity.ts'
import {
  analyseCapacity,
  type CapacityMeasurement,
  capacitySchema,
  type Hold,
  isTooMuch,
} from '../../bench/capacity/measurement.ts'
import { openOpenLoad } from '../../bench/client/open.ts'
import { prepareTarget } from '../../bench/client/target.ts'
import {
  capacityInWords,
  capacityToHtml,
  capacityToMarkdown,
  capacityToTerminal,
  readCapacity,
} from '../../bench/report/capacity.ts'
import { reportFile } from '../../bench/report/file.ts'
import { startReference } from '../../bench/run/reference.ts'
import { encodeHistogram, newHistogram } from '../../bench/stats/histogram.ts'
import { analysed, type Made, measurementOf as runOf, variants } from '../measurements.ts'
import { ctrlC, seesaw, spawnSeesaw, tempFolder, until } from '../seesaw.ts'

const scenariosFolder = join(home, 'bench', 'self-test', 'scenarios')

const histogramOf = (count: number, msOf: (share: number) => number): string => {
  const histogram = newHistogram()
  for (let i = 0; i < count; i++)
    histogram.recordValue(Math.max(1, Math.round(msOf((i + 0.5) / count) * 1000)))
  return encodeHistogram(histogram)
}

/**
 * A rate held for three seconds or more by a server that takes `capacity` requests per second one after
 * another: times grow as in a queue, and without end beyond its capacity.
 */
const held = (
  pass: 1 | 2,
  ratePerSecond: number,
  {
    capacity = 1_000,
    lagMs = 0.1,
    wrong = 0,
    heldMs = Math.max(3_000, 440_000 / ratePerSecond),
  } = {},
): Hold => {
  const count = Math.round((ratePerSecond * heldMs) / 1000)
  const busy = ratePerSecond / capacity
  const lateMs = Math.max(0, heldMs * (busy - 1))
  const latency = histogramOf(count, (share) =>
    busy < 1 ? (-Math.log(1 - share) * 1000) / capacity / (1 - busy) : 200 + share * lateMs,
  )
  return {
    ...{ pass, ratePerSecond, heldMs },
    ...{ seconds: (heldMs + lateMs) / 1000, offered: count, sent: count, answered: count },
    ...{ failed: 0, timedOut: 0, judged: { right: count - wrong, wrong } },
    ...{ latency, lag: histogramOf(count, () => lagMs) },
    cpuMs: { server: count, backend: count / 2, client: count / 4 },
  }
}

const rates = [100, 250, 400, 550, 700, 800, 900, 1_000, 1_100, 1_200]
const both = (of: (pass: 1 | 2, rate: number) => Hold): Hold[] =>
  ([1, 2] as const).flatMap((pass) => rates.map((rate) => of(pass, rate)))

const measurementOf = (holds: Hold[], ceilingPerSecond = 10_000): CapacityMeasurement => {
  const calibration = { ceilingPerSecond, capacityPerSecond: 1_000 }
  return {
    ...{ seesaw: '0.1.0', format: 1, kind: 'capacity' },
    ...{ startedAt: '2026-11-23T14:00:00.000Z', finishedAt: '2026-11-23T14:02:00.000Z' },
    command: 'seesaw bench capacity rate-limits/gcra@redis --seed 1',
    machine: {
      ...{ cpu: 'A processor', cores: 2, memoryBytes: 8e9, os: 'Linux 6', node: 'v20.0.0' },
      ...{ v8: '11', container: false, backends: {} },
    },
    ...{ seed: 1, scenario: 'rate-limits', question: 'How many are too many?' },
    ...{ setup: 'rate-limits/gcra@redis', title: 'gcra', workload: 'crowd', says: 'a crowd' },
    ...{ arrivals: 'poisson', workers: 1, connections: 10, timeoutMs: 5_000 },
    ...{ proof: { ok: true, verdicts: 3, wrong: [] }, calibration, rates, holds },
    heldMs: rates.map((rate) => held(1, rate).heldMs),
    ...analyseCapacity({ holds, calibration }),
  }
}

describe('the knee of a capacity', () => {
  it('is the highest rate before the queue grows', () => {
    const { knee, points } = measurementOf(both((pass, rate) => held(pass, rate)))
    // The p95 of such a queue grows as 1 / (1 - busy): five times that at 10 % is reached at 82 %.
    assert.equal(knee?.ratePerSecond, 800)
    assert.deepEqual(knee?.passes, [800, 800])
    assert.equal(points.length, 10)
    assert(points.every(({ doubts }) => doubts.length === 0))
    const last = points.at(-1)
    assert(last && last.answeredPerSecond < 0.9 * last.offeredPerSecond)
    assert.equal(points[1]?.cpuMs, 1.5)
  })

  it('is below the first rate that was not in time, though a higher one was', () => {
    const holds = both((pass, rate) => held(pass, rate, { capacity: rate === 550 ? 600 : 1_000 }))
    assert.deepEqual(measurementOf(holds).knee, {
      quantile: 0.95,
      ratePerSecond: 400,
      passes: [400, 400],
    })
  })

  it('is what both passes reached, and says how far they are apart', () => {
    const holds = both((pass, rate) => held(pass, rate, { capacity: pass === 1 ? 900 : 1_200 }))
    const { knee } = measurementOf(holds)
    assert.deepEqual(knee?.passes, [700, 900])
    assert.equal(knee?.ratePerSecond, 700)
    assert.match(capacityInWords(measurementOf(holds)), /in one pass 700, in the other 900/)
  })

  it('is not at a rate that was answered wrongly', () => {
    const holds = both((pass, rate) => held(pass, rate, { wrong: rate > 500 ? rate / 10 : 0 }))
    assert.equal(measurementOf(holds).knee?.ratePerSecond, 400)
  })

  it('is looked for by a lower percentile where there are too few requests for p95', () => {
    const { knee, points } = measurementOf(
      both((pass, rate) => held(pass, rate)).map((one) => ({
        ...held(one.pass, one.ratePerSecond, { heldMs: 600 }),
      })),
    )
    assert.equal(points[0]?.requests, 120)
    assert.equal(points[0]?.p95Ms, null)
    assert.equal(knee?.quantile, 0.5)
  })

  it('is never at a rate at which the client was the limit', () => {
    const late = (rate: number) => (rate > 500 ? 300 : 0.1)
    const measurement = measurementOf(both((pass, rate) => held(pass, rate, { lagMs: late(rate) })))
    assert.equal(measurement.knee?.ratePerSecond, 400)
    assert.deepEqual(
      measurement.points.filter(({ doubts }) => doubts.length > 0).map((one) => one.ratePerSecond),
      rates.slice(3),
    )
    assert.match(capacityInWords(measurement), /answers at least 400 requests\/s .* could not be/)
  })

  it('may be seen although the client was late, where that is little of what answers take', () => {
    const lagMs = (rate: number) => (rate >= 1_000 ? 12 : 0.1)
    const { knee, points } = measurementOf(
      both((pass, rate) => held(pass, rate, { lagMs: lagMs(rate) })),
    )
    assert.equal(knee?.ratePerSecond, 800)
    assert(points.every(({ doubts }) => doubts.length === 0))
  })

  it('is not at a rate of which a part was held back', () => {
    const holds = both((pass, rate) => {
      const one = held(pass, rate)
      const part = Math.round(one.offered * 0.02)
      if (rate < 700) return one
      const answered = one.offered - part
      return { ...one, sent: answered, answered, judged: { right: answered } }
    })
    const { knee, points } = measurementOf(holds)
    assert.equal(knee?.ratePerSecond, 550)
    assert.deepEqual(points.at(-1)?.doubts, [])
  })

  it('rests on the other pass where the client was late in one', () => {
    const lagMs = (pass: number, rate: number) => (pass === 1 && rate === 800 ? 9 : 0.1)
    const { knee, points } = measurementOf(
      both((pass, rate) => held(pass, rate, { lagMs: lagMs(pass, rate) })),
    )
    assert.equal(knee?.ratePerSecond, 800)
    assert.deepEqual(knee?.passes, [700, 800])
    const point = points.find(({ ratePerSecond }) => ratePerSecond === 800)
    assert.deepEqual([point?.doubts, point?.requests], [[], 2_400])
  })

  it('is not named beyond half of what the client can send, nor where nothing can be trusted', () => {
    const holds = both((pass, rate) => held(pass, rate))
    assert.equal(measurementOf(holds, 1_000).knee?.ratePerSecond, 400)
    const none = measurementOf(holds, 100)
    assert.equal(none.knee, null)
    assert.match(
      capacityInWords(none),
      /^Nothing can be said about rate-limits\/gcra@redis: at none/,
    )
  })

  it('is not named of nothing', () => {
    assert.equal(
      capacityInWords(measurementOf([])),
      'Nothing was measured, so nothing can be said.',
    )
  })
})

describe('a rate on the way up', () => {
  const lowest = held(1, 100)

  it('is too much where answers stay away, the queue grows or the client is late', () => {
    assert.equal(isTooMuch(held(1, 1_200), lowest, 10_000), true)
    assert.equal(isTooMuch({ ...held(1, 500), answered: 1_000 }, lowest, 10_000), true)
    assert.equal(isTooMuch(held(1, 500, { lagMs: 2 }), lowest, 10_000), true)
    assert.equal(isTooMuch(held(1, 500), lowest, 900), true)
  })

  it('is not where it is answered, nor where nothing was due', () => {
    assert.equal(isTooMuch(held(1, 500), lowest, 10_000), false)
    const nothing = { ...held(1, 100), offered: 0, answered: 0 }
    assert.equal(isTooMuch(nothing, nothing, 10_000), false)
  })
})

describe('a report of a capacity', () => {
  const measurement = measurementOf(
    both((pass, rate) => held(pass, rate, { lagMs: rate > 1_000 ? 90 : 0.1 })),
  )
  const sentence =
    /^rate-limits\/gcra@redis answers up to 800 requests\/s in time \(in both passes; p95 [\d.]+ ms, 4,800 requests\), and 1,000 requests\/s as fast as answers come\./

  it('begins with the sentence, has every rate and the rule, and says whom not to trust', () => {
    const text = capacityToTerminal(measurement)
    assert.match(text.replace(/\s+/g, ' '), sentence)
    for (const line of text.split('\n')) assert(line.length <= 100, line)
    assert.match(text, /← knee/)
    assert.equal(text.match(/✗ not trusted/g)?.length, 2)
    assert.match(text, /The knee is the highest trusted rate up to which/)
    assert.match(capacityToMarkdown(measurement), /\*\*rate-limits\/gcra@redis answers up to 800/)
  })

  it('is one page without a script or a request, with grey crosses for what is not trusted', () => {
    const html = capacityToHtml(measurement)
    assert.match(html, /default-src 'none'/)
    assert.doesNotMatch(html, /<script|https?:\/\/(?!www\.w3\.org)/)
    assert.match(html, /knee: /)
    assert.match(html, /<g class="cr"><path/)
    assert(html.indexOf('answers up to 800') < html.indexOf('<figure'))
  })

  it('lets nothing hostile through', () => {
    const bad = '<script>hit()</script>'
    const hostile = {
      ...measurement,
      setup: bad,
      title: bad,
      question: bad,
      command: bad,
      says: bad,
    }
    assert.doesNotMatch(capacityToHtml(hostile), /<script/)
  })

  it('says what was interrupted', () => {
    const half = { ...measurementOf(both(held).slice(0, 7)), finishedAt: null }
    assert.match(capacityToTerminal(half), /! It was interrupted: 7 of 20 rates were held\./)
    assert.match(capacityToHtml(half), /It was interrupted: 7 of 20/)
  })

  it('is made from the stored file, analysed anew', () => {
    const file = join(tempFolder(), 'capacity.json')
    writeFileSync(file, JSON.stringify({ ...measurement, knee: null }))
    assert.deepEqual(readCapacity(file), measurement)
    writeFileSync(file, '{"kind":"http"}')
    assert.equal(readCapacity(file), undefined)
    writeFileSync(file, '{"kind":"capacity"}')
    assert.throws(
      () => readCapacity(file),
      (error) => error instanceof SeesawError && error.code === 'MEASUREMENT_UNREADABLE',
    )
    const garbled = { ...measurement, holds: [{ ...measurement.holds[0], latency: 'HISTnothing' }] }
    writeFileSync(file, JSON.stringify(garbled))
    assert.throws(
      () => readCapacity(file),
      (error) => error instanceof SeesawError && error.code === 'MEASUREMENT_UNREADABLE',
    )
  })
})

describe('the report of a run', () => {
  const folder = tempFolder()
  const [run, curve, html] = ['run.json', 'capacity.json', 'report.html'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  const [contender] = variants as [Made]
  writeFileSync(run, JSON.stringify(analysed(runOf())))

  it('shows the curve of one of those who are compared', async () => {
    const measurement = measurementOf(both(held))
    writeFileSync(curve, JSON.stringify({ ...measurement, setup: contender.setup }))
    await reportFile(run, { html, capacity: [curve] })
    const page = readFileSync(html, 'utf8')
    assert.match(page, /id="capacity-A"/)
    assert.match(page, /answers up to 800 requests\/s in time/)
  })

  it('refuses the curve of somebody else, and what is no curve', async () => {
    writeFileSync(curve, JSON.stringify(measurementOf(both(held))))
    for (const [file, says] of [
      [
        curve,
        /is about rate-limits\/gcra@redis, and compared are session-vs-token\/server-session/,
      ],
      [run, /is no measurement of a capacity/],
    ] as const)
      await assert.rejects(reportFile(run, { html, capacity: [file] }), {
        code: 'WRONG_USE',
        message: says,
      })
  })
})

describe('measuring a capacity', function () {
  this.timeout(90_000)
  const quick = {
    ...{ scenariosFolder, seesaw: '0.1.0', command: 'seesaw bench capacity steady/plain' },
    ...{ holdMs: 200, warmUpMs: 200, seed: 5 },
  }

  it('holds every rate twice, in an order and in its reverse, and keeps all of it', async () => {
    const kept: number[] = []
    const measurement = await measureCapacity('steady/plain', {
      ...quick,
      shares: [0.1, 0.3, 0.6],
      save: ({ holds }) => kept.push(holds.length),
    })
    assert.deepEqual(capacitySchema.parse(JSON.parse(JSON.stringify(measurement))), measurement)
    assert.deepEqual(analyseCapacity(measurement), {
      points: measurement.points,
      knee: measurement.knee,
    })
    assert.notEqual(measurement.finishedAt, null)
    assert.deepEqual(kept, [1, 2, 3, 4, 5, 6])
    assert.equal(measurement.proof.ok, true)
    const order = measurement.holds.map(({ ratePerSecond }) => ratePerSecond)
    assert.deepEqual(order, order.toReversed())
    assert.deepEqual(
      measurement.holds.map(({ pass }) => pass),
      [1, 1, 1, 2, 2, 2],
    )
    for (const { offered, answered, failed, timedOut, cpuMs } of measurement.holds) {
      assert(offered > 0)
      assert.equal(answered + failed + timedOut, offered)
      assert(cpuMs.server > 0)
    }
    assert.equal(measurement.command, 'seesaw bench capacity steady/plain --seed 5')
  })

  it('ends early in good order when it is told to', async () => {
    const stop = new AbortController()
    const { holds, finishedAt, points } = await measureCapacity('steady/plain', {
      ...quick,
      shares: [0.1, 0.2],
      signal: stop.signal,
      save: () => stop.abort(),
    })
    assert.deepEqual([holds.length, finishedAt, points.length], [1, null, 1])
  })

  it('goes on where it was interrupted, with the same rates in the same order', async () => {
    const shares = [0.1, 0.2, 0.3]
    const stop = new AbortController()
    const half = await measureCapacity('steady/plain', {
      ...{ ...quick, shares, signal: stop.signal },
      save: ({ holds }) => holds.length === 2 && stop.abort(),
    })
    const before = structuredClone(half)
    const whole = await measureCapacity(half.setup, { ...quick, seed: 6, resume: half })
    assert.deepEqual([before.holds.length, whole.holds.length], [2, 6])
    assert.notEqual(whole.finishedAt, null)
    assert.deepEqual(whole.holds.slice(0, 2), before.holds)
    assert.deepEqual(
      [whole.seed, whole.rates, whole.calibration],
      [before.seed, before.rates, before.calibration],
    )
    const order = whole.holds.map(({ ratePerSecond }) => ratePerSecond)
    assert.deepEqual(order, order.toReversed())
    assert.equal(new Set(order).size, 3)
  })

  it('says nothing against it where it was interrupted before anything was known', async () => {
    const good = { ok: true, verdicts: 7, wrong: [] }
    const resume = { ...measurementOf(both(held).slice(0, 3)), proof: good, finishedAt: null }
    for (const phase of ['proving', 'calibrating'] as const) {
      const stop = new AbortController()
      const half = await measureCapacity('steady/plain', {
        ...{ ...quick, signal: stop.signal },
        ...(phase === 'proving' ? { resume } : {}),
        onProgress: (event) => {
          if (event.type === 'phase' && event.phase === phase) stop.abort()
        },
      })
      assert.equal(half.finishedAt, null)
      if (phase === 'proving') assert.deepEqual(half.proof, good)
      else assert.deepEqual([half.holds, half.knee], [[], null])
    }
  })

  it('ends where the backend has died, and finds no knee in that', async function () {
    if (spawnSync('redis-server', ['--version']).error) {
      assert(!/redis/.test(process.env.REQUIRE_BACKENDS ?? ''), 'there is no redis-server')
      this.skip()
    }
    const port = await freePort()
    const redis = spawn('redis-server', ['--port', `${port}`, '--save', ''], { stdio: 'ignore' })
    const { REDIS_URL: before } = process.env
    process.env.REDIS_URL = `redis://127.0.0.1:${port}`
    const { scenariosFolder: _, ...options } = quick
    const saved: number[] = []
    try {
      await assert.rejects(
        measureCapacity('rate-limits/gcra@redis', {
          ...options,
          shares: [0.05, 0.1, 0.2],
          save({ holds }) {
            saved.push(holds.length)
            redis.kill('SIGKILL')
          },
        }),
        {
          code: 'MEASUREMENT_FAILED',
          message: /^rate-limits\/gcra@redis gave no right answer to \d/,
        },
      )
      assert.deepEqual(saved, [1])
    } finally {
      redis.kill('SIGKILL')
      if (before === undefined) delete process.env.REDIS_URL
      else process.env.REDIS_URL = before
    }
  })

  it('tells a program where it is, also when it goes on', async () => {
    const stop = new AbortController()
    const half = await measureCapacity('steady/plain', {
      ...{ ...quick, shares: [0.1], signal: stop.signal },
      save: () => stop.abort(),
    })
    const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
    const folder = tempFolder()
    const file = join(folder, 'capacity.json')
    writeFileSync(file, JSON.stringify({ ...half, seesaw: version }))
    const words = ['bench', '--resume', file, '--scenarios', scenariosFolder, '--progress=json']
    const { code, out, err } = await seesaw(words, { env: { TMPDIR: folder } })
    assert(code === 0 || code === 1, err)
    assert.equal(out, '')
    assert.deepEqual(
      err
        .trim()
        .split('\n')
        .slice(-2)
        .map((line) => JSON.parse(line)),
      [{ type: 'result', file }, { type: 'done' }],
    )
    assert.notEqual(readCapacity(file)?.finishedAt, null)
  })

  it('leaves what was there where it is interrupted before the first rate was held', async () => {
    const folder = tempFolder()
    const file = join(folder, 'capacity.json')
    writeFileSync(file, 'an earlier one')
    const words = ['bench', 'capacity', 'steady/plain', '--scenarios', scenariosFolder]
    const run = spawnSeesaw([...words, '--json', file, '--md', file], {
      ...{ env: { TMPDIR: folder }, inTerminal: true },
    })
    await until(() => /starting: /.test(run.err()), 30_000)
    ctrlC(run.child)
    const { code, out, err } = await run.ended
    assert.equal(code, 130, err)
    assert.match(err, /Interrupted before the first part had ended: nothing to keep\./)
    assert.deepEqual([out, readFileSync(file, 'utf8')], ['', 'an earlier one'])
  })

  it('does not go on where nobody knows how long each rate is held', async () => {
    const file = join(tempFolder(), 'capacity.json')
    const old = { ...measurementOf(both(held).slice(0, 3)), finishedAt: null }
    delete old.heldMs
    writeFileSync(file, JSON.stringify(old))
    assert.equal(readCapacity(file)?.holds.length, 3)
    const { code, err } = await seesaw(['bench', '--resume', file])
    assert.equal(code, 2)
    assert.match(err, /does not say how long each of its rates is held.* \[WRONG_USE\]/)
  })

  it('sends everything even if the pacer wakes too early and then no more', async () => {
    const reference = await startReference()
    let send = () => {}
    const load = openOpenLoad(
      await prepareTarget({
        ...{ id: 0, setup: '', url: reference.url, workload: '' },
        ...{ connections: 1, timeoutMs: 1_000 },
      }),
      {
        start(offsets, due) {
          const beganMs = performance.now()
          let i = 0
          send = () => {
            for (; i < offsets.length && beganMs + (offsets[i] as number) <= performance.now(); i++)
              due(i, beganMs + (offsets[i] as number))
          }
          return beganMs
        },
        catchUp: () => send(),
      },
    )
    try {
      const { sent, answered } = await load.run({
        ...{ ms: 100, ratePerSecond: 100, arrivals: 'even', seed: 1 },
      })
      assert.deepEqual([sent, answered], [10, 10])
    } finally {
      await load.close()
      await reference.stop()
    }
  })

  const refused = (title: string, words: string[], line: RegExp) =>
    it(`refuses ${title}`, async () => {
      const { code, out, err } = await seesaw(['bench', 'capacity', ...words])
      assert.deepEqual([code, out], [2, ''])
      assert.match(err, line)
    })
  refused('more than one setup', ['rate-limits'], /one setup is measured at a time; this names 6/)
  refused(
    'a workload that is not there',
    ['rate-limits/gcra', '--workload', 'x'],
    /No workload 'x'/,
  )
})

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  return port
}
