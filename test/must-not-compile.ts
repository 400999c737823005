// What the compiler must refuse in a scenario, held by `npm run check:types`: a line below that
// compiles makes its @ts-expect-error an error.
import { defineScenario, defineVariant } from '#core/scenario'
import { burstAtTheEdge } from '../scenarios/rate-limits/exercises.ts'
import fixedWindow from '../scenarios/rate-limits/variants/fixed-window.ts'

const words = { title: '', question: '', chapter: 'load', primary: 'cpu' } as const
const variants = { 'fixed-window': fixedWindow }
const claim = { says: '', exercise: burstAtTheEdge, heldBy: ['fixed-window'] as const }
const knob = { says: '', default: 1, min: 0, max: 2, unit: 'ms' } as const

// What all of the following differ from by one word.
defineScenario({ ...words, variants, claims: { a: { ...claim, knobs: { limit: 3 } } } })
defineVariant({
  title: '',
  idea: '',
  needs: ['limiter'],
  knobs: { a: knob },
  mount: (_, { limiter, knobs }) => void [limiter, knobs.a],
})

// @ts-expect-error: a claim is held by a variant that the scenario does not have.
defineScenario({ ...words, variants, claims: { a: { ...claim, heldBy: ['fixed-windo'] } } })

// @ts-expect-error: a claim turns a knob that no variant has.
defineScenario({ ...words, variants, claims: { a: { ...claim, knobs: { limt: 3 } } } })

defineScenario({
  ...words,
  variants,
  // @ts-expect-error: it asks for a variant that the scenario does not have.
  claims: { a: { ...claim, heldBy: ({ variant }) => variant === 'nope' } },
})

defineScenario({
  ...words,
  variants,
  // @ts-expect-error: it asks for a trait that adapters do not have.
  claims: { a: { ...claim, heldBy: ({ traits }) => traits.isFast } },
})

// @ts-expect-error: a scenario without a chapter.
defineScenario({ title: '', question: '', primary: 'cpu', variants, claims: {} })

// @ts-expect-error: a metric that nobody measures.
defineScenario({ ...words, primary: 'speed', variants, claims: {} })

defineVariant({
  title: '',
  idea: '',
  needs: ['limiter'],
  // @ts-expect-error: a kind that was not asked for.
  mount: (_, { session }) => void session,
})

defineVariant({
  title: '',
  idea: '',
  needs: ['limiter'],
  knobs: { a: knob },
  // @ts-expect-error: a knob that the variant does not have.
  mount: (_, { knobs }) => void knobs.b,
})

// @ts-expect-error: a kind that does not exist.
defineVariant({ title: '', idea: '', needs: ['limitr'], mount() {} })

// @ts-expect-error: a unit that does not exist.
defineVariant({ title: '', idea: '', needs: [], knobs: { a: { ...knob, unit: 's' } }, mount() {} })
