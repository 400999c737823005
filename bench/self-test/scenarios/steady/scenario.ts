// A handler whose cost, stalls and mistakes are known, so that it can be seen whether they are found.
import type { loadScenario } from '../../../../core/course/find.ts'

type AnyScenario = Awaited<ReturnType<typeof loadScenario>>

/** A little arithmetic that no compiler can leave out. */
const spin = (rounds: number): number => {
  let state = 0x2545f491
  for (let round = 0; round < rounds; round++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
  }
  return state
}

/** Spins for so long by the clock: how long a number of rounds takes depends on who else is at work. */
const burn = (microseconds: number): void => {
  const untilMs = performance.now() + microseconds / 1_000
  while (performance.now() < untilMs);
}

const scenario: AnyScenario = {
  title: 'A handler of known cost',
  question: 'Does the harness find what was put there?',
  chapter: 'design',
  primary: 'cpu',
  variants: {
    plain: {
      title: 'Plain',
      idea: 'Does some arithmetic and answers.',
      needs: [],
      knobs: {
        burn: {
          says: 'CPU time burnt in each request',
          default: 0,
          min: 0,
          max: 100_000,
          unit: 'us',
        },
        wrongEvery: {
          says: 'one wrong answer in so many; 0 for none',
          default: 0,
          min: 0,
          max: 1_000_000,
          unit: 'count',
        },
      },
      mount(router, { knobs }) {
        const { burn: microseconds = 0, wrongEvery = 0 } = knobs
        let answers = 0
        router.get('/', (ctx) => {
          const state = spin(1_600)
          if (microseconds > 0) burn(microseconds)
          const lies = wrongEvery > 0 && ++answers % wrongEvery === 0
          ctx.body = { ok: !lies, state }
        })
      },
    },
  },
  claims: {
    answers: {
      says: 'It answers.',
      exercise: async ({ client, expect }) => {
        const answer = await client().get('/')
        expect(answer.status === 200, `answered ${answer.status}`)
      },
      heldBy: ['plain'],
    },
  },
  workloads: {
    visit: {
      says: 'the same request over and over',
      requests: () => [{ method: 'GET', path: '/' }],
      judge: () => (seen) => (seen.text.includes('"ok":true') ? 'right' : 'wrong'),
    },
  },
}
export default scenario
