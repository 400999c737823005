// What `seesaw bench capacity` leaves behind, and what can be said from it alone. The schema is
// published as docs/capacity.schema.json.
import { z } from 'zod'
import { histogramOf, measurementSchema } from '#core/measurement/run'
import { decodeHistogram, mergeHistograms, quantileMs } from '../stats/histogram.ts'

const count = z.int().min(0)
const amount = z.number().min(0)
const { seesaw, startedAt, finishedAt, command, machine, seed, proof } = measurementSchema.shape

/** One rate that was held once. */
const hold = z.strictObject({
  pass: z
    .union([z.literal(1), z.literal(2)])
    .describe(
      'Each rate is held once in each of two passes, the second in the reverse order of the first.',
    ),
  ratePerSecond: amount.describe('What the schedule asked for on average.'),
  heldMs: amount.describe('How long the schedule was, and how long it took until the last answer.'),
  seconds: amount,
  offered: count,
  sent: count.describe('Fewer than were offered where a thousand were waiting for their answers.'),
  answered: count,
  failed: count,
  timedOut: count,
  judged: z
    .record(z.string(), count)
    .describe(
      'How the workload judged the answers: right, wrong, or what it counts, such as stale.',
    ),
  latency: histogramOf('From the intended sending to the whole answer.'),
  lag: histogramOf('From the intended to the actual sending.'),
  cpuMs: z
    .strictObject({ server: amount, backend: amount.nullable(), client: amount })
    .describe(
      'CPU time: of the server processes, of the backends (null where it cannot be read), of the client.',
    ),
})

/** One rate, both passes together; those that cannot be trusted only where no other is there. */
const point = z.strictObject({
  ratePerSecond: amount,
  offeredPerSecond: amount,
  answeredPerSecond: amount,
  requests: count,
  rightShare: z.number().describe('Share of the requests that were answered, and not wrongly.'),
  p50Ms: amount
    .nullable()
    .describe('Null where there are too few requests: twenty must lie beyond.'),
  p95Ms: amount.nullable(),
  cpuMs: amount
    .nullable()
    .describe('CPU time per request, of the server and of the backends where they can be read.'),
  lagP95Ms: amount,
  doubts: z
    .array(z.string())
    .describe('Why it must not be trusted, each a sentence; none where it can be.'),
})

/** The last rate before the first that was not answered in time, in either pass. */
const knee = z.strictObject({
  quantile: z
    .number()
    .describe(
      'Which percentile was looked at: the highest that all trusted rates have requests enough for in each pass.',
    ),
  ratePerSecond: amount,
  passes: z
    .tuple([amount.nullable(), amount.nullable()])
    .describe('The knee of each pass by itself; null where it has none.'),
})

export const capacitySchema = z.strictObject({
  seesaw,
  format: z.literal(1),
  kind: z.literal('capacity'),
  startedAt,
  finishedAt,
  command,
  machine,
  seed,
  scenario: z.string(),
  question: z.string(),
  setup: z.string(),
  title: z.string(),
  workload: z.string(),
  says: z.string(),
  arrivals: z.enum(['even', 'poisson']),
  workers: count,
  connections: count,
  timeoutMs: amount,
  // What a capacity says of itself is always proved first.
  proof: proof.omit({ skipped: true }),
  calibration: z
    .strictObject({ ceilingPerSecond: amount, capacityPerSecond: amount })
    .describe(
      'Closed, in requests per second: of the bare server, which is as fast as the client gets, and its own.',
    ),
  rates: z.array(amount).describe('The rates that were to be held, in each of both passes.'),
  heldMs: z
    .array(amount)
    .optional()
    .describe(
      'How long each of them is held, in milliseconds; none until it is known what the rates are. Absent in the first files of this format.',
    ),
  holds: z.array(hold),
  points: z.array(point).describe('Made from all of the above.'),
  knee: knee.nullable(),
})

export type CapacityMeasurement = z.infer<typeof capacitySchema>
export type Hold = z.infer<typeof hold>
export type CapacityPoint = z.infer<typeof point>

/** How many times the latency at the lowest rate may become before it counts as a growing queue. */
const mostGrowth = 5
/** How many of the requests must be answered right. */
export const leastRight = 0.99
/** From the intended to the actual sending, in 95 of 100 requests … */
const mostLagMs = 1
/** … or, where answers take long, as a share of what 95 of 100 of them take at most. */
const mostLagShare = 0.1
const mostOfCeiling = 0.5

/** The rule by which a knee is found, in one sentence. */
export const kneeRule = (percentile: string): string =>
  `The knee is the highest trusted rate up to which, in each of both passes, at least ${leastRight * 100} % of ` +
  `the requests were answered right, with a ${percentile} of at most ${mostGrowth} times that at the lowest trusted rate.`

/** Makes points and knee from what was held; the same holds, the same result. */
export const analyseCapacity = (
  measurement: Pick<CapacityMeasurement, 'holds' | 'calibration'>,
): Pick<CapacityMeasurement, 'points' | 'knee'> => {
  const { holds, calibration } = measurement
  const { ceilingPerSecond } = calibration
  const rates = [...new Set(holds.map(({ ratePerSecond }) => ratePerSecond))].sort((a, b) => a - b)
  const trusted = (rate: number, pass?: 1 | 2) =>
    holds.filter(
      (one) =>
        one.ratePerSecond === rate &&
        (pass === undefined || one.pass === pass) &&
        doubtsOf(one, ceilingPerSecond).length === 0,
    )
  const points = rates.map((rate) => {
    const good = trusted(rate)
    const all = holds.filter(({ ratePerSecond }) => ratePerSecond === rate)
    const doubts = good.length > 0 ? [] : all.flatMap((one) => doubtsOf(one, ceilingPerSecond))
    return pointOf(good.length > 0 ? good : all, [...new Set(doubts)])
  })

  /** The last rate before the first that is not in time, null if it is the lowest, and that one. */
  const kneeOf = (groups: Hold[][], p: number): { at: number | null; failsAt: number } | null => {
    const steps = groups
      .filter((group) => group.length > 0)
      .map((group) => ({ group, ms: quantileMs(latencyOf(group), p) }))
    const [lowest] = steps
    if (lowest?.ms == null) return null
    const first = steps.findIndex(
      ({ group, ms }) =>
        ms === null || ms > mostGrowth * (lowest.ms as number) || rightShare(group) < leastRight,
    )
    // A higher rate may come out in time by luck; what a server can be asked for lies below the first
    // that did not.
    const last = first === -1 ? steps.at(-1) : steps[first - 1]
    return {
      at: last?.group[0]?.ratePerSecond ?? null,
      failsAt: steps[first]?.group[0]?.ratePerSecond ?? Number.POSITIVE_INFINITY,
    }
  }
  const groups = rates.map((rate) => trusted(rate)).filter((group) => group.length > 0)
  // A p99 would say how late the client was, whose own lag is looked at in 95 of 100 requests.
  const quantile = [0.95, 0.9, 0.5].find((p) =>
    groups.flat().every((one) => quantileMs(latencyOf([one]), p) !== null),
  )
  const together = quantile === undefined ? null : kneeOf(groups, quantile)
  if (quantile === undefined || together?.at == null) return { points, knee: null }
  const { at } = together
  const passes = ([1, 2] as const).map((pass) =>
    kneeOf(
      rates.map((rate) => trusted(rate, pass)),
      quantile,
    ),
  )
  // Both together may be in time where one was not: a slow lowest rate of the other allows it more.
  const failsAt = Math.min(...passes.map((one) => one?.failsAt ?? Number.POSITIVE_INFINITY))
  const ratePerSecond = groups
    .map(([one]) => one?.ratePerSecond ?? 0)
    .findLast((rate) => rate <= at && rate < failsAt)
  if (ratePerSecond === undefined) return { points, knee: null }
  const [first, second] = passes.map((one) => one?.at ?? null) as [number, number]
  return { points, knee: { quantile, ratePerSecond, passes: [first, second] } }
}

/**
 * Whether the server or the client cannot keep up with a rate that was held for a moment, compared with
 * the lowest. By medians: one pause of 25 ms spoils the p95 of half a second.
 */
export const isTooMuch = (one: Hold, lowest: Hold, ceilingPerSecond: number): boolean =>
  one.offered > 0 &&
  (rightShare([one]) < leastRight ||
    one.ratePerSecond > mostOfCeiling * ceilingPerSecond ||
    percentileMs(one.lag, 50) > mostLagMs ||
    percentileMs(one.latency, 50) > 2 * mostGrowth * percentileMs(lowest.latency, 50))

/** What speaks against a rate that was held: that the client was the limit. */
const doubtsOf = ({ lag, latency, ratePerSecond }: Hold, ceilingPerSecond: number): string[] => {
  const allowedMs = Math.max(mostLagMs, mostLagShare * percentileMs(latency, 95))
  return [
    ...(percentileMs(lag, 95) > allowedMs
      ? [
          'the load client sent 5 of 100 requests more than 1 ms too late, and more than a tenth of what they took',
        ]
      : []),
    ...(ratePerSecond > mostOfCeiling * ceilingPerSecond
      ? ['more than half of what the load client can send at all']
      : []),
  ]
}

const pointOf = (holds: Hold[], doubts: string[]): CapacityPoint => {
  const sum = (of: (hold: Hold) => number) => holds.reduce((all, one) => all + of(one), 0)
  const latency = latencyOf(holds)
  const answered = sum((one) => one.answered)
  const withBackend = holds.every(({ cpuMs }) => cpuMs.backend !== null)
  return {
    ratePerSecond: holds[0]?.ratePerSecond ?? 0,
    offeredPerSecond: (sum((one) => one.offered) * 1000) / sum((one) => one.heldMs),
    answeredPerSecond: answered / sum((one) => one.seconds),
    requests: latency.totalCount,
    rightShare: rightShare(holds),
    p50Ms: quantileMs(latency, 0.5),
    p95Ms: quantileMs(latency, 0.95),
    cpuMs:
      answered === 0
        ? null
        : sum(({ cpuMs }) => cpuMs.server + (withBackend ? (cpuMs.backend ?? 0) : 0)) / answered,
    lagP95Ms: Math.max(...holds.map(({ lag }) => percentileMs(lag, 95))),
    doubts,
  }
}

const rightShare = (holds: readonly Hold[]): number => {
  const sum = (of: (hold: Hold) => number) => holds.reduce((all, one) => all + of(one), 0)
  return sum(({ answered, judged }) => answered - (judged.wrong ?? 0)) / sum((one) => one.offered)
}

const latencyOf = (holds: readonly Hold[]) => mergeHistograms(holds.map(({ latency }) => latency))
/** However few they are. */
const percentileMs = (histogram: string, percent: 50 | 95): number =>
  decodeHistogram(histogram).getValueAtPercentile(percent) / 1000
