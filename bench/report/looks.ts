// How contenders are told apart, everywhere alike: a letter, and a colour, a shape and a dash
// besides. The colours are Okabe and Ito's; those too pale for lines on white are darkened.
import type { Measurement } from '#core/measurement/run'
import type { Shape } from './svg.ts'

export interface Look {
  /** Sets the colour, in report.css. */
  class: string
  shape: Shape
  dash: string
}

const looks: Look[] = [
  { class: 'c0', shape: 'circle', dash: '' },
  { class: 'c1', shape: 'square', dash: '7 3' },
  { class: 'c2', shape: 'triangle', dash: '2 3' },
  { class: 'c3', shape: 'diamond', dash: '9 3 2 3' },
  { class: 'c4', shape: 'wedge', dash: '4 2' },
  { class: 'c5', shape: 'cross', dash: '12 4' },
  { class: 'c6', shape: 'star', dash: '1 3' },
  { class: 'c7', shape: 'bar', dash: '12 3 2 3 2 3' },
]
const referenceLook: Look = { class: 'cr', shape: 'circle', dash: '1 4' }

/** The look of the contender at this place of the plan; the reference has one of its own. */
export const lookOf = ({ plan }: Measurement, contender: number): Look => {
  if (plan.contenders[contender]?.reference) return referenceLook
  const place = plan.contenders.slice(0, contender).filter(({ reference }) => !reference).length
  return looks[place % looks.length] as Look
}
