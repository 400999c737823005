// The guess of a whole room: asked before anything runs, and drawn on what is measured afterwards.

import { plain } from '../../plain.ts'
import type { Pair } from '../pair.ts'
import { route, setQuery } from '../route.ts'
import { backendsOf, type Setup, titleOf } from '../setup.ts'
import { Side } from '../ui/parts.tsx'

export const guesses = ['a', 'b', 'same'] as const
export type RoomGuess = (typeof guesses)[number]

/** What the room has guessed; undefined where nobody has. */
export const roomGuess = (): RoomGuess | undefined =>
  guesses.find((one) => one === route.value.query.guess)

export const HandsUp = ({ entry, a, b }: Pair) => {
  const guess = roomGuess()
  const choose = (one: RoomGuess) => setQuery({ guess: one === guess ? undefined : one })
  return (
    <fieldset class="hands-up">
      <legend>Which answers more requests, here and now?</legend>
      <Option guess={guess} of="a" onChoose={choose}>
        <Side name="A" /> <Name entry={entry} setup={a} />
      </Option>
      <Option guess={guess} of="same" onChoose={choose}>
        <span>no real difference</span>
      </Option>
      <Option guess={guess} of="b" onChoose={choose}>
        <Side name="B" /> <Name entry={entry} setup={b} />
      </Option>
    </fieldset>
  )
}

const Option = ({
  of: one,
  guess,
  onChoose,
  children,
}: {
  of: RoomGuess
  guess: RoomGuess | undefined
  onChoose: (one: RoomGuess) => void
  children: preact.ComponentChildren
}) => (
  <button
    type="button"
    class={`guess for-${one}`}
    aria-pressed={one === guess}
    onClick={() => onChoose(one)}
  >
    {children}
  </button>
)

const Name = ({ entry, setup }: { entry: Pair['entry']; setup: Setup }) => (
  <>
    <span>
      {plain(titleOf(entry, setup))} <small>{backendsOf(setup)}</small>
    </span>
    <small class="idea">
      {plain(entry.variants.find(({ id }) => id === setup.variant)?.idea ?? '')}
    </small>
  </>
)
