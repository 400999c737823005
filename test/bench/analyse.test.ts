// From a measurement to verdicts and their sentences: the right one of the four, in the right words,
// the same for ever, and none where it cannot be told.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Metric } from '#core/measurement/metrics'
import { type Measurement, measurementSchema } from '#core/measurement/run'
import { encodeHistogram, newHistogram } from '../../bench/stats/histogram.ts'
import { analyse } from '../../bench/verdict/analyse.ts'
import { type Finding, sentenceOf } from '../../bench/verdict/sentence.ts'
import { loadFor, seriesOf } from '../../bench/verdict/series.ts'
import { analysed, changed, type Made, measurementOf, variants } from '../measurements.ts'

const [server, token] = variants as [Made, Made]

/** Twelve blocks of two contenders, the second twelve per cent slower. */
const usual = measurementOf()

const verdict = (measurement: Measurement, metric: Metric, pair = 'AB') => {
  const found = analyse(measurement).verdicts.find(
    (one) => one.metric === metric && one.a + one.b === pair,
  )
  assert(found, `no verdict on ${metric}`)
  return found
}
const sentence = (measurement: Measurement, metric: Metric, pair = 'AB') =>
  verdict(measurement, metric, pair).sentence

describe('the analysis of a measurement', () => {
  const measurement = measurementOf({ contenders: 3 })
  const whole = analysed(measurement)

  it('makes what the schema describes', () => {
    assert.deepEqual(measurementSchema.parse(whole), whole)
  })

  it('gives the same to the bit when it is made again from the stored file', () => {
    const stored = JSON.parse(JSON.stringify(whole)) as Measurement
    assert.deepEqual(analysed(stored), whole)
    assert.equal(JSON.stringify(analysed(stored)), JSON.stringify(whole))
  })

  it('does not look at the order of the blocks', () => {
    const shuffled = changed(measurement, (copy) => {
      copy.blocks.reverse()
      copy.blocks.unshift(...copy.blocks.splice(5, 3))
    })
    assert.deepEqual(analyse(shuffled), analyse(measurement))
  })

  it('leaves what it was given as it was', () => {
    const before = structuredClone(measurement)
    analyse(measurement)
    assert.deepEqual(measurement, before)
  })

  it('mirrors every verdict when two contenders change places', () => {
    const swapped = changed(usual, (copy) => {
      const to = [1, 0, 2]
      const moved = <T>(all: T[]) => to.map((from) => all[from]!)
      copy.plan.contenders = moved(copy.plan.contenders)
      for (const block of copy.blocks) {
        block.order = block.order.map((one) => to[one]!)
        block.afterwardsCpuMs = moved(block.afterwardsCpuMs)
        for (const slot of block.slots) slot.contender = to[slot.contender]!
      }
    })
    const opposite = { slower: 'faster', faster: 'slower' } as Record<string, string>
    const ours = analyse(usual).verdicts
    const theirs = analyse(swapped).verdicts
    assert.equal(ours.length, theirs.length)
    for (const [i, one] of ours.entries()) {
      const other = theirs[i]!
      assert.equal(other.verdict, opposite[one.verdict] ?? one.verdict)
      assert.equal(other.p, one.p)
      for (const [a, b] of [
        [one.ratio, other.ratio],
        [one.low, other.high],
        [one.high, other.low],
      ] as const)
        assert(a === b || Math.abs(a! * b! - 1) < 1e-9)
    }
  })

  it('scales: latencies three times as long give three times the ratio', () => {
    const cost = (factor: number) =>
      measurementOf({ contenders: [server, { ...token, cost: factor }], noise: 0 })
    const ratio = (factor: number) => verdict(cost(factor), 'p99').ratio!
    // Histograms keep three digits.
    assert(Math.abs(ratio(3) / ratio(1) / 3 - 1) < 3e-3)
  })

  it('asks the primary metric first and marks all others as exploratory', () => {
    const [first, ...others] = whole.verdicts.map(({ metric, exploratory }) =>
      exploratory ? `(${metric})` : metric,
    )
    assert.equal(first, 'p99')
    assert.equal(others.filter((one) => one === 'p99').length, 2)
    for (const one of others.slice(2)) assert.match(one, /^\(/)
  })

  it('compares every pair of contenders, and none with the bare server', () => {
    const pairs = whole.verdicts.filter(({ metric }) => metric === 'p99').map(({ a, b }) => a + b)
    assert.deepEqual(pairs, ['AB', 'AC', 'BC'])
    assert(!JSON.stringify(whole.verdicts).includes('reference'))
    assert(whole.figures.some(({ contender }) => contender === 'reference'))
  })

  it('puts those that cannot be told apart into one group, best first', () => {
    assert.deepEqual(
      whole.groups.map((group) => group.toSorted()),
      [['A'], ['B', 'C']],
    )
    const most = analyse(measurementOf({ contenders: 3, primary: 'throughput' }))
    assert.equal(most.groups[0]?.[0], 'A')
  })

  it('makes no groups where nothing can be said', () => {
    assert.deepEqual(analyse(measurementOf({ blocks: 4 })).groups, [])
    const spoiled = changed(measurement, (copy) => {
      copy.proof.ok = false
    })
    assert.deepEqual(analyse(spoiled).groups, [])
  })

  it('asks two other tests as well', () => {
    const { checks, low, high } = verdict(measurement, 'p99')
    assert(checks && low && high)
    assert(checks.signFlipP < 0.05 && checks.pairedT.p < 0.05)
    assert(checks.pairedT.low < high && low < checks.pairedT.high)
  })

  it('corrects for the number of pairs', () => {
    const two = measurementOf({ contenders: 2 })
    const five = measurementOf({ contenders: 5 })
    assert(verdict(five, 'p99').p! > verdict(two, 'p99').p!)
    // Ten pairs at once: each interval at 99.5 %, for which it takes nine blocks.
    const few = measurementOf({ contenders: 5, blocks: 8 })
    assert.match(
      sentence(few, 'p99'),
      /can be shown: 8 blocks are too few, it takes 9 for 10 comparisons at once/,
    )
    assert.equal(verdict(measurementOf({ contenders: 5, blocks: 9 }), 'p99').low === null, false)
  })

  it('can be made of a measurement that has no block yet', () => {
    const { verdicts, groups, figures } = analyse(measurementOf({ blocks: 0 }))
    assert.deepEqual(
      verdicts.map((one) => one.sentence),
      [
        'no difference between signed-token and server-session can be shown: no block was finished (p99 at 300 requests/s, 0 blocks)',
      ],
    )
    assert.deepEqual([groups, figures], [[], []])
  })
})

describe('a verdict', () => {
  it('says who is slower, by how much, in what', () => {
    assert.equal(
      sentence(usual, 'p99'),
      'signed-token is slower than server-session by 11 % [9, 13] (p99 at 300 requests/s, 12 blocks)',
    )
    const { ratio, low, high, verdict: word } = verdict(usual, 'p99')
    assert.equal(word, 'slower')
    assert(low! < 1.12 && 1.12 < high! && low! < ratio! && ratio! < high!)
  })

  it('says who is faster', () => {
    const measurement = measurementOf({ contenders: [token, server] })
    assert.match(
      sentence(measurement, 'p99'),
      /^server-session is faster than signed-token by 11\.5 % \[10\.6, 12\.4\] \(p99 /,
    )
  })

  it('takes fewer requests per second for slower', () => {
    const { verdict: word, ratio, sentence: says } = verdict(usual, 'throughput')
    assert.equal(word, 'slower')
    assert(ratio! < 1)
    assert.match(
      says,
      /^signed-token is slower than server-session by 1\d % \[\d+, \d+\] \(requests per second under full load, 12 blocks\)$/,
    )
  })

  it('speaks of times from double on', () => {
    const four = measurementOf({ contenders: [server, { ...token, cost: 4.2 }] })
    assert.match(
      sentence(four, 'p99'),
      /^signed-token is slower than server-session: it takes 4\.\d+ times \[4\.\d+, 4\.\d+\] as long \(/,
    )
    assert.match(
      sentence(four, 'rss'),
      /keeps 4\.\d+ times \[4\.\d+, 4\.\d+\] as much memory as server/,
    )
    const swift = measurementOf({ contenders: [{ ...server, cost: 3 }, token] })
    assert.match(
      sentence(swift, 'throughput'),
      /is faster than .*: it answers 2\.\d+ times .* as many/,
    )
  })

  it('has other words for CPU time, memory and garbage', () => {
    const measurement = measurementOf({
      contenders: [server, { ...server, cost: 1.2, title: 'x' }],
    })
    const tail = String.raw`\d+ % \[\d+, \d+\] more`
    for (const [metric, words] of [
      ['cpu', `^x uses ${tail} CPU time per request than server-session \\(under full load, 12 bl`],
      ['gc', `^x spends ${tail} time in garbage collection than server-session \\(under full`],
      ['rss', `^x keeps ${tail} memory than server-session \\(under full load, 12 blocks\\)$`],
    ] as const)
      assert.match(sentence(measurement, metric), new RegExp(words))
  })

  it('says that two are the same only within a margin', () => {
    const measurement = measurementOf({ contenders: [server, server] })
    const { verdict: word, low, high } = verdict(measurement, 'p99')
    assert.equal(word, 'same')
    assert(low! > 0.97 && high! < 1.03)
    assert.equal(
      sentence(measurement, 'p99'),
      'server-session (B) and server-session (A) are the same within ±3 % (p99 at 300 requests/s, 12 blocks)',
    )
  })

  it('says what is ruled out and what it would take where no difference can be shown', () => {
    const measurement = measurementOf({ contenders: [server, server], noise: 0.08, seed: 4 })
    const { verdict: word, sentence: says, p } = verdict(measurement, 'p99')
    assert.equal(word, 'undecided')
    assert(p! > 0.05)
    const found =
      /^no difference between server-session \(B\) and server-session \(A\) can be shown; more than ±(\d+|\d\.\d) % is ruled out; (\d+) blocks would show 3 % \(p99 at 300 requests\/s, 12 blocks\)$/.exec(
        says,
      )
    assert(found, says)
    assert(Number(found[2]) > 12)
  })

  it('shows both ends where much is possible', () => {
    const measurement = measurementOf({ contenders: [server, server], noise: 0.6, seed: 2 })
    assert.match(
      sentence(measurement, 'p99'),
      /can be shown; anything from −\d+ % to \+\d+ % is possible; /,
    )
  })

  it('never decides below six blocks, and says so', () => {
    const measurement = measurementOf({ blocks: 5, noise: 0 })
    const { verdict: word, ratio, low, p } = verdict(measurement, 'p99')
    assert.deepEqual([word, low, p], ['undecided', null, null])
    assert(ratio! > 1.1)
    assert.equal(
      sentence(measurement, 'p99'),
      'no difference between signed-token and server-session can be shown: 5 blocks are too few, it takes 6 (p99 at 300 requests/s, 5 blocks)',
    )
    for (const one of analyse(measurement).verdicts) assert.equal(one.verdict, 'undecided')
  })

  it('tells the next lower percentile where there are too few requests, and says so', () => {
    const measurement = measurementOf({ ratePerSecond: 200 })
    const [first] = analyse(measurement).verdicts
    assert.deepEqual([first?.metric, first?.exploratory], ['p95', false])
    assert.match(
      first!.sentence,
      /\(p95 at 200 requests\/s, 12 blocks; too few requests for p99\)$/,
    )
    assert(!analyse(measurement).verdicts.some(({ metric }) => metric === 'p99'))
    const figure = analyse(measurement).figures.find(({ metric }) => metric === 'p99')
    assert.deepEqual([figure?.median, figure?.low], [null, null])
  })

  it('tells the next lower percentile where the client was late, and says so', () => {
    const histogram = newHistogram()
    histogram.recordValueWithCount(50, 970)
    histogram.recordValueWithCount(3000, 30)
    const lag = encodeHistogram(histogram)
    const late = changed(usual, (copy) => {
      for (const slot of copy.blocks.flatMap(({ slots }) => slots))
        if (slot.load === 'open') slot.lag = lag
    })
    const [first] = analyse(late).verdicts
    assert.deepEqual([first?.metric, first?.exploratory], ['p95', false])
    assert.match(first!.sentence, /; the client was not punctual enough for p99\)$/)
    assert.equal(verdict(late, 'p99').verdict, 'invalid')
  })

  it('says how many requests it takes where there are too few for any percentile', () => {
    const [first] = analyse(measurementOf({ ratePerSecond: 4 })).verdicts
    assert.equal(first?.verdict, 'undecided')
    assert.match(
      first!.sentence,
      /can be shown: 32 requests in a block are too few, it takes 40 \(/,
    )
  })

  it('says when the primary metric was not measured', () => {
    const [first] = analyse(measurementOf({ load: 'open', primary: 'throughput' })).verdicts
    assert.match(first!.sentence, /can be shown: it was not measured \(requests per second /)
    assert.equal(first?.verdict, 'undecided')
  })

  it('is invalid where a gate failed that is about its metric, and keeps no number', () => {
    const measurement = changed(usual, (copy) => {
      for (const block of copy.blocks)
        for (const slot of block.slots)
          if (slot.load === 'open' && slot.contender === 1)
            slot.sent = slot.answered = slot.counted = Math.round(slot.offered * 0.93)
    })
    const found = verdict(measurement, 'p99')
    assert.deepEqual(
      [found.verdict, found.ratio, found.low, found.high, found.p, found.checks],
      ['invalid', null, null, null, null, null],
    )
    assert.equal(
      found.sentence,
      'invalid: the load client was saturated (rate 0.93 of the asked, 0.99 to 1.01 is allowed) (signed-token against server-session, p99 at 300 requests/s)',
    )
    // The closed load was not touched by that.
    assert.equal(verdict(measurement, 'throughput').verdict, 'slower')
  })

  it('shows what a server takes at the least where the client was the bottleneck', () => {
    const measurement = changed(usual, (copy) => {
      for (const block of copy.blocks)
        for (const slot of block.slots) if (slot.load === 'closed') slot.busy.client = 0.93
    })
    assert.match(
      sentence(measurement, 'throughput'),
      /^invalid: the load client was the bottleneck \(its event loop was busy 93 % of the time, 70 % is allowed\); signed-token takes at least \d,\d{3} requests per second, server-session at least \d,\d{3} \(/,
    )
    assert.notEqual(verdict(measurement, 'cpu').verdict, 'invalid')
  })

  it('names a stand-in as one, and is invalid', () => {
    const mongo = (made: Made): Made => ({ ...made, setup: made.setup.replace('redis', 'mongodb') })
    const measurement = changed(measurementOf({ contenders: [server, mongo(server)] }), (copy) => {
      copy.machine.backends.mongodb = { version: '1', via: 'mongo-java-server', standIn: true }
    })
    for (const one of analyse(measurement).verdicts) {
      assert.equal(one.verdict, 'invalid')
      assert.match(one.sentence, /server-session \(B\) \(stand-in for MongoDB\) against/)
    }
  })
})

describe('the numbers of a sentence', () => {
  const finding = (over: Partial<Finding>): Finding => ({
    verdict: 'slower',
    metric: 'p99',
    a: 'A',
    b: 'B',
    ratio: 1.12,
    low: 1.09,
    high: 1.15,
    margin: 0.03,
    blocks: 12,
    fewestBlocks: 6,
    comparisons: 1,
    blocksToShow: 26,
    where: 'at 300 requests/s',
    insteadOf: null,
    values: null,
    requests: null,
    serversAlone: false,
    failed: [],
    ...over,
  })

  it('are those of the four examples in the design', () => {
    const place = '(p99 at 300 requests/s, 12 blocks)'
    assert.equal(sentenceOf(finding({})), `B is slower than A by 12 % [9, 15] ${place}`)
    assert.equal(
      sentenceOf(finding({ verdict: 'same', ratio: 1, low: 0.99, high: 1.01 })),
      `B and A are the same within ±3 % ${place}`,
    )
    assert.equal(
      sentenceOf(finding({ verdict: 'undecided', ratio: 1, low: 0.97, high: 1.04, margin: 0.02 })),
      `no difference between B and A can be shown; more than ±4 % is ruled out; 26 blocks would show 2 % ${place}`,
    )
  })

  it('have as many decimals as the interval is narrow', () => {
    const by = (ratio: number, low: number, high: number) =>
      / by (.*) \(/.exec(sentenceOf(finding({ ratio, low, high })))?.[1]
    assert.equal(by(1.123, 1.1181, 1.1279), '12.3 % [11.8, 12.8]')
    assert.equal(by(1.05, 1.004, 1.09), '5.0 % [0.4, 9.0]')
    assert.equal(by(1.0312, 1.0305, 1.0318), '3.12 % [3.05, 3.18]')
  })

  it('enclose the interval, and never nothing, where a difference is claimed', () => {
    const share = fc.double({ min: 1e-5, max: 0.4, noNaN: true })
    fc.assert(
      fc.property(share, share, share, fc.boolean(), (a, b, c, slower) => {
        const [least, middle, most] = [a, b, c].sort((x, y) => x - y) as [number, number, number]
        const says = sentenceOf(
          slower
            ? finding({ low: 1 + least, ratio: 1 + middle, high: 1 + most })
            : finding({ verdict: 'faster', low: 1 - most, ratio: 1 - middle, high: 1 - least }),
        )
        const found = / by ([\d.]+) % \[([\d.]+), ([\d.]+)\] /.exec(says)
        assert(found, says)
        const [size, low, high] = found.slice(1).map(Number) as [number, number, number]
        assert(low > 0 && low <= least * 100 * (1 + 1e-6) && high >= most * 100 * (1 - 1e-6), says)
        assert(low <= size && size <= high, says)
      }),
    )
  })

  it('tell only the direction where the interval, made for all pairs, holds nothing as well', () => {
    assert.match(
      sentenceOf(finding({ ratio: 1.03, low: 0.998, high: 1.0612, comparisons: 3 })),
      /^B is slower than A by at most 6\.2 % \(/,
    )
    assert.match(
      sentenceOf(finding({ verdict: 'faster', ratio: 0.97, low: 0.94, high: 1.01 })),
      /^B is faster than A by at most 6 % \(/,
    )
  })

  it('stop where no one could wait for so many blocks', () => {
    const says = sentenceOf(
      finding({
        verdict: 'undecided',
        low: 0.9,
        high: 1.1,
        blocksToShow: Number.POSITIVE_INFINITY,
      }),
    )
    assert.match(
      says,
      /more than ±12 % is ruled out; to show 3 % would take more than 1,000 blocks/,
    )
  })
})

describe('what is counted exactly', () => {
  it('is compared as it is, without a test', () => {
    const { verdict: word, ratio, low, p, sentence: says } = verdict(usual, 'bytes')
    assert.deepEqual([word, low, p], ['slower', null, null])
    assert(Math.abs(ratio! - 760 / 420) < 1e-9)
    assert.equal(
      says,
      'signed-token moves 760 bytes per request where server-session moves 420: +81 % (at 300 requests/s, 12 blocks)',
    )
  })

  it('has no ratio where one of them is zero', () => {
    const none = verdict(usual, 'backend-calls')
    assert.deepEqual([none.verdict, none.ratio], ['faster', null])
    assert.equal(
      none.sentence,
      'signed-token makes none where server-session makes 2 backend calls per request (at 300 requests/s, 12 blocks)',
    )
    assert.match(
      sentence(measurementOf({ contenders: [token, server] }), 'backend-calls'),
      /^server-session makes 2 backend calls per request where signed-token makes none \(/,
    )
    const neither = verdict(measurementOf({ contenders: [token, token] }), 'backend-calls')
    assert.equal(neither.verdict, 'same')
    assert.match(neither.sentence, /^neither .* nor .* makes any backend calls \(/)
  })

  it('is the same when it is the same', () => {
    assert.match(
      sentence(measurementOf({ contenders: [server, server] }), 'bytes'),
      /are exactly the same: each moves 420 bytes per request \(bytes per request at 300/,
    )
    const nearly = measurementOf({ contenders: [server, { ...token, bytes: 425 }] })
    assert.match(
      sentence(nearly, 'bytes'),
      /are the same within ±3 %: 425 and 420 bytes per request \(/,
    )
  })

  it('is tested like everything else as soon as it varies, by differences where there is a zero', () => {
    const varied = changed(usual, (copy) => {
      for (const [i, { slots }] of copy.blocks.entries())
        for (const slot of slots) {
          slot.receivedBytes += i * slot.answered * (slot.contender + 1)
          if (slot.contender === 1 && i > 0)
            slot.calls = { 'session.get@redis': { calls: i, failures: 0, ms: 1 } }
        }
    })
    const bytes = verdict(varied, 'bytes')
    assert(bytes.low! < bytes.ratio! && bytes.ratio! < bytes.high!)
    const calls = verdict(varied, 'backend-calls')
    assert.deepEqual([calls.verdict, calls.ratio, calls.low], ['faster', null, null])
    assert(calls.p! < 0.01)
    assert.match(
      calls.sentence,
      /makes 0\.00\d+ backend calls per request where server-session makes 2 \(/,
    )
  })
})

describe('what a contender costs in a block', () => {
  const series = (measurement: Measurement, metric: Metric, contender = 0) =>
    seriesOf(measurement, contender)[metric]
  const one = measurementOf({ blocks: 1, noise: 0 })
  const slotsOf = (load: 'open' | 'closed', contender = 0) =>
    one.blocks[0]!.slots.filter((slot) => slot.contender === contender && slot.load === load)
  const sum = (numbers: number[]) => numbers.reduce((all, number) => all + number, 0)

  it('is taken from the load that tells it best', () => {
    const loads = (load: 'open' | 'closed' | 'both') =>
      (['throughput', 'p99', 'cpu', 'bytes', 'rss'] as const).map((metric) =>
        loadFor(metric, { load }),
      )
    assert.deepEqual(loads('both'), ['closed', 'open', 'closed', 'open', 'closed'])
    assert.deepEqual(loads('open'), [null, 'open', 'open', 'open', 'open'])
    assert.deepEqual(loads('closed'), ['closed', null, 'closed', 'closed', 'closed'])
  })

  it('is answers by time, of both slots', () => {
    const slots = slotsOf('closed')
    const expected = sum(slots.map((s) => s.answered)) / sum(slots.map((s) => s.seconds))
    assert.deepEqual(series(one, 'throughput').values, [expected])
  })

  it('merges both slots for a percentile', () => {
    const apart = changed(one, (copy) => {
      for (const slot of copy.blocks[0]!.slots) {
        const histogram = newHistogram()
        histogram.recordValueWithCount(slot.half === 'forward' ? 1_000 : 2_000, 1_000)
        slot.latency = encodeHistogram(histogram)
      }
    })
    assert.deepEqual(series(apart, 'p50').values, [1])
    assert.deepEqual(series(apart, 'p90').values, [2])
    assert.deepEqual(series(apart, 'p99').values, [2])
    assert.equal(series(apart, 'p99').fewestInBlock, 2_000)
  })

  it('counts the CPU time of server, backend and what went on afterwards, once', () => {
    const cpu = (load: 'open' | 'closed') =>
      sum(slotsOf(load).map((slot) => slot.cpuMs.server + slot.cpuMs.backend!))
    const afterwards = one.blocks[0]!.afterwardsCpuMs[0]!
    assert(afterwards > 0)
    const [perRequest] = series(one, 'cpu').values!
    const share = cpu('closed') / (cpu('closed') + cpu('open'))
    const expected = cpu('closed') + afterwards * share
    const answered = sum(slotsOf('closed').map((slot) => slot.answered))
    assert(Math.abs(perRequest! * answered - expected) < 1e-6)
  })

  it('leaves the backends out for everybody where one of them could not be read, and says so', () => {
    const hidden = changed(usual, (copy) => {
      for (const { slots } of copy.blocks)
        for (const slot of slots) if (slot.contender === 0) slot.cpuMs.backend = null
    })
    const whole = series(usual, 'cpu', 1).values!
    const servers = series(hidden, 'cpu', 1).values!
    assert.deepEqual(whole.length, servers.length)
    assert(series(hidden, 'cpu', 0).values![0]! < series(usual, 'cpu', 0).values![0]!)
    assert.match(
      sentence(hidden, 'cpu'),
      /servers alone, as the CPU time of the backends could not be read\)$/,
    )
  })

  it('is shown for every contender, with what the workload counts', () => {
    const stale = changed(measurementOf({ blocks: 6 }), (copy) => {
      for (const { slots } of copy.blocks)
        for (const slot of slots)
          if (slot.contender === 1) slot.judged = { right: slot.answered - 3, stale: 3 }
    })
    const { figures } = analyse(stale)
    const found = figures.filter(({ metric }) => metric === 'stale')
    assert.deepEqual(
      found.map(({ contender, unit }) => [contender, unit]),
      [['B', 'share of answers']],
    )
    assert(found[0]!.median! > 0 && found[0]!.low! <= found[0]!.median!)
    const bytes = figures.find(({ contender, metric }) => contender === 'A' && metric === 'bytes')
    assert.deepEqual(
      [bytes?.median, bytes?.low, bytes?.high, bytes?.unit],
      [420, 420, 420, 'bytes/request'],
    )
  })
})

describe('many measurements of the same against the same', () => {
  it('claim a difference as seldom as promised', () => {
    const runs = 60
    let claims = 0
    let same = 0
    for (let seed = 1; seed <= runs; seed++) {
      const measurement = measurementOf({
        contenders: [server, server],
        reference: false,
        blocks: 6,
        seed,
        load: 'closed',
        primary: 'throughput',
      })
      const { verdict: word } = verdict(measurement, 'throughput')
      if (word === 'slower' || word === 'faster') claims++
      if (word === 'same') same++
    }
    // Six blocks err in 3.1 % of runs; six of sixty would happen by chance once in a hundred times.
    assert(claims <= 5, `${claims} of ${runs}`)
    assert(same > runs / 4, `${same} of ${runs}`)
  })
})
