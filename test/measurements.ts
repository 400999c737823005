// Makes measurements that look like real ones, for tests of what is made from them: seeded, valid
// by the schema, quick. A machine whose speed changes from block to block, contenders whose costs
// are known.

import type { Block, Measurement, Plan, Slot } from '#core/measurement/run'
import { normalQuantile } from '../bench/stats/distributions.ts'
import { encodeHistogram, newHistogram } from '../bench/stats/histogram.ts'
import { chance } from '../bench/stats/noise.ts'
import { analyse } from '../bench/verdict/analyse.ts'

/** A contender as a test wants it to be. */
export interface Made {
  setup: string
  title: string
  /** How much more work a request is than with a contender of cost 1: time and CPU alike. */
  cost: number
  /** Calls to the backend and bytes, sent and received, of each request. */
  calls: number
  bytes: number
}

const made = (variant: string, cost: number, calls: number, bytes: number): Made => ({
  setup: `session-vs-token/${variant}@session=redis`,
  title: variant,
  cost,
  calls,
  bytes,
})

/** What contenders are made of, unless a test says otherwise. */
export const variants: readonly Made[] = [
  made('server-session', 1, 2, 420),
  made('signed-token', 1.12, 0, 760),
  made('refresh-rotation', 1.12, 1, 810),
  made('sliding-session', 1.3, 3, 430),
  made('cookie-session', 1.31, 0, 1_350),
]

export interface MeasurementOptions {
  contenders?: readonly Made[] | number
  /** A bare server beside them. On by default. */
  reference?: boolean
  /**
   * How much of the open load the bare server takes part in: all of it, or, as in runs that were
   * stored before it did, every second slice.
   */
  bareServerOpen?: 'all' | 'half'
  blocks?: number
  seed?: number
  load?: Plan['load']
  primary?: Plan['primary']
  margin?: number
  ratePerSecond?: number
  /** Standard deviation of the logarithm of what one slot shows beside the truth. */
  noise?: number
  /** How much slower the first slice of a block is than the last, as a share: not warmed up. */
  warmUp?: number
}

const connections = 10
const closed = { slices: 8, sliceMs: 100 }
const open = { slices: 8, sliceMs: 500 }
const capacityPerSecond = 3_000
const ceilingPerSecond = 12_000

/** A measurement without verdicts; `analysed` adds them. */
export const measurementOf = (options: MeasurementOptions = {}): Measurement => {
  const { blocks = 12, seed = 1, load = 'both', primary = 'p99', noise = 0.02 } = options
  const { contenders = 2, ratePerSecond = 300, margin = 0.03, warmUp = 0 } = options
  const { bareServerOpen = 'all' } = options
  const chosen = typeof contenders === 'number' ? variants.slice(0, contenders) : contenders
  const all = [...chosen, ...(options.reference === false ? [] : [bare])]
  const { uniform, normal } = chance(seed)

  const makeBlock = (index: number): Block => {
    const order = all
      .map((_, contender) => ({ contender, at: uniform() }))
      .sort((a, b) => a.at - b.at)
      .map(({ contender }) => contender)
    // The machine: fast in one block and slow in the next.
    const speed = Math.exp(0.3 * normal())
    const loads = (['closed', 'open'] as const).filter((one) => load === one || load === 'both')
    const slots = loads.flatMap((one) =>
      (['forward', 'mirrored'] as const).flatMap((half) =>
        (half === 'forward' ? order : order.toReversed()).map((contender) =>
          makeSlot({
            contender,
            of: all[contender]!,
            load: one,
            half,
            slowness: Math.exp(noise * normal()) / speed,
            jitter: () => Math.exp(noise * normal()),
            ratePerSecond,
            warmUp,
            everySecond: all[contender] === bare && (one === 'closed' || bareServerOpen === 'half'),
          }),
        ),
      ),
    )
    return {
      index,
      startedAt: new Date(Date.UTC(2026, 10, 23, 14) + index * 12_000).toISOString(),
      seconds: 11.5,
      order,
      afterwardsCpuMs: all.map(({ calls }) => 10 * calls),
      steal: 0.001 + 0.004 * uniform(),
      slots,
    }
  }

  return {
    seesaw: '0.1.0',
    format: 1,
    kind: 'http',
    startedAt: '2026-11-23T13:59:30.000Z',
    finishedAt: '2026-11-23T14:05:00.000Z',
    command: `seesaw bench session-vs-token --seed ${seed}`,
    machine: {
      cpu: 'AMD EPYC 7B13',
      cores: 2,
      memoryBytes: 8 * 2 ** 30,
      os: 'Linux 6.1',
      node: 'v20.20.0',
      v8: '11.3.244.8',
      container: true,
      backends: {
        redis: { version: '7.0.15', via: 'a program on this machine', standIn: false },
      },
    },
    seed,
    plan: {
      scenario: 'session-vs-token',
      question: 'Where does the server keep who is signed in?',
      contenders: all.map(({ setup, title }, i) => ({
        name: setup === '' ? 'reference' : String.fromCharCode(65 + i),
        setup,
        title,
        reference: setup === '',
      })),
      workload: 'browse',
      says: 'signed-in visitors ask who they are',
      preset: 'standard',
      primary,
      load,
      arrivals: 'poisson',
      workers: 1,
      connections,
      ratePerSecond,
      blocks,
      closed,
      open,
      warmUpMs: 2_000,
      timeoutMs: 2_000,
      faults: [],
      margin,
      seed,
    },
    proof: { ok: true, verdicts: 18, wrong: [] },
    calibration: {
      ceilingPerSecond,
      capacityPerSecond: all.map(({ cost }) => capacityPerSecond / cost),
      ratePerSecond,
    },
    blocks: Array.from({ length: blocks }, (_, index) => makeBlock(index)),
    timelines: [],
    gates: [],
    figures: [],
    groups: [],
    verdicts: [],
  }
}

/** The same with gates, figures, groups and verdicts. */
export const analysed = (measurement: Measurement): Measurement => ({
  ...measurement,
  ...analyse(measurement),
})

/** The same measurement, changed by `change`, which gets a copy. */
export const changed = (
  measurement: Measurement,
  change: (copy: Measurement) => void,
): Measurement => {
  const copy = structuredClone(measurement)
  change(copy)
  return copy
}

const bare: Made = {
  setup: '',
  title: 'a bare HTTP server',
  cost: capacityPerSecond / ceilingPerSecond,
  calls: 0,
  bytes: 180,
}

interface SlotOptions {
  contender: number
  of: Made
  load: Slot['load']
  half: Slot['half']
  slowness: number
  jitter: () => number
  ratePerSecond: number
  warmUp: number
  /** Takes part in every second slice only, as the bare server does. */
  everySecond: boolean
}

const makeSlot = (options: SlotOptions): Slot => {
  const { contender, of, load, half, slowness, jitter, ratePerSecond, warmUp } = options
  const { slices: planned, sliceMs } = load === 'closed' ? closed : open
  const slices = options.everySecond ? planned / 2 : planned
  const perSecond = load === 'closed' ? capacityPerSecond / of.cost / slowness : ratePerSecond
  const answered = Math.round((perSecond * slices * sliceMs) / 1000)
  const meanMs = load === 'closed' ? (connections / perSecond) * 1000 : 1.4 * of.cost * slowness
  const latency = histogramOf(answered, meanMs * 1000)
  const seconds = (slices * (sliceMs + meanMs)) / 1000
  const cpuMs = answered * 0.3 * of.cost * slowness
  return {
    contender,
    load,
    half,
    seconds,
    offered: answered,
    sent: answered,
    answered,
    failed: 0,
    timedOut: 0,
    counted: answered,
    judged: { right: answered },
    statuses: { 200: answered },
    sentBytes: answered * 160,
    receivedBytes: answered * (of.bytes - 160),
    latency,
    service: load === 'closed' ? latency : histogramOf(answered, meanMs * 960),
    lag: load === 'closed' ? encodeHistogram(newHistogram()) : histogramOf(answered, 60),
    cpuMs: {
      server: cpuMs,
      backend: answered * 0.04 * of.calls * slowness,
      client: seconds * 1000 * (load === 'closed' ? 0.55 : 0.12),
    },
    calls:
      of.calls === 0
        ? {}
        : { 'session.get@redis': { calls: answered * of.calls, failures: 0, ms: answered * 0.2 } },
    roundTrips: of.calls === 0 ? {} : { redis: answered * of.calls },
    gcMs: answered * 0.006 * of.cost * jitter(),
    busy: { server: load === 'closed' ? 0.97 : 0.25, client: load === 'closed' ? 0.5 : 0.1 },
    rssBytes: Math.round(90e6 * of.cost * jitter()),
    // As many are drawn for everyone, so that all else stays as it is.
    slices: Array.from({ length: planned }, (_, i) => {
      const cold = 1 + warmUp * (1 - i / (planned - 1))
      return {
        seconds: seconds / slices,
        answered: Math.round(answered / slices),
        cpuMs: (cpuMs / slices) * cold * jitter(),
        medianMs: meanMs * 0.88 * cold * jitter(),
      }
    }).slice(0, slices),
  }
}

/** The shape of all latencies here: lognormal, its 99th percentile at 3.2 times its median. */
const steps = 400
const sigma = 0.5
const shape = Array.from({ length: steps }, (_, i) =>
  Math.exp(sigma * normalQuantile((i + 0.5) / steps)),
)
const shapeMean = shape.reduce((sum, value) => sum + value, 0) / steps

const histogramOf = (samples: number, meanUs: number): string => {
  const histogram = newHistogram()
  for (const [i, value] of shape.entries()) {
    const count = Math.floor(((i + 1) * samples) / steps) - Math.floor((i * samples) / steps)
    if (count > 0) histogram.recordValueWithCount(Math.round((value / shapeMean) * meanUs), count)
  }
  return encodeHistogram(histogram)
}
