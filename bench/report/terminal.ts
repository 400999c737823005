// The report on a terminal: the verdicts in words, then the same as a picture in letters, then what
// it costs. At most 100 columns; colours only where a person looks.

import { styleText } from 'node:util'
import { metricFacts } from '#core/measurement/metrics'
import type { Measurement, Verdict } from '#core/measurement/run'
import { plain } from '../../core/plain.ts'
import { costTable } from './costs.ts'
import { inWords, verdictLooks } from './forest.ts'
import { timelinesInWords } from './outage.ts'
import { factsOf, gatesInWords, insteadSays, sentenceAlone, summarise } from './summary.ts'
import type { Table } from './table.ts'
import { change, shorten, wrap } from './text.ts'

export interface TerminalOptions {
  /** Whether a person looks; plain text if left out. */
  colours?: boolean
  /** Columns; 100 if left out, and never more. */
  width?: number
  /** What must be read before all else. */
  warnings?: string[]
}

/** What there is of a stream that it will be written to. */
export const terminalOptions = (stream: NodeJS.WriteStream): TerminalOptions => ({
  colours: stream.isTTY && !process.env.NO_COLOR,
  ...(stream.isTTY && stream.columns ? { width: stream.columns } : {}),
})

export const toTerminal = (measurement: Measurement, options: TerminalOptions = {}): string => {
  const { colours = false, warnings = [] } = options
  const width = Math.max(60, Math.min(100, options.width ?? 100))
  const paint = painter(colours)
  const summary = summarise(measurement)
  const { plan, gates, command } = measurement
  const text = (words: string, style?: Style, indent = '') =>
    wrap(oneLine(words), width - indent.length).map((line) => indent + paint(line, style))
  const verdictLines = (verdict: Verdict) =>
    text(`${signs[verdict.verdict]} ${sentenceAlone(verdict)}`, styles[verdict.verdict])
  return [
    ...text(plan.question, 'bold'),
    ...summary.contenders.flatMap(({ name, title, setup }) =>
      hanging(`${oneLine(name)}  ${oneLine(title)}`, oneLine(setup), width, paint),
    ),
    '',
    ...[...warnings, ...summary.warnings].flatMap((words) => [...text(`! ${words}`, 'yellow'), '']),
    ...(summary.groups ? [...text(summary.groups, 'bold'), ''] : []),
    ...(summary.primary.length === 0 ? text('Nothing was measured, so nothing can be said.') : []),
    ...(summary.unanswered
      ? text(`${signs.invalid} ${summary.unanswered}`, styles.invalid)
      : summary.primary.flatMap(verdictLines)),
    '',
    ...summary.beside.flatMap((words) => [...text(words, 'dim'), '']),
    ...(summary.instead.length > 0
      ? [...text(insteadSays), ...summary.instead.flatMap(verdictLines), '']
      : []),
    ...forestLines(measurement, summary.instead, width, paint),
    '',
    ...tables(costTable(measurement), width).map((line, i) =>
      i === 0 ? paint(line, 'dim') : line,
    ),
    '',
    ...timelinesInWords(measurement).flatMap((words, i) => [
      ...(i === 0 ? text('While things went wrong, a run of its own after the blocks', 'dim') : []),
      ...text(words),
      '',
    ]),
    ...text(gatesInWords(gates), 'dim'),
    ...text(factsOf(measurement, summary), 'dim'),
    ...text(`Again: ${command}`, 'dim'),
    '',
  ].join('\n')
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'blue' | 'yellow'
type Paint = (text: string, style?: Style) => string

const painter =
  (colours: boolean): Paint =>
  (text, style) =>
    // What is printed is decided by the caller, not by the stream of this process.
    colours && style ? styleText(style, text, { validateStream: false }) : text

/** How a verdict looks on a terminal. */
export const styles: Record<Verdict['verdict'], Style> = {
  faster: 'green',
  slower: 'red',
  same: 'blue',
  undecided: 'bold',
  invalid: 'yellow',
}
export const signs = { faster: '●', slower: '■', same: '◆', undecided: '○', invalid: '✗' } as const

const oneLine = (text: string): string => plain(text).replace(/\s+/g, ' ')

const hanging = (first: string, then: string, width: number, paint: Paint): string[] =>
  first.length + 2 + then.length <= width
    ? [`${first}  ${paint(then, 'dim')}`]
    : [...wrap(first, width), ...wrap(then, width - 3).map((line) => `   ${paint(line, 'dim')}`)]

// ---- the forest

const forestLines = (
  { verdicts, plan }: Measurement,
  instead: readonly Verdict[],
  width: number,
  paint: Paint,
): string[] => {
  // With many contenders only what was asked: the rest is in the other forms of the report.
  const two = plan.contenders.filter(({ reference }) => !reference).length <= 2
  const shown = verdicts.filter(
    (one) =>
      (two || !one.exploratory || instead.includes(one)) &&
      one.ratio !== null &&
      one.verdict !== 'invalid',
  )
  if (shown.length === 0) return []
  const labels = shown.map(({ metric, a, b }) =>
    shorten(oneLine(two ? metricFacts[metric].label : `${b} against ${a}`), 30),
  )
  const texts = shown.map(({ ratio, low, high }) => inWords(ratio!, low, high))
  const [left, right] = [labels, texts].map((all) => Math.max(...all.map(({ length }) => length)))
  const room = width - left! - right! - 2 - 2 - 10
  const place = scaleOf(shown, plan.margin, room)
  const [zero, from, to] = [1, 1 / (1 + plan.margin), 1 + plan.margin].map(place) as [
    number,
    number,
    number,
  ]
  const lines = shown.map((verdict, i) => {
    const row: string[] = Array.from({ length: room }, (_, x) =>
      x === zero ? '│' : x >= from && x <= to ? '░' : ' ',
    )
    const { ratio, low, high } = verdict
    const [l, r] = [place(low ?? ratio!), place(high ?? ratio!)]
    const hold = (x: number) => Math.max(0, Math.min(room - 1, x))
    for (let x = hold(l); x <= hold(r); x++) row[x] = '─'
    if (low !== null) row[hold(l)] = '├'
    if (high !== null) row[hold(r)] = '┤'
    if (l < 0) row[0] = '◄'
    if (r >= room) row[room - 1] = '►'
    const at = place(ratio!)
    if (at >= 0 && at < room) row[at] = signs[verdict.verdict]
    return (
      `${labels[i]!.padEnd(left!)}  ${row.join('')}  ` +
      `${texts[i]!.padEnd(right!)} ${paint(verdictLooks[verdict.verdict].word, styles[verdict.verdict])}`
    )
  })
  const names = two
    ? `${oneLine(shown[0]!.b)} compared with ${oneLine(shown[0]!.a)}`
    : 'the first compared with the second'
  const band = `░ same: within ${change(1 + plan.margin)
    .replace('+', '±')
    .replace('.0', '')}`
  return [
    ...wrap(
      `${names}, 95 % intervals${two ? '' : ' that hold all at once (Bonferroni)'}, │ no difference, ${band}`,
      width,
    ).map((line) => paint(line, 'dim')),
    ...lines,
  ]
}

const scaleOf = (shown: readonly Verdict[], margin: number, room: number) => {
  const ends = shown
    .flatMap(({ low, high, ratio }) => [low, high, ratio])
    .filter((end): end is number => end !== null && end > 0 && Number.isFinite(end))
    .map(Math.log)
  const sizes = ends.map(Math.abs).sort((a, b) => a - b)
  const most = Math.max(2 * margin, 4 * (sizes[sizes.length >> 1] ?? 0))
  const low = Math.max(-most, Math.min(-1.5 * margin, ...ends))
  const high = Math.min(most, Math.max(1.5 * margin, ...ends))
  return (ratio: number) =>
    ratio <= 0 ? -1 : Math.round(((Math.log(ratio) - low) / (high - low)) * (room - 1))
}

// ---- tables

/** As many contenders side by side as fit, the others below. */
const tables = ({ caption, head, rows }: Table, width: number): string[] => {
  const flat = rows.map(([label = '', unit = '', ...cells]) => [
    shorten(oneLine(`${label}, ${unit}`).replace(/\brequests?\b/g, 'req.'), 34),
    ...cells.map((cell) => cell.replace('\n', ' ')),
  ])
  const names = head.slice(2).map((name) => oneLine(name.split('\n')[0]!))
  const columnWidth = (i: number) =>
    Math.max(names[i]!.length, ...flat.map((row) => row[i + 1]!.length))
  const labelWidth = Math.max(...flat.map(([label]) => label!.length))
  const lines = wrap(caption, width)
  for (let first = 0; first < names.length; ) {
    let last = first
    let used = labelWidth
    while (last < names.length && (last === first || used + 2 + columnWidth(last) <= width)) {
      used += 2 + columnWidth(last)
      last++
    }
    if (first > 0) lines.push('')
    for (const row of [['', ...names], ...flat])
      lines.push(
        [
          row[0]!.padEnd(labelWidth),
          ...row.slice(first + 1, last + 1).map((cell, i) => cell.padStart(columnWidth(first + i))),
        ]
          .join('  ')
          .trimEnd(),
      )
    first = last
  }
  return lines
}
