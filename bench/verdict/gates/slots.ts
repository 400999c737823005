// Figures from the slots of a measurement, and where each is worst. The bare server takes no part.

import type { Metric } from '#core/measurement/metrics'
import type { Block, Measurement, Slot } from '#core/measurement/run'
import { precise } from '../../stats/precise.ts'

export interface Found {
  /** `A open` */
  where: string
  value: number | null
}

/** One figure from all slots of a contender under one load; null where there is nothing to tell. */
export type ValueIn = (slots: readonly Slot[]) => number | null

/** Where something is worst: asked of each contender's slots of one load; null: of each load. */
export const worst = (
  measurement: Measurement,
  load: Slot['load'] | null,
  valueIn: ValueIn,
  badness?: (value: number) => number,
): Found => {
  const loads = load === null ? loadsOf(measurement) : [load]
  const found = loads.map((one) =>
    worstOf(
      measurement,
      one,
      contenderIndexes(measurement).map((contender) => {
        const slots = measurement.blocks.flatMap((block) => slotsIn(block, contender, one))
        return { contender, value: slots.length === 0 ? null : valueIn(slots) }
      }),
      badness,
    ),
  )
  return found.reduce((most, one) => ((one.value ?? -1) > (most.value ?? -1) ? one : most), nothing)
}

export const worstOf = (
  { plan }: Measurement,
  load: Slot['load'],
  all: readonly { contender: number; value: number | null }[],
  badness = (value: number) => value,
): Found => {
  let most = nothing
  for (const { contender, value: exactly } of all) {
    if (exactly === null) continue
    const value = precise(exactly)
    if (most.value === null || badness(value) > badness(most.value))
      most = { where: `${plan.contenders[contender]!.name} ${load}`, value }
  }
  return most
}

const nothing: Found = { where: '', value: null }

/** The loads that the plan asks for, in the order in which a block runs them. */
export const loadsOf = ({ plan }: Measurement): Slot['load'][] =>
  plan.load === 'both' ? ['closed', 'open'] : [plan.load]

export const contenderIndexes = ({ plan }: Measurement): number[] =>
  plan.contenders.flatMap(({ reference }, i) => (reference ? [] : [i]))

export const slotsIn = (block: Block, contender: number, load: Slot['load']): Slot[] =>
  block.slots.filter((slot) => slot.contender === contender && slot.load === load)

/** Sums of decimals may end a trifle above a limit that they do not exceed. */
export const slack = 1e-9

export const sent = (slot: Slot) => slot.sent

export const sum = <T>(all: readonly T[], amount: (one: T) => number): number =>
  all.reduce((total, one) => total + amount(one), 0)

export const isNumber = (value: number | null): value is number => value !== null

/** What is counted is the same whether the server is warm or not. */
export const isExact = (metric: Metric): boolean => metric === 'backend-calls' || metric === 'bytes'
