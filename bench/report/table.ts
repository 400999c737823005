// Tables, once as HTML and once as Markdown.

import { plain } from '../../core/plain.ts'
import { bound, escaped } from './text.ts'

export interface Table {
  caption: string
  head: string[]
  /** The first cell of a row is its heading. */
  rows: string[][]
  /** Columns with words, which begin at the left; the others hold numbers. The first always does. */
  wordy?: number[]
}

/** In a box of its own that scrolls where the screen is too narrow, also by the keyboard. */
export const toTable = ({ caption, head, rows, wordy = [] }: Table): string => {
  // A column of sentences is broken into lines; one of short words or numbers is not.
  const long = (i: number) => rows.some((row) => lengthOf(row[i] ?? '') > 28)
  const look = (i: number) => {
    const names = [wordy.includes(i) ? 'words' : '', long(i) ? 'long' : ''].filter(Boolean)
    return names.length > 0 ? ` class="${names.join(' ')}"` : ''
  }
  // What stands on a line of its own below is said more quietly. On paper an interval may be broken.
  const content = (cell: string) => {
    const [first = '', ...others] = escaped(cell.replaceAll(' %', '\u00a0%')).split('\n')
    return first + others.map((line) => `<span class="below">${line}</span>`).join('')
  }
  const row = (cells: string[]) =>
    `<tr>${cells
      .map((cell, i) =>
        i === 0
          ? `<th scope="row"${look(0)}>${content(cell)}</th>`
          : `<td${look(i)}>${content(cell)}</td>`,
      )
      .join('')}</tr>`
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escaped(caption)}"><table>
<caption><span>${escaped(bound(caption))}</span></caption>
<thead><tr>${head.map((cell, i) => `<th scope="col"${look(i)}>${content(cell)}</th>`).join('')}</tr></thead>
<tbody>
${rows.map(row).join('\n')}
</tbody></table></div>`
}

const lengthOf = (cell: string): number => Math.max(...cell.split('\n').map(({ length }) => length))

/** As GitHub writes it. */
export const toMarkdownTable = ({ head, rows, wordy = [] }: Table): string => {
  const line = (cells: string[]) => `| ${cells.map(cellOf).join(' | ')} |`
  const rule = head.map((_, i) => (i === 0 || wordy.includes(i) ? '---' : '--:'))
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}

/** Words that are nothing but words in Markdown. */
export const markdown = (text: string): string =>
  plain(text)
    .replace(/[\\`*_{}[\]<>|#]/g, '\\$&')
    .replaceAll('&', '&amp;')

const cellOf = (text: string) => markdown(text).replaceAll('\n', '<br>')
