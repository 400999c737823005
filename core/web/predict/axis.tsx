// The guess on an axis like that of the measurement: each step outwards is so many times better, to the
// left for A and to the right for B; the middle is no difference that matters.
import type { Signal } from '@preact/signals'
import { type Prediction, timesInWords } from '../record/progress.ts'
import { Side } from '../ui/parts.tsx'

/** Ten times better stands at either end, a hundred steps from the middle. */
const steps = 100
const mostTimes = 10

export const factorAt = (place: number): number =>
  Number((mostTimes ** (Math.abs(place) / steps)).toPrecision(3))

/** Where a call stands on an axis whose left end is `left`; a call without a size stands at double. */
export const placeOf = (
  { call, factor, a }: Pick<Prediction, 'call' | 'factor' | 'a'>,
  left: string,
): number => {
  if (call === 'same') return 0
  const size = Math.round((steps * Math.log(factor ?? 2)) / Math.log(mostTimes))
  return (call === 'b') === (a === left) ? size : -size
}

const ticks = [10, 5, 3, 2, 1.5]

/** Left out where there is little room. */
const narrow = [5, 2, 1.5]

export const Axis = ({
  place,
  titles,
}: {
  place: Signal<number | undefined>
  titles: readonly [string, string]
}) => {
  const at = place.value ?? 0
  const words =
    place.value === undefined
      ? 'not chosen yet'
      : at === 0
        ? 'no real difference'
        : `${titles[at < 0 ? 0 : 1]}, ${timesInWords(factorAt(at))}`
  const percent = (value: number) => `${50 + value / 2}%`
  return (
    <div class={`guess-axis ${at < 0 ? 'side-a' : at > 0 ? 'side-b' : ''}`}>
      <label class="field" for="how-much">
        <span>
          By how much? <strong>{words}</strong>
        </span>
      </label>
      <p class="ends" aria-hidden="true">
        <span>
          ◂ <Side name="A" /> better
        </span>
        <span>
          <Side name="B" /> better ▸
        </span>
      </p>
      <div class="slider">
        <input
          id="how-much"
          type="range"
          min={-steps}
          max={steps}
          step={2}
          value={at}
          aria-valuetext={words}
          onInput={({ currentTarget }) => {
            place.value = Number(currentTarget.value)
          }}
        />
        <svg class="scale" aria-hidden="true">
          <line x1="0" x2="100%" y1="1" y2="1" />
          {[
            ...ticks.map((one) => [-one, one] as const),
            [0, 1] as const,
            ...ticks.map((one) => [one, one] as const),
          ].map(([side, factor]) => {
            const x = percent(Math.sign(side) * ((steps * Math.log(factor)) / Math.log(mostTimes)))
            return (
              <g key={side}>
                <line x1={x} x2={x} y1="1" y2="7" />
                <text x={x} y="22" class={narrow.includes(factor) ? 'narrow' : ''}>
                  {factor === 1 ? 'the same' : `${factor} ×`}
                </text>
              </g>
            )
          })}
        </svg>
      </div>
    </div>
  )
}
