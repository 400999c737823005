// What visitors met while a backend was gone: answers per second by whether they were right, and
// below how long they took. The moments of the faults go through both.

import type { Timeline } from '#core/measurement/run'
import { columns, rows } from './axes.ts'
import type { Drawing } from './chart.ts'
import type { Look } from './looks.ts'
import { linear, logarithmic } from './scale.ts'
import { el, line, mark, path, words } from './svg.ts'
import { number, shorten } from './text.ts'

export const timeline =
  ({ bucketMs, buckets, faults }: Timeline, look: Look) =>
  (width: number): Drawing => {
    const upper = { left: 52, right: width - 8, top: 44, bottom: 170 }
    const lower = { ...upper, top: 210, bottom: 310 }
    const seconds = (i: number) => (i * bucketMs) / 1000
    const x = linear([0, seconds(Math.max(1, buckets.length))], [upper.left, upper.right], 7)
    const perSecond = (count: number) => (count * 1000) / bucketMs
    const most = Math.max(1, ...buckets.map(({ right, other }) => perSecond(right + other)))
    const rate = linear([0, most * 1.05], [upper.bottom, upper.top], 4)
    const bar = (i: number, from: number, to: number, look: string) =>
      to > from
        ? el('rect', {
            x: x(seconds(i)),
            y: rate(perSecond(to)),
            width: Math.max(
              0.5,
              x(seconds(i + 1)) - x(seconds(i)) - (width / buckets.length > 5 ? 1 : 0),
            ),
            height: rate(perSecond(from)) - rate(perSecond(to)),
            class: look,
          })
        : ''
    const times = buckets
      .flatMap(({ medianMs, maxMs }) => [medianMs, maxMs])
      .filter((ms): ms is number => ms !== null && ms > 0)
    const ms = logarithmic(
      times.length > 0 ? [Math.min(...times) / 1.1, Math.max(...times) * 1.1] : [1, 10],
      [lower.bottom, lower.top],
      5,
    )
    const middle = (i: number) => x((seconds(i) + seconds(i + 1)) / 2)
    return {
      height: lower.bottom + 44,
      body: [
        rows(rate, upper, 'answers per second', number),
        ...buckets.map(({ right, other }, i) =>
          [bar(i, 0, right, 'right'), bar(i, right, right + other, 'other')].join(''),
        ),
        rows(ms, lower, 'milliseconds (log)', number),
        el(
          'g',
          { class: look.class },
          ...runsOf(buckets.map(({ medianMs }) => medianMs)).map((run) =>
            path(
              run.map(([i, value]) => [middle(i), ms(value)] as const),
              { class: 'line' },
            ),
          ),
          ...buckets.map(({ maxMs }, i) =>
            maxMs ? mark('circle', middle(i), ms(maxMs), 2, { class: 'hollow' }) : '',
          ),
        ),
        columns(x, lower, 'seconds since the beginning of the load', number),
        ...faults.map(({ atMs, do: what, backend }, i) => {
          const at = x(atMs / 1000)
          const says = `${shorten(backend, 18)} ${what === 'kill' ? 'dies' : 'is back'}`
          const late = at > (upper.left + upper.right) / 2
          return (
            line(at, 16 + (i % 2) * 14, at, lower.bottom, { class: `fault ${what}` }) +
            words(at + (late ? -5 : 5), 24 + (i % 2) * 14, says, {
              class: 'strong',
              anchor: late ? 'end' : 'start',
            })
          )
        }),
      ].join(''),
    }
  }

/** Stretches without a hole, as pairs of place and value. */
const runsOf = (values: readonly (number | null)[]): [number, number][][] => {
  const runs: [number, number][][] = [[]]
  for (const [i, value] of values.entries())
    if (value === null || value <= 0) runs.push([])
    else runs.at(-1)?.push([i, value])
  return runs.filter((run) => run.length > 0)
}
