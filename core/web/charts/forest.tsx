// The forest plot: every comparison on one axis, on which each step to the right is so many times
// better for B, whatever is counted, and to the left for A. Between the two lies the zone in which
// they count as the same. A learner's guess is drawn on it as it was made.

import type { Prediction } from '../../learner/shape.ts'
import { metricFacts } from '../../measurement/metrics.ts'
import { plain } from '../../plain.ts'
import { change, type Metric, type Verdict, withInterval } from '../run/words.ts'
import { Side } from '../ui/parts.tsx'
import { AsTable } from './as-table.tsx'
import './forest.css'

export type Guess = Pick<Prediction, 'call' | 'factor'>

export interface ForestRow {
  label: string
  verdict: Verdict
  /** Who is compared: a and b. */
  names: readonly [string, string]
}

export interface ForestProps {
  rows: readonly ForestRow[]
  /** Half the width of the zone, as a share. */
  margin: number
  /** Drawn in the first row. */
  guess?: Guess | undefined
  /** What each block by itself showed, b ÷ a, where that is known: small dots in the first row. */
  dots?: readonly number[]
  /** Who stands at either end of the axis. */
  ends: readonly [preact.ComponentChildren, preact.ComponentChildren]
  caption: string
  /** Only the picture; the caption is for those who cannot see it. */
  compact?: boolean
}

export const Forest = (props: ForestProps) => {
  const { rows, margin, guess, dots = [], ends, caption, compact } = props
  const axis = axisOf(rows, margin, guess)
  return (
    <figure class={`forest ${compact ? 'compact' : ''}`}>
      <figcaption class={compact ? 'unseen' : ''}>{caption}</figcaption>
      <div class="plot">
        <p class="ends" aria-hidden="true">
          <span>◂ {ends[0]} better</span>
          <span>{ends[1]} better ▸</span>
        </p>
        {rows.map((row, i) => (
          <Row
            key={`${row.label} ${row.names}`}
            row={row}
            axis={axis}
            guess={i ? undefined : guess}
            dots={i ? [] : dots}
          />
        ))}
        <Scale axis={axis} />
      </div>
      <AsTable>
        <Rows rows={rows} margin={margin} guess={guess} dots={dots} />
      </AsTable>
    </figure>
  )
}

interface Axis {
  /** From how many times better B is to a place in percent. */
  place: (ratio: number) => number
  /** The largest ratio on it. */
  most: number
  margin: number
  ticks: number[]
}

/** Symmetric, so that neither side looks larger than it is. */
const axisOf = (rows: readonly ForestRow[], margin: number, guess?: Guess): Axis => {
  const size = (one: number | null | undefined) =>
    one && one > 0 && Number.isFinite(one) ? Math.abs(Math.log(one)) : 0
  const ends = ({ verdict }: ForestRow) => [verdict.ratio, verdict.low, verdict.high].map(size)
  // All of the first row, which was asked; of the others what they say, however wide they are.
  const most =
    1.06 *
    Math.max(
      Math.log1p(2.5 * margin),
      size(guess?.factor),
      ...rows.slice(0, 1).flatMap(ends),
      ...rows
        .filter(({ verdict }) => verdict.verdict !== 'undecided')
        .map(({ verdict }) => size(verdict.ratio)),
    )
  const place = (ratio: number) =>
    ratio > 0 ? 50 + (50 * Math.log(ratio)) / most : Number.NEGATIVE_INFINITY
  const ticks: number[] = []
  for (const factor of [1000, 100, 30, 10, 5, 3, 2, 1.5, 1.2, 1.1, 1.05, 1.02, 1.01]) {
    const at = place(factor)
    const before = ticks.at(-1)
    if (at < 95 && at > 62 && (before === undefined || place(before) - at > 11)) ticks.push(factor)
  }
  return { place, most: Math.exp(most), margin, ticks }
}

/** How many times better b is; its ends in ascending order. */
const advantageOf = ({ metric, ratio, low, high }: Verdict) => {
  if (metricFacts[metric]?.better === 'more') return { ratio, low, high }
  const turned = (one: number | null) => (one === null ? null : 1 / one)
  return { ratio: turned(ratio), low: turned(high), high: turned(low) }
}

const looks: Record<Verdict['verdict'], string> = {
  faster: 'better',
  slower: 'worse',
  same: 'same',
  undecided: 'undecided',
  invalid: 'invalid',
}

/** `B better`, `no difference shown`. */
const wordFor = ({ verdict, names }: ForestRow): string => {
  if (verdict.verdict === 'same') return 'the same'
  if (verdict.verdict === 'undecided') return 'not decided'
  if (verdict.verdict === 'invalid') return 'not valid'
  return `${plain(names[verdict.verdict === 'faster' ? 1 : 0])} better`
}

const Row = ({
  row,
  axis,
  guess,
  dots,
}: {
  row: ForestRow
  axis: Axis
  guess: Guess | undefined
  dots: readonly number[]
}) => {
  const { verdict, label } = row
  const { ratio, low, high } = verdict
  const valid = verdict.verdict !== 'invalid'
  return (
    <div class={`row ${looks[verdict.verdict]}`}>
      <span class="label">{label}</span>
      <span class="strip">
        <svg aria-hidden="true">
          <Zone axis={axis} />
          {guess && <GuessMark axis={axis} guess={guess} />}
          {valid && dots.map((ratio) => <Dot key={ratio} at={axis.place(ratio)} />)}
          {valid ? <Interval verdict={verdict} axis={axis} /> : <Hatch />}
        </svg>
      </span>
      <span class="says">
        <strong>{wordFor(row)}</strong>{' '}
        <span class="size">
          {!valid && 'see the gates'}
          {valid && (ratio === null ? 'no ratio: one has none' : withInterval(ratio, low, high))}
        </span>
      </span>
    </div>
  )
}

const percent = (value: number): string => `${Math.min(100, Math.max(0, value))}%`

const Zone = ({ axis }: { axis: Axis }) => {
  const [from, to] = [axis.place(1 / (1 + axis.margin)), axis.place(1 + axis.margin)]
  return (
    <>
      <rect class="zone" x={percent(from)} width={percent(to - from)} y="0" height="100%" />
      <line class="zero" x1="50%" x2="50%" y1="0" y2="100%" />
    </>
  )
}

const Interval = ({ verdict, axis }: { verdict: Verdict; axis: Axis }) => {
  const { ratio, low, high } = advantageOf(verdict)
  if (ratio === null) {
    // One of them has none of it: further than any ratio.
    const won = verdict.verdict === 'faster' || verdict.verdict === 'slower'
    return won ? (
      <g class="interval">{verdict.verdict === 'faster' ? <Beyond right /> : <Beyond />}</g>
    ) : null
  }
  const [at, from, to] = [ratio, low ?? ratio, high ?? ratio].map(axis.place) as [
    number,
    number,
    number,
  ]
  const beyond = { left: from < 0, right: to > 100 }
  return (
    <g class="interval">
      {from !== to && <line x1={percent(from)} x2={percent(to)} y1="50%" y2="50%" />}
      {from !== to && !beyond.left && <End at={from} />}
      {from !== to && !beyond.right && <End at={to} />}
      {beyond.left && <Beyond />}
      {beyond.right && <Beyond right />}
      {at >= 0 && at <= 100 && <At x={at} path={shapes[verdict.verdict]} />}
    </g>
  )
}

const Beyond = ({ right }: { right?: boolean }) =>
  right ? <At x={99} path="M-5-5 0 0-5 5" open /> : <At x={1} path="M5-5 0 0 5 5" open />

const Dot = ({ at }: { at: number }) =>
  at >= 0 && at <= 100 ? <circle class="block" cx={percent(at)} cy="82%" r="2.5" /> : null

const End = ({ at }: { at: number }) => <At x={at} path="M0-5V5" open />

/** A shape at so many percent of the width, in the middle. */
const At = ({ x, path, open }: { x: number; path: string; open?: boolean }) => (
  <svg x={percent(x)} y="50%" overflow="visible" aria-hidden="true">
    <path d={path} class={open ? 'open' : 'mark'} />
  </svg>
)

// Never by colour alone: a circle for better, a square for worse, a diamond for the same.
const shapes: Record<Verdict['verdict'], string> = {
  faster: 'M6 0A6 6 0 1 1-6 0 6 6 0 1 1 6 0Z',
  slower: 'M-5.5-5.5H5.5V5.5H-5.5Z',
  same: 'M0-7 7 0 0 7-7 0Z',
  undecided: 'M6 0A6 6 0 1 1-6 0 6 6 0 1 1 6 0Z',
  invalid: '',
}

/** Nothing is drawn of a run that cannot be trusted. */
const Hatch = () => (
  <>
    <defs>
      <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse">
        <path d="M0 6 6 0" class="hatch" />
      </pattern>
    </defs>
    <rect width="100%" height="100%" fill="url(#hatch)" />
  </>
)

const GuessMark = ({ axis, guess }: { axis: Axis; guess: Guess }) => {
  const { call, factor } = guess
  const edge = 1 + axis.margin
  if (call === 'same') {
    const [from, to] = [axis.place(1 / edge), axis.place(edge)]
    return <rect class="guess" x={percent(from)} width={percent(to - from)} y="1.5" height="92%" />
  }
  const side = call === 'b' ? 1 : -1
  if (factor && factor > 1) {
    const at = percent(axis.place(factor ** side))
    return <line class="guess" x1={at} x2={at} y1="0" y2="100%" />
  }
  const [from, to] = side > 0 ? [axis.place(edge), 99.7] : [0.3, axis.place(1 / edge)]
  return <rect class="guess" x={percent(from)} width={percent(to - from)} y="1.5" height="92%" />
}

const Scale = ({ axis }: { axis: Axis }) => (
  <p class="scale" aria-hidden="true">
    <span class="strip">
      <span class="tick" style={{ left: '50%' }}>
        the same
      </span>
      {axis.ticks.flatMap((factor) =>
        [factor, 1 / factor].map((ratio) => (
          <span key={ratio} class="tick" style={{ left: percent(axis.place(ratio)) }}>
            {/* Not in per cent: 33 % fewer are 50 % more the other way round. */}
            {`${factor} ×`}
          </span>
        )),
      )}
    </span>
  </p>
)

/** `your guess: B, about 2 times` */
export const guessInWords = ({ call, factor }: Guess): string =>
  call === 'same'
    ? 'no real difference'
    : `${call.toUpperCase()}${factor && factor > 1 ? `, about ${change(factor).replace(/^\+/, '')} better` : ''}`

const Rows = ({
  rows,
  margin,
  guess,
  dots,
}: {
  rows: readonly ForestRow[]
  margin: number
  guess: Guess | undefined
  dots: readonly number[]
}) => (
  <>
    <caption>
      The second compared with the first: ratio with its interval at 95 %. The same means within ±
      {Math.round(margin * 1000) / 10} %.
      {guess ? ` Your guess was: ${guessInWords(guess)}.` : ''}
      {dots.length > 0 &&
        ` Block by block the first row was ${dots.map((ratio) => ratio.toFixed(2)).join(', ')}.`}
    </caption>
    <thead>
      <tr>
        <th scope="col">What</th>
        <th scope="col">Compared</th>
        <th scope="col">Ratio</th>
        <th scope="col">from</th>
        <th scope="col">to</th>
        <th scope="col">Verdict</th>
      </tr>
    </thead>
    <tbody>
      {rows.map((row) => (
        <tr key={`${row.label} ${row.names}`}>
          <th scope="row">{row.label}</th>
          <td>{row.names.map(plain).join(', ')}</td>
          {[row.verdict.ratio, row.verdict.low, row.verdict.high].map((value, i) => (
            <td key={i} class="number">
              {value === null ? '–' : value.toFixed(3)}
            </td>
          ))}
          <td>{wordFor(row)}</td>
        </tr>
      ))}
    </tbody>
  </>
)

/** A row for each verdict: first what was asked, then the rest as it was measured. */
export const rowsOf = (verdicts: readonly Verdict[]): ForestRow[] =>
  [...verdicts]
    .sort((x, y) => Number(x.exploratory) - Number(y.exploratory))
    .map((verdict) => ({
      label: metricFacts[verdict.metric as Metric]?.label ?? plain(verdict.metric),
      verdict,
      names: [verdict.a, verdict.b],
    }))

/** The two ends of the axis among two. */
export const twoEnds = [<Side key="a" name="A" />, <Side key="b" name="B" />] as const
