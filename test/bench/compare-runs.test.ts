// Two runs at different times: what is called worse, what cannot be compared, and how often the
// comparison is wrong on a machine that is not the same an hour later.
import assert from 'node:assert/strict'
import type { Measurement } from '#core/measurement/run'
import {
  type Comparison,
  compareRuns,
  comparisonToMarkdown,
  comparisonToText,
  judge,
} from '../../bench/compare/compare-runs.ts'
import { median } from '../../bench/stats/median.ts'
import { chance, noiseModels, takeTurns } from '../../bench/stats/noise.ts'
import { analysed, changed, type Made, measurementOf, variants } from '../measurements.ts'

const old = analysed(measurementOf({ primary: 'cpu', seed: 1 }))

/** Another run, in which every contender costs `factor` times as much as in the old one. */
const runWith = (factor: number, seed = 2): Measurement => {
  const contenders = variants.slice(0, 2).map((one): Made => ({ ...one, cost: one.cost * factor }))
  return analysed(measurementOf({ primary: 'cpu', seed, contenders }))
}

/** What one comparison of two runs says about the first setup's primary metric. */
const answer = ({ verdicts }: Comparison) => verdicts.find(({ exploratory }) => !exploratory)!

describe('comparing two runs', () => {
  it('calls what costs more worse, and ends with 1', () => {
    const comparison = compareRuns(old, runWith(1.15))
    assert.equal(comparison.exitCode, 1)
    const { verdict, ratio, low, high, sentence, bareServer } = answer(comparison)
    assert.equal(verdict, 'slower')
    assert(low! > 1 && low! < ratio! && ratio! < high!, `${low} ${ratio} ${high}`)
    assert(bareServer! > 0)
    assert.match(
      sentence,
      /^the new server-session uses .* more CPU time per request than the old one/,
    )
  })

  it('calls what costs less better, and ends with 0', () => {
    const comparison = compareRuns(old, runWith(0.85))
    assert.equal(comparison.exitCode, 0)
    assert.equal(answer(comparison).verdict, 'faster')
  })

  it('calls what costs the same neither worse nor better', () => {
    const comparison = compareRuns(old, runWith(1))
    assert.equal(comparison.exitCode, 0)
    assert.match(answer(comparison).verdict, /same|undecided/)
    assert(Math.abs(answer(comparison).ratio! - 1) < 0.03)
  })

  it('is the more careful the more the bare server itself has changed, and says so', () => {
    const [before, after] = [1, 1.08].map((level) =>
      Array.from({ length: 12 }, (_, i) => level * (1 + 0.001 * i)),
    ) as [number[], number[]]
    const rules = { margin: 0.03, alpha: 0.05, moreIsWorse: true }
    assert.equal(judge(before, after, { ...rules, bareServer: 1.05 }).verdict, 'slower')
    assert.equal(judge(before, after, { ...rules, bareServer: 2 }).verdict, 'undecided')
    const slowed = changed(runWith(1), ({ blocks }) => {
      for (const { cpuMs } of blocks.flatMap(({ slots }) => slots)) cpuMs.server *= 1.5
    })
    const { notes } = compareRuns(old, slowed)
    assert(
      notes.some((note) => /^the bare server itself changed by \+\d/.test(note)),
      notes.join(),
    )
  })

  it('finds no difference between a run and itself', () => {
    const comparison = compareRuns(old, old)
    assert.equal(comparison.exitCode, 0)
    for (const { ratio, verdict } of comparison.verdicts) {
      assert(ratio === null || ratio === 1)
      assert.match(verdict, /same|undecided/)
    }
  })

  it('does not call worse what lies within the margin, however sure it is', () => {
    const [before, after] = [1, 1.01].map((level) =>
      Array.from({ length: 20 }, (_, i) => level * (1 + 0.0001 * (i % 7))),
    )
    const { verdict, low } = judge(before!, after!, {
      margin: 0.03,
      alpha: 0.05,
      moreIsWorse: true,
      bareServer: 1,
    })
    assert.equal(verdict, 'same')
    assert(low! > 1)
  })

  it('takes a drop in throughput for worse', () => {
    const [before, after] = [100, 80].map((level) =>
      Array.from({ length: 8 }, (_, i) => level + 0.1 * i),
    )
    assert.equal(
      judge(before!, after!, { margin: 0.03, alpha: 0.05, moreIsWorse: false, bareServer: 1 })
        .verdict,
      'slower',
    )
  })

  it('mirrors when old and new change places', () => {
    const fresh = runWith(1.15)
    const [there, back] = [compareRuns(old, fresh), compareRuns(fresh, old)]
    assert.equal(there.verdicts.length, back.verdicts.length)
    for (const [i, { ratio, low, high }] of there.verdicts.entries()) {
      const mirrored = back.verdicts[i]!
      if (ratio === null || low === null || high === null) continue
      assert(Math.abs(ratio * mirrored.ratio! - 1) < 1e-8)
      assert(Math.abs(low * mirrored.high! - 1) < 1e-8)
      assert(Math.abs(high * mirrored.low! - 1) < 1e-8)
    }
  })

  it('falls back on a percentile that the bare server has requests enough for', () => {
    const stored = (factor: number, seed: number) =>
      analysed(
        measurementOf({
          ...{ primary: 'p99', bareServerOpen: 'half', seed },
          contenders: variants.slice(0, 2).map((one) => ({ ...one, cost: one.cost * factor })),
        }),
      )
    const comparison = compareRuns(stored(1, 1), stored(3, 2))
    const { metric, verdict, sentence } = answer(comparison)
    assert.deepEqual([metric, verdict, comparison.exitCode], ['p95', 'slower', 1])
    assert.match(sentence, /too few requests for p99/)
  })

  it('tells p99 where the bare server takes part in all of the open load', () => {
    const [before, after] = [1, 3].map((factor) =>
      analysed(
        measurementOf({
          ...{ primary: 'p99', seed: factor },
          contenders: variants.slice(0, 2).map((one) => ({ ...one, cost: one.cost * factor })),
        }),
      ),
    ) as [Measurement, Measurement]
    const comparison = compareRuns(before, after)
    assert.deepEqual([answer(comparison).metric, comparison.exitCode], ['p99', 1])
  })

  it('tells a count that was zero and is none any more, and one that has become zero', () => {
    const [none, three] = [0, 3].map((calls) =>
      analysed(
        measurementOf({
          ...{ primary: 'backend-calls', seed: 1 + calls },
          contenders: [{ ...variants[0]!, calls }, variants[1]!],
        }),
      ),
    ) as [Measurement, Measurement]
    const worse = compareRuns(none, three)
    assert.equal(worse.exitCode, 1)
    const { verdict, ratio, sentence } = answer(worse)
    assert.deepEqual([verdict, ratio], ['slower', null])
    assert.match(
      sentence,
      /^the new server-session makes 3 backend calls per request where the old one makes none \(/,
    )
    const better = compareRuns(three, none)
    assert.deepEqual([answer(better).verdict, better.exitCode], ['faster', 0])
    assert.match(answer(compareRuns(none, none)).sentence, /^neither the new server-session nor/)
  })

  it('counts the blocks of each run', () => {
    assert.match(answer(compareRuns(old, runWith(1.15))).sentence, /, 12 and 12 blocks\)$/)
  })

  it('says nothing where there are too few blocks, and does not fail for that', () => {
    const [short, shorter] = [3, 4].map((seed) =>
      analysed(measurementOf({ primary: 'cpu', seed, blocks: 3 })),
    )
    const comparison = compareRuns(short!, shorter!)
    assert.equal(answer(comparison).verdict, 'undecided')
    assert.equal(comparison.exitCode, 0)
    assert.match(
      comparison.sentence,
      /2 not decided, for too few blocks: it takes 5 of each run\.$/,
    )
    assert.match(
      answer(comparison).sentence,
      /^no difference .* can be shown: 3 and 3 blocks are too few, it takes 5 of each run for 2 comparisons/,
    )
  })

  it('claims nothing of so few blocks, not even that they are the same', () => {
    const rules = { margin: 0.03, alpha: 0.05, moreIsWorse: true, bareServer: 1 }
    assert.equal(judge([1, 1.001, 1.002], [1, 1.001, 1.002], rules).verdict, 'undecided')
    assert.equal(judge([2, 2, 2], [2, 2, 2], rules).verdict, 'undecided')
    assert.equal(judge([2, 2, 2, 2], [2, 2, 2, 2], rules).verdict, 'same')
  })

  it('matches two of the same setup one by one', () => {
    const twins = [variants[0]!, variants[0]!]
    const [then, now] = [1, 2].map((seed) =>
      analysed(measurementOf({ primary: 'cpu', seed, contenders: twins })),
    )
    const { verdicts } = compareRuns(then!, now!)
    assert.equal(verdicts.filter(({ exploratory }) => !exploratory).length, 2)
  })

  it('names what is only in one of them', () => {
    const more = analysed(measurementOf({ primary: 'cpu', seed: 2, contenders: 3 }))
    const { comparable, notes } = compareRuns(old, more)
    assert(comparable)
    assert(notes.some((note) => /refresh-rotation.* is only in the new run/.test(note)))
  })
})

describe('two runs cannot be compared', () => {
  const refusals: [string, (copy: Measurement) => void, RegExp][] = [
    [
      'on another processor',
      ({ machine }) => {
        machine.cpu = 'Other'
      },
      /machine differs in processor: AMD EPYC 7B13 then, Other now/,
    ],
    [
      'with fewer cores',
      ({ machine }) => {
        machine.cores = 1
      },
      /differs in cores/,
    ],
    [
      'with half the memory',
      ({ machine }) => {
        machine.memoryBytes /= 2
      },
      /differs in memory/,
    ],
    [
      'on another system',
      ({ machine }) => {
        machine.os = 'Linux 7'
      },
      /differs in system/,
    ],
    [
      'under another Node',
      ({ machine }) => {
        machine.node = 'v24.0.0'
      },
      /differs in Node/,
    ],
    [
      'with another version of a backend',
      ({ machine }) => {
        machine.backends.redis!.version = '8'
      },
      /differs in redis: 7\.0\.15/,
    ],
    [
      'under another workload',
      ({ plan }) => {
        plan.workload = 'other'
      },
      /plan differs in workload/,
    ],
    [
      'under a workload that was rewritten',
      ({ plan }) => {
        plan.says = 'other'
      },
      /plan differs in workload/,
    ],
    [
      'with other connections',
      ({ plan }) => {
        plan.connections = 99
      },
      /differs in connections: 10 then, 99 now/,
    ],
    [
      'when another metric was asked about',
      ({ plan }) => {
        plan.primary = 'p99'
      },
      /metric asked about/,
    ],
    [
      'when one was interrupted',
      (copy) => {
        copy.finishedAt = null
      },
      /the new run was interrupted after 12 of 12/,
    ],
    [
      'when claims were not kept',
      ({ proof }) => {
        proof.ok = false
      },
      /claims did not come out/,
    ],
    [
      'without a bare server',
      ({ plan }) => {
        plan.contenders.pop()
      },
      /no bare server/,
    ],
    [
      'without a setup in common',
      ({ plan }) => {
        for (const one of plan.contenders) one.setup += '~x=1'
      },
      /no setup is in both/,
    ],
    [
      'when a gate failed',
      ({ gates }) => {
        gates[0]!.ok = false
      },
      /the new run is invalid: claims/,
    ],
  ]
  for (const [title, change, expected] of refusals)
    it(title, () => {
      const comparison = compareRuns(old, changed(old, change))
      assert.equal(comparison.exitCode, 3)
      assert.equal(comparison.comparable, false)
      assert.deepEqual(comparison.verdicts, [])
      assert(
        comparison.why.some((why) => expected.test(why)),
        comparison.why.join('\n'),
      )
      assert.match(comparisonToText(comparison), /cannot be compared/)
      assert.match(comparisonToMarkdown(comparison), /cannot be compared/)
    })

  it('when no percentile is known of the bare server', () => {
    const [then, now] = [1, 2].map((seed) =>
      analysed(measurementOf({ primary: 'p99', seed, ratePerSecond: 8, bareServerOpen: 'half' })),
    ) as [Measurement, Measurement]
    const { exitCode, why } = compareRuns(then, now)
    assert.equal(exitCode, 3)
    assert.match(why.join(), /^Latency p99 cannot be told, nor can a lower percentile: .* --rate$/)
  })

  it('at another rate, if latency was asked about; it says which rate to give', () => {
    const slow = analysed(measurementOf({ primary: 'p99', ratePerSecond: 300 }))
    const quick = analysed(measurementOf({ primary: 'p99', ratePerSecond: 330 }))
    const { why, exitCode } = compareRuns(slow, quick)
    assert.equal(exitCode, 3)
    assert.match(why.join(), /--rate 300/)
    const throughput = { primary: 'throughput' as const }
    assert(
      compareRuns(
        analysed(measurementOf({ ...throughput, ratePerSecond: 300 })),
        analysed(measurementOf({ ...throughput, ratePerSecond: 330 })),
      ).comparable,
    )
  })

  it('but another Seesaw, another number of blocks and another seed do not matter', () => {
    const other = changed(runWith(1), (copy) => {
      copy.seesaw = '9.9.9'
    })
    const longer = analysed(measurementOf({ primary: 'cpu', seed: 5, blocks: 20 }))
    assert(compareRuns(old, other).comparable)
    assert(compareRuns(old, longer).comparable)
    assert(
      compareRuns(old, other).notes.some(
        (note) => note.includes('0.1.0') && note.includes('9.9.9'),
      ),
    )
  })
})

describe('a comparison of runs as text', () => {
  const comparison = compareRuns(old, runWith(1.15))

  it('fits into 100 columns', () => {
    for (const line of comparisonToText(comparison).split('\n')) assert(line.length <= 100, line)
  })

  it('begins with what is most important, also in Markdown', () => {
    assert.match(comparisonToText(comparison), /^CPU per request of 2 setups: 2 worse\./)
    assert.match(
      comparisonToMarkdown(comparison),
      /^\*\*CPU per request of 2 setups: 2 worse\.\*\*/,
    )
  })

  it('shows hostile words as words', () => {
    const hostile = changed(old, ({ plan }) => {
      plan.contenders[0]!.title = '\u001b[2J|<b>`'
    })
    const text = compareRuns(old, hostile)
    for (const form of [comparisonToText(text), comparisonToMarkdown(text)])
      assert(!form.includes('\u001b'))
    assert.doesNotMatch(comparisonToMarkdown(text), /[^\\]<b>/)
  })
})

// ---- a machine that is not the same an hour later

interface Drift {
  noise: (typeof noiseModels)[string]
  /** Whether figures are taken in terms of the bare server. */
  anchored: boolean
  /** How much more the program feels the machine than the bare server does: 1 just as much. */
  feels: number
}

/** How often, of so many pairs of runs, the same program is called worse. */
const falselyWorse = (pairs: number, { noise, anchored, feels }: Drift): number => {
  const luck = chance(20_261_123)
  let worse = 0
  for (let pair = 0; pair < pairs; pair++) {
    const [before, after] = [0, 1].map((which) => {
      // How slow the machine is at that hour: by a fifth more or less.
      const level = 0.2 * luck.normal()
      const run = takeTurns({ noise, seed: 2 * pair + which, blocks: 12, slices: 8, effect: 0 })
      return {
        own: run.a.map((cost) => (cost * Math.exp(level)) ** feels),
        bare: run.b.map((cost) => cost * Math.exp(level)),
      }
    }) as [Run, Run]
    const taken = ({ own, bare }: Run) => (anchored ? own.map((cost, i) => cost / bare[i]!) : own)
    const { verdict } = judge(taken(before), taken(after), {
      margin: 0.03,
      alpha: 0.05,
      moreIsWorse: true,
      bareServer: anchored ? median(after.bare) / median(before.bare) : 1,
    })
    if (verdict === 'slower') worse++
  }
  return worse / pairs
}

interface Run {
  own: number[]
  bare: number[]
}

describe('the same program in two runs on a machine that changed meanwhile', () => {
  const pairs = 300
  for (const [name, noise] of Object.entries(noiseModels))
    it(`is called worse in at most 5 of 100: ${name}`, () => {
      for (const feels of [0.5, 1, 1.5]) {
        const rate = falselyWorse(pairs, { noise, anchored: true, feels })
        assert(rate <= 0.05, `${(100 * rate).toFixed(1)} % where it feels ${feels} times as much`)
      }
    })

  it('is called worse far more often where the bare server is not looked at', () => {
    const rates = Object.values(noiseModels).map((noise) =>
      falselyWorse(pairs, { noise, anchored: false, feels: 1 }),
    )
    assert(Math.min(...rates) > 0.1 && Math.max(...rates) > 0.4, rates.join())
  })
})
