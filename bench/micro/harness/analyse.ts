// From times per call to what can be claimed, by the same statistics as for requests: the block is
// the unit, contenders are compared within it, and all pairs share one chance of a false claim.

import type { MicroMeasurement, MicroVerdict } from '#core/measurement/micro'
import type { Figure, Gate } from '#core/measurement/run'
import { blocksToShow } from '../../stats/blocks-to-show.ts'
import { equivalent } from '../../stats/equivalence.ts'
import { holm } from '../../stats/holm.ts'
import { letterGroups } from '../../stats/letters.ts'
import { median } from '../../stats/median.ts'
import { medianInterval } from '../../stats/order-interval.ts'
import { precise } from '../../stats/precise.ts'
import { fewestFor, signedRankInterval, signedRankP } from '../../stats/signed-rank.ts'
import { alpha, decide } from '../../verdict/decide.ts'
import { checksOf, estimateOf, snapped } from '../../verdict/paired.ts'
import { type Finding, sentenceOf } from '../../verdict/sentence.ts'

/** Fewer blocks than this say nothing about so many contenders at once. */
export const fewestBlocks = (contenders: number): number =>
  fewestFor(1 - alpha / Math.max(1, pairsOf(contenders)))

const pairsOf = (contenders: number): number => (contenders * (contenders - 1)) / 2

/** The gates, figures, groups and verdicts, from the plan and the blocks alone. */
export const analyseMicro = (
  measurement: MicroMeasurement,
): Pick<MicroMeasurement, 'gates' | 'figures' | 'groups' | 'verdicts'> => {
  const sides = measurement.plan.contenders.map((contender, index) => ({
    ...contender,
    index,
    titleInSentence: titleOf(contender, measurement),
    times: valuesOf(measurement, index, 'ns'),
    cpu: valuesOf(measurement, index, 'cpuNs'),
    samples: slicesOf(measurement, index)
      .flat()
      .reduce((sum, { samples }) => sum + samples, 0),
  }))
  const gates = gatesOf(measurement)
  const verdicts = verdictsOf(measurement, sides, gates)
  return {
    gates,
    figures: sides.flatMap((side) => [
      figureOf(side, 'time', side.times),
      figureOf(side, 'cpu', side.cpu),
    ]),
    groups: groupsOf(sides, verdicts),
    verdicts,
  }
}

type Contender = MicroMeasurement['plan']['contenders'][number]
type Side = Contender & {
  index: number
  titleInSentence: string
  /** One value per block; none where it is wrong. */
  times: number[]
  cpu: number[]
  samples: number
}

const slicesOf = ({ blocks }: MicroMeasurement, contender: number) =>
  blocks.map(({ slices }) => slices.filter((slice) => slice.contender === contender))

/** A block's figure is the median of its slices, each the median of its samples. */
const valuesOf = (
  measurement: MicroMeasurement,
  contender: number,
  of: 'ns' | 'cpuNs',
): number[] =>
  measurement.plan.contenders[contender]?.wrong === null
    ? slicesOf(measurement, contender).map((slices) => median(slices.map((slice) => slice[of])))
    : []

const verdictsOf = (
  measurement: MicroMeasurement,
  sides: readonly Side[],
  gates: readonly Gate[],
): MicroVerdict[] => {
  const pairs = sides.flatMap((a, i) => sides.slice(i + 1).map((b) => ({ a, b })))
  const right = pairs.filter(({ a, b }) => a.wrong === null && b.wrong === null)
  const ratios = right.map(({ a, b }) => ratiosOf(measurement, a, b))
  const corrected = holm(ratios.map(signedRankP))
  const spoiled = gates.filter(({ ok, spoils }) => !ok && spoils === 'all')
  return pairs.map(({ a, b }) => {
    const at = right.findIndex((pair) => pair.a === a && pair.b === b)
    const wrong = gates.filter(
      ({ ok, spoils, where }) => !ok && spoils !== 'all' && (where === a.name || where === b.name),
    )
    return verdictOf({
      measurement,
      a,
      b,
      ratios: ratios[at] ?? [],
      p: corrected[at] ?? 1,
      comparisons: Math.max(1, right.length),
      failed: [...wrong, ...spoiled],
    })
  })
}

/**
 * log(b ÷ a) of each block: the median over the turns that a block has, in each of which both had a
 * slice, one soon after the other. What slows the machine down for a while slows down both.
 */
const ratiosOf = (measurement: MicroMeasurement, a: Side, b: Side): number[] => {
  const theirs = slicesOf(measurement, a.index)
  return slicesOf(measurement, b.index).map((ours, block) =>
    snapped(median(ours.map(({ ns }, turn) => Math.log(ns) - Math.log(theirs[block]![turn]!.ns)))),
  )
}

interface Question {
  measurement: MicroMeasurement
  a: Side
  b: Side
  /** log(b ÷ a) of each block. */
  ratios: number[]
  p: number
  comparisons: number
  failed: readonly Gate[]
}

const verdictOf = ({
  measurement,
  a,
  b,
  ratios,
  p,
  comparisons,
  failed,
}: Question): MicroVerdict => {
  const { margin, seed } = measurement.plan
  const blocks = measurement.blocks.length
  const level = 1 - alpha / comparisons
  const fewest = fewestFor(level)
  const enough = blocks >= fewest
  const { ratio, low, high, centre, interval } = estimateOf(ratios, level)
  const verdict = decide({
    isSpoiled: failed.length > 0,
    isEnough: enough && centre !== null,
    isSame: centre !== null && equivalent(ratios, margin, alpha / comparisons),
    isApart: precise(p) <= alpha,
    isWorse: centre !== null && centre > 0,
  })
  const finding: Finding = {
    verdict,
    // A sample's time per call, and of those the middle one.
    metric: 'p50',
    where: 'of the time per call',
    a: a.titleInSentence,
    b: b.titleInSentence,
    ratio,
    low,
    high,
    margin,
    blocks,
    fewestBlocks: fewest,
    comparisons,
    blocksToShow: interval && blocksToShow(interval, blocks, Math.log1p(margin), level),
    insteadOf: null,
    values: null,
    requests: null,
    serversAlone: false,
    failed,
  }
  const invalid = verdict === 'invalid'
  return {
    metric: 'time',
    a: a.name,
    b: b.name,
    verdict,
    ratio: invalid ? null : ratio,
    low: invalid ? null : low,
    high: invalid ? null : high,
    blocks,
    exploratory: false,
    p: invalid || !enough ? null : precise(p),
    checks: invalid ? null : checksOf(ratios, level, seed),
    sentence: sentenceOf(finding),
  }
}

// ---- figures and groups

const figureOf = (side: Side, metric: string, values: readonly number[]): Figure => {
  const interval = medianInterval(values, 1 - alpha)
  return {
    contender: side.name,
    metric,
    unit: 'ns/call',
    median: values.length > 0 ? precise(median(values)) : null,
    low: interval && precise(interval.low),
    high: interval && precise(interval.high),
    samples: values.length > 0 ? side.samples : 0,
  }
}

/** Fastest first; empty where nothing can be said about somebody. */
const groupsOf = (sides: readonly Side[], verdicts: readonly MicroVerdict[]): string[][] => {
  const ranked = sides
    .filter(({ times }) => times.length > 0)
    .sort((a, b) => median(a.times) - median(b.times))
  const found = (i: number, j: number) => {
    const names = [ranked[i]!.name, ranked[j]!.name]
    return verdicts.find(({ a, b }) => names.includes(a) && names.includes(b))
  }
  const known = ranked.every((_, i) =>
    ranked.every((_, j) => i === j || (found(i, j)?.low ?? null) !== null),
  )
  if (ranked.length < 2 || !known) return []
  const told = (i: number, j: number) => /slower|faster/.test(found(i, j)?.verdict ?? '')
  return letterGroups(ranked.length, told).map((group) => group.map((i) => ranked[i]!.name))
}

const titleOf = ({ title, name }: Contender, { plan }: MicroMeasurement): string =>
  plan.contenders.filter((other) => other.title === title).length > 1 ? `${title} (${name})` : title

// ---- gates

const gatesOf = (measurement: MicroMeasurement): Gate[] => {
  const right = measurement.plan.contenders.flatMap((contender, index) =>
    contender.wrong === null ? [{ contender, index }] : [],
  )
  return [
    ...measurement.plan.contenders.map(({ name, title, wrong }): Gate => {
      const fault = `${title} gives no right results: ${wrong}`
      return {
        gate: 'right results',
        where: name,
        value: wrong === null ? 0 : 1,
        limit: 0,
        unit: 'wrong',
        ok: wrong === null,
        says: wrong === null ? 'Every result that was looked at is right.' : fault,
        // It spoils what is said about this one, and nothing else.
        spoils: [],
      }
    }),
    ...(measurement.blocks.length === 0
      ? []
      : [
          ...right.map(({ contender, index }) => waiting(measurement, contender, index)),
          worst('sample length', right, ({ contender, index }) =>
            shortest(measurement, contender, index),
          ),
          worst('warmed up', right, ({ index }) => drift(measurement, index)),
          stealOf(measurement),
        ].flatMap((gate) => gate ?? [])),
  ]
}

type Checked = { contender: Contender; index: number }
type Found = Pick<Gate, 'value' | 'limit' | 'unit' | 'ok' | 'says'> & { badness: number }

const worst = (
  gate: string,
  all: readonly Checked[],
  look: (one: Checked) => Found,
): Gate | undefined => {
  const [found] = all
    .map((one) => ({ ...look(one), where: one.contender.name }))
    .sort((a, b) => b.badness - a.badness)
  if (!found) return undefined
  const { badness: _, ...rest } = found
  return { gate, ...rest, spoils: 'all' }
}

const leastBusy = 0.8

/**
 * A short sample escapes the moments in which others have the processor, a long call does not: then
 * its time is theirs, too, and no interval knows.
 */
const waiting = (measurement: MicroMeasurement, contender: Contender, index: number): Gate => {
  const slices = slicesOf(measurement, index).flat()
  const value = precise(median(slices.map(({ cpuNs, ns }) => cpuNs / ns)))
  const ok = value >= leastBusy
  return {
    gate: 'had the processor',
    where: contender.name,
    value,
    limit: leastBusy,
    unit: '',
    ok,
    says: ok
      ? `A processor was free whenever ${contender.title} wanted one.`
      : `${contender.title} had to wait for a processor: others use this machine.`,
    spoils: [],
  }
}

const shortestUs = 20

/** A sample that is short beside the clock's own time would measure the clock. */
const shortest = (measurement: MicroMeasurement, { batch }: Contender, index: number): Found => {
  const times = slicesOf(measurement, index)
    .flat()
    .map(({ ns }) => (ns * batch) / 1000)
  const value = precise(median(times))
  return {
    value,
    limit: shortestUs,
    unit: 'µs',
    ok: value >= shortestUs,
    badness: -value,
    says: 'A sample of calls must be long beside a look at the clock.',
  }
}

const mostDrift = 0.02

/** How much the last round is certain to be off the first: what is still being compiled changes. */
const drift = (measurement: MicroMeasurement, index: number): Found => {
  const drifts = slicesOf(measurement, index).map((slices) => {
    const log = ({ ns }: { ns: number }) => Math.log(ns)
    const last = slices.slice(-2).map(log)
    return median(last) - median(slices.slice(0, 2).map(log))
  })
  const interval = signedRankInterval(drifts, 1 - alpha)
  const certain = interval ? Math.max(0, interval.low, -interval.high) : 0
  const value = precise(Math.expm1(certain))
  return {
    value: precise(value * 100),
    limit: mostDrift * 100,
    unit: '%',
    ok: value <= mostDrift,
    badness: value,
    says: 'From its first slice to its last a function must not become faster or slower.',
  }
}

const mostSteal = 0.02

const stealOf = ({ blocks }: MicroMeasurement): Gate | undefined => {
  const known = blocks.flatMap(({ steal, seconds }) => (steal === null ? [] : [{ steal, seconds }]))
  if (known.length === 0) return undefined
  const seconds = known.reduce((sum, one) => sum + one.seconds, 0)
  const share = known.reduce((sum, one) => sum + one.steal * one.seconds, 0) / seconds
  return {
    gate: 'stolen time',
    where: '',
    value: precise(share * 100),
    limit: mostSteal * 100,
    unit: '%',
    ok: share <= mostSteal,
    says: 'The hypervisor must not give this machine’s time to others.',
    spoils: 'all',
  }
}
