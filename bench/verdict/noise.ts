// What a measurement shows where there is nothing to show: each contender against itself, its slices
// in the one order against those in the reverse one. Same process, same requests, same seconds: what
// is left is this machine's noise while it measured. That two processes of the same program differ,
// too, is not in it.

import type { Metric } from '#core/measurement/metrics'
import type { Measurement, Slot } from '#core/measurement/run'
import { precise } from '../stats/precise.ts'
import { hodgesLehmann, signedRankInterval } from '../stats/signed-rank.ts'
import { seriesOf } from './series.ts'

export interface Noise {
  /** `A` */
  contender: string
  metric: Metric
  /** Mirrored ÷ forward: estimate and 95 % interval. */
  ratio: number
  low: number
  high: number
}

/** Of what is timed under full load; empty where no such load was planned or the blocks are too few. */
export const noiseOf = (measurement: Measurement): Noise[] => {
  const forward = halfOf(measurement, 'forward')
  const mirrored = halfOf(measurement, 'mirrored')
  return measurement.plan.contenders.flatMap(({ name, reference }, index) => {
    if (reference) return []
    const [before, after] = [seriesOf(forward, index), seriesOf(mirrored, index)]
    return (['cpu', 'throughput'] as const).flatMap((metric): Noise[] => {
      const [ours, theirs] = [after[metric], before[metric]]
      if (ours.load !== 'closed' || !ours.values || !theirs.values) return []
      const ratios = ours.values.map((value, i) => Math.log(value / (theirs.values?.[i] ?? 0)))
      const interval = ratios.every(Number.isFinite) ? signedRankInterval(ratios, 0.95) : null
      if (!interval) return []
      const [ratio, low, high] = [hodgesLehmann(ratios), interval.low, interval.high].map((log) =>
        precise(Math.exp(log)),
      ) as [number, number, number]
      return [{ contender: name, metric, ratio, low, high }]
    })
  })
}

const halfOf = (measurement: Measurement, half: Slot['half']): Measurement => ({
  ...measurement,
  blocks: measurement.blocks.map((block) => ({
    ...block,
    slots: block.slots.filter((slot) => slot.half === half),
  })),
})
