// A chart on the page: the drawing, once for wide and once for narrow screens, what it shows in
// words for whoever does not see it, and every number of it as a table.
import { el } from './svg.ts'
import { type Table, toTable } from './table.ts'
import { escaped } from './text.ts'

export interface Chart {
  /** Unique on the page. */
  id: string
  title: string
  /** What is to be seen, in a sentence or two with the numbers that matter. */
  says: string
  draw: (width: number) => Drawing
  /** HTML between title and drawing. */
  legend?: string
  /** HTML below the drawing: how to read it. */
  note?: string
  table: Table
  /** A gate has failed that spoils what is drawn: it may be looked at, and nothing follows from it. */
  spoilt?: boolean
}

export interface Drawing {
  height: number
  body: string
}

/** The chart as HTML. CSS shows one of the two drawings, so that letters are never too small. */
export const toFigure = ({ id, title, says, draw, legend, note, table, spoilt }: Chart): string => {
  const svg = (look: 'wide' | 'narrow', width: number) => {
    const { height, body } = draw(width)
    const [titleId, descId] = [`${id}-${look}-title`, `${id}-${look}-desc`]
    return el(
      'svg',
      {
        class: look,
        viewBox: `0 0 ${width} ${Math.ceil(height)}`,
        role: 'img',
        'aria-labelledby': `${titleId} ${descId}`,
      },
      el('title', { id: titleId }, escaped(title)),
      el('desc', { id: descId }, escaped(spoilt ? `Not valid, see the gates. ${says}` : says)),
      body,
    )
  }
  const tag = spoilt
    ? '<span class="tag spoilt">✗ measured, but not valid</span>'
    : '<span class="tag">measured</span>'
  return `<figure id="${escaped(id)}">
<figcaption><h3>${escaped(title)} ${tag}</h3>${legend ?? ''}</figcaption>
${svg('wide', 880)}
${svg('narrow', 350)}
${note ? `<p class="note">${note}</p>` : ''}
<details><summary>The numbers of this chart</summary>${toTable(table)}</details>
</figure>`
}
