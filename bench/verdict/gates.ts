// What makes a measurement worth looking at. A run that fails a gate is invalid, wholly or in the
// metrics that the gate is about, and says which. A gate asks whether the harness could measure,
// never whether the result is welcome; nothing is dropped for being slow. The bare server takes no
// part in verdicts, so no gate looks at it but as a yardstick.
import {
  type Block,
  type Gate,
  type Measurement,
  type Metric,
  metrics,
  type Slot,
} from '#core/measurement/run'
import { meanMs, mergeHistograms } from '../stats/histogram.ts'
import { median } from '../stats/median.ts'
import { precise } from '../stats/precise.ts'
import { backendsOf, properName } from './names.ts'
import { isPercentile, loadFor, percentiles } from './series.ts'
import { changeWithin, courseOf, watched } from './steady.ts'

/** Every gate that applies to the measurement, from what was measured alone. */
export const gatesOf = (measurement: Measurement): Gate[] => [
  claims(measurement),
  standIns(measurement),
  ...loadsOf(measurement).flatMap((load) => [
    ...(load === 'open' ? [rate(measurement), ...lags(measurement)] : []),
    clientCpu(measurement, load),
    clientLoop(measurement, load),
    // A duel has no bare server: whether the client was the bottleneck its own figures say.
    ...(measurement.plan.luck === undefined ? [ceiling(measurement, load)] : []),
    ...(load === 'closed' ? [littlesLaw(measurement)] : []),
    steady(measurement, load),
  ]),
  balance(measurement),
  counted(measurement),
  errors(measurement),
  answers(measurement),
  ...steals(measurement),
]

/** Whether a failed gate means that the client could send no faster: then its rate is a lower limit. */
export const limitsClient = ({ gate }: Gate): boolean =>
  gate === 'client-cpu' || gate === 'client-loop' || gate === 'ceiling'

/**
 * The metric that answers the question: the primary one, or, where that percentile cannot be told
 * because a block has too few requests (`isKnown`) or the client sent too many of them late, the next
 * lower one that can.
 */
export const metricToTell = (
  primary: Metric,
  isKnown: (metric: Metric) => boolean,
  gates: readonly Gate[],
): Metric => {
  if (!isPercentile(primary)) return primary
  const known = percentiles.slice(percentiles.indexOf(primary)).filter(isKnown)
  const isLate = (metric: Metric) =>
    gates.some(
      ({ ok, gate, spoils }) =>
        !ok && /^lag/.test(gate) && spoils !== 'all' && spoils.includes(metric),
    )
  return known.find((metric) => !isLate(metric)) ?? known[0] ?? primary
}

const claims = ({ proof }: Measurement): Gate => {
  const { ok, wrong, verdicts, skipped } = proof
  if (skipped)
    return {
      gate: 'claims',
      where: '',
      value: null,
      limit: 0,
      unit: 'claims',
      ok: true,
      says: 'A quick look: the claims of what is measured were not proved; every answer was judged.',
      spoils: 'all',
    }
  return {
    gate: 'claims',
    where: '',
    value: ok ? 0 : Math.max(1, wrong.length),
    limit: 0,
    unit: 'claims',
    ok,
    says: ok
      ? `What is measured does what it is said to do: ${things(verdicts, 'claim')} came out as declared.`
      : `Something that is measured does not do what it is said to do: ${things(Math.max(1, wrong.length), 'claim')} did not come out as declared${wrong[0] === undefined ? '' : `, the first is ${wrong[0]}`}.`,
    spoils: 'all',
  }
}

const standIns = ({ plan, machine }: Measurement): Gate => {
  const used = new Set(plan.contenders.flatMap(backendsOf))
  const found = [...used].filter((backend) => machine.backends[backend]?.standIn).sort()
  return {
    gate: 'stand-in',
    where: '',
    value: found.length,
    limit: 0,
    unit: 'backends',
    ok: found.length === 0,
    says:
      found.length === 0
        ? 'The backends are the real ones, nothing stands in for them.'
        : `No measurement is published from a stand-in (here for ${found.map(properName).join(' and ')}): it shows how fast the stand-in is.`,
    spoils: 'all',
  }
}

/** Sent ÷ what the schedule asked for. */
const rate = (measurement: Measurement): Gate => {
  const { where, value } = worst(
    measurement,
    'open',
    (slots) => {
      const offered = sum(slots, (slot) => slot.offered)
      return offered === 0 ? null : sum(slots, sent) / offered
    },
    (share) => Math.abs(share - 1),
  )
  const ok = value === null || Math.abs(value - 1) <= 0.01 + slack
  return {
    gate: 'rate',
    where,
    value,
    limit: 0.01,
    unit: '± of 1',
    ok,
    says: ok
      ? `The load client sent what it was asked to send (${ratio(value)} of it, 0.99 to 1.01 is allowed).`
      : `The load client was saturated (rate ${ratio(value)} of the asked, 0.99 to 1.01 is allowed).`,
    spoils: [...percentiles],
  }
}

/**
 * How late the requests of a schedule were sent. A percentile can be told where as many requests
 * were on time as it speaks of: where 2 of 100 were late, p99 may be the client's own, p95 is not.
 */
const lags = (measurement: Measurement): Gate[] => [
  lag(measurement, 99, ['p99']),
  lag(measurement, 95, ['p95', 'p90', 'p50']),
]

const lag = (measurement: Measurement, onTime: 95 | 99, spoils: Metric[]): Gate => {
  const { where, value } = worst(measurement, 'open', (slots) => {
    const late = mergeHistograms(slots.map((slot) => slot.lag))
    return late.totalCount === 0 ? null : late.getValueAtPercentile(onTime) / 1000
  })
  const ok = value === null || value <= 1
  return {
    gate: onTime === 99 ? 'lag' : 'lag-p95',
    where,
    value,
    limit: 1,
    unit: 'ms',
    ok,
    says: ok
      ? `Requests were sent on time: ${onTime} of 100 less than ${milliseconds(value)} late, 1 ms is allowed.`
      : `The load client sent too late: ${100 - onTime} of 100 requests ${onTime === 99 ? 'was' : 'were'} sent ${milliseconds(value)} late or more, 1 ms is allowed.`,
    spoils,
  }
}

const clientCpu = (measurement: Measurement, load: Slot['load']): Gate =>
  clientGate('client-cpu', measurement, load, 'it used', 'of a core', (slots) => {
    const ms = sum(slots, ({ seconds }) => seconds) * 1000
    return ms === 0 ? null : sum(slots, ({ cpuMs }) => cpuMs.client) / ms
  })

const clientLoop = (measurement: Measurement, load: Slot['load']): Gate =>
  clientGate(
    'client-loop',
    measurement,
    load,
    'its event loop was busy',
    'of the time',
    (slots) => {
      const seconds = sum(slots, (slot) => slot.seconds)
      return seconds === 0 ? null : sum(slots, (slot) => slot.busy.client * slot.seconds) / seconds
    },
  )

/** A client near its limits measures itself. */
const clientGate = (
  gate: string,
  measurement: Measurement,
  load: Slot['load'],
  doing: string,
  of: string,
  valueIn: ValueIn,
): Gate => {
  const { where, value } = worst(measurement, load, valueIn)
  const ok = value === null || value <= 0.7
  const says = `(${doing} ${percent(value)} ${of}, 70 % is allowed)`
  return {
    gate,
    where,
    value,
    limit: 0.7,
    unit: 'share',
    ok,
    says: ok
      ? `The load client had time to spare ${says}.`
      : load === 'open'
        ? `The load client was saturated ${says}.`
        : `The load client was the bottleneck ${says}.`,
    spoils: load === 'open' ? [...percentiles] : ['throughput'],
  }
}

/** The load beside what the client could make a bare server answer. */
const ceiling = (measurement: Measurement, load: Slot['load']): Gate => {
  const { calibration } = measurement
  const limit = load === 'open' ? 0.5 : 0.7
  const { where, value } =
    load === 'open'
      ? {
          where: '',
          value:
            calibration.ceilingPerSecond > 0
              ? precise(calibration.ratePerSecond / calibration.ceilingPerSecond)
              : null,
        }
      : closedShare(measurement)
  const ok = value === null || value <= limit + slack
  const says = `${percent(value)} of what the load client gets from a bare server, ${percent(limit)} is allowed`
  return {
    gate: 'ceiling',
    where,
    value,
    limit,
    unit: 'share',
    ok,
    says: ok
      ? `The load stayed well below what the load client can make: ${says}.`
      : load === 'open'
        ? `The load came too near to what the load client can make (${says}).`
        : `The load client was the bottleneck (${says}).`,
    spoils: load === 'open' ? [...percentiles] : ['throughput'],
  }
}

/**
 * Requests per second beside those of the bare server in the same block, as the machine may have
 * slowed down since the calibration; without them, beside the calibration.
 */
const closedShare = (measurement: Measurement): Found => {
  const { plan, blocks, calibration } = measurement
  const bare = plan.contenders.findIndex(({ reference }) => reference)
  const perSecond = (block: Block, contender: number): number | null => {
    const slots = slotsIn(block, contender, 'closed')
    const seconds = sum(slots, (slot) => slot.seconds)
    return seconds > 0 ? sum(slots, (slot) => slot.answered) / seconds : null
  }
  return worstOf(
    measurement,
    'closed',
    contenderIndexes(measurement).map((contender) => {
      const shares = blocks
        .map((block) => {
          const own = perSecond(block, contender)
          const most = perSecond(block, bare) ?? calibration.ceilingPerSecond
          return own === null || most === 0 ? null : own / most
        })
        .filter(isNumber)
      return { contender, value: shares.length === 0 ? null : median(shares) }
    }),
  )
}

/**
 * Little's law (Operations Research 9, 1961): requests in flight = rate × time of one. A closed load
 * keeps `connections` of them in flight from the first sending to the last, and fewer while the
 * last ones come in; so the sum of all latencies lies between connections × sending time and
 * connections × whole time. Beyond that some clock or some count is wrong, or connections idled.
 */
const littlesLaw = (measurement: Measurement): Gate => {
  const { connections, closed } = measurement.plan
  const { where, value } = worst(measurement, 'closed', (slots) => {
    const all = mergeHistograms(slots.map(({ latency }) => latency))
    const seconds = sum(slots, (slot) => slot.seconds)
    const sending = Math.min(
      seconds,
      (sum(slots, (slot) => slot.slices.length) * closed.sliceMs) / 1000,
    )
    if (all.totalCount === 0 || seconds === 0 || sending === 0 || connections === 0) return null
    const inFlight = (meanMs(all) * all.totalCount) / 1000 / connections
    return Math.max(0, inFlight / seconds - 1, 1 - inFlight / sending)
  })
  const ok = value === null || value <= 0.05
  return {
    gate: 'littles-law',
    where,
    value,
    limit: 0.05,
    unit: 'share',
    ok,
    says: ok
      ? `Rate, latency and connections agree: requests in flight = rate × latency, ${value === 0 ? 'as far as can be told' : `within ${percent(value)}`} (5 % is allowed).`
      : `Rate, latency and connections contradict each other (requests in flight = rate × latency is off by ${percent(value)}, 5 % is allowed).`,
    spoils: ['throughput'],
  }
}

/** Every request has one end. */
const balance = (measurement: Measurement): Gate => {
  const { where, value } = worst(measurement, null, (slots) =>
    Math.max(
      0,
      ...slots.map((slot) => Math.abs(slot.sent - slot.answered - slot.failed - slot.timedOut)),
    ),
  )
  const ok = (value ?? 0) === 0
  return {
    gate: 'balance',
    where,
    value,
    limit: 0,
    unit: 'requests',
    ok,
    says: ok
      ? 'Every request that was sent was answered, failed or timed out.'
      : `The load client lost count: ${things(value ?? 0, 'request')} of a slot neither answered nor failed nor timed out, or did so twice.`,
    spoils: 'all',
  }
}

/** A request that broke off may have reached the server or not; every other must be on its books. */
const counted = (measurement: Measurement): Gate => {
  const { where, value } = worst(measurement, null, (slots) =>
    Math.max(
      0,
      ...slots.map((slot) => Math.abs(slot.counted - slot.sent) - slot.failed - slot.timedOut),
    ),
  )
  const ok = (value ?? 0) === 0
  return {
    gate: 'counted',
    where,
    value,
    limit: 0,
    unit: 'requests',
    ok,
    says: ok
      ? 'The servers counted as many requests as the load client sent.'
      : `The servers counted others than the load client sent: ${things(value ?? 0, 'request')} too many or too few in a slot.`,
    spoils: 'all',
  }
}

const errors = (measurement: Measurement): Gate => {
  const { where, value } = worst(measurement, null, (slots) => {
    const all = sum(slots, sent)
    return all === 0 ? null : sum(slots, (slot) => slot.failed + slot.timedOut) / all
  })
  const ok = value === null || value <= 0.001
  return {
    gate: 'errors',
    where,
    value,
    limit: 0.001,
    unit: 'share',
    ok,
    says: ok
      ? `As good as every request was answered (${percent(value)} were not, 0.1 % is allowed).`
      : `Too many requests were not answered (${percent(value)}, 0.1 % is allowed): what fails is quick, or waits for nothing.`,
    spoils: 'all',
  }
}

const answers = (measurement: Measurement): Gate => {
  const { where, value } = worst(measurement, null, (slots) =>
    sum(slots, ({ judged }) => judged.wrong ?? 0),
  )
  const ok = (value ?? 0) === 0
  return {
    gate: 'answers',
    where,
    value,
    limit: 0,
    unit: 'answers',
    ok,
    says: ok
      ? 'Every answer was right.'
      : `Answers were wrong, ${things(value ?? 0, 'answer')} of one contender: what does not do the work needs no time for it.`,
    spoils: 'all',
  }
}

/** Of the time of a block: beyond it others had so much of it that it is measured again. */
export const mostSteal = 0.02

/**
 * Time in which the hypervisor let others run, over all blocks. A stall that falls on a request is
 * added to its latency, and two who stall alike look more alike than they are. Work per second and
 * per request are slowed by a factor, which is the same for all who take turns and leaves their
 * ratio: a pair measured at 4.6 % and at 0.5 % differed by as much (docs/benchmarks.md).
 */
const steals = (measurement: Measurement): Gate[] => [
  steal(measurement, 'steal-latency', mostSteal, [...percentiles]),
  steal(
    measurement,
    'steal',
    0.05,
    metrics.filter((metric) => !isPercentile(metric) && !isExact(metric)),
  ),
]

const steal = (
  { blocks, setAside = [] }: Measurement,
  gate: string,
  limit: number,
  spoils: Metric[],
): Gate => {
  const read = blocks.filter((block) => block.steal !== null)
  const seconds = sum(read, (block) => block.seconds)
  const value =
    seconds === 0
      ? null
      : precise(sum(read, (block) => (block.steal ?? 0) * block.seconds) / seconds)
  const ok = value === null || value <= limit
  const count = setAside.length
  const again = count === 0 ? '' : `${things(count, 'block')} ${count === 1 ? 'was' : 'were'}`
  const allowed = `${percent(value)}, ${percent(limit)} is allowed`
  return {
    gate,
    where: '',
    value,
    limit,
    unit: 'share',
    ok,
    says:
      value === null
        ? 'Whether other machines on the same host took time from this one cannot be read here.'
        : ok
          ? `Other machines on the same host took little time from this one (${allowed}).${again && ` ${again} measured again, as it was more than ${percent(mostSteal)} in ${count === 1 ? 'it' : 'them'}.`}`
          : `Other machines on the same host took time from this one (${allowed}${again && `, though ${again} measured again`}).`,
    spoils,
  }
}

const steadyLimit = 0.02
/** The chance that noise alone fails a run for being unsteady, over all that is looked at. */
const unsteadyByChance = 0.02

/**
 * Whether the servers were warm: in the course of the blocks CPU time per request and service time
 * must not be shown to change by more than 2 %. `value` is the change that is shown at the least.
 */
const steady = (measurement: Measurement, load: Slot['load']): Gate => {
  const looked = contenderIndexes(measurement).flatMap((contender) =>
    watched.map((what) => ({ contender, what })),
  )
  const confidence = 1 - unsteadyByChance / (looked.length * loadsOf(measurement).length)
  const shares = measurement.blocks.map(
    ({ slots, seconds }) =>
      sum(slots, (slot) => (slot.load === load ? slot.seconds : 0)) / Math.max(seconds, 1e-9),
  )
  const [most] = looked
    .map(({ contender, what }) => {
      const courses = measurement.blocks.flatMap(
        (block, at) => courseOf(slotsIn(block, contender, load), what, shares[at]!) ?? [],
      )
      return {
        contender,
        what,
        ...changeWithin(courses, confidence, measurement.plan.luck !== undefined),
      }
    })
    .filter((one) => one.least !== null)
    .sort((a, b) => (b.least ?? 0) - (a.least ?? 0) || Math.abs(b.change) - Math.abs(a.change))
  const value = most ? precise(most.least ?? 0) : null
  const ok = value === null || value <= steadyLimit
  const name = most ? measurement.plan.contenders[most.contender]!.name : ''
  return {
    gate: 'steady',
    where: most ? `${name} ${load}` : load,
    value,
    limit: steadyLimit,
    unit: 'share',
    ok,
    says:
      value === null
        ? 'Whether warm-up had ended cannot be told from so few blocks or slices.'
        : ok
          ? `No warm-up is shown: ${most!.what} of ${name} ${most!.change < 0 ? 'fell' : 'rose'} by ${percent(Math.abs(most!.change))} in the course of a block, of which ${percent(value)} is certain; 2 % is allowed.`
          : `Not steady: ${most!.what} of ${name} ${most!.change < 0 ? 'fell' : 'rose'} by ${percent(Math.abs(most!.change))} in the course of a block, surely by ${percent(value)}; 2 % is allowed.`,
    spoils: metrics.filter(
      (metric) => loadFor(metric, measurement.plan) === load && !isExact(metric),
    ),
  }
}

/** What is counted is the same whether the server is warm or not. */
const isExact = (metric: Metric): boolean => metric === 'backend-calls' || metric === 'bytes'

interface Found {
  /** `A open` */
  where: string
  value: number | null
}

/** One figure from all slots of a contender under one load; null where there is nothing to tell. */
type ValueIn = (slots: readonly Slot[]) => number | null

/** Where something is worst: asked of each contender's slots of one load; null: of each load. */
const worst = (
  measurement: Measurement,
  load: Slot['load'] | null,
  valueIn: ValueIn,
  badness?: (value: number) => number,
): Found => {
  const loads = load === null ? loadsOf(measurement) : [load]
  const found = loads.map((one) =>
    worstOf(
      measurement,
      one,
      contenderIndexes(measurement).map((contender) => {
        const slots = measurement.blocks.flatMap((block) => slotsIn(block, contender, one))
        return { contender, value: slots.length === 0 ? null : valueIn(slots) }
      }),
      badness,
    ),
  )
  return found.reduce((most, one) => ((one.value ?? -1) > (most.value ?? -1) ? one : most), nothing)
}

const worstOf = (
  { plan }: Measurement,
  load: Slot['load'],
  all: readonly { contender: number; value: number | null }[],
  badness = (value: number) => value,
): Found => {
  let most = nothing
  for (const { contender, value: exactly } of all) {
    if (exactly === null) continue
    const value = precise(exactly)
    if (most.value === null || badness(value) > badness(most.value))
      most = { where: `${plan.contenders[contender]!.name} ${load}`, value }
  }
  return most
}

const nothing: Found = { where: '', value: null }

/** The loads that the plan asks for, in the order in which a block runs them. */
const loadsOf = ({ plan }: Measurement): Slot['load'][] =>
  plan.load === 'both' ? ['closed', 'open'] : [plan.load]

const contenderIndexes = ({ plan }: Measurement): number[] =>
  plan.contenders.flatMap(({ reference }, i) => (reference ? [] : [i]))

const slotsIn = (block: Block, contender: number, load: Slot['load']): Slot[] =>
  block.slots.filter((slot) => slot.contender === contender && slot.load === load)

/** Sums of decimals may end a trifle above a limit that they do not exceed. */
const slack = 1e-9
const sent = (slot: Slot) => slot.sent
const sum = <T>(all: readonly T[], amount: (one: T) => number): number =>
  all.reduce((total, one) => total + amount(one), 0)
const isNumber = (value: number | null): value is number => value !== null

const things = (count: number, what: string): string =>
  `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`
const percent = (share: number | null): string =>
  share === null ? 'an unknown share' : `${Number((share * 100).toPrecision(3))} %`
const ratio = (value: number | null): string =>
  value === null ? 'unknown' : value.toFixed(Math.abs(value - 1) < 0.05 ? 3 : 2)
const milliseconds = (value: number | null): string =>
  value === null ? 'an unknown time' : `${Number(value.toPrecision(3))} ms`
