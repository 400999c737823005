// How long answers take the more are asked for, and the knee: the most that is still answered in
// time. Beyond it the line goes up, and back where the server answers less than before.
import { columns, rows } from './axes.ts'
import type { Chart } from './chart.ts'
import type { Look } from './looks.ts'
import { linear, logarithmic } from './scale.ts'
import { el, line, mark, path, words } from './svg.ts'
import { count, number, plain } from './text.ts'

/** One rate that was held for a while. */
export interface CapacityStep {
  offeredPerSecond: number
  answeredPerSecond: number
  p50Ms: number
  p99Ms: number
  requests: number
}

export interface Capacity {
  name: string
  title: string
  look: Look
  /** By offered rate, ascending. */
  steps: CapacityStep[]
  /** Index of the last step that was still answered in time; null if none was. */
  knee: number | null
}

/** A chart for `toHtml`. */
export const capacityChart = (of: Capacity): Chart => ({
  id: `capacity-${of.name}`,
  title: `Latency and throughput: ${of.name}, ${of.title}`,
  says: kneeInWords(of),
  draw: (width) => {
    const box = { left: 52, right: width - 12, top: 28, bottom: width < 500 ? 260 : 310 }
    const x = linear(
      [0, Math.max(1, ...of.steps.map((step) => step.answeredPerSecond)) * 1.08],
      [box.left, box.right],
      width < 500 ? 4 : 8,
    )
    const times = of.steps.flatMap(({ p50Ms, p99Ms }) => [p50Ms, p99Ms]).filter((ms) => ms > 0)
    const y = logarithmic(
      times.length > 0 ? [Math.min(...times) / 1.1, Math.max(...times) * 1.2] : [1, 10],
      [box.bottom, box.top],
    )
    const drawn = (pick: 'p50Ms' | 'p99Ms') => {
      const points = of.steps.map((step) => [x(step.answeredPerSecond), y(step[pick])] as const)
      const last = points.at(-1) ?? [0, 0]
      return (
        path(points, { class: 'line', 'stroke-dasharray': pick === 'p50Ms' ? '6 3' : '' }) +
        points
          .map(([px, py]) =>
            mark(of.look.shape, px, py, 4, { class: pick === 'p50Ms' ? 'hollow' : 'solid' }),
          )
          .join('') +
        words(last[0] - 8, last[1] - 8, pick.slice(0, 3), { class: 'strong', anchor: 'end' })
      )
    }
    const at = of.knee === null ? undefined : of.steps[of.knee]
    return {
      height: box.bottom + 44,
      body: [
        rows(y, box, 'milliseconds (log)', number),
        columns(x, box, 'answered requests per second', count),
        at
          ? line(x(at.answeredPerSecond), box.top, x(at.answeredPerSecond), box.bottom, {
              class: 'zero',
            }) +
            words(
              x(at.answeredPerSecond) - 6,
              box.top + 10,
              `knee: ${count(at.answeredPerSecond)}/s`,
              {
                class: 'strong',
                anchor: 'end',
              },
            )
          : '',
        el('g', { class: of.look.class }, drawn('p99Ms'), drawn('p50Ms')),
      ].join(''),
    }
  },
  note: 'The knee is the highest rate that was still answered in full and without a growing queue.',
  table: {
    caption: `Every rate that was held for ${plain(of.name)}`,
    head: ['offered/s', 'answered/s', 'p50, ms', 'p99, ms', 'requests'],
    rows: of.steps.map((step) => [
      count(step.offeredPerSecond),
      count(step.answeredPerSecond),
      number(step.p50Ms),
      number(step.p99Ms),
      count(step.requests),
    ]),
  },
})

const kneeInWords = ({ steps, knee, name }: Capacity): string => {
  const at = knee === null ? undefined : steps[knee]
  return at
    ? `${name} answers up to ${count(at.answeredPerSecond)} requests per second in time, with a p99 of ${number(at.p99Ms)} ms (${count(at.requests)} requests).`
    : `${name} answered none of the ${steps.length} rates in time.`
}
