// Words and numbers as a report prints them. Whatever came from elsewhere is made harmless here.
import { plain } from '../../core/plain.ts'

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** `text` as words in HTML or SVG, between tags or in a quoted attribute. */
export const escaped = (text: string): string =>
  plain(text).replace(/[&<>"']/g, (c) => entities[c] as string)

/** A number without a unit: three digits that count, but every digit before the point. */
export const number = (value: number): string => {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : value < 0 ? '−∞' : '–'
  return minus(value.toLocaleString('en-US', { maximumFractionDigits: decimalsFor(value) }))
}

/** Numbers of one cell: as many decimals as the first needs for three digits that count. */
export const alike = (values: readonly number[]): string[] => {
  const most = decimalsFor(values[0] ?? 0)
  const options = { minimumFractionDigits: most, maximumFractionDigits: most }
  return values.map((value) => minus(value.toLocaleString('en-US', options)))
}

/** How many decimals it takes for three digits that count. */
const decimalsFor = (value: number): number =>
  value === 0 ? 0 : Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(Math.abs(value)))))

/** A whole number of things: 12,345. */
export const count = (value: number): string => minus(Math.round(value).toLocaleString('en-US'))

/** A ratio as a change: 1.123 → `+12.3 %`, and from double or half on as a factor: `×2.35`, `÷3.1`. */
export const change = (ratio: number): string => {
  if (ratio >= 2) return `×${number(ratio)}`
  if (ratio <= 0.5) return ratio === 0 ? '−100 %' : `÷${number(1 / ratio)}`
  const percent = (ratio - 1) * 100
  const rounded = Math.abs(percent).toFixed(1)
  return `${rounded === '0.0' ? '±' : percent > 0 ? '+' : '−'}${rounded} %`
}

/** A share as per cent: 0.03 → `3 %`. */
export const percent = (share: number): string => `${number(share * 100)} %`

/** A length of time for people: `850 ms`, `12 s`, `3 min 20 s`. */
export const duration = (seconds: number): string => {
  if (seconds < 1) return `${count(seconds * 1000)} ms`
  if (seconds < 90) return `${number(Math.round(seconds * 10) / 10)} s`
  const whole = Math.round(seconds)
  return whole % 60 === 0
    ? `${Math.floor(whole / 60)} min`
    : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** `5.1 GB` */
export const bytes = (value: number): string => {
  const unit = ['B', 'KB', 'MB', 'GB', 'TB']
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)))
  return `${number(value / 1000 ** power)} ${unit[power]}`
}

/** `2026-11-23 13:35 UTC`; as it stands if it is no time. */
export const moment = (iso: string): string =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(iso) ? `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC` : iso

/** At most `length` characters, the last of them a sign that something is missing. */
export const shorten = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, Math.max(1, length - 1))}…`

/** Keeps together what is read together: `12 % [8, 15]`. */
export const bound = (text: string): string =>
  text
    .replace(/ %/g, '\u00a0%')
    .replace(/ ?\[[^\]]{1,24}\]/g, (interval) => interval.replaceAll(' ', '\u00a0'))

/** `text` in lines of at most `width` characters, broken between words where that can be. */
export const wrap = (text: string, width: number): string[] => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/ +/)) {
    let rest = word
    if (line && line.length + 1 + rest.length > width) {
      lines.push(line)
      line = ''
    }
    while (rest.length > width) {
      lines.push(rest.slice(0, width))
      rest = rest.slice(width)
    }
    line = line ? `${line} ${rest}` : rest
  }
  if (line) lines.push(line)
  return lines
}

const minus = (text: string) => text.replace('-', '−')
