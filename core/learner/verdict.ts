// What a measurement says of a call: read from the file that it left, so that it is known even if
// nobody was there when it ended.
import { z } from 'zod'
import type { Outcome, Prediction } from './shape.ts'

/** As much of a measurement as a call needs; core/measurement/run.ts has the whole. */
const measurementSchema = z.object({
  finishedAt: z.string().nullable(),
  plan: z.object({ contenders: z.array(z.object({ name: z.string(), setup: z.string() })) }),
  verdicts: z.array(
    z.object({
      metric: z.string(),
      a: z.string(),
      b: z.string(),
      verdict: z.enum(['slower', 'faster', 'same', 'undecided', 'invalid']),
      ratio: z.number().nullable(),
      low: z.number().nullable(),
      high: z.number().nullable(),
      exploratory: z.boolean(),
      sentence: z.string(),
    }),
  ),
})
type Verdict = z.infer<typeof measurementSchema>['verdicts'][number]

/** What came of the call; undefined while the measurement is not complete. */
export const outcomeIn = (text: string, prediction: Prediction): Outcome | undefined => {
  const { finishedAt, plan, verdicts } = measurementSchema.parse(JSON.parse(text))
  if (finishedAt === null) return undefined
  const nameOf = (setup: string) => plan.contenders.find((one) => one.setup === setup)?.name
  const [a, b] = [nameOf(prediction.a), nameOf(prediction.b)]
  const pair = verdicts.filter(
    (one) => (one.a === a && one.b === b) || (one.a === b && one.b === a),
  )
  // With too few requests for the percentile that was asked about, the answer is about a lower one.
  const isPercentile = /^p\d+$/.test(prediction.metric)
  const found =
    pair.find(({ metric }) => metric === prediction.metric) ??
    pair.find(({ metric, exploratory }) => isPercentile && !exploratory && /^p\d+$/.test(metric))
  if (!found)
    return {
      verdict: 'undecided',
      ratio: null,
      low: null,
      high: null,
      sentence: 'This measurement did not compare the two in what the call was about.',
      at: finishedAt,
    }
  return {
    ...seenFrom(found, found.a === a),
    sentence: found.sentence.slice(0, 2_000),
    at: finishedAt,
  }
}

/** A verdict is about its b compared with its a, which may be the call's the other way round. */
const seenFrom = (
  { verdict, ratio, low, high }: Verdict,
  sameWay: boolean,
): Pick<Outcome, 'verdict' | 'ratio' | 'low' | 'high'> => {
  const winner = (verdict === 'faster') === sameWay ? 'b' : 'a'
  return {
    verdict: verdict === 'faster' || verdict === 'slower' ? winner : verdict,
    ...(sameWay
      ? { ratio: positive(ratio), low: positive(low), high: positive(high) }
      : { ratio: inverse(ratio), low: inverse(high), high: inverse(low) }),
  }
}

const positive = (value: number | null) => (value !== null && value > 0 ? value : null)
const inverse = (value: number | null) => (value !== null && value > 0 ? 1 / value : null)
