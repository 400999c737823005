// A handler whose cost, stalls and mistakes are known, so that it can be seen whether they are found.
import type { loadScenario } from '../../../../core/load.ts'

type AnyScenario = Awaited<ReturnType<typeof loadScenario>>

/** A little arithmetic that no compiler can leave out; about a tenth of a microsecond a round. */
const spin = (rounds: number): number => {
  let state = 0x2545f491
  for (let round = 0; round < rounds * 16; round++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
  }
  return state
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
        rounds: {
          says: 'rounds of arithmetic',
          default: 100,
          min: 0,
          max: 1_000_000,
          unit: 'count',
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
        const { rounds = 0, wrongEvery = 0 } = knobs
        let answers = 0
        router.get('/', (ctx) => {
          const state = spin(rounds)
          const lies = wrongEvery > 0 && ++answers % wrongEvery === 0
          ctx.body = { ok: !lies, state }
        })
        // What a round costs in this very process, once it is warm.
        router.get('/cost', (ctx) => {
          const many = 20_000
          const beganMs = performance.now()
          const state = spin(many)
          ctx.body = { microseconds: ((performance.now() - beganMs) * 1000) / many, state }
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
