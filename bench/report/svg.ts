// Small pieces of SVG. Colours and fonts are set by report.css through classes, so that the same
// drawing is right on white, on black and on paper.
import { escaped } from './text.ts'

type Attributes = Record<string, string | number | undefined>

/** One element; numbers are cut to a hundredth, texts are escaped. Children are SVG already. */
export const el = (name: string, attributes: Attributes = {}, ...children: string[]): string => {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? cut(value) : escaped(value!)}"`)
    .join('')
  return children.length === 0
    ? `<${name}${written}/>`
    : `<${name}${written}>${children.join('')}</${name}>`
}

export const line = (x1: number, y1: number, x2: number, y2: number, of: Attributes = {}) =>
  el('line', { x1, y1, x2, y2, ...of })

/** Words at a place; `anchor` says which end of them is there. */
export const words = (
  x: number,
  y: number,
  text: string,
  { anchor = 'start', ...of }: Attributes & { anchor?: 'start' | 'middle' | 'end' } = {},
) =>
  el('text', { x, y, 'text-anchor': anchor === 'start' ? undefined : anchor, ...of }, escaped(text))

/** A line through points. */
export const path = (points: readonly (readonly [number, number])[], of: Attributes = {}): string =>
  el('path', {
    d: points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${cut(x)} ${cut(y)}`).join(''),
    ...of,
  })

/** A mark of one of the shapes, `r` from its middle to its edge. */
export const mark = (shape: Shape, x: number, y: number, r: number, of: Attributes = {}): string =>
  shape === 'circle'
    ? el('circle', { cx: x, cy: y, r, ...of })
    : el('path', {
        d: `M${outlines[shape].map(([dx, dy]) => `${cut(x + dx * r)} ${cut(y + dy * r)}`).join('L')}Z`,
        ...of,
      })

export type Shape = 'circle' | keyof typeof outlines

const outlines = {
  square: [
    [-0.88, -0.88],
    [0.88, -0.88],
    [0.88, 0.88],
    [-0.88, 0.88],
  ],
  triangle: [
    [0, -1.15],
    [1.1, 0.8],
    [-1.1, 0.8],
  ],
  diamond: [
    [0, -1.25],
    [1.15, 0],
    [0, 1.25],
    [-1.15, 0],
  ],
  wedge: [
    [0, 1.15],
    [1.1, -0.8],
    [-1.1, -0.8],
  ],
  star: [
    [0, -1.4],
    [0.4, -0.4],
    [1.4, 0],
    [0.4, 0.4],
    [0, 1.4],
    [-0.4, 0.4],
    [-1.4, 0],
    [-0.4, -0.4],
  ],
  bar: [
    [-0.4, -1.3],
    [0.4, -1.3],
    [0.4, 1.3],
    [-0.4, 1.3],
  ],
  cross: [
    [-0.4, -1.1],
    [0.4, -1.1],
    [0.4, -0.4],
    [1.1, -0.4],
    [1.1, 0.4],
    [0.4, 0.4],
    [0.4, 1.1],
    [-0.4, 1.1],
    [-0.4, 0.4],
    [-1.1, 0.4],
    [-1.1, -0.4],
    [-0.4, -0.4],
  ],
} as const

const cut = (value: number): string => String(Math.round(value * 100) / 100)
