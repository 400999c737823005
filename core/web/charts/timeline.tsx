// What visitors see while things go wrong: of the requests that were due in each moment, how many
// were answered as they should be, and when what was done. One strip per contender, on one axis.

import type { Contender, Timeline as Watched } from '../../measurement/run.ts'
import { plain } from '../../plain.ts'
import { number } from '../run/words.ts'
import { AsTable } from './as-table.tsx'
import './timeline.css'

const deeds = { kill: 'taken away', heal: 'back' } as const
const height = 64

export const Timeline = ({
  timelines,
  contenders,
}: {
  timelines: readonly Watched[]
  contenders: readonly Contender[]
}) => {
  const longestMs = Math.max(...timelines.map(({ buckets, bucketMs }) => buckets.length * bucketMs))
  const most = Math.max(1, ...timelines.flatMap(({ buckets }) => buckets.map((one) => one.offered)))
  return (
    <figure class="timeline">
      <figcaption>
        Requests that were due, on a schedule that waits for nobody: full bars were answered
        rightly, hatched ones wrongly or not at all.
      </figcaption>
      {timelines.map((timeline) => {
        const who = contenders[timeline.contender]
        const { bucketMs, buckets, faults } = timeline
        const place = (ms: number) => (1000 * ms) / longestMs
        const [wide, unit] = [place(bucketMs), height / most]
        return (
          <div class={`strip side-${who?.name.toLowerCase() ?? ''}`} key={timeline.contender}>
            <p>
              <strong>{who?.name}</strong> {plain(who?.title ?? '')}{' '}
              <small>{number(timeline.ratePerSecond)} requests/s</small>
            </p>
            <svg
              viewBox={`0 0 1000 ${height}`}
              preserveAspectRatio="none"
              role="img"
              aria-label={`${plain(who?.title ?? '')} over ${Math.round(longestMs / 1000)} s; the table says the same`}
            >
              <defs>
                <pattern id="other" width="5" height="5" patternUnits="userSpaceOnUse">
                  <path d="M0 5 5 0" class="hatch" />
                </pattern>
              </defs>
              {buckets.map(({ right, other }, i) => (
                <g key={i}>
                  <rect
                    class="right"
                    x={i * wide}
                    width={wide * 0.9}
                    y={height - right * unit}
                    height={right * unit}
                  />
                  <rect
                    class="other"
                    x={i * wide}
                    width={wide * 0.9}
                    y={height - (right + other) * unit}
                    height={other * unit}
                  />
                </g>
              ))}
              {faults.map(({ atMs, do: what, backend }) => (
                <line
                  key={`${what} ${backend} ${atMs}`}
                  class={what}
                  x1={place(atMs)}
                  x2={place(atMs)}
                  y1="0"
                  y2={height}
                />
              ))}
            </svg>
            <p class="deeds">
              {faults.map(({ atMs, do: what, backend }) => (
                <span key={`${what} ${backend} ${atMs}`} style={{ left: `${place(atMs) / 10}%` }}>
                  {plain(backend)} {deeds[what]}, {number(atMs / 1000)} s
                </span>
              ))}
            </p>
          </div>
        )
      })}
      <AsTable>
        <caption>Second by second, over all who were watched</caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            {timelines.map(({ contender }) => (
              <th scope="col" key={contender}>
                {contenders[contender]?.name}: right of due
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: Math.ceil(longestMs / 1000) }, (_, second) => (
            <tr key={second}>
              <th scope="row">{second} s</th>
              {timelines.map((timeline) => (
                <td class="number" key={timeline.contender}>
                  {inSecond(timeline, second)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </AsTable>
    </figure>
  )
}

const inSecond = ({ buckets, bucketMs }: Watched, second: number): string => {
  const inside = buckets.filter((_, i) => Math.floor((i * bucketMs) / 1000) === second)
  const sum = (of: (bucket: (typeof buckets)[number]) => number) =>
    inside.reduce((all, one) => all + of(one), 0)
  return inside.length === 0 ? '' : `${sum(({ right }) => right)} of ${sum((one) => one.offered)}`
}
