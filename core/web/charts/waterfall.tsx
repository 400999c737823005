// What requests asked of their backends, and when: every call a bar on one axis of time that all
// requests share, so that lengths can be compared.

import type { Call } from '../../lab/meter.ts'
import { plain } from '../../plain.ts'
import { Side } from '../ui/parts.tsx'
import { AsTable } from './as-table.tsx'
import './waterfall.css'

export interface WaterfallRow {
  side: 'A' | 'B'
  title: string
  /** Until the answer began. */
  totalMs: number
  calls: readonly Call[]
}

const mostBars = 40

export const Waterfall = ({ rows }: { rows: readonly WaterfallRow[] }) => {
  const endMs = Math.max(
    0.1,
    ...rows.flatMap(({ totalMs, calls }) => [
      totalMs,
      ...calls.map(({ startMs, ms }) => startMs + ms),
    ]),
  )
  const ticks = ticksUpTo(endMs)
  const scale = (ms: number) => `${(100 * ms) / endMs}%`
  return (
    <figure class="waterfall">
      <figcaption class="unseen">
        Adapter calls of each request, in milliseconds from its beginning
      </figcaption>
      <div class="rows">
        {rows.map((row) => (
          <div key={row.side} class={`request side-${row.side.toLowerCase()}`}>
            <div class="row whole">
              <span class="label">
                <Side name={row.side} /> {plain(row.title)}
              </span>
              <Bar scale={scale} ticks={ticks} startMs={0} ms={row.totalMs} kind="whole" />
              <span class="value">{inMs(row.totalMs)}</span>
            </div>
            {row.calls.slice(0, mostBars).map((call, i) => (
              <div key={i} class="row">
                <span class="label">
                  <code>{plain(call.name)}</code> on {plain(call.backend)}
                </span>
                <Bar scale={scale} ticks={ticks} kind={call.failed ? 'failed' : 'call'} {...call} />
                <span class="value">
                  {inMs(call.ms)}
                  {call.failed && ' failed'}
                </span>
              </div>
            ))}
            {row.calls.length > mostBars && (
              <p class="more">and {row.calls.length - mostBars} more, in the table</p>
            )}
            {row.calls.length === 0 && <p class="more">asks nothing of any backend</p>}
          </div>
        ))}
        <div class="row axis" aria-hidden="true">
          <span class="label" />
          <svg role="presentation">
            {ticks.map((ms) => (
              <text
                key={ms}
                x={scale(ms)}
                y="14"
                text-anchor={ms === 0 ? 'start' : ms > 0.94 * endMs ? 'end' : 'middle'}
              >
                {ms} ms
              </text>
            ))}
          </svg>
          <span class="value" />
        </div>
      </div>
      <AsTable summary="The same as a table">
        <thead>
          <tr>
            <th scope="col">request</th>
            <th scope="col">call</th>
            <th scope="col">backend</th>
            <th scope="col">begins, ms</th>
            <th scope="col">takes, ms</th>
            <th scope="col">ends</th>
          </tr>
        </thead>
        <tbody>
          {rows.flatMap(({ side, totalMs, calls }) => [
            <tr key={side}>
              <th scope="row">{side}</th>
              <td>the whole request</td>
              <td />
              <td>0</td>
              <td>{totalMs.toFixed(2)}</td>
              <td>answered</td>
            </tr>,
            ...calls.map((call, i) => (
              <tr key={`${side} ${i}`}>
                <th scope="row">{side}</th>
                <td>
                  <code>{plain(call.name)}</code>
                </td>
                <td>{plain(call.backend)}</td>
                <td>{call.startMs.toFixed(2)}</td>
                <td>{call.ms.toFixed(2)}</td>
                <td>{call.failed ? 'failed' : 'well'}</td>
              </tr>
            )),
          ])}
        </tbody>
      </AsTable>
    </figure>
  )
}

const Bar = ({
  scale,
  ticks,
  startMs,
  ms,
  kind,
}: {
  scale: (ms: number) => string
  ticks: readonly number[]
  startMs: number
  ms: number
  kind: 'whole' | 'call' | 'failed'
}) => (
  <svg role="presentation" aria-hidden="true">
    {ticks.map((tick) => (
      <line key={tick} x1={scale(tick)} x2={scale(tick)} y1="0" y2="100%" />
    ))}
    {/* What takes next to no time is still there. */}
    <rect class={kind} x={scale(startMs)} width={scale(ms)} y="3" height="14" rx="3" />
    <rect class={`least ${kind}`} x={scale(startMs)} width="3" y="3" height="14" rx="1.5" />
  </svg>
)

const inMs = (ms: number): string => `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`

/** Some round numbers from 0. */
const ticksUpTo = (end: number): number[] => {
  const rough = end / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? rough
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) =>
    Number((i * step).toPrecision(6)),
  )
}
