// Every gate both ways: a good measurement passes it, one that is spoiled in just that way does not,
// and noise alone fails none.
import assert from 'node:assert/strict'
import type { Block, Gate, Measurement, Slot } from '#core/measurement/run'
import { encodeHistogram, newHistogram } from '../../bench/stats/histogram.ts'
import { chance, noiseModels } from '../../bench/stats/noise.ts'
import { gatesOf } from '../../bench/verdict/gates/index.ts'
import { type Course, changeWithin } from '../../bench/verdict/steady.ts'
import { changed, type Made, measurementOf, variants } from '../measurements.ts'

const good = measurementOf()
const gate = (measurement: Measurement, name: string, load = ''): Gate => {
  const found = gatesOf(measurement).find(
    (one) => one.gate === name && (load === '' || one.where.endsWith(load)),
  )
  assert(found, `no gate ${name} ${load}`)
  return found
}
/** The measurement with `change` made to every slot of contender B under one load. */
const spoiled = (load: Slot['load'], change: (slot: Slot, block: Block) => void): Measurement =>
  changed(good, (copy) => {
    for (const block of copy.blocks)
      for (const slot of block.slots)
        if (slot.contender === 1 && slot.load === load) change(slot, block)
  })
const fails = (measurement: Measurement, name: string, load = ''): Gate => {
  const found = gate(measurement, name, load)
  assert.equal(found.ok, false, found.says)
  assert.equal(gate(good, name, load).ok, true)
  const others = gatesOf(measurement).filter((one) => !one.ok && one.gate !== name)
  assert.deepEqual(others, [])
  return found
}
const open = ['p99', 'p95', 'p90', 'p50']

describe('a good measurement', () => {
  it('passes every gate, and each says something', () => {
    const gates = gatesOf(good)
    assert.deepEqual(
      gates.filter(({ ok }) => !ok),
      [],
    )
    assert.deepEqual(
      [...new Set(gates.map((one) => one.gate))],
      [
        'claims',
        'stand-in',
        'client-cpu',
        'client-loop',
        'ceiling',
        'littles-law',
        'steady',
        'rate',
        'lag',
        'lag-p95',
        'balance',
        'counted',
        'errors',
        'answers',
        'steal-latency',
        'steal',
      ],
    )
    for (const { says } of gates) assert.match(says, /^[A-Z].*\.$/)
  })

  it('is asked only about the loads that were planned', () => {
    const names = (load: 'open' | 'closed') => gatesOf(measurementOf({ load })).map((g) => g.gate)
    assert(!names('closed').includes('lag') && names('closed').includes('littles-law'))
    assert(names('open').includes('lag') && !names('open').includes('littles-law'))
  })

  it('may have no block yet', () => {
    for (const { ok, value, gate: name } of gatesOf(measurementOf({ blocks: 0 }))) {
      assert(ok, name)
      assert(value === null || Number.isFinite(value))
    }
  })

  it('is not judged by the bare server, which is there to be driven to the limit', () => {
    const driven = changed(good, (copy) => {
      for (const { slots } of copy.blocks)
        for (const slot of slots)
          if (slot.contender === 2) {
            slot.busy.client = 1
            slot.cpuMs.client = slot.seconds * 1000
            slot.counted = 0
          }
    })
    assert.deepEqual(gatesOf(driven), gatesOf(good))
  })
})

describe('a gate', () => {
  it('asks that the claims were proved', () => {
    const wrong = changed(good, (copy) => {
      copy.proof = { ok: false, verdicts: 18, wrong: ['session-vs-token/signed-token logs-out'] }
    })
    const { spoils, says, value } = fails(wrong, 'claims')
    assert.deepEqual([spoils, value], ['all', 1])
    assert.match(says, /1 claim did not come out as declared, the first is session-vs-token/)
    const unknown = changed(good, (copy) => {
      copy.proof.ok = false
    })
    assert.equal(gate(unknown, 'claims').ok, false)
  })

  it('lets nothing stand in for a backend', () => {
    const standIn = changed(good, (copy) => {
      copy.machine.backends.redis!.standIn = true
    })
    const { says, spoils } = fails(standIn, 'stand-in')
    assert.match(says, /^No measurement is published from a stand-in \(here for Redis\)/)
    assert.equal(spoils, 'all')
  })

  it('does not mind a stand-in that nobody uses', () => {
    const elsewhere = changed(good, (copy) => {
      copy.machine.backends.mongodb = { version: '1', via: 'java', standIn: true }
    })
    assert.equal(gate(elsewhere, 'stand-in').ok, true)
  })

  it('asks that the client sent at the rate it was asked for', () => {
    for (const share of [0.98, 1.02]) {
      const wrong = spoiled('open', (slot) => {
        slot.sent = slot.answered = slot.counted = Math.round(slot.offered * share)
      })
      const { where, value, spoils } = fails(wrong, 'rate')
      assert.equal(where, 'B open')
      assert(Math.abs(value! - share) < 0.001)
      assert.deepEqual(spoils, open)
    }
    const nearly = spoiled('open', (slot) => {
      slot.sent = slot.answered = slot.counted = Math.round(slot.offered * 0.992)
    })
    assert.equal(gate(nearly, 'rate').ok, true)
  })

  it('asks that requests were sent on time', () => {
    const late = (ms: number, of1000 = 30) => {
      const histogram = newHistogram()
      histogram.recordValueWithCount(50, 1000 - of1000)
      histogram.recordValueWithCount(ms * 1000, of1000)
      const lag = encodeHistogram(histogram)
      return spoiled('open', (slot) => {
        slot.lag = lag
      })
    }
    const { where, value, says, spoils } = fails(late(3), 'lag')
    assert.equal(where, 'B open')
    assert(Math.abs(value! - 3) < 0.01)
    assert.match(says, /1 of 100 requests was sent 3 ms late or more/)
    assert.deepEqual(spoils, ['p99'])
    assert.equal(gate(late(0.9), 'lag').ok, true)
    assert.equal(gate(late(3), 'lag-p95').ok, true)
    const later = gate(late(3, 60), 'lag-p95')
    assert.equal(later.ok, false)
    assert.match(later.says, /5 of 100 requests were sent 3 ms late or more/)
    assert.deepEqual(later.spoils, ['p95', 'p90', 'p50'])
  })

  it('asks that the client had CPU time to spare', () => {
    const busy = (load: 'open' | 'closed', share: number) =>
      spoiled(load, (slot) => {
        slot.cpuMs.client = slot.seconds * 1000 * share
      })
    assert.deepEqual(fails(busy('open', 0.8), 'client-cpu', 'open').spoils, open)
    const { spoils, says, value } = fails(busy('closed', 0.8), 'client-cpu', 'closed')
    assert.deepEqual([spoils, value], [['throughput'], 0.8])
    assert.match(says, /^The load client was the bottleneck \(it used 80 % of a core/)
    assert.equal(gate(busy('open', 0.69), 'client-cpu', 'open').ok, true)
  })

  it('asks that the client’s event loop had time to spare', () => {
    const busy = (load: 'open' | 'closed', share: number) =>
      spoiled(load, (slot) => {
        slot.busy.client = share
      })
    const { spoils, where, says } = fails(busy('open', 0.93), 'client-loop', 'open')
    assert.deepEqual([spoils, where], [open, 'B open'])
    assert.match(says, /^The load client was saturated \(its event loop was busy 93 % of the time/)
    assert.deepEqual(fails(busy('closed', 0.71), 'client-loop', 'closed').spoils, ['throughput'])
    assert.equal(gate(busy('closed', 0.7), 'client-loop', 'closed').ok, true)
  })

  it('asks that an open load is at most half of what the client can make', () => {
    const rate = (ratePerSecond: number) =>
      changed(good, (copy) => {
        copy.calibration.ratePerSecond = ratePerSecond
      })
    const ceilingOf = (measurement: Measurement) =>
      gatesOf(measurement).filter(({ gate: name }) => name === 'ceiling')[1]!
    assert.equal(ceilingOf(rate(6_000)).ok, true)
    const { ok, value, spoils, says } = ceilingOf(rate(6_600))
    assert.deepEqual([ok, value, spoils], [false, 0.55, open])
    assert.match(says, /^The load came too near to what the load client can make \(55 % of/)
  })

  it('shows a closed load near the ceiling as one that the client limits', () => {
    const near = measurementOf({ contenders: [variants[0]!, { ...variants[1]!, cost: 0.3 }] })
    const { ok, where, value, spoils, says } = gate(near, 'ceiling', 'closed')
    assert.deepEqual([ok, where, spoils], [false, 'B closed', ['throughput']])
    assert(Math.abs(value! - 0.25 / 0.3) < 0.02)
    assert.match(says, /^The load client was the bottleneck \(8\d\.?\d? % of what the load client/)
  })

  it('takes the bare server of the same block for the ceiling, or else the calibration', () => {
    const slowed = (reference: boolean) =>
      changed(measurementOf({ reference }), (copy) => {
        copy.calibration.ceilingPerSecond = 3_000
      })
    assert.equal(gate(slowed(true), 'ceiling', 'closed').ok, true)
    assert.equal(gate(slowed(false), 'ceiling', 'closed').ok, false)
  })

  it("asks that rate, latency and connections obey Little's law", () => {
    const scaled = (factor: number) =>
      spoiled('closed', (slot) => {
        const histogram = newHistogram()
        const meanUs = ((10 * slot.slices.length * 0.1) / slot.answered) * 1e6
        histogram.recordValueWithCount(Math.round(meanUs * factor), slot.answered)
        slot.latency = encodeHistogram(histogram)
      })
    const { where, value, spoils } = fails(scaled(1.2), 'littles-law')
    assert.deepEqual([where, spoils], ['B closed', ['throughput']])
    assert(value! > 0.1)
    assert(Math.abs(fails(scaled(0.9), 'littles-law').value! - 0.1) < 0.002)
    for (const factor of [0.96, 1, 1.04]) assert.equal(gate(scaled(factor), 'littles-law').ok, true)
  })

  it('does not take the end of slices, when connections wait for nothing more, for a breach', () => {
    // Answers take as long as half a slice: a quarter of the connection time is spent waiting.
    const slow = spoiled('closed', (slot) => {
      slot.seconds = slot.slices.length * 0.15
      slot.answered = slot.sent = slot.counted = slot.offered = slot.slices.length * 10 * 2
      const histogram = newHistogram()
      histogram.recordValueWithCount(60_000, slot.answered)
      slot.latency = encodeHistogram(histogram)
    })
    assert.equal(gate(slow, 'littles-law').ok, true)
  })

  it('asks that every request has one end', () => {
    for (const lost of [1, -1]) {
      let first = true
      const wrong = spoiled('open', (slot) => {
        if (first) slot.answered -= lost
        first = false
      })
      const { value, where, spoils, says } = fails(wrong, 'balance')
      assert.deepEqual([value, where, spoils], [1, 'B open', 'all'])
      assert.match(says, /lost count: 1 request of a slot/)
    }
  })

  it('asks that the servers counted what the client sent', () => {
    for (const more of [1, -1]) {
      const wrong = spoiled('closed', (slot, { index }) => {
        if (index === 3) slot.counted += more
      })
      const { value, where, spoils } = fails(wrong, 'counted')
      assert.deepEqual([value, where, spoils], [1, 'B closed', 'all'])
    }
  })

  it('lets a request that broke off have arrived or not', () => {
    for (const counted of [0, 1]) {
      const broken = spoiled('open', (slot, { index }) => {
        if (index !== 0) return
        slot.failed = 1
        slot.answered -= 1
        slot.counted = slot.sent - counted
      })
      for (const name of ['balance', 'counted', 'errors'])
        assert.equal(gate(broken, name).ok, true, name)
    }
  })

  it('asks that at most one request in a thousand fails', () => {
    const failing = (share: number) =>
      spoiled('open', (slot) => {
        slot.timedOut = Math.round(slot.sent * share)
        slot.answered -= slot.timedOut
      })
    const { where, spoils, value } = fails(failing(0.003), 'errors')
    assert.deepEqual([where, spoils], ['B open', 'all'])
    assert(Math.abs(value! - 0.003) < 0.0005)
    assert.equal(gate(failing(0.0009), 'errors').ok, true)
  })

  it('asks that every answer is right', () => {
    const wrong = spoiled('closed', (slot, { index }) => {
      if (index === 7 && slot.half === 'mirrored')
        slot.judged = { right: slot.answered - 1, wrong: 1 }
    })
    const { value, where, spoils, says } = fails(wrong, 'answers')
    assert.deepEqual([value, where, spoils], [1, 'B closed', 'all'])
    assert.match(says, /^Answers were wrong, 1 answer of one contender/)
  })

  it('asks that other machines left this one its time', () => {
    const stolen = (share: number | null) =>
      changed(good, (copy) => {
        for (const block of copy.blocks) block.steal = share
      })
    assert.deepEqual(
      [fails(stolen(0.03), 'steal-latency').value, gate(stolen(0.02), 'steal-latency').ok],
      [0.03, true],
    )
    assert.equal(gate(stolen(0.05), 'steal').ok, true)
    assert.deepEqual(
      [gate(stolen(0.06), 'steal').ok, gate(stolen(0.06), 'steal').value],
      [false, 0.06],
    )
    const again = changed(stolen(0.01), (copy) => {
      const { startedAt, seconds } = copy.blocks[0]!
      copy.setAside = [{ index: 0, startedAt, seconds, steal: 0.11 }]
    })
    assert.equal(gate(again, 'steal').ok, true)
    assert.match(
      gate(again, 'steal').says,
      / 1 block was measured again, as it was more than 2 % in it\.$/,
    )
    assert.deepEqual(gate(stolen(0.06), 'steal-latency').spoils, ['p99', 'p95', 'p90', 'p50'])
    assert.deepEqual(gate(stolen(0.06), 'steal').spoils, ['throughput', 'cpu', 'gc', 'rss'])
    const { ok, value, says } = gate(stolen(null), 'steal')
    assert.deepEqual([ok, value], [true, null])
    assert.match(says, /cannot be read here/)
  })
})

describe('warm-up', () => {
  const alone = (made: Made): { contenders: Made[]; reference: boolean } => ({
    contenders: [made, variants[1]!],
    reference: false,
  })

  it('has ended where blocks end as they begin', () => {
    for (const load of ['open', 'closed']) {
      const { value, ok } = gate(good, 'steady', load)
      assert(ok)
      assert(value! < 0.01)
    }
  })

  it('has not where every block begins 10 % slower than it ends', () => {
    for (const noise of [0.02, 0.05]) {
      const cold = measurementOf({ ...alone(variants[0]!), blocks: 14, warmUp: 0.1, noise })
      const { ok, value, says, spoils } = gate(cold, 'steady', 'closed')
      assert.equal(ok, false)
      assert(value! > 0.02 && value! < 0.12, `${value}`)
      assert.match(
        says,
        /^Not steady: (CPU time per request|service time) of [AB] fell by [\d.]+ % in the course of a block, surely by [\d.]+ %; 2 % is allowed\.$/,
      )
      assert.deepEqual(spoils, ['throughput', 'cpu', 'gc', 'rss'])
    }
  })

  it('is seen in six blocks, too, where it is plain', () => {
    const cold = measurementOf({ ...alone(variants[0]!), blocks: 6, warmUp: 0.2 })
    assert.equal(gate(cold, 'steady', 'closed').ok, false)
  })

  it('is seen where it goes the other way: what gets slower and slower', () => {
    const tiring = measurementOf({ ...alone(variants[0]!), blocks: 14, warmUp: -0.1 })
    assert.match(gate(tiring, 'steady', 'open').says, / rose by /)
  })

  /**
   * What one of the machines of test/bench/stats.test.ts does to the course of blocks: eight windows of
   * six slices each, in the first half of a block. `cold`: how much slower blocks begin.
   */
  const coursesOn = (
    noise: (typeof noiseModels)[string],
    seed: number,
    blocks: number,
    cold = 0,
  ): Course[] => {
    const next = noise(chance(seed))
    return Array.from({ length: blocks }, () => {
      const levels = Array.from({ length: 8 }, (_, window) => {
        let sum = 0
        for (let slice = 0; slice < 6; slice++) sum += Math.exp(next())
        return Math.log(sum) + Math.log1p(cold * (1 - window / 7))
      })
      for (let slice = 0; slice < 48; slice++) next()
      return { levels, share: 0.5 }
    })
  }
  const runs = 300
  const unsteady = (courses: (seed: number) => Course[]): number => {
    let failed = 0
    for (let seed = 1; seed <= runs; seed++)
      if (changeWithin(courses(seed), 0.99).least! > 0.02) failed++
    return failed / runs
  }

  for (const [name, noise] of Object.entries(noiseModels)) {
    it(`is not mistaken for noise: ${name}`, () => {
      for (const blocks of [6, 14, 24]) {
        const failed = unsteady((seed) => coursesOn(noise, seed, blocks))
        // One of a hundred may; nine of three hundred happen by chance in one of two hundred tests.
        assert(failed <= 0.03, `${failed} with ${blocks} blocks`)
      }
    })

    it(`is not overlooked where it is strong: ${name}`, () => {
      const found = unsteady((seed) => coursesOn(noise, seed, 24, 0.3))
      // Where the machine halves its speed now and then, three in ten more are little.
      assert(found > (name === 'two speeds' ? 0.5 : 0.8), `${found}`)
    })
  }

  it('cannot be told from a single block', () => {
    const { ok, value, says } = gate(measurementOf({ blocks: 1 }), 'steady')
    assert.deepEqual([ok, value], [true, null])
    assert.match(says, /cannot be told from so few blocks or slices/)
  })
})
