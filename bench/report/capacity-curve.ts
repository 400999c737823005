// How long answers take the more are asked for, and the knee: the most that is still answered in
// time. Beyond it the line goes up, and back where the server answers less than before.

import { plain } from '../../core/plain.ts'
import { columns, rows } from './axes.ts'
import type { Chart } from './chart.ts'
import type { Look } from './looks.ts'
import { linear, logarithmic } from './scale.ts'
import { el, line, mark, path, words } from './svg.ts'
import { count, escaped, number } from './text.ts'

/** One rate that was held for a while. */
export interface CapacityStep {
  offeredPerSecond: number
  answeredPerSecond: number
  /** Null where there are too few requests to say it. */
  p50Ms: number | null
  p95Ms: number | null
  requests: number
  /** Why it must not be trusted; none where it can be. */
  doubts?: string[]
}

export interface Capacity {
  /** Its letter among others; empty where it is alone. */
  name: string
  title: string
  look: Look
  /** By offered rate, ascending. */
  steps: CapacityStep[]
  /** Index of the last step that was still answered in time; null if none was. */
  knee: number | null
  /** What is said of it all, and how the knee is found; left out: in general words. */
  says?: string
  rule?: string
}

/** A chart for `toHtml`. */
export const capacityChart = (of: Capacity): Chart => ({
  id: `capacity-${of.name || 'alone'}`,
  title: `Latency and throughput: ${[of.name, of.title].filter(Boolean).join(', ')}`,
  says: of.says ?? kneeInWords(of),
  draw: (width) => {
    const box = { left: 52, right: width - 22, top: 28, bottom: width < 500 ? 260 : 310 }
    const x = linear(
      [0, Math.max(1, ...of.steps.map((step) => step.answeredPerSecond)) * 1.08],
      [box.left, box.right],
      width < 500 ? 4 : 8,
    )
    const times = of.steps
      .flatMap(({ p50Ms, p95Ms }) => [p50Ms, p95Ms])
      .filter((ms): ms is number => ms !== null && ms > 0)
    const y = logarithmic(
      times.length > 0 ? [Math.min(...times) / 1.1, Math.max(...times) * 1.2] : [1, 10],
      [box.bottom, box.top],
    )
    const drawn = (pick: 'p50Ms' | 'p95Ms') => {
      const points = placesOf(of.steps.filter(isTrusted), pick)
      const doubtful = placesOf(
        of.steps.filter((step) => !isTrusted(step)),
        pick,
      )
      // Where the two are farthest apart: in the end they meet.
      const [lx, ly] = points[0] ?? doubtful[0] ?? [0, 0]
      return (
        (points.length > 1
          ? path(points, { class: 'line', 'stroke-dasharray': pick === 'p50Ms' ? '6 3' : '' })
          : '') +
        points
          .map(([px, py]) =>
            mark(of.look.shape, px, py, 4, { class: pick === 'p50Ms' ? 'hollow' : 'solid' }),
          )
          .join('') +
        el(
          'g',
          { class: 'cr' },
          ...doubtful.map(([px, py]) => mark('cross', px, py, 5, { class: 'hollow' })),
        ) +
        (points.length + doubtful.length > 0
          ? words(lx - 6, ly - 9, pick.slice(0, 3), { class: 'strong' })
          : '')
      )
    }
    const placesOf = (steps: CapacityStep[], pick: 'p50Ms' | 'p95Ms') =>
      steps.flatMap((step) => {
        const ms = step[pick]
        return ms !== null && ms > 0 ? [[x(step.answeredPerSecond), y(ms)] as const] : []
      })
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
        el('g', { class: of.look.class }, drawn('p95Ms'), drawn('p50Ms')),
      ].join(''),
    }
  },
  note:
    escaped(
      of.rule ??
        'The knee is the highest rate that was still answered in full and without a growing queue.',
    ) +
    (of.steps.every(isTrusted)
      ? ''
      : ' Grey crosses are rates at which the load client was the limit: they say nothing about the server.'),
  table: {
    caption: `Every rate that was held for ${plain(of.name || of.title)}`,
    head: ['offered/s', 'answered/s', 'p50, ms', 'p95, ms', 'requests', 'trusted'],
    wordy: [5],
    rows: of.steps.map((step) => [
      count(step.offeredPerSecond),
      count(step.answeredPerSecond),
      inMs(step.p50Ms),
      inMs(step.p95Ms),
      count(step.requests),
      isTrusted(step) ? 'yes' : `no: ${(step.doubts ?? []).join('; ')}`,
    ]),
  },
})

const isTrusted = ({ doubts = [] }: CapacityStep): boolean => doubts.length === 0
const inMs = (ms: number | null): string => (ms === null ? 'too few' : number(ms))

const kneeInWords = ({ steps, knee, name }: Capacity): string => {
  const at = knee === null ? undefined : steps[knee]
  return at
    ? `${name} answers up to ${count(at.answeredPerSecond)} requests per second in time, with a p95 of ${at.p95Ms === null ? 'an unknown time' : `${number(at.p95Ms)} ms`} (${count(at.requests)} requests).`
    : `${name} answered none of the ${steps.length} rates in time.`
}
