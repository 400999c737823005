// A measurement while it runs: how fast each is, how long one waits, how often the backend is asked.
// All contenders share their axes; time is time under load. A line goes through the last few slices; what only warmed up is
// left out. Nothing here decides anything.
import { useEffect, useRef } from 'preact/hooks'
import type UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Contender } from '../../measurement/run.ts'
import { plain } from '../../plain.ts'
import type { Slice } from '../run/follow.ts'
import { number } from '../run/words.ts'
import { AsTable } from './as-table.tsx'
import './live.css'

interface Panel {
  title: string
  unit: string
  load: Slice['load']
  lines: { says: string; valueIn: (slice: Slice) => number | null }[]
}

const panelsFor = (slices: readonly Slice[]): Panel[] => {
  const open = slices.some(({ load }) => load === 'open')
  const closed = slices.some(({ load }) => load === 'closed')
  const latency: Panel['lines'] = [
    { says: 'p50', valueIn: ({ p50Ms }) => p50Ms },
    ...(open ? [{ says: 'p99', valueIn: ({ p99Ms }: Slice) => p99Ms }] : []),
  ]
  return [
    {
      title: closed ? 'Answered, as fast as it goes' : 'Answered, on a schedule',
      unit: 'requests/s',
      load: closed ? 'closed' : 'open',
      lines: [{ says: '', valueIn: ({ answered, seconds }) => answered / seconds }],
    },
    {
      title: open ? 'Time to an answer, on a schedule' : 'Time to an answer, under full load',
      unit: 'ms',
      load: open ? 'open' : 'closed',
      lines: latency,
    },
    {
      title: 'Backend calls',
      unit: 'calls/request',
      load: open ? 'open' : 'closed',
      lines: [
        {
          says: '',
          valueIn: ({ backendCalls, answered }) =>
            backendCalls === null || answered === 0 ? null : backendCalls / answered,
        },
      ],
    },
  ]
}

export const LiveChart = ({
  slices,
  contenders,
}: {
  slices: readonly Slice[]
  contenders: readonly Contender[]
}) => {
  const counted = slices.filter(({ counts }) => counts)
  const shown = contenders.filter(({ reference }) => !reference)
  const panels = panelsFor(counted)
  return (
    <figure class="live-chart">
      <figcaption class="unseen">What was measured so far, slice by slice</figcaption>
      <div class="panels">
        {panels.map((panel) => (
          <Plot
            key={panel.title}
            panel={panel}
            slices={counted.filter(({ load }) => load === panel.load)}
            contenders={shown}
          />
        ))}
      </div>
      <AsTable>
        <caption>So far, {counted.length.toLocaleString('en')} slices: medians of them</caption>
        <thead>
          <tr>
            <th scope="col">Contender</th>
            {panels.flatMap(({ title, unit, lines }) =>
              lines.map(({ says }) => (
                <th scope="col" key={title + says}>
                  {title} {says}, {unit}
                </th>
              )),
            )}
          </tr>
        </thead>
        <tbody>
          {shown.map(({ name, title }) => (
            <tr key={name}>
              <th scope="row">
                {name} {plain(title)}
              </th>
              {panels.flatMap((panel) =>
                panel.lines.map(({ says, valueIn }) => (
                  <td key={panel.title + says} class="number">
                    {middle(
                      counted
                        .filter((one) => one.contender === name && one.load === panel.load)
                        .map(valueIn),
                    )}
                  </td>
                )),
              )}
            </tr>
          ))}
        </tbody>
      </AsTable>
    </figure>
  )
}

const middle = (values: readonly (number | null)[]): string => {
  const known = values.filter((value) => value !== null).sort((x, y) => x - y)
  const value = known[known.length >> 1]
  return value === undefined ? '–' : number(value)
}

const dashes = [[], [7, 3], [2, 3], [9, 3, 2, 3]]
/** A point is the mean of so many slices of its contender. */
const smooth = 8
const redrawMs = 900

const Plot = ({
  panel,
  slices,
  contenders,
}: {
  panel: Panel
  slices: readonly Slice[]
  contenders: readonly Contender[]
}) => {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | undefined>(undefined)
  const drawnAt = useRef(0)
  const latest = useRef<() => UPlot.AlignedData>(() => [[]])
  latest.current = () => dataOf(panel, slices, contenders)

  useEffect(() => {
    let gone = false
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const resized = new ResizeObserver(([entry]) => {
      const width = Math.round(entry?.contentRect.width ?? 0)
      if (width > 0) plot.current?.setSize({ width, height })
    })
    const draw = async () => {
      const { default: Drawn } = await import('uplot')
      if (gone || !place.current) return
      plot.current?.destroy()
      const { clientWidth } = place.current
      const options = optionsOf(panel, contenders, place.current, clientWidth || 320)
      plot.current = new Drawn(options, latest.current(), place.current)
      resized.observe(place.current)
    }
    const redraw = () => void draw()
    redraw()
    dark.addEventListener('change', redraw)
    return () => {
      gone = true
      dark.removeEventListener('change', redraw)
      resized.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [panel.title, contenders.length])

  useEffect(() => {
    // To draw takes time on the machine that is measured.
    const now = performance.now()
    if (now - drawnAt.current < redrawMs) return
    drawnAt.current = now
    plot.current?.setData(latest.current())
  }, [slices.length])

  return (
    <div class="panel-plot">
      <p>
        {panel.title} <small>{panel.unit}</small>
        {panel.lines.length > 1 && (
          <small>
            , thick {panel.lines[0]?.says}, thin {panel.lines[1]?.says}
          </small>
        )}
      </p>
      <div ref={place} aria-hidden="true" style={{ minHeight: `${height}px` }} />
    </div>
  )
}

const height = 190

const dataOf = (
  { lines }: Panel,
  slices: readonly Slice[],
  contenders: readonly Contender[],
): UPlot.AlignedData => {
  // Time under load: what lies between two blocks would be long lines that say nothing.
  let underLoad = 0
  const times = slices.map(({ seconds }) => {
    underLoad += seconds
    return underLoad
  })
  const series = contenders.flatMap(({ name }) =>
    lines.map(({ valueIn }) => {
      const last: number[] = []
      return slices.map((slice) => {
        const value = slice.contender === name ? valueIn(slice) : null
        if (value === null) return undefined
        last.push(value)
        if (last.length > smooth) last.shift()
        return last.reduce((sum, one) => sum + one, 0) / last.length
      })
    }),
  )
  return [times, ...series] as UPlot.AlignedData
}

const optionsOf = (
  { lines }: Panel,
  contenders: readonly Contender[],
  element: HTMLElement,
  width: number,
): UPlot.Options => {
  const style = getComputedStyle(element)
  // The text of a canvas knows no variables; light-dark() is resolved by a property that takes it.
  const colour = (name: string) => resolved(element, `var(--${name})`)
  const names = ['a', 'b', 'c', 'd']
  const [soft, line] = [colour('soft'), colour('line')]
  const font = `13px ${style.fontFamily}`
  const axis = { stroke: soft, font, grid: { stroke: line, width: 1 }, ticks: { show: false } }
  return {
    width,
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false },
      y: { range: (_, _least, most) => [0, (most || 1) * 1.12] },
    },
    axes: [
      { ...axis, size: 28, values: (_, all) => all.map((at) => `${at} s`) },
      { ...axis, size: 62, values: (_, all) => all.map((value) => value.toLocaleString('en')) },
    ],
    series: [
      {},
      ...contenders.flatMap((_, i) =>
        lines.map((_, thin) => ({
          stroke: colour(names[i % names.length] ?? 'ink'),
          width: thin ? 1.25 : 2.5,
          dash: dashes[i % dashes.length] ?? [],
          spanGaps: true,
          points: { show: false },
        })),
      ),
    ],
    hooks: { draw: [(drawn) => nameLines(drawn, contenders, lines.length, font)] },
  }
}

/** Each line's letter at its end: nobody has to look for a legend. */
const nameLines = (
  drawn: UPlot,
  contenders: readonly Contender[],
  linesEach: number,
  font: string,
): void => {
  const { ctx } = drawn
  ctx.save()
  ctx.font = `bold ${Math.round(13 * devicePixelRatio)}px ${font.slice(5)}`
  ctx.textAlign = 'right'
  for (const [i, { name }] of contenders.entries()) {
    const at = 1 + i * linesEach
    const values = drawn.data[at] ?? []
    let last = values.length - 1
    while (last >= 0 && values[last] === undefined) last--
    const value = values[last]
    if (value === null || value === undefined) continue
    const stroke = drawn.series[at]?.stroke
    ctx.fillStyle = typeof stroke === 'function' ? String(stroke(drawn, at)) : '#888'
    const x = drawn.valToPos(drawn.data[0][last] ?? 0, 'x', true)
    // Two that are close stand one above the other.
    ctx.fillText(name, x, drawn.valToPos(value, 'y', true) + (i % 2 ? 18 : -8) * devicePixelRatio)
  }
  ctx.restore()
}

const resolved = (element: HTMLElement, colour: string): string => {
  const probe = element.ownerDocument.createElement('span')
  probe.style.color = colour
  element.append(probe)
  const found = getComputedStyle(probe).color
  probe.remove()
  return found
}
