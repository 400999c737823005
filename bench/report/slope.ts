// One line per block, from contender to contender: where the lines are parallel, the difference is
// the same whatever the machine did meanwhile. Lines against the general direction are dashed.
import { rows } from './axes.ts'
import type { Drawing } from './chart.ts'
import type { Look } from './looks.ts'
import { logarithmic } from './scale.ts'
import { el, line, mark, path, words } from './svg.ts'
import { number, shorten } from './text.ts'

export interface Slope {
  contenders: { name: string; title: string; look: Look }[]
  /** Per block one value per contender; null where it was not measured. */
  blocks: (number | null)[][]
  /** Per contender, over the blocks. */
  medians: (number | null)[]
  unit: string
}

export const slope =
  ({ contenders, blocks, medians, unit }: Slope) =>
  (width: number): Drawing => {
    const bottom = width < 500 ? 260 : 310
    const last = contenders.length - 1
    const room = (width - 130) / Math.max(1, last)
    const step = Math.min(room, 330)
    const left = 70 + Math.max(0, (width - 130 - step * last) / 2)
    const box = { left: 56, right: width, top: 28, bottom }
    const values = blocks.flat().filter((value): value is number => value !== null && value > 0)
    const y = logarithmic(
      values.length > 0
        ? [Math.min(...values) / 1.03, Math.max(...values) * 1.03]
        : ([1, 10] as const),
      [bottom, box.top],
    )
    const x = (i: number) => left + i * step + 12
    const joined = (of: readonly (number | null)[]) =>
      of.flatMap((value, i) =>
        value !== null && value > 0 ? [[x(i), y(value)] as [number, number]] : [],
      )
    const directionOf = (of: readonly (number | null)[]) => {
      const known = of.filter((value): value is number => value !== null)
      return Math.sign((known.at(-1) ?? 0) - (known[0] ?? 0))
    }
    const general = directionOf(medians)
    const lines = blocks.map((block) =>
      path(joined(block), {
        class: 'block',
        'stroke-dasharray':
          contenders.length === 2 && directionOf(block) !== general ? '4 3' : undefined,
      }),
    )
    const marks = contenders.map(({ look }, i) =>
      el(
        'g',
        { class: look.class },
        ...blocks.map(([...block]) => {
          const value = block[i] ?? null
          return value !== null && value > 0
            ? mark(look.shape, x(i), y(value), 3, { class: 'solid' })
            : ''
        }),
        medians[i]
          ? line(x(i) - 13, y(medians[i]), x(i) + 13, y(medians[i]), { class: 'median' })
          : '',
      ),
    )
    const letters = Math.floor(Math.min(step, 300) / 7.6)
    return {
      height: bottom + (width < 500 && last > 1 ? 26 : 44),
      body: [
        rows(y, box, `${unit} (log)`, number),
        ...lines,
        path(joined(medians), { class: 'middle' }),
        ...marks,
        ...contenders.map(
          ({ name, title, look }, i) =>
            words(x(i), bottom + 20, name, { class: `strong ${look.class}`, anchor: 'middle' }) +
            (width < 500 && last > 1
              ? ''
              : words(x(i), bottom + 38, shorten(title, letters), {
                  class: 'soft',
                  anchor: 'middle',
                })),
        ),
      ].join(''),
    }
  }
