// The statistics of the harness: held to figures of SciPy, of textbooks and of published tables, to
// what must hold for any data, and to simulated machines on which the truth is known.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { blocksToShow } from '../../bench/stats/blocks-to-show.ts'
import {
  normalCdf,
  normalQuantile,
  studentCdf,
  studentQuantile,
} from '../../bench/stats/distributions.ts'
import { equivalent } from '../../bench/stats/equivalence.ts'
import {
  decodeHistogram,
  encodeHistogram,
  meanMs,
  mergeHistograms,
  newHistogram,
  quantileMs,
  requestsFor,
} from '../../bench/stats/histogram.ts'
import { holm } from '../../bench/stats/holm.ts'
import { letterGroups } from '../../bench/stats/letters.ts'
import { median } from '../../bench/stats/median.ts'
import {
  chance,
  logRatios,
  noiseModels,
  oneAfterTheOther,
  takeTurns,
} from '../../bench/stats/noise.ts'
import { medianInterval } from '../../bench/stats/order-interval.ts'
import { pairedT } from '../../bench/stats/paired-t.ts'
import { rankSum, rankSumCdf } from '../../bench/stats/rank-sum.ts'
import { signFlipP } from '../../bench/stats/sign-flip.ts'
import {
  fewestFor,
  hodgesLehmann,
  signedRankCdf,
  signedRankInterval,
  signedRankP,
  walshAverages,
} from '../../bench/stats/signed-rank.ts'
import { theilSen } from '../../bench/stats/theil-sen.ts'
import { welchP } from '../../bench/stats/welch.ts'

/** Test vectors; each file names its source. `make.py` beside them makes those of SciPy. */
const vectors = <Case>(name: string): { source: string; cases: Case[] } =>
  JSON.parse(readFileSync(new URL(`../fixtures/statistics/${name}.json`, import.meta.url), 'utf8'))
const published = JSON.parse(
  readFileSync(new URL('../fixtures/statistics/published.json', import.meta.url), 'utf8'),
)

const near = (actual: number, expected: number, tolerance = 1e-9): void =>
  assert(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual} is not ${expected}`,
  )
const nearInterval = (
  actual: { low: number; high: number } | null,
  expected: readonly number[] | null,
): void => {
  assert.equal(actual === null, expected === null)
  if (!actual || !expected) return
  near(actual.low, expected[0]!)
  near(actual.high, expected[1]!)
}

describe("Wilcoxon's signed-rank test", () => {
  type Case = {
    values: number[]
    p: number
    estimate?: number
    intervals?: Record<string, number[] | null>
  }
  const { source, cases } = vectors<Case>('signed-rank')

  it(`gives the p values of ${source}`, () => {
    for (const { values, p } of cases) near(signedRankP(values), p)
  })

  it('gives the estimates and intervals that come from inverting the test there', () => {
    for (const { values, estimate, intervals = {} } of cases) {
      if (estimate !== undefined) near(hodgesLehmann(values), estimate)
      for (const [confidence, expected] of Object.entries(intervals))
        nearInterval(signedRankInterval(values, Number(confidence)), expected)
    }
  })

  it('gives the critical values of a published table', () => {
    for (const level of ['0.1', '0.05'])
      for (const [n, t] of Object.entries<number>(published.signedRankCriticalValues[level])) {
        assert(2 * signedRankCdf(Number(n), t) <= Number(level), `n = ${n}`)
        assert(2 * signedRankCdf(Number(n), t + 1) > Number(level), `n = ${n}`)
      }
  })

  it('gives the p value, estimate and interval of an example in Hollander & Wolfe', () => {
    const { before, after, p, estimate, interval } = published.depression
    const differences = after.map((one: number, i: number) => one - before[i])
    near(signedRankP(differences), p)
    near(hodgesLehmann(differences), estimate, 1e-3)
    const found = signedRankInterval(differences, 0.95)
    assert(found)
    near(found.low, interval.low, 1e-3)
    near(found.high, interval.high, 1e-3)
    near(found.confidence, interval.confidence, 1e-3)
  })

  it('counts the same as adding up every choice of signs', () => {
    for (let n = 1; n <= 10; n++) {
      const sums = Array.from({ length: 2 ** n }, (_, signs) => {
        let sum = 0
        for (let rank = 1; rank <= n; rank++) if (signs & (1 << (rank - 1))) sum += rank
        return sum
      })
      for (let t = 0; t <= (n * (n + 1)) / 2; t++)
        near(signedRankCdf(n, t), sums.filter((sum) => sum <= t).length / 2 ** n, 1e-14)
    }
  })

  it('passes over to the normal distribution without a jump', () => {
    for (const share of [0.3, 0.35, 0.4, 0.5]) {
      const at = (n: number) => signedRankCdf(n, Math.round((share * n * (n + 1)) / 2))
      assert(Math.abs(at(60) - at(61)) < 0.01)
    }
    const values = Array.from({ length: 61 }, (_, i) => Math.sin(i * 7.1) + 0.2)
    const interval = signedRankInterval(values, 0.95)
    assert(interval && interval.confidence >= 0.95 && interval.confidence < 0.951)
  })

  it('takes six differences for 95 %, five for 90 %, eight for 99 %', () => {
    assert.deepEqual([0.95, 0.9, 0.99].map(fewestFor), [6, 5, 8])
    assert.equal(signedRankInterval([1, 2, 3, 4, 5], 0.95), null)
    assert.equal(signedRankInterval([], 0.5), null)
  })

  it('counts differences of zero against a difference', () => {
    assert.equal(signedRankP([0, 0, 0, 0, 0, 0]), 1)
    assert(signedRankP([0, 1, 2, 3, 4, 5, 6]) > signedRankP([0.5, 1, 2, 3, 4, 5, 6]))
  })
})

describe('Mann and Whitney’s test of two runs', () => {
  type Case = {
    a: number[]
    b: number[]
    p: number
    estimate: number
    intervals: Record<string, number[] | null>
  }
  const { source, cases } = vectors<Case>('rank-sum')

  it(`gives the p values, shifts and intervals of ${source}`, () => {
    for (const { a, b, p, estimate, intervals } of cases)
      for (const [confidence, expected] of Object.entries(intervals)) {
        const found = rankSum(a, b, Number(confidence))
        near(found.p, p)
        near(found.shift, estimate)
        nearInterval(found.interval, expected)
      }
  })

  it('gives the critical values of a published table', () => {
    for (const [n, u] of Object.entries<number>(published.rankSumCriticalValues['0.05'])) {
      assert(2 * rankSumCdf(Number(n), Number(n), u) <= 0.05, `n = ${n}`)
      assert(2 * rankSumCdf(Number(n), Number(n), u + 1) > 0.05, `n = ${n}`)
    }
  })

  it('gives the p value, shift and interval of an example in Hollander & Wolfe', () => {
    const { a, b, p, estimate, interval } = published.permeability
    const found = rankSum(a, b, 0.95)
    near(found.p, p, 1e-4)
    near(found.shift, estimate)
    assert(found.interval)
    near(found.interval.low, interval.low)
    near(found.interval.high, interval.high)
    near(found.interval.confidence, interval.confidence, 2e-3)
  })

  it('is exact also where one side has many values, as counting every order shows', () => {
    const [m, n] = [4, 60]
    // How often each U comes up where the m values take every four of the 64 ranks.
    const ways = new Array<number>(m * n + 1).fill(0)
    for (let a = 0; a < m + n; a++)
      for (let b = a + 1; b < m + n; b++)
        for (let c = b + 1; c < m + n; c++)
          for (let d = c + 1; d < m + n; d++) ways[a + b + c + d - 6]!++
    const all = ways.reduce((sum, count) => sum + count, 0)
    assert.equal(all, 635_376)
    let sum = 0
    for (const [u, count] of ways.entries()) {
      sum += count
      near(rankSumCdf(m, n, u) / (sum / all), 1, 1e-12)
      near(rankSumCdf(n, m, u) / (sum / all), 1, 1e-12)
    }
    // The normal approximation says 0.0005, three hundred times as much.
    near(rankSumCdf(m, n, 0), 1 / all, 1e-15)
  })

  it('passes over to the normal distribution without a jump', () => {
    for (const share of [0.35, 0.4, 0.5]) {
      const at = (n: number) => rankSumCdf(n, n, Math.round(share * n * n))
      assert(Math.abs(at(50) - at(51)) < 0.01)
    }
  })

  it('has no interval where there are too few values', () => {
    assert.equal(rankSum([1, 2, 3], [4, 5, 6], 0.95).interval, null)
    assert.equal(rankSum([], [1], 0.95).interval, null)
  })
})

describe('the tests that check on them', () => {
  it('agree with Student', () => {
    type Case = { values: number[]; p: number; intervals: Record<string, number[]> }
    for (const { values, p, intervals } of vectors<Case>('paired-t').cases)
      for (const [confidence, expected] of Object.entries(intervals)) {
        const found = pairedT(values, Number(confidence))
        assert(found)
        near(found.p, p)
        nearInterval(found, expected)
      }
  })

  it('know that Student says nothing of differences that are all the same', () => {
    assert.equal(pairedT([0.1, 0.1, 0.1], 0.95), null)
    assert.equal(pairedT([1], 0.95), null)
  })

  it('agree with all exchanges of signs', () => {
    type Case = { values: number[]; p: number }
    for (const { values, p } of vectors<Case>('sign-flip').cases) near(signFlipP(values, 1), p)
  })

  it('draw exchanges where there are too many, the same ones for the same seed', () => {
    const values = Array.from({ length: 40 }, (_, i) => Math.sin(i * 3.7) + 0.25)
    const p = signFlipP(values, 7)
    assert.equal(signFlipP(values, 7), p)
    // Three standard errors of a share drawn 9,999 times are 0.007 at 0.05.
    assert(Math.abs(p - pairedT(values, 0.95)!.p) < 0.01)
  })

  it('agree with Welch', () => {
    type Case = { a: number[]; b: number[]; p: number }
    for (const { a, b, p } of vectors<Case>('welch').cases) near(welchP(a, b), p)
  })
})

describe('the slope of Theil and Sen', () => {
  type Case = { values: number[]; slope: number; intervals: Record<string, number[] | null> }
  const { source, cases } = vectors<Case>('theil-sen')

  it(`is that of ${source}`, () => {
    for (const { values, slope, intervals } of cases)
      for (const [confidence, expected] of Object.entries(intervals)) {
        const found = theilSen(values, Number(confidence))
        near(found.slope, slope)
        nearInterval(found.interval, expected)
      }
  })

  it('does not follow one wild value', () => {
    near(theilSen([1, 2, 3, 400, 5, 6, 7, 8], 0.95).slope, 1)
  })
})

describe('the smaller parts', () => {
  it('know the normal distribution and Student’s', () => {
    type Case = { of: string; df?: number; x: number; p: number }
    for (const { of, df = 0, x, p } of vectors<Case>('distributions').cases) {
      near(of === 'normal' ? normalCdf(x) : studentCdf(x, df), p, 1e-12)
      if (p > 1e-6 && p < 1 - 1e-6)
        near(of === 'normal' ? normalQuantile(p) : studentQuantile(p, df), x, 1e-8)
    }
  })

  it('correct several p values as Holm does', () => {
    type Case = { p: number[]; corrected: number[] }
    for (const { p, corrected } of vectors<Case>('holm').cases)
      for (const [i, one] of holm(p).entries()) near(one, corrected[i]!)
  })

  it('find the interval of a median', () => {
    type Case = { values: number[]; interval: number[] | null }
    for (const { values, interval } of vectors<Case>('median-interval').cases)
      nearInterval(medianInterval(values, 0.95), interval)
    assert.equal(medianInterval([], 0.95), null)
  })

  it('find the middle of an odd and of an even number of values', () => {
    assert.equal(median([3, 1, 2]), 2)
    assert.equal(median([4, 1, 3, 2]), 2.5)
    assert(Number.isNaN(median([])))
  })

  it('put into one group exactly those that are not told apart', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.array(fc.boolean(), { minLength: 49, maxLength: 49 }),
        (count, bits) => {
          const apart = (i: number, j: number) => bits[Math.min(i, j) * 7 + Math.max(i, j)]!
          const groups = letterGroups(count, apart)
          for (let i = 0; i < count; i++)
            for (let j = 0; j < i; j++)
              assert.equal(
                groups.some((group) => group.includes(i) && group.includes(j)),
                !apart(i, j),
              )
          for (const [at, group] of groups.entries()) {
            assert(group.length > 0)
            assert(
              groups.every((other, i) => i === at || !group.every((one) => other.includes(one))),
            )
          }
          assert.deepEqual(groups.flat().sort()[0], 0)
        },
      ),
    )
    const chain = (i: number, j: number) => Math.abs(i - j) > 1
    assert.deepEqual(letterGroups(4, chain), [
      [0, 1],
      [1, 2],
      [2, 3],
    ])
    assert.deepEqual(
      letterGroups(3, () => false),
      [[0, 1, 2]],
    )
  })
})

describe('histograms of latencies', () => {
  it('come back from text as they were', () => {
    const histogram = newHistogram()
    for (let us = 1; us <= 5_000; us++) histogram.recordValue(us)
    const back = decodeHistogram(encodeHistogram(histogram))
    assert.equal(back.totalCount, 5_000)
    for (const p of [0.5, 0.9, 0.99]) assert.equal(quantileMs(back, p), quantileMs(histogram, p))
    assert.equal(decodeHistogram('').totalCount, 0)
    assert.equal(decodeHistogram(encodeHistogram(newHistogram())).totalCount, 0)
  })

  it('tell single microseconds apart up to two milliseconds', () => {
    for (const us of [1, 17, 999, 1_000, 1_001, 2_047]) {
      const histogram = newHistogram()
      histogram.recordValueWithCount(us, 100)
      assert.equal(quantileMs(histogram, 0.5), us / 1000)
    }
  })

  it('are merged, not averaged', () => {
    const [fast, slow] = [newHistogram(), newHistogram()]
    fast.recordValueWithCount(100, 3_900)
    slow.recordValueWithCount(90_000, 100)
    const both = mergeHistograms([fast, encodeHistogram(slow)])
    assert.equal(quantileMs(both, 0.95), 0.1)
    assert(Math.abs(quantileMs(both, 0.99)! - 90) <= 0.09)
    near(meanMs(both), (3_900 * 0.1 + 100 * 90) / 4_000, 1e-3)
    // What was given stays as it was.
    assert.equal(fast.totalCount, 3_900)
  })

  it('keep values above a minute', () => {
    const long = newHistogram()
    long.recordValueWithCount(300_000_000, 50)
    const merged = mergeHistograms([encodeHistogram(long), newHistogram()])
    assert(Math.abs(quantileMs(merged, 0.5)! - 300_000) <= 300)
  })

  it('give a quantile only if twenty requests lie beyond it', () => {
    assert.deepEqual([0.5, 0.9, 0.95, 0.99].map(requestsFor), [40, 200, 400, 2_000])
    const histogram = newHistogram()
    histogram.recordValueWithCount(500, 1_999)
    assert.equal(quantileMs(histogram, 0.99), null)
    histogram.recordValue(500)
    assert.equal(quantileMs(histogram, 0.99), 0.5)
    assert.equal(meanMs(newHistogram()), 0)
  })
})

describe('whatever the differences are', () => {
  /** Differences as blocks give them, ties and zeros among them. */
  const differences = fc.array(
    fc.oneof(
      fc.double({ min: -3, max: 3, noNaN: true }),
      fc.integer({ min: -4, max: 4 }).map((n) => n / 4),
    ),
    { minLength: 6, maxLength: 24 },
  )
  const interval = (values: readonly number[], confidence = 0.95) => {
    const found = signedRankInterval(values, confidence)
    assert(found)
    return found
  }

  it('swapping A and B mirrors estimate and interval to the bit, and no p value', () => {
    fc.assert(
      fc.property(differences, (values) => {
        const mirrored = values.map((value) => -value)
        const [one, other] = [interval(values), interval(mirrored)]
        assert(one.low + other.high === 0 && one.high + other.low === 0)
        assert(hodgesLehmann(values) + hodgesLehmann(mirrored) === 0)
        assert.equal(signedRankP(values), signedRankP(mirrored))
        assert.equal(signFlipP(values, 1), signFlipP(mirrored, 1))
        assert.equal(equivalent(values, 0.5, 0.05), equivalent(mirrored, 0.5, 0.05))
      }),
    )
  })

  it('the order of the blocks changes no bit', () => {
    fc.assert(
      fc.property(differences, (values) => {
        const other = [...values].sort((a, b) => Math.sin(a * 99) - Math.sin(b * 99))
        assert.deepEqual(interval(other), interval(values))
        assert.equal(hodgesLehmann(other), hodgesLehmann(values))
        assert.equal(signedRankP(other), signedRankP(values))
        assert.deepEqual(pairedT(other, 0.95), pairedT(values, 0.95))
        assert.equal(signFlipP(other, 3), signFlipP(values, 3))
      }),
    )
  })

  it('making B slower by a factor moves estimate and interval by that factor', () => {
    fc.assert(
      fc.property(differences, fc.double({ min: -1, max: 1, noNaN: true }), (values, shift) => {
        const moved = values.map((value) => value + shift)
        near(hodgesLehmann(moved), hodgesLehmann(values) + shift, 1e-12)
        near(interval(moved).low, interval(values).low + shift, 1e-12)
        near(interval(moved).high, interval(values).high + shift, 1e-12)
      }),
    )
  })

  it('more confidence never makes the interval narrower, and it always holds the estimate', () => {
    fc.assert(
      fc.property(differences, (values) => {
        const levels = [0.5, 0.8, 0.9, 0.95].map((level) => interval(values, level))
        const estimate = hodgesLehmann(values)
        for (const [i, { low, high, confidence }] of levels.entries()) {
          assert(low <= estimate && estimate <= high)
          const wider = levels[i + 1]
          if (wider)
            assert(wider.low <= low && high <= wider.high && confidence <= wider.confidence)
        }
      }),
    )
  })

  it('the p value and the interval never contradict each other', () => {
    fc.assert(
      fc.property(differences, fc.constantFrom(0.9, 0.95), (values, confidence) => {
        const { low, high } = interval(values, confidence)
        const rejects = signedRankP(values) <= (1 - confidence) * (1 + 1e-9)
        assert.equal(rejects, low > 0 || high < 0)
      }),
    )
  })

  it('two runs the other way round mirror their shift', () => {
    const run = fc.array(fc.double({ min: 0.1, max: 9, noNaN: true }), {
      minLength: 4,
      maxLength: 12,
    })
    fc.assert(
      fc.property(run, run, (a, b) => {
        const [one, other] = [rankSum(a, b, 0.95), rankSum(b, a, 0.95)]
        assert(one.shift + other.shift === 0)
        near(one.p, other.p, 1e-12)
        assert(one.interval && other.interval)
        assert(one.interval.low + other.interval.high === 0)
      }),
    )
  })

  it('a correction never makes a p value smaller nor changes their order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }), (p) => {
        const corrected = holm(p)
        for (const [i, one] of corrected.entries()) {
          assert(one >= p[i]! && one <= Math.min(1, p[i]! * p.length) + 1e-12)
          for (const [j, other] of corrected.entries()) if (p[i]! < p[j]!) assert(one <= other)
        }
      }),
    )
  })

  it('the Walsh averages are all pairs, in order', () => {
    assert.deepEqual([...walshAverages([3, 1, 2])], [1, 1.5, 2, 2, 2.5, 3])
  })
})

describe('on a simulated machine', () => {
  const runs = 4_000
  const blocks = 12
  const slices = 4
  const machines = Object.entries(noiseModels)
  /** The share of simulated runs, each with its own seed, of which `claim` is true. */
  const share = (from: number, claim: (seed: number) => boolean, of = runs): number => {
    let count = 0
    for (let seed = from; seed < from + of; seed++) if (claim(seed)) count++
    return count / of
  }

  it('has six kinds of noise', () => assert.equal(machines.length, 6))

  for (const [name, noise] of machines) {
    it(`finds no difference between A and A in 94 of 100 runs or more: ${name}`, () => {
      const claims = share(1, (seed) => {
        const ratios = logRatios(takeTurns({ noise, seed, blocks, slices, effect: 0 }))
        return signedRankP(ratios) <= 0.05
      })
      assert(claims <= 0.06, `${claims}`)
    })

    it(`holds the true effect in 93 to 97 of 100 intervals: ${name}`, () => {
      const covered = share(10_001, (seed) => {
        const ratios = logRatios(takeTurns({ noise, seed, blocks, slices, effect: 0.05 }))
        const interval = signedRankInterval(ratios, 0.95)!
        return interval.low <= Math.log(1.05) && Math.log(1.05) <= interval.high
      })
      assert(covered >= 0.93 && covered <= 0.97, `${covered}`)
    })

    it(`takes what is 5 % slower for the same within ±5 % in 6 of 100 runs at most: ${name}`, () => {
      const claims = share(20_001, (seed) => {
        const ratios = logRatios(takeTurns({ noise, seed, blocks, slices, effect: 0.05 }))
        return equivalent(ratios, 0.05, 0.05)
      })
      assert(claims <= 0.06, `${claims}`)
    })

    it(`finds 5 % as often as it promises, with the blocks it asks for: ${name}`, () => {
      const effect = Math.log(1.05)
      const asked = Array.from({ length: 200 }, (_, i) => {
        const ratios = logRatios(takeTurns({ noise, seed: 30_001 + i, blocks, slices, effect: 0 }))
        return blocksToShow(signedRankInterval(ratios, 0.95)!, blocks, effect, 0.95)
      })
      const enough = Math.round(median(asked))
      const finds = (seed: number) => {
        const ratios = logRatios(takeTurns({ noise, seed, blocks: enough, slices, effect: 0.05 }))
        return signedRankInterval(ratios, 0.95)!.low > 0
      }
      const found = share(40_001, finds, 500)
      // Four in five are promised, from the noise of 12 blocks. With the fewest blocks that can show
      // anything a difference may be seen more often.
      const fewest = 8
      assert(found >= 0.7 && (found <= 0.95 || enough <= fewest), `${found} with ${enough} blocks`)
    })
  }

  for (const pilot of [6, 8, 10])
    it(`finds a difference in 78 of 100 runs or more with the blocks that ${pilot} blocks ask for`, () => {
      const { normal } = chance(pilot)
      // Of the noise of one block; it takes about fifty blocks.
      const effect = 0.4
      const values = (count: number, centre: number) =>
        Array.from({ length: count }, () => centre + normal())
      const found = share(
        1,
        () => {
          const asked = blocksToShow(
            signedRankInterval(values(pilot, 0), 0.95)!,
            pilot,
            effect,
            0.95,
          )
          return signedRankInterval(values(Math.min(asked, 600), effect), 0.95)!.low > 0
        },
        1_500,
      )
      assert(found >= 0.78 && found <= 0.9, `${found}`)
    })

  it('sees the usual way, all of A and then all of B, claim what is not there', () => {
    const falsely = (name: string) =>
      share(1, (seed) => {
        const { a, b } = oneAfterTheOther({
          noise: noiseModels[name]!,
          seed,
          blocks,
          slices,
          effect: 0,
        })
        return welchP(a, b) <= 0.05
      })
    assert(falsely('autoregressive') > 0.5)
    assert(falsely('linear drift') > 0.8)
    assert(falsely('two speeds') > 0.2)
    // Where every slice is independent of its neighbours, and only there, it is right.
    assert(falsely('independent, normal') <= 0.06)
  })

  it('gives the same run for the same seed', () => {
    for (const [, noise] of machines) {
      const run = () => takeTurns({ noise, seed: 5, blocks: 6, slices: 2, effect: 0.1 })
      assert.deepEqual(run(), run())
    }
  })
})
