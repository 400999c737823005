// Gate: other machines on the same host left this one its time.

import { type Metric, metrics } from '#core/measurement/metrics'
import type { Gate, Measurement } from '#core/measurement/run'
import { precise } from '../../stats/precise.ts'
import { isPercentile, percentiles } from '../series.ts'
import { isExact, sum } from './slots.ts'
import { percent, things } from './words.ts'

/** Of the time of a block: beyond it others had so much of it that it is measured again. */
export const mostSteal = 0.02

/**
 * Time in which the hypervisor let others run, over all blocks. A stall that falls on a request is
 * added to its latency, and two who stall alike look more alike than they are. Work per second and
 * per request are slowed by a factor, which is the same for all who take turns and leaves their
 * ratio: a pair measured at 4.6 % and at 0.5 % differed by as much (docs/benchmarks.md).
 */
export const steals = (measurement: Measurement): Gate[] => [
  steal(measurement, 'steal-latency', mostSteal, [...percentiles]),
  steal(
    measurement,
    'steal',
    0.05,
    metrics.filter((metric) => !isPercentile(metric) && !isExact(metric)),
  ),
]

const steal = (
  { blocks, setAside = [] }: Measurement,
  gate: string,
  limit: number,
  spoils: Metric[],
): Gate => {
  const read = blocks.filter((block) => block.steal !== null)
  const seconds = sum(read, (block) => block.seconds)
  const value =
    seconds === 0
      ? null
      : precise(sum(read, (block) => (block.steal ?? 0) * block.seconds) / seconds)
  const ok = value === null || value <= limit
  const count = setAside.length
  const again = count === 0 ? '' : `${things(count, 'block')} ${count === 1 ? 'was' : 'were'}`
  const allowed = `${percent(value)}, ${percent(limit)} is allowed`
  return {
    gate,
    where: '',
    value,
    limit,
    unit: 'share',
    ok,
    says:
      value === null
        ? 'Whether other machines on the same host took time from this one cannot be read here.'
        : ok
          ? `Other machines on the same host took little time from this one (${allowed}).${again && ` ${again} measured again, as it was more than ${percent(mostSteal)} in ${count === 1 ? 'it' : 'them'}.`}`
          : `Other machines on the same host took time from this one (${allowed}${again && `, though ${again} measured again`}).`,
    spoils,
  }
}
