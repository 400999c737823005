// What the charts and the cost table draw: sums over slots and one value per block, straight from
// what was measured. Nothing here decides anything; verdicts are bench/verdict/analyse.ts's alone.
import type { Measurement, Slot } from '#core/measurement/run'
import { type Histogram, mergeHistograms } from '../stats/histogram.ts'
import { median } from '../stats/median.ts'
import { medianInterval } from '../stats/order-interval.ts'

export type Load = Slot['load']

/** The slots of a contender, block by block; blocks without any are left out. */
export const slotsByBlock = (
  { blocks }: Measurement,
  contender: number,
  load?: Load,
): { index: number; slots: Slot[] }[] =>
  blocks
    .map(({ index, slots }) => ({
      index,
      slots: slots.filter(
        (slot) => slot.contender === contender && (load === undefined || slot.load === load),
      ),
    }))
    .filter(({ slots }) => slots.length > 0)

/** Adds up the histograms of `slots`; null if nothing was recorded. */
export const merged = (
  slots: readonly Slot[],
  which: 'latency' | 'service' | 'lag',
): Histogram | null => {
  const all = mergeHistograms(slots.map((slot) => slot[which]))
  return all.totalCount > 0 ? all : null
}

/** The highest percentile that `samples` requests can say: at least twenty lie beyond it. */
export const highestPercentile = (samples: number): number => 100 * (1 - 20 / samples)

export interface Spread {
  median: number
  /** The 95 % interval of the median; null where there are too few values for one. */
  low: number | null
  high: number | null
  samples: number
}

/** The median over blocks with its interval; null of nothing. */
export const spreadOf = (values: readonly number[]): Spread | null => {
  if (values.length === 0) return null
  const { low, high } = medianInterval(values, 0.95) ?? { low: null, high: null }
  return { median: median(values), low, high, samples: values.length }
}

/** The sum of one number over slots. */
export const sum = (slots: readonly Slot[], of: (slot: Slot) => number): number =>
  slots.reduce((total, slot) => total + of(slot), 0)
