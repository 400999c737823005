// The forest plot: for every comparison the estimate and its interval on one axis of ratios, with
// the band in which two contenders count as the same. Beyond the edge an arrow says "further".
import type { Verdict } from '#core/measurement/run'
import type { Drawing } from './chart.ts'
import { el, line, mark, path, words } from './svg.ts'
import { change, shorten } from './text.ts'

export interface ForestRow {
  /** Opens a group of rows, where it differs from the row before. */
  group: string
  label: string
  verdict: Verdict['verdict']
  ratio: number | null
  low: number | null
  high: number | null
}

/** How a verdict is drawn: never by colour alone. */
export const verdictLooks = {
  faster: { word: 'better', class: 'better', shape: 'circle' },
  slower: { word: 'worse', class: 'worse', shape: 'square' },
  same: { word: 'same', class: 'same', shape: 'diamond' },
  undecided: { word: 'undecided', class: 'undecided', shape: 'circle' },
  invalid: { word: 'invalid', class: 'invalid', shape: 'cross' },
} as const

export interface Forest {
  rows: readonly ForestRow[]
  /** Half the width of the band, as a share. */
  margin: number
  /** Who is compared with whom, below the axis. */
  says: string
}

/** `rows` on one axis that fits `width`, with the band of the margin behind them. */
export const forest =
  ({ rows, margin, says }: Forest) =>
  (width: number): Drawing => {
    const narrow = width < 500
    const axis = ratioAxis(rows, margin, narrow ? [8, width - 8] : [230, 610])
    const top = 22
    const parts: string[] = []
    let y = top
    let group = ''
    for (const row of rows) {
      const opens = row.group !== group
      group = row.group
      const title = opens ? row.group : ''
      if (narrow) {
        if (title) parts.push(words(0, y + 18, shorten(title, 46), { class: 'strong' }))
        if (title) y += row.label ? 24 : 18
        parts.push(drawRow(row, axis, { label: y + 16, middle: y + 32, width, number: width - 76 }))
        y += 46
      } else {
        if (title && row.label) y += y > top ? 8 : 2
        if (title) parts.push(words(0, y + 19, shorten(title, 33), { class: 'strong' }))
        if (title && row.label) y += 24
        parts.push(drawRow(row, axis, { label: y + 19, middle: y + 15, width, number: 622 }))
        y += 30
      }
    }
    const bottom = y + 2
    return { height: bottom + 44, body: frame(axis, margin, top, bottom, says) + parts.join('') }
  }

/** Where the parts of a row go. */
interface Places {
  label: number
  middle: number
  width: number
  number: number
}

const drawRow = (row: ForestRow, axis: Axis, places: Places): string => {
  const { ratio, low, high, verdict } = row
  const { label, middle, width } = places
  const narrow = width < 500
  const look = verdictLooks[verdict]
  const nothing = verdict === 'invalid' ? '' : 'no ratio'
  const text = ratio === null ? nothing : inWords(ratio, low, high)
  return [
    words(narrow ? 0 : 14, label, shorten(row.label, narrow ? 16 : 30)),
    ratio !== null && verdict !== 'invalid'
      ? drawInterval(axis, { ratio, low, high }, middle, look)
      : '',
    narrow && !row.label
      ? words(0, label, text, { class: 'number' })
      : words(places.number, label, text, { class: 'number', anchor: narrow ? 'end' : 'start' }),
    words(width, label, look.word, { class: `strong ${look.class}`, anchor: 'end' }),
  ].join('')
}

/** `+12.3 % [+9.1, +15.2]` */
export const inWords = (ratio: number, low: number | null, high: number | null): string => {
  if (low === null || high === null) return change(ratio)
  const all = [ratio, low, high].map(change)
  const [first, ...ends] = all
  const plainly = all.every((text) => text.endsWith(' %'))
  return `${first} [${ends.map((end) => (plainly ? end.slice(0, -2) : end)).join(', ')}]`
}

const drawInterval = (
  { place, left, right }: Axis,
  { ratio, low, high }: { ratio: number; low: number | null; high: number | null },
  y: number,
  look: (typeof verdictLooks)[keyof typeof verdictLooks],
): string => {
  const at = place(ratio)
  // What is counted exactly has no interval: a mark alone.
  const [from, to] = low === null || high === null ? [at, at] : [place(low), place(high)]
  const hold = (x: number) => Math.min(right, Math.max(left, x))
  const arrow = (x: number, towards: -1 | 1) =>
    path(
      [
        [x - towards * 7, y - 5],
        [x, y],
        [x - towards * 7, y + 5],
      ],
      { class: 'interval' },
    )
  const stop = (x: number) => line(x, y - 5, x, y + 5, { class: 'interval' })
  const [outLeft, outRight] = [from < left - 0.5, to > right + 0.5]
  const exact = from === to
  return el(
    'g',
    { class: look.class },
    exact ? '' : line(hold(from), y, hold(to), y, { class: 'interval' }),
    outLeft ? arrow(left, -1) : exact ? '' : stop(hold(from)),
    outRight ? arrow(right, 1) : exact ? '' : stop(hold(to)),
    at >= left - 0.5 && at <= right + 0.5
      ? mark(look.shape, at, y, 5, { class: look.word === 'undecided' ? 'hollow' : 'solid' })
      : '',
  )
}

interface Axis {
  place: (ratio: number) => number
  left: number
  right: number
  ticks: number[]
}

const ratioAxis = (
  rows: readonly ForestRow[],
  margin: number,
  [left, right]: [number, number],
): Axis => {
  const ends = rows
    .filter(({ verdict }) => verdict !== 'invalid')
    .flatMap(({ ratio, low, high }) => [ratio, low, high])
    .filter((end): end is number => end !== null && end > 0 && Number.isFinite(end))
    .map(Math.log)
  const least = Math.log1p(2 * margin)
  // One interval that is much wider than the others must not press those flat.
  const sizes = ends.map(Math.abs).sort((a, b) => a - b)
  const most = Math.max(least, 4 * (sizes[sizes.length >> 1] ?? 0))
  const low = Math.max(-most, Math.min(-least, ...ends) * 1.04)
  const high = Math.min(most, Math.max(least, ...ends) * 1.04)
  const place = (ratio: number) =>
    ratio <= 0
      ? Number.NEGATIVE_INFINITY
      : left + ((Math.log(ratio) - low) / (high - low)) * (right - left)
  const ticks = ratioTicks(low, high, (right - left) / 62)
  const far = (ratio: number, i: number) =>
    ratio === 1 || i === 0 || place(ratio) - place(ticks[i - 1]!) > 48
  return { place, left, right, ticks: ticks.filter(far) }
}

const ratioTicks = (low: number, high: number, room: number): number[] => {
  const steps = [
    ...[0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25].map((step) =>
      Array.from({ length: 21 }, (_, i) => 1 + (i - 10) * step).filter((ratio) => ratio > 0.5),
    ),
    [1 / 3, 0.5, 0.7, 1, 1.5, 2, 3],
    [0.1, 0.2, 0.5, 1, 2, 5, 10],
    [0.01, 0.1, 1, 10, 100],
    [0.0001, 0.01, 1, 100, 10_000],
  ]
  const inside = (ratio: number) => Math.log(ratio) >= low && Math.log(ratio) <= high
  const reaches = (all: number[]) =>
    Math.log(all[0]!) <= low * 0.6 && Math.log(all.at(-1)!) >= high * 0.6
  const fitting = steps.find((all) => all.filter(inside).length <= room && reaches(all))
  return (fitting ?? steps.at(-1)!).filter(inside)
}

const frame = (
  { place, left, right, ticks }: Axis,
  margin: number,
  top: number,
  bottom: number,
  says: string,
): string => {
  const [from, to] = [place(1 / (1 + margin)), place(1 + margin)]
  const label = (ratio: number) => (ratio === 1 ? '0' : change(ratio).replace('.0', ''))
  return [
    el('rect', { x: from, y: top, width: to - from, height: bottom - top, class: 'band' }),
    words((from + to) / 2, top - 8, `same: within ±${Math.round(margin * 1000) / 10} %`, {
      class: 'soft',
      anchor: 'middle',
    }),
    ...ticks.map(
      (ratio) =>
        line(place(ratio), top, place(ratio), bottom, { class: ratio === 1 ? 'zero' : 'grid' }) +
        words(place(ratio), bottom + 17, label(ratio), {
          class: 'soft',
          anchor: place(ratio) > right - 14 ? 'end' : place(ratio) < left + 14 ? 'start' : 'middle',
        }),
    ),
    line(left, bottom, right, bottom, { class: 'axis' }),
    words((left + right) / 2, bottom + 37, shorten(says, 56), {
      class: 'soft',
      anchor: 'middle',
    }),
  ].join('')
}
