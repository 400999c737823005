// The frame of a chart: lines to read values from, and what they are called.
import type { Scale } from './scale.ts'
import { el, line, words } from './svg.ts'

export interface Box {
  left: number
  right: number
  top: number
  bottom: number
}

/** Horizontal lines with their values at the left, and what they are, above. */
export const rows = (scale: Scale, box: Box, called: string, label: (value: number) => string) =>
  [
    ...scale.ticks.map(
      (tick) =>
        line(box.left, scale(tick), box.right, scale(tick), { class: 'grid' }) +
        words(box.left - 7, scale(tick) + 4, label(tick), { class: 'soft', anchor: 'end' }),
    ),
    words(0, box.top - 12, called, { class: 'soft' }),
  ].join('')

/** Marks along the bottom with their values, and what they are, below. */
export const columns = (scale: Scale, box: Box, called: string, label: (value: number) => string) =>
  [
    line(box.left, box.bottom, box.right, box.bottom, { class: 'axis' }),
    ...scale.ticks.map(
      (tick) =>
        line(scale(tick), box.bottom, scale(tick), box.bottom + 4, { class: 'axis' }) +
        words(scale(tick), box.bottom + 18, label(tick), { class: 'soft', anchor: 'middle' }),
    ),
    words((box.left + box.right) / 2, box.bottom + 38, called, { class: 'soft', anchor: 'middle' }),
  ].join('')

/** Labels at the right of lines, moved apart where they would lie on each other. */
export const endLabels = (
  labels: { y: number; text: string; class: string }[],
  x: number,
  box: Box,
): string => {
  const apart = 15
  const sorted = [...labels].sort((a, b) => a.y - b.y)
  const places: number[] = []
  for (const { y } of sorted) places.push(Math.max(y, (places.at(-1) ?? -1e9) + apart))
  const over = Math.max(0, (places.at(-1) ?? 0) - box.bottom)
  return el(
    'g',
    {},
    ...sorted.map(({ text, class: look }, i) =>
      words(x, (places[i] as number) - over + 4.5, text, { class: `strong ${look}` }),
    ),
  )
}
