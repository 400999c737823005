// Gate: the load stayed below what the load client can make.
import type { Block, Gate, Measurement, Slot } from '#core/measurement/run'
import { median } from '../../stats/median.ts'
import { precise } from '../../stats/precise.ts'
import { percentiles } from '../series.ts'
import { contenderIndexes, type Found, isNumber, slack, slotsIn, sum, worstOf } from './slots.ts'
import { percent } from './words.ts'

/** The load beside what the client could make a bare server answer. */
export const ceiling = (measurement: Measurement, load: Slot['load']): Gate => {
  const { calibration } = measurement
  const limit = load === 'open' ? 0.5 : 0.7
  const { where, value } =
    load === 'open'
      ? {
          where: '',
          value:
            calibration.ceilingPerSecond > 0
              ? precise(calibration.ratePerSecond / calibration.ceilingPerSecond)
              : null,
        }
      : closedShare(measurement)
  const ok = value === null || value <= limit + slack
  const says = `${percent(value)} of what the load client gets from a bare server, ${percent(limit)} is allowed`
  return {
    gate: 'ceiling',
    where,
    value,
    limit,
    unit: 'share',
    ok,
    says: ok
      ? `The load stayed well below what the load client can make: ${says}.`
      : load === 'open'
        ? `The load came too near to what the load client can make (${says}).`
        : `The load client was the bottleneck (${says}).`,
    spoils: load === 'open' ? [...percentiles] : ['throughput'],
  }
}

/**
 * Requests per second beside those of the bare server in the same block, as the machine may have
 * slowed down since the calibration; without them, beside the calibration.
 */
const closedShare = (measurement: Measurement): Found => {
  const { plan, blocks, calibration } = measurement
  const bare = plan.contenders.findIndex(({ reference }) => reference)
  const perSecond = (block: Block, contender: number): number | null => {
    const slots = slotsIn(block, contender, 'closed')
    const seconds = sum(slots, (slot) => slot.seconds)
    return seconds > 0 ? sum(slots, (slot) => slot.answered) / seconds : null
  }
  return worstOf(
    measurement,
    'closed',
    contenderIndexes(measurement).map((contender) => {
      const shares = blocks
        .map((block) => {
          const own = perSecond(block, contender)
          const most = perSecond(block, bare) ?? calibration.ceilingPerSecond
          return own === null || most === 0 ? null : own / most
        })
        .filter(isNumber)
      return { contender, value: shares.length === 0 ? null : median(shares) }
    }),
  )
}
