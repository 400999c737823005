// What the charts and the cost table draw: sums over slots and one value per block, straight from
// what was measured. Nothing here decides anything; verdicts are bench/analyse.ts's alone.
import type { Measurement, Slot } from '../measurement.ts'
import { type Histogram, mergeHistograms } from '../stats/histogram.ts'

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
  low: number
  high: number
  samples: number
}

/**
 * The median over blocks with the interval between two order statistics that holds the true one in
 * at least 95 of 100 cases (from the binomial distribution); below six blocks, all that was seen.
 */
export const spreadOf = (values: readonly number[]): Spread | null => {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const n = sorted.length
  const at = (i: number) => sorted[i] as number
  let cut = 0
  for (let p = 2 ** -n, below = p; below <= 0.025; below += p) {
    cut++
    p *= (n - cut + 1) / cut
  }
  const end = Math.max(0, cut - 1)
  return {
    median: (at((n - 1) >> 1) + at(n >> 1)) / 2,
    low: at(end),
    high: at(n - 1 - end),
    samples: n,
  }
}

/** The sum of one number over slots. */
export const sum = (slots: readonly Slot[], of: (slot: Slot) => number): number =>
  slots.reduce((total, slot) => total + of(slot), 0)
