// What one comparison of functions leaves behind. Verdicts are made from it alone, so that the same
// file gives the same words for ever. The schema is published as docs/micro.schema.json.
import { z } from 'zod'
import { measurementSchema, presets } from '../../measurement.ts'

const count = z.int().min(0)
const amount = z.number().min(0)

const contender = z.strictObject({
  /** One letter, by which sentences and tables name it: "A". */
  name: z.string(),
  variant: z.string(),
  title: z.string(),
  /** What is wrong with what it returns; then it gets no number. */
  wrong: z.string().nullable(),
  /** How many calls make one sample: so many that a sample is long beside a look at the clock. */
  batch: count,
})

const plan = z.strictObject({
  /** The comparison. */
  name: z.string(),
  question: z.string(),
  /** What is done in one call: "decide about one request". */
  call: z.string(),
  contenders: z.array(contender).min(1),
  preset: z.enum(presets).exclude(['duel']),
  blocks: count,
  /** In each round of a block all take a slice in random order, and another one in the reverse order. */
  rounds: count,
  sliceMs: amount,
  warmUpMs: amount,
  /** Half-width within which two contenders count as the same: 0.03 is ±3 %. */
  margin: z.number(),
  seed: count,
})

const slice = z.strictObject({
  /** Index into the plan's contenders. */
  contender: count,
  half: z.enum(['forward', 'mirrored']),
  /** Time per call in nanoseconds: the median of the samples. */
  ns: amount,
  samples: count,
  calls: count,
  /** CPU time of the whole process per call: compiler, collector and threads included. */
  cpuNs: amount,
})

/** In every block each contender runs in a fresh process; `slices` are in the order of time. */
const block = z.strictObject({
  index: count,
  startedAt: z.string(),
  seconds: amount,
  /** The contenders in the order of the first round. */
  order: z.array(count),
  /** Time that the hypervisor gave to others, as a share; null where it cannot be read. */
  steal: amount.nullable(),
  slices: z.array(slice),
})

const { seesaw, startedAt, finishedAt, command, machine, gates, figures, groups, verdicts } =
  measurementSchema.shape

export const microSchema = z.strictObject({
  seesaw,
  format: z.literal(1),
  kind: z.literal('micro'),
  startedAt,
  finishedAt,
  command,
  machine,
  seed: count,
  plan,
  blocks: z.array(block),
  gates,
  figures,
  groups,
  /** Of the time per call; lower is better. */
  verdicts: z.array(verdicts.element.extend({ metric: z.literal('time') })),
})

export type MicroMeasurement = z.infer<typeof microSchema>
export type MicroPlan = MicroMeasurement['plan']
export type MicroBlock = MicroMeasurement['blocks'][number]
export type MicroVerdict = MicroMeasurement['verdicts'][number]
