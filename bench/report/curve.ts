// How long requests took, from the quickest to the slowest: an axis of percentiles that gives every
// further nine as much room as the last, because that is where a service hurts.
import { columns, endLabels, rows } from './axes.ts'
import type { Drawing } from './chart.ts'
import type { Look } from './looks.ts'
import { linear, logarithmic } from './scale.ts'
import { el, mark, path } from './svg.ts'
import { number } from './text.ts'

export interface CurveSeries {
  /** What stands at the end of its line. */
  name: string
  look: Look
  /** `corrected` counts from the intended sending, `naive` from the actual one. */
  kind: 'corrected' | 'naive'
  /** By percentile, ascending. */
  points: { percentile: number; ms: number }[]
}

/** The percentiles that are marked on each line. */
export const marked = [50, 90, 95, 99, 99.9, 99.99]

/** Where lines begin: the very quickest say more about the clock than about a server. */
export const quickest = 10

export const curve =
  (series: readonly CurveSeries[]) =>
  (width: number): Drawing => {
    const box = { left: 52, right: width - 26, top: 26, bottom: width < 500 ? 260 : 330 }
    const all = series.flatMap(({ points }) => points)
    const most = Math.max(90, ...all.map(({ percentile }) => percentile))
    const times = all.map(({ ms }) => Math.max(ms, 0.001))
    const y = logarithmic(
      [Math.min(...times) / 1.1, Math.max(...times) * 1.1],
      [box.bottom, box.top],
      8,
    )
    const along = linear([nines(quickest), nines(most)], [box.left, box.right])
    const x = (percentile: number) => along(nines(percentile))
    const shown = [quickest, 50, 90, ...(width < 500 ? [] : [95]), 99, 99.9, 99.99].filter(
      (p) => p <= most,
    )
    const axis = Object.assign(x, { ticks: shown })
    const drawn = series.map(({ look, kind, points }) =>
      el(
        'g',
        { class: `${look.class} ${kind}` },
        path(
          points.map(({ percentile, ms }) => [x(percentile), y(Math.max(ms, 0.001))] as const),
          { class: 'line', 'stroke-dasharray': look.dash },
        ),
        ...points
          .filter(({ percentile }) => marked.includes(percentile))
          .map(({ percentile, ms }) =>
            mark(look.shape, x(percentile), y(Math.max(ms, 0.001)), kind === 'naive' ? 3.5 : 4.5, {
              class: kind === 'naive' ? 'hollow' : 'solid',
            }),
          ),
      ),
    )
    const ends = (kind: CurveSeries['kind']) =>
      el(
        'g',
        { class: kind },
        endLabels(
          series
            .filter((one) => one.kind === kind && one.points.length > 0)
            .map(({ name, look, points }) => ({
              y: y(Math.max(points.at(-1)!.ms, 0.001)),
              text: name,
              class: look.class,
            })),
          box.right + 9,
          box,
        ),
      )
    const labels = width < 500 ? (p: number) => `${p}` : (p: number) => `p${p}`
    return {
      height: box.bottom + 44,
      body: [
        rows(y, box, 'milliseconds (log)', number),
        columns(
          axis,
          box,
          width < 500
            ? 'so many of 100 took at most as long'
            : 'percentile: so many of 100 requests took at most as long',
          labels,
        ),
        ...drawn,
        ends('corrected'),
      ].join(''),
    }
  }

/** 90 → 1, 99 → 2, 99.9 → 3. */
const nines = (percentile: number): number => -Math.log10(1 - percentile / 100)
