// Had warm-up ended when the measurement began? Within one block the machine itself changes by more
// than a warm-up does. But warm-up comes back in every block, as each has fresh processes, while
// noise goes up in one and down in the next. So each block gives one figure, how much something
// changed from its beginning to its end, and only what all blocks together show counts.
import type { Slot } from '#core/measurement/run'
import { median } from '../stats/median.ts'
import { pairedT } from '../stats/paired-t.ts'
import { hodgesLehmann, signedRankInterval } from '../stats/signed-rank.ts'
import { theilSen } from '../stats/theil-sen.ts'

/** What is watched. */
export const watched = ['CPU time per request', 'service time'] as const
export type Watched = (typeof watched)[number]

/** How something went in one block. */
export interface Course {
  /** Its logarithm in eight windows of equal length, fewer where there are fewer slices. */
  levels: number[]
  /** The part of the whole block that these windows span. */
  share: number
}

const windows = 8
const fewestWindows = 4

/** The course of one contender's slots of one load in a block; null where there are too few slices. */
export const courseOf = (slots: readonly Slot[], what: Watched, share: number): Course | null => {
  // Forward and mirrored slices take turns: that is their order in time.
  const longest = Math.max(0, ...slots.map(({ slices }) => slices.length))
  const slices = Array.from({ length: longest }, (_, i) =>
    slots.flatMap((slot) => slot.slices[i] ?? []),
  )
    .flat()
    .filter(({ answered, cpuMs, medianMs }) => answered > 0 && cpuMs > 0 && medianMs > 0)
  const count = Math.min(windows, slices.length)
  if (count < fewestWindows) return null
  const levels = Array.from({ length: count }, (_, i) => {
    const inside = slices.slice(
      Math.floor((i * slices.length) / count),
      Math.floor(((i + 1) * slices.length) / count),
    )
    if (what === 'service time') return Math.log(median(inside.map(({ medianMs }) => medianMs)))
    const cpuMs = inside.reduce((sum, slice) => sum + slice.cpuMs, 0)
    return Math.log(cpuMs / inside.reduce((sum, slice) => sum + slice.answered, 0))
  })
  return { levels, share }
}

/**
 * The change in the course of a block, as a share (0.03: 3 % more at its end), and how large it is
 * at the least, in either direction, at `confidence`: 0 where none is shown, null where the blocks
 * are too few to say. Each block gives its Theil-Sen slope; a drift of the machine that goes on from
 * block to block is no warm-up and is taken off, unless all blocks have the same processes: then it
 * may be one.
 */
export const changeWithin = (
  courses: readonly Course[],
  confidence: number,
  sameProcesses = false,
): { change: number; least: number | null } => {
  const drift = sameProcesses ? 0 : driftOf(courses)
  const changes = courses.map(({ levels, share }) => {
    const steps = levels.length - 1
    return theilSen(levels, 0.95).slope * steps - (drift * share * steps) / levels.length
  })
  // With few blocks no interval without assumptions is that sure; Student's is.
  const interval = signedRankInterval(changes, confidence) ?? pairedT(changes, confidence)
  if (!interval) return { change: 0, least: null }
  const low = Math.expm1(interval.low)
  const high = Math.expm1(interval.high)
  return {
    change: Math.expm1(hodgesLehmann(changes)),
    least: low > 0 ? low : high < 0 ? -high : 0,
  }
}

/** From one block to the next, where the blocks show that there is any. */
const driftOf = (courses: readonly Course[]): number => {
  const { slope, interval } = theilSen(
    courses.map(({ levels }) => median(levels)),
    0.95,
  )
  return interval && (interval.low > 0 || interval.high < 0) ? slope : 0
}
