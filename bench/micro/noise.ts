// The proof of this harness on the machine at hand: two functions that are the same to the letter,
// one that does a twentieth more, and one that is wrong. Whoever calls the first two different, or
// prints a number for the last, is not to be believed about anything else.
import type { Comparison, MicroTools, MicroVariant } from './harness/comparison.ts'
import { ready } from './harness/comparison.ts'

const rounds = 400

/** Mixes a number thoroughly, round after round (the mixer of splitmix32). */
const mix = (seed: number, times: number): number => {
  let x = seed
  for (let i = 0; i < times; i++) {
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
    x ^= x >>> 15
  }
  return x
}

const mixing = (title: string, times: number, off = 0): MicroVariant => ({
  title,
  open({ random }: MicroTools) {
    const inputs = Array.from({ length: 256 }, () => random.integer(1, 2 ** 31 - 1))
    const right = new Map(inputs.map((input) => [input, mix(mix(input, times - 1), 1)]))
    return ready({
      inputs,
      call: (input) => mix(input, times) + off,
      isRight: (output, input) => output === right.get(input),
    })
  },
})

interface Order {
  cents: number
}

/** With closures and objects, as programs have them; made anew for each, and the same to the letter. */
const summing = (title: string): MicroVariant => ({
  title,
  aside: true,
  open({ random }: MicroTools) {
    const inputs = Array.from({ length: 64 }, () =>
      Array.from({ length: 100 }, (): Order => ({ cents: random.integer(1, 1000) })),
    )
    const right = inputs.map((orders) => 2 * orders.reduce((sum, { cents }) => sum + cents, 0))
    return ready({
      inputs,
      call: (orders) => orders.map(({ cents }) => cents * 2).reduce((sum, cents) => sum + cents, 0),
      isRight: (output, orders) => output === right[inputs.indexOf(orders)],
    })
  },
})

export default {
  question: 'Does this machine tell what is the same from what is not?',
  call: 'mix one number',
  variants: {
    same: mixing('a function', rounds),
    'same-again': mixing('the same function', rounds),
    more: mixing('one that does 5 % more', rounds * 1.05),
    wrong: { ...mixing('one that is wrong', rounds, 1), aside: true },
    objects: summing('a function over objects'),
    'objects-again': summing('the same function over objects'),
  },
} satisfies Comparison
