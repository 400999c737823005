// A measurement in the words of the page: what a metric is called, and a verdict as a headline.

import type { Metric } from '../../measurement/metrics.ts'
import type { Gate, Measurement, Verdict } from '../../measurement/run.ts'
import { plain } from '../../plain.ts'

export type { Gate, Measurement, Metric, Verdict }

/** A verdict as a headline and what stands under it in small type. */
export const headlineOf = ({ verdict, sentence }: Pick<Verdict, 'verdict' | 'sentence'>) => {
  const text = plain(sentence)
  const whole = text.charAt(0).toUpperCase() + text.slice(1)
  if (verdict === 'undecided') return { head: 'No clear difference yet.', rest: `${whole}.` }
  if (verdict === 'invalid')
    return {
      head: 'This run cannot be trusted.',
      rest: `${whole.replace(/^Invalid: (.)/, (_, first: string) => first.toUpperCase())}.`,
    }
  const at = whole.lastIndexOf(' (')
  return at < 0
    ? { head: `${whole}.`, rest: '' }
    : { head: `${whole.slice(0, at)}.`, rest: capital(whole.slice(at + 2).replace(/\)$/, '.')) }
}

/** With a capital, but for what is a name: p99. */
const capital = (text: string): string =>
  /^p\d/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1)

/** 12,345 · 84.2 · 0.0213: three digits that count below a hundred. */
export const number = (value: number): string =>
  Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en')
    : value.toLocaleString('en', { maximumSignificantDigits: 3 })

/** `+12 %`, `−3.5 %`; from double on, and below half, `4.2 ×`. */
export const change = (ratio: number): string =>
  isManifold(ratio) ? times(ratio) : `${percent(ratio)} %`

/** `−3.5 % [−15, −0.4]`, `4.2 × [3.9, 4.5]`: ends are rounded outwards. */
export const withInterval = (ratio: number, low: number | null, high: number | null): string => {
  if (low === null || high === null || low === high) return change(ratio)
  return isManifold(ratio)
    ? `${times(ratio)} [${number(low)}, ${number(high)}]`
    : `${percent(ratio)} % [${percent(low, Math.floor)}, ${percent(high, Math.ceil)}]`
}

const isManifold = (ratio: number): boolean => ratio >= 2 || ratio <= 0.5
const times = (ratio: number): string => `${number(ratio)} ×`
const percent = (ratio: number, round = Math.round): string => {
  const exactly = (ratio - 1) * 100
  const step = Math.abs(exactly) >= 10 ? 1 : 10
  // Sums of decimals may end a trifle beside the number that they are.
  const value = round(Number((exactly * step).toFixed(6))) / step
  return `${value === 0 ? '±' : value < 0 ? '−' : '+'}${Math.abs(value).toLocaleString('en')}`
}

/** `23 Nov 2026, 17:16` */
export const moment = (at: string): string => {
  const date = new Date(at)
  return Number.isNaN(date.getTime())
    ? plain(at)
    : date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
}

/** `20 s`, `6 min` */
export const duration = (seconds: number): string =>
  seconds < 100 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`

/** Where and when: what every number is tagged with. */
export const placeOf = ({ machine, startedAt }: Measurement): string =>
  `${plain(machine.cpu)}, ${machine.cores} cores · ${moment(startedAt)}`

/** The verdict that answers the question, among two. */
export const answerOf = ({ verdicts }: Pick<Measurement, 'verdicts'>): Verdict | undefined =>
  verdicts.find(({ exploratory }) => !exploratory)

/** b ÷ a in requests per second, block by block; of other metrics blocks alone do not tell it. */
export const blockRatios = ({ plan, blocks }: Measurement, { metric, a, b }: Verdict): number[] => {
  if (metric !== 'throughput') return []
  const perSecond = ({ slots = [] }: Measurement['blocks'][number], name: string) => {
    const own = slots.filter(
      ({ contender, load }) => load === 'closed' && plan.contenders[contender]?.name === name,
    )
    const seconds = own.reduce((sum, slot) => sum + slot.seconds, 0)
    return own.reduce((sum, { answered }) => sum + answered, 0) / seconds
  }
  return blocks
    .map((block) => perSecond(block, b) / perSecond(block, a))
    .filter((ratio) => ratio > 0 && Number.isFinite(ratio))
}
