// What can be said, as HTML: every sentence behind the mark of its kind.
import type { Gate, Verdict } from '#core/measurement/run'
import { verdictLooks } from './forest.ts'
import { isUnchecked, sentenceAlone, valueAndLimit } from './summary.ts'
import { el, mark } from './svg.ts'
import type { Table } from './table.ts'
import { bound, escaped } from './text.ts'

type Said = Pick<Verdict, 'verdict' | 'sentence'>

/** A few in large type, many as a list. */
export const sentences = (verdicts: readonly Said[]): string =>
  verdicts.length > 3
    ? `<ul class="sentences">${verdicts.map((verdict) => `<li>${sentence(verdict)}</li>`).join('\n')}</ul>`
    : verdicts
        .map(
          (verdict) =>
            `<p class="verdict ${verdictLooks[verdict.verdict].class}">${sentence(verdict)}</p>`,
        )
        .join('\n')

/** The claim, and more quietly what it rests on. */
export const sentence = (verdict: Said): string => {
  const [, claim, basis] = /^(.*?)( \([^()]*\))?$/s.exec(sentenceAlone(verdict)) ?? []
  return `${verdictMark(verdict.verdict)}<span>${escaped(bound(claim ?? ''))}${basis ? `<small>${escaped(bound(basis))}</small>` : ''}</span>`
}

export const verdictMark = (verdict: Verdict['verdict']): string => {
  const { shape, class: colour, word } = verdictLooks[verdict]
  return el(
    'svg',
    { viewBox: '-8 -8 16 16', class: `mark ${colour}`, role: 'img', 'aria-label': word },
    mark(shape, 0, 0, 5.5, { class: word === 'undecided' ? 'hollow' : 'solid' }),
  )
}

/** Those that are not passed come first, then those that could not be checked. */
const rankOf = (gate: Gate): number => (!gate.ok ? 0 : isUnchecked(gate) ? 1 : 2)

/** Every gate, those that matter most first. */
export const gateTable = (gates: readonly Gate[]): Table => ({
  caption: 'Every gate, with the worst value that it was judged by',
  head: ['gate\nworst at', 'value\nlimit', 'what it means'],
  wordy: [2],
  rows: [...gates]
    .sort((a, b) => rankOf(a) - rankOf(b))
    .map((gate) => {
      const [value, limit] = valueAndLimit(gate)
      const sign = !gate.ok ? '✗ failed:' : isUnchecked(gate) ? '? not checked:' : '✓'
      return [`${sign} ${gate.gate}\n${gate.where || 'whole run'}`, `${value}\n${limit}`, gate.says]
    }),
})
