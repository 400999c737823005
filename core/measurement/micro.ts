// What one comparison of functions leaves behind. Verdicts are made from it alone, so that the same
// file gives the same words for ever. The schema is published as docs/micro.schema.json.
import { z } from 'zod'
import { measurementSchema, presets } from './run.ts'

const count = z.int().min(0)
const amount = z.number().min(0)

const contender = z.strictObject({
  name: z.string().describe('One letter, by which sentences and tables name it: "A".'),
  variant: z.string(),
  title: z.string(),
  wrong: z
    .string()
    .nullable()
    .describe('What is wrong with what it returns; then it gets no number.'),
  batch: count.describe(
    'How many calls make one sample: so many that a sample is long beside a look at the clock.',
  ),
})

const plan = z.strictObject({
  name: z.string().describe('The comparison.'),
  question: z.string(),
  call: z.string().describe('What is done in one call: "decide about one request".'),
  contenders: z.array(contender).min(1),
  preset: z.enum(presets).exclude(['duel']),
  blocks: count,
  rounds: count.describe(
    'In each round of a block all take a slice in random order, and another one in the reverse order.',
  ),
  sliceMs: amount,
  warmUpMs: amount,
  margin: z
    .number()
    .describe('Half-width within which two contenders count as the same: 0.03 is ±3 %.'),
  seed: count,
})

const slice = z.strictObject({
  contender: count.describe('Index into the plan’s contenders.'),
  half: z.enum(['forward', 'mirrored']),
  ns: amount.describe('Time per call in nanoseconds: the median of the samples.'),
  samples: count,
  calls: count,
  cpuNs: amount.describe(
    'CPU time of the whole process per call: compiler, collector and threads included.',
  ),
})

/** In every block each contender runs in a fresh process; `slices` are in the order of time. */
const block = z.strictObject({
  index: count,
  startedAt: z.string(),
  seconds: amount,
  order: z.array(count).describe('The contenders in the order of the first round.'),
  steal: amount
    .nullable()
    .describe('Time that the hypervisor gave to others, as a share; null where it cannot be read.'),
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
  verdicts: z
    .array(verdicts.element.extend({ metric: z.literal('time') }))
    .describe('Of the time per call; lower is better.'),
})

export type MicroMeasurement = z.infer<typeof microSchema>
export type MicroPlan = MicroMeasurement['plan']
export type MicroBlock = MicroMeasurement['blocks'][number]
export type MicroVerdict = MicroMeasurement['verdicts'][number]
