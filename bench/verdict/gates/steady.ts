// Gate: warm-up had ended.

import { metrics } from '#core/measurement/metrics'
import type { Gate, Measurement, Slot } from '#core/measurement/run'
import { precise } from '../../stats/precise.ts'
import { loadFor } from '../series.ts'
import { changeWithin, courseOf, watched } from '../steady.ts'
import { contenderIndexes, isExact, loadsOf, slotsIn, sum } from './slots.ts'
import { percent } from './words.ts'

const steadyLimit = 0.02

/** The chance that noise alone fails a run for being unsteady, over all that is looked at. */
const unsteadyByChance = 0.02

/**
 * Whether the servers were warm: in the course of the blocks CPU time per request and service time
 * must not be shown to change by more than 2 %. `value` is the change that is shown at the least.
 */
export const steady = (measurement: Measurement, load: Slot['load']): Gate => {
  const looked = contenderIndexes(measurement).flatMap((contender) =>
    watched.map((what) => ({ contender, what })),
  )
  const confidence = 1 - unsteadyByChance / (looked.length * loadsOf(measurement).length)
  const shares = measurement.blocks.map(
    ({ slots, seconds }) =>
      sum(slots, (slot) => (slot.load === load ? slot.seconds : 0)) / Math.max(seconds, 1e-9),
  )
  const [most] = looked
    .map(({ contender, what }) => {
      const courses = measurement.blocks.flatMap(
        (block, at) => courseOf(slotsIn(block, contender, load), what, shares[at]!) ?? [],
      )
      return {
        contender,
        what,
        ...changeWithin(courses, confidence, measurement.plan.luck !== undefined),
      }
    })
    .filter((one) => one.least !== null)
    .sort((a, b) => (b.least ?? 0) - (a.least ?? 0) || Math.abs(b.change) - Math.abs(a.change))
  const value = most ? precise(most.least ?? 0) : null
  const ok = value === null || value <= steadyLimit
  const name = most ? measurement.plan.contenders[most.contender]!.name : ''
  return {
    gate: 'steady',
    where: most ? `${name} ${load}` : load,
    value,
    limit: steadyLimit,
    unit: 'share',
    ok,
    says:
      value === null
        ? 'Whether warm-up had ended cannot be told from so few blocks or slices.'
        : ok
          ? `No warm-up is shown: ${most!.what} of ${name} ${most!.change < 0 ? 'fell' : 'rose'} by ${percent(Math.abs(most!.change))} in the course of a block, of which ${percent(value)} is certain; 2 % is allowed.`
          : `Not steady: ${most!.what} of ${name} ${most!.change < 0 ? 'fell' : 'rose'} by ${percent(Math.abs(most!.change))} in the course of a block, surely by ${percent(value)}; 2 % is allowed.`,
    spoils: metrics.filter(
      (metric) => loadFor(metric, measurement.plan) === load && !isExact(metric),
    ),
  }
}
