// What visitors get while something is toggled: answers per second and the slowest of a hundred, over
// the last minute, with a mark at every toggle. The line is drawn as the side that was live.

import { plain } from '../../plain.ts'
import type { LoadSample } from '../../traffic/live-load.ts'
import { AsTable } from '../charts/as-table.tsx'

export interface Mark {
  atMs: number
  /** What is live from then on. */
  title: string
  side: 'A' | 'B' | undefined
}

const leastMs = 20_000
const mostMs = 60_000
const height = 100
const width = 1_000

export const LoadChart = ({
  samples,
  marks,
  before,
}: {
  samples: readonly LoadSample[]
  marks: readonly Mark[]
  /** What was live when it began. */
  before: Omit<Mark, 'atMs'>
}) => {
  const endMs = samples.at(-1)?.atMs ?? 0
  const fromMs = Math.max(samples[0]?.atMs ?? 0, endMs - mostMs)
  const spanMs = Math.max(leastMs, endMs - fromMs)
  const x = (atMs: number) => (atMs - fromMs) / spanMs
  const shown = samples.filter(({ atMs }) => atMs >= fromMs)
  const marked = marks.filter(({ atMs }) => atMs >= fromMs && atMs <= endMs + 1_000)
  const parts = cut(shown, marked, before)
  const refused = shown.some(({ not2xxPerSecond, errors }) => not2xxPerSecond + errors > 0)
  const panels = [
    { title: 'answers per second', unit: '/s', of: (one: LoadSample) => one.perSecond },
    { title: 'p99 of the last second', unit: ' ms', of: (one: LoadSample) => one.p99Ms ?? 0 },
  ]
  return (
    <figure class="load-chart">
      <figcaption class="unseen">
        Answers per second and 99th percentile of the time to an answer, over the last minute
      </figcaption>
      <div class="plot">
        {panels.map(({ title, unit, of }, index) => {
          const top = roundUp(Math.max(1, ...shown.map(of)))
          const y = (value: number) => height * (1 - value / top)
          const path = (part: readonly LoadSample[]) =>
            part.map((one) => `${width * x(one.atMs)},${y(of(one))}`).join(' ')
          return (
            <div key={title} class="panel-of-load">
              <p class="title">
                {title}
                {index === 0 && refused && (
                  <>
                    , of these <span class="swatch" /> not 2xx
                  </>
                )}
              </p>
              <p class="top">
                {top.toLocaleString('en')}
                {unit}
              </p>
              <p class="bottom">0</p>
              <svg
                viewBox={`0 0 ${width} ${height}`}
                preserveAspectRatio="none"
                aria-hidden="true"
                role="presentation"
              >
                <line x1="0" x2={width} y1={height / 2} y2={height / 2} />
                {index === 0 && (
                  <polygon
                    class="refused"
                    points={[
                      `${width * x(shown[0]?.atMs ?? fromMs)},${height}`,
                      ...shown.map(
                        (one) => `${width * x(one.atMs)},${y(one.not2xxPerSecond + one.errors)}`,
                      ),
                      `${width * x(endMs)},${height}`,
                    ].join(' ')}
                  />
                )}
                {parts.map((part) => (
                  <polyline
                    key={part.fromMs}
                    class={`side-${(part.side ?? 'none').toLowerCase()}`}
                    points={path(part.samples)}
                  />
                ))}
              </svg>
            </div>
          )
        })}
        {marked.map(({ atMs, title, side }, i) => (
          <div
            key={atMs}
            class={`mark side-${(side ?? 'none').toLowerCase()} ${x(atMs) > 0.6 ? 'leftwards' : ''}`}
            style={{ left: `${100 * x(atMs)}%` }}
          >
            <span style={{ '--row': i % 2 }}>
              {side && <b>{side}</b>} {plain(title)}
            </span>
          </div>
        ))}
        <p class="from">{Math.round((endMs - fromMs) / 1_000)} s ago</p>
        <p class="now">{spanMs > endMs - fromMs ? '' : 'now'}</p>
      </div>
      <AsTable summary="The same as a table">
        <thead>
          <tr>
            <th scope="col">seconds ago</th>
            <th scope="col">answers per second</th>
            <th scope="col">of these not 2xx</th>
            <th scope="col">without an answer</th>
            <th scope="col">p50, ms</th>
            <th scope="col">p99, ms</th>
            <th scope="col">live</th>
          </tr>
        </thead>
        <tbody>
          {parts.flatMap(({ title, samples }) =>
            // One row for each second says enough.
            samples
              .filter((_, i) => i % 4 === 0)
              .map((one) => (
                <tr key={one.atMs}>
                  <td>{((endMs - one.atMs) / 1_000).toFixed(1)}</td>
                  <td>{Math.round(one.perSecond).toLocaleString('en')}</td>
                  <td>{Math.round(one.not2xxPerSecond).toLocaleString('en')}</td>
                  <td>{one.errors}</td>
                  <td>{one.p50Ms?.toFixed(2) ?? ''}</td>
                  <td>{one.p99Ms?.toFixed(2) ?? ''}</td>
                  <td>{plain(title)}</td>
                </tr>
              )),
          )}
        </tbody>
      </AsTable>
    </figure>
  )
}

/** The samples between two toggles; each part begins where the one before ends, so that no gap shows. */
const cut = (
  samples: readonly LoadSample[],
  marks: readonly Mark[],
  before: Omit<Mark, 'atMs'>,
) => {
  const bounds = [{ atMs: 0, ...before }, ...marks]
  return bounds.flatMap(({ atMs, title, side }, i) => {
    const untilMs = bounds[i + 1]?.atMs ?? Number.POSITIVE_INFINITY
    const own = samples.filter((one) => one.atMs >= atMs && one.atMs < untilMs)
    const last = samples.findLast((one) => one.atMs < atMs)
    const part = last ? [last, ...own] : own
    return own.length > 0 ? [{ fromMs: atMs, title, side, samples: part }] : []
  })
}

const roundUp = (value: number): number => {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 1.5, 2, 3, 5, 7.5, 10].map((n) => n * power).find((n) => n >= value) ?? value
}
