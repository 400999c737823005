// What a request costs in the course of a block, part by part: flat where the servers were warm.
import { columns, endLabels, rows } from './axes.ts'
import type { Drawing } from './chart.ts'
import type { Look } from './looks.ts'
import { linear } from './scale.ts'
import { el, line, path } from './svg.ts'
import { number } from './text.ts'

export interface CourseSeries {
  name: string
  look: Look
  /** By part of the block, in the order of time: 1 is the block's own level. */
  values: number[]
}

export const course =
  (series: readonly CourseSeries[]) =>
  (width: number): Drawing => {
    const box = { left: 52, right: width - 26, top: 26, bottom: 190 }
    const all = series.flatMap(({ values }) => values)
    const most = Math.max(0.05, ...all.map((value) => Math.abs(value - 1))) * 1.05
    const y = linear([-100 * most, 100 * most], [box.bottom, box.top], 4)
    const slices = Math.max(...series.map(({ values }) => values.length))
    const x = linear([1, slices], [box.left, box.right], width < 500 ? 4 : 8)
    const place = (value: number) => y(100 * (value - 1))
    return {
      height: box.bottom + 44,
      body: [
        rows(y, box, 'per cent', (tick) => (tick > 0 ? `+${number(tick)}` : number(tick))),
        columns(
          Object.assign(x, { ticks: x.ticks.filter((tick) => Number.isInteger(tick) && tick > 0) }),
          box,
          'part of the block, in the order of time',
          number,
        ),
        line(box.left, place(1), box.right, place(1), { class: 'zero' }),
        ...series.map(({ look, values }) =>
          el(
            'g',
            { class: look.class },
            path(
              values.map((value, i) => [x(i + 1), place(value)] as const),
              { class: 'line', 'stroke-dasharray': look.dash },
            ),
          ),
        ),
        endLabels(
          series.map(({ name, look, values }) => ({
            y: place(values.at(-1) ?? 1),
            text: name,
            class: look.class,
          })),
          box.right + 9,
          box,
        ),
      ].join(''),
    }
  }
