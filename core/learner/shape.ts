// What is kept of a learner: the calls they made before they measured, what came of each, and how far
// they are with every scenario. One file, `progress.json`, which is also what is exported and imported.
import { z } from 'zod'
import { metrics } from '../measurement/metrics.ts'

const time = z.iso.datetime()
const setup = z.string().min(1).max(300)
const text = z.string().max(2_000)
const ratio = z.number().positive().nullable()

/** What a call can be about: the metrics of a measurement. More is worse, but for throughput. */
const metric = z.enum(metrics)

const outcomeSchema = z.strictObject({
  verdict: z.enum(['a', 'b', 'same', 'undecided', 'invalid']),
  /** b ÷ a, with its interval; null where there is none. */
  ratio,
  low: ratio,
  high: ratio,
  /** What the measurement says, in its own words. */
  sentence: text,
  at: time,
})

const predictionSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-z-]{8,64}$/),
  scenario: z.string().regex(/^[a-z0-9-]{1,80}$/),
  a: setup,
  b: setup,
  metric,
  /** Who does better, or neither. */
  call: z.enum(['a', 'b', 'same']),
  /** How many times better, from 1 on; null where nothing was said, and with `same`. */
  factor: z.number().min(1).max(1_000).nullable(),
  why: text,
  /** How sure, in percent; 50 is a coin. */
  confidence: z.int().min(50).max(100).nullable(),
  madeAt: time,
  /** The measurement that is to tell; asked for after the call was made. */
  run: z.string().max(60).nullable(),
  outcome: outcomeSchema.nullable(),
})

const scenarioSchema = z.strictObject({
  firstSeenAt: time,
  /** When a measurement of it first ended. */
  runAt: time.optional(),
  /** Why it came out as it did, in the learner's own words. */
  explained: z.strictObject({ text, at: time }).optional(),
  note: text.optional(),
})

const scenarios = z.record(z.string().regex(/^[a-z0-9-]{1,80}$/), scenarioSchema)

/** What is exported, and what can be imported. */
export const exportSchema = z.strictObject({
  kind: z.literal('seesaw-progress'),
  format: z.literal(1),
  exportedAt: time.optional(),
  predictions: z.array(predictionSchema).max(5_000),
  scenarios,
})

/** What the last reset or import changed, so that it can be taken back. */
const undoSchema = z.strictObject({
  token: z.string(),
  what: z.enum(['reset', 'import']),
  at: time,
  removed: z.array(predictionSchema),
  added: z.array(z.string()),
  scenarios: z.record(
    z.string(),
    z.strictObject({ before: scenarioSchema.nullable(), after: scenarioSchema.nullable() }),
  ),
})

export const fileSchema = exportSchema.extend({ undo: undoSchema.nullable() })

export const callSchema = predictionSchema
  .pick({ scenario: true, a: true, b: true, metric: true, call: true })
  .extend({
    factor: predictionSchema.shape.factor.default(null),
    why: text.default(''),
    confidence: predictionSchema.shape.confidence.default(null),
  })

export type Kept = z.infer<typeof fileSchema>
export type Exported = z.infer<typeof exportSchema>
export type Prediction = z.infer<typeof predictionSchema>
export type Outcome = z.infer<typeof outcomeSchema>
export type ScenarioProgress = z.infer<typeof scenarioSchema>
export type Call = z.infer<typeof callSchema>
