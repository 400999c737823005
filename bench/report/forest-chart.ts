// The forest plot as a chart of a report: what it shows in words, its legend, and its numbers.
import type { Verdict } from '#core/measurement/run'
import type { Chart } from './chart.ts'
import { type ForestRow, forest, inWords, verdictLooks } from './forest.ts'
import { sentenceAlone } from './summary.ts'
import { el, mark } from './svg.ts'
import { count, percent } from './text.ts'

type Judged = Omit<Verdict, 'metric'>

/** One row for each of `verdicts`; `labels` say what each is about, `says` who is compared with whom. */
export const forestChart = (of: {
  id: string
  title: string
  verdicts: readonly Judged[]
  rows: readonly ForestRow[]
  labels: readonly string[]
  margin: number
  says: string
}): Chart => {
  const { id, title, verdicts, rows, labels, margin, says } = of
  return {
    id,
    title,
    says: forestInWords(verdicts),
    draw: forest({ rows, margin, says }),
    legend: verdictLegend(verdicts),
    table: {
      caption: `Ratios with 95 % intervals${together(verdicts)}; the same means within ±${percent(margin)}`,
      head: ['comparison', 'change', 'blocks', 'p (Holm)', 'verdict'],
      wordy: [4],
      rows: verdicts.map(({ a, b, ratio, low, high, blocks, p, verdict }, i) => [
        `${labels[i]}: ${b} against ${a}`,
        ratio === null ? '–' : inWords(ratio, low, high),
        count(blocks),
        p === null ? '–' : p < 0.001 ? '< 0.001' : p.toFixed(3),
        verdictLooks[verdict].word,
      ]),
    },
  }
}

/** Of one pair there is nothing to correct, however many metrics are looked at. */
const together = (of: readonly Judged[]): string =>
  new Set(of.map(({ a, b }) => JSON.stringify([a, b]))).size > 1
    ? ' that hold all at once (Bonferroni), and p values corrected by Holm'
    : ''

/** Each verdict's sentence; of many, how many there are of which kind. */
const forestInWords = (of: readonly Judged[]): string => {
  if (of.length <= 10) return of.map((verdict) => `${sentenceAlone(verdict)}.`).join(' ')
  const kinds = [...new Set(of.map(({ verdict }) => verdict))].map((kind) => {
    const many = of.filter(({ verdict }) => verdict === kind).length
    return `${count(many)} ${verdictLooks[kind].word}`
  })
  return `${count(of.length)} comparisons: ${kinds.join(', ')}. The table below has each of them.`
}

const verdictLegend = (of: readonly Judged[]): string =>
  `<ul>${[...new Set(of.map(({ verdict }) => verdict))]
    .filter((verdict) => verdict !== 'invalid')
    .map((verdict) => {
      const { shape, class: colour, word } = verdictLooks[verdict]
      return `<li>${el(
        'svg',
        { viewBox: '-8 -8 16 16', class: `mark ${colour}`, 'aria-hidden': 'true' },
        mark(shape, 0, 0, 5.5, { class: word === 'undecided' ? 'hollow' : 'solid' }),
      )} ${word}</li>`
    })
    .join('')}</ul>`
