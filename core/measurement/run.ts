// What one run of the harness leaves behind: everything that was measured, nothing that was not.
// Verdicts and reports are made from it alone, so that the same file gives the same words for ever.
// The schema is published as docs/measurement.schema.json.
import { z } from 'zod'
import { metrics } from './metrics.ts'

const count = z.int().min(0)
const amount = z.number().min(0)
/** A histogram as text, and what is in it. */
export const histogramOf = (what: string) =>
  z
    .string()
    .describe(
      `${what} An HDR histogram of whole microseconds (V2, compressed, base64); empty for none.`,
    )

/** How hard it is tried to see a small difference. */
export const presets = ['duel', 'quick', 'standard', 'strict', 'publish'] as const
export type Preset = (typeof presets)[number]

const fault = z.strictObject({
  atMs: amount.describe('From the beginning of the load, in milliseconds.'),
  do: z.enum(['kill', 'heal']),
  backend: z.string(),
})

const contender = z.strictObject({
  name: z
    .string()
    .describe(
      'One letter, by which sentences and charts name it: "A"; "reference" for the bare server.',
    ),
  setup: z.string().describe('The canonical setup id; empty for the reference.'),
  title: z
    .string()
    .describe('How a reader would call it: the variant, and what tells it from the others.'),
  reference: z
    .boolean()
    .describe(
      'Whether it is the bare HTTP server that anchors this run to others on the same machine.',
    ),
})

const plan = z.strictObject({
  scenario: z.string(),
  question: z.string(),
  contenders: z.array(contender).min(1),
  workload: z.string(),
  says: z.string().describe('What the workload says of itself.'),
  preset: z.enum(presets),
  primary: z.enum(metrics),
  load: z.enum(['open', 'closed', 'both']),
  arrivals: z.enum(['even', 'poisson']),
  workers: count,
  connections: count,
  ratePerSecond: amount
    .nullable()
    .describe(
      'Requests per second of the open load; null: half of what the slower contender can take.',
    ),
  blocks: count,
  spare: count
    .optional()
    .describe(
      'How many blocks may be measured again because other machines on the host took time from this one meanwhile; absent: none.',
    ),
  closed: z
    .strictObject({ slices: count, sliceMs: amount })
    .describe(
      'Slices in each of the two slots that a contender has in a block, and how long one is.',
    ),
  open: z.strictObject({ slices: count, sliceMs: amount }),
  warmUpMs: amount,
  timeoutMs: amount,
  faults: z
    .array(fault)
    .describe(
      'What goes wrong on purpose, in a run of its own after the blocks; none: no such run.',
    ),
  luck: amount
    .optional()
    .describe(
      'How different two processes of the same program may be, as a share, where all blocks share the same ones: that blocks cannot show, so every interval is widened by it. Absent where each block has fresh processes.',
    ),
  margin: z
    .number()
    .describe('Half-width within which two contenders count as the same: 0.03 is ±3 %.'),
  seed: count,
})

const machine = z.strictObject({
  cpu: z.string(),
  cores: count,
  memoryBytes: count,
  os: z.string(),
  node: z.string(),
  v8: z.string(),
  container: z.boolean(),
  /** By name: version, where it came from, and whether it only stands in for the real one. */
  backends: z.record(
    z.string(),
    z.strictObject({ version: z.string(), via: z.string(), standIn: z.boolean() }),
  ),
})

const slot = z.strictObject({
  contender: count.describe('Index into the plan’s contenders.'),
  load: z.enum(['open', 'closed']),
  half: z.enum(['forward', 'mirrored']),
  seconds: amount.describe(
    'Time under load, of all slices: from the beginning of each to its last answer, and in the open model not shorter than its schedule.',
  ),
  offered: count.describe('What the schedule asked for; equal to sent in the closed model.'),
  sent: count,
  answered: count,
  failed: count.describe('The connection broke before the answer.'),
  timedOut: count,
  counted: count.describe('Requests that the server processes counted meanwhile.'),
  judged: z
    .record(z.string(), count)
    .describe(
      'How the workload judged the answers: right, wrong, or what it counts, such as stale.',
    ),
  statuses: z.record(z.string(), count),
  sentBytes: count,
  receivedBytes: count,
  latency: histogramOf(
    'From the intended sending to the whole answer; in the closed model from the sending.',
  ),
  service: histogramOf('From the actual sending to the whole answer.'),
  lag: histogramOf('From the intended to the actual sending; none in the closed model.'),
  cpuMs: z
    .strictObject({ server: amount, backend: amount.nullable(), client: amount })
    .describe(
      'CPU time: of the server processes, of the backends (null where it cannot be read), of the client.',
    ),
  calls: z
    .record(z.string(), z.strictObject({ calls: count, failures: count, ms: amount }))
    .describe('Adapter calls by kind.operation@backend.'),
  roundTrips: z.record(z.string(), count),
  gcMs: amount.describe('Time in garbage collection, of all server processes together.'),
  busy: z
    .strictObject({ server: amount, client: amount })
    .describe(
      'Share of time in which the event loop was busy: the busiest server process, the client.',
    ),
  rssBytes: count,
  /** Each slice by itself, in order, for what changes within a block. */
  slices: z.array(
    z.strictObject({ seconds: amount, answered: count, cpuMs: amount, medianMs: amount }),
  ),
})

const block = z.strictObject({
  index: count,
  startedAt: z.string(),
  seconds: amount,
  order: z
    .array(count)
    .describe(
      'The contenders in the order of the forward slots; the mirrored ones run in the reverse.',
    ),
  afterwardsCpuMs: z
    .array(amount)
    .describe(
      'CPU time of the server processes outside of their own slots: work that went on after answers.',
    ),
  steal: amount
    .nullable()
    .describe('Time that the hypervisor gave to others, as a share; null where it cannot be read.'),
  slots: z.array(slot),
})

/** One contender under a steady open load while things go wrong, cut into buckets by intended time. */
const timeline = z.strictObject({
  contender: count,
  ratePerSecond: amount,
  bucketMs: amount,
  faults: z.array(fault).describe('When they really happened: a server is back when it answers.'),
  lagP99Ms: amount
    .optional()
    .describe(
      'How late the load client was for one request in a hundred; times as short as that are its own.',
    ),
  buckets: z.array(
    z.strictObject({
      offered: count,
      right: count.describe(
        'Answered as the workload expects: with whatever it does not judge wrong.',
      ),
      other: count.describe('Answered wrongly, or not at all.'),
      medianMs: amount.nullable(),
      maxMs: amount.nullable(),
    }),
  ),
})

const gate = z.strictObject({
  gate: z.string(),
  where: z
    .string()
    .describe(
      'Where it was worst: a contender’s name and the load, or one of both; empty for the whole run.',
    ),
  value: z.number().nullable(),
  limit: z.number(),
  unit: z.string(),
  ok: z.boolean(),
  says: z.string().describe('What it means, in one sentence.'),
  spoils: z
    .union([z.literal('all'), z.array(z.enum(metrics))])
    .describe('What it spoils where it is not ok: everything, or only the metrics named.'),
})

const verdict = z.strictObject({
  metric: z.enum(metrics),
  a: z.string().describe('The names of the contenders; the sentence is about b, compared with a.'),
  b: z.string(),
  verdict: z.enum(['slower', 'faster', 'same', 'undecided', 'invalid']),
  ratio: z
    .number()
    .nullable()
    .describe(
      'b ÷ a, with its 95 % interval; null where there is none, e.g. with a count of zero. The intervals of all pairs of this metric hold at once: each is at 1 − 0.05 ÷ pairs (Bonferroni).',
    ),
  low: z.number().nullable(),
  high: z.number().nullable(),
  blocks: count,
  exploratory: z
    .boolean()
    .describe('Not the scenario’s primary metric: an interval to look at, not an answer.'),
  p: z
    .number()
    .nullable()
    .describe('p value after Holm’s correction over the pairs of this metric.'),
  /** The same question asked of two other tests, to see whether they agree. */
  checks: z
    .strictObject({
      pairedT: z.strictObject({ low: z.number(), high: z.number(), p: z.number() }),
      signFlipP: z.number(),
    })
    .nullable(),
  sentence: z.string(),
})

/** One contender's figure, for tables. */
const figure = z.strictObject({
  contender: z.string(),
  metric: z.string(),
  unit: z.string(),
  median: z
    .number()
    .nullable()
    .describe('Over the blocks; null where there are too few requests to say it.'),
  low: z.number().nullable(),
  high: z.number().nullable(),
  samples: count,
})

export const measurementSchema = z.strictObject({
  seesaw: z.string().describe('The version of Seesaw.'),
  format: z.literal(1),
  kind: z.literal('http'),
  startedAt: z.string(),
  finishedAt: z
    .string()
    .nullable()
    .describe('Null while blocks are missing: interrupted, or still running.'),
  command: z.string().describe('The line that does the same again.'),
  machine,
  seed: count,
  plan,
  proof: z.strictObject({
    ok: z.boolean(),
    verdicts: count,
    wrong: z.array(z.string()),
    skipped: z
      .literal(true)
      .optional()
      .describe('Nothing was proved, for it takes longer than a duel.'),
  }),
  /** What was found before the first block: requests per second, closed. In a duel, nothing. */
  calibration: z.strictObject({
    ceilingPerSecond: amount,
    capacityPerSecond: z.array(amount),
    ratePerSecond: amount,
  }),
  blocks: z.array(block),
  /**
   * Blocks that count for nothing and were measured again, as other machines on the host took `steal`
   * of the time meanwhile; slow or fast was not looked at. Absent: none.
   */
  setAside: z
    .array(z.strictObject({ index: count, startedAt: z.string(), seconds: amount, steal: amount }))
    .optional(),
  timelines: z.array(timeline),
  gates: z
    .array(gate)
    .describe('Made from all of the above: analyse(measurement) gives the same again, to the bit.'),
  figures: z.array(figure),
  groups: z
    .array(z.array(z.string()))
    .describe(
      'Groups of contenders whose primary metric cannot be told apart, best first: [["A"], ["B", "C"]].',
    ),
  verdicts: z.array(verdict),
})

export type Measurement = z.infer<typeof measurementSchema>
export type Plan = z.infer<typeof plan>
export type Contender = z.infer<typeof contender>
export type Machine = z.infer<typeof machine>
export type Block = z.infer<typeof block>
export type Slot = z.infer<typeof slot>
export type Gate = z.infer<typeof gate>
export type Verdict = z.infer<typeof verdict>
export type Figure = z.infer<typeof figure>
export type Timeline = z.infer<typeof timeline>
export type Fault = z.infer<typeof fault>
