// Two contenders who take turns under the same load, as a race: how many requests each has answered
// so far, in the same time. Of the warm-up nothing counts, and it is drawn as such.

import { plain } from '../../plain.ts'
import { Side } from '../ui/parts.tsx'
import { type Followed, shareDone } from './follow.ts'
import { number } from './words.ts'
import './race.css'

interface Lane {
  name: 'A' | 'B'
  title: string
  answered: number
  /** Over the last few of its slices. */
  perSecond: number | null
}

const recently = 6
/** Where the run-up ends and counting begins, as a share of the track. */
const startAt = 0.12
const warmUpSlices = 12

const laneOf = ({ slices }: Followed, name: 'A' | 'B', title: string): Lane => {
  const own = slices.filter(({ contender, load }) => contender === name && load === 'closed')
  const last = own.slice(-recently)
  const seconds = last.reduce((sum, slice) => sum + slice.seconds, 0)
  return {
    name,
    title,
    answered: own.reduce((sum, { counts, answered }) => sum + (counts ? answered : 0), 0),
    perSecond: seconds > 0 ? last.reduce((sum, { answered }) => sum + answered, 0) / seconds : null,
  }
}

export const Race = ({ run, titles }: { run: Followed; titles: readonly [string, string] }) => {
  const lanes = [laneOf(run, 'A', titles[0]), laneOf(run, 'B', titles[1])]
  const ahead = Math.max(...lanes.map(({ answered }) => answered))
  const warm = run.slices.filter(({ counts }) => !counts).length / lanes.length / warmUpSlices
  // Both take the same run-up; from the line on, the one ahead is as far as the time is.
  const reach = ({ answered }: Lane) =>
    startAt * (ahead > 0 ? 1 : Math.min(1, warm)) +
    (ahead > 0 ? ((1 - startAt) * shareDone(run) * answered) / ahead : 0)
  return (
    <div class="race">
      {lanes.map((lane) => (
        <div key={lane.name} class={`lane side-${lane.name.toLowerCase()}`}>
          <p class="who">
            <Side name={lane.name} /> {plain(lane.title)}
          </p>
          <div class={`track ${ahead > 0 ? '' : 'warming'}`} aria-hidden="true">
            <div class="bar" style={{ width: `${(100 * reach(lane)).toFixed(2)}%` }} />
          </div>
          <p class="rate">
            {lane.perSecond === null ? '–' : number(lane.perSecond)} <small>requests/s</small>
          </p>
        </div>
      ))}
    </div>
  )
}
