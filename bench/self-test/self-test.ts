// Proves the harness on this machine: what is not there must not be found, what is there must be,
// and what cannot be trusted must say so. Every trial is a real run. Trials that are done are kept
// in a file, so that hours of them may be had in pieces.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Metric } from '#core/measurement/metrics'
import type { Measurement, Preset, Verdict } from '#core/measurement/run'
import { SeesawError } from '../../core/errors.ts'
import { startLab } from '../../core/lab/lab.ts'
import { type Oracle, queueOracle, stallOracle } from '../client/oracles.ts'
import { type LoadClient, startClient } from '../client/start.ts'
import { makePlan } from '../plan/plan.ts'
import { writeAside } from '../report/file.ts'
import { wasInterrupted } from '../run/interruption.ts'
import { run } from '../run/run.ts'
import { analyse } from '../verdict/analyse.ts'
import { seriesOf } from '../verdict/series.ts'

const scenariosFolder = fileURLToPath(new URL('./scenarios', import.meta.url))

/** What came of one trial; the figures say what was seen. */
export interface Trial {
  check: string
  atIso: string
  ok: boolean
  figures: Record<string, number>
  /** What held of this trial beside `ok`: `{ 'interval holds the truth': true }`. */
  facts?: Record<string, boolean>
}

export interface SelfTestOptions {
  /** The short way: a few trials of each kind. */
  quick?: boolean
  /** Where trials are kept; they go on from there. */
  file?: string
  signal?: AbortSignal
  onProgress?(text: string): void
}

/** One thing to be shown: how often it is tried, and in how many trials it must come out well. */
interface Check {
  id: string
  says: string
  trials: number
  least: number
  quickTrials: number
  run(trial: number, options: SelfTestOptions): Promise<Trial[]>
}

export interface Summary {
  id: string
  says: string
  done: number
  of: number
  good: number
  least: number
  ok: boolean
  /** Medians of the figures over the trials. */
  figures: Record<string, number>
  /** Of how many trials each fact held. */
  facts: Record<string, number>
}

/** Runs the trials that are missing and says what came of all of them. Throws WRONG_USE for a file of something else. */
export const selfTest = async (options: SelfTestOptions): Promise<Summary[]> => {
  const trials: Trial[] = options.file && existsSync(options.file) ? readTrials(options.file) : []
  const keep = () => {
    if (options.file)
      writeAside(options.file, `${JSON.stringify({ selfTest: 1, trials }, null, 1)}\n`)
  }
  for (const check of checks) {
    const wanted = options.quick ? check.quickTrials : check.trials
    for (;;) {
      const done = trials.filter((trial) => trial.check === check.id).length
      if (done >= wanted || options.signal?.aborted) break
      options.onProgress?.(`${check.says}: ${done + 1} of ${wanted}`)
      const found = await check.run(done, options).catch(async (error: unknown) => {
        if (!(await wasInterrupted(options.signal))) throw error
      })
      // One that was interrupted is done again another time, and what went wrong then is no matter.
      if (!found || options.signal?.aborted) break
      trials.push(...found)
      keep()
    }
  }
  return checks.map((check) => summaryOf(check, trials, options.quick ?? false))
}

const summaryOf = (check: Check, trials: Trial[], quick: boolean): Summary => {
  const own = trials.filter((trial) => trial.check === check.id)
  const of = quick ? check.quickTrials : check.trials
  const least = quick ? Math.floor((check.least / check.trials) * of) : check.least
  const good = own.filter(({ ok }) => ok).length
  const names = [...new Set(own.flatMap(({ figures }) => Object.keys(figures)))]
  const factNames = [...new Set(own.flatMap(({ facts = {} }) => Object.keys(facts)))]
  const { id, says } = check
  return {
    ...{ id, says, done: own.length, of, good, least },
    ok: own.length >= of && good >= Math.ceil((least / of) * own.length),
    figures: Object.fromEntries(
      names.map((name) => [name, middle(own.flatMap(({ figures }) => figures[name] ?? []))]),
    ),
    facts: {
      ...Object.fromEntries(
        factNames.map((name) => [name, own.filter(({ facts }) => facts?.[name]).length]),
      ),
      ...(names.includes('fromPercent') ? { [holdsWhatAllFound]: holdingWhatAllFound(own) } : {}),
    },
  }
}

const holdsWhatAllFound = 'the interval holds what all trials together found'

/**
 * What was burnt is known; what that costs under full load, together with all that it changes in the
 * rhythm of client and server, only the trials themselves can tell.
 */
const holdingWhatAllFound = (trials: readonly Trial[]): number => {
  const found = middle(trials.flatMap(({ figures }) => figures.foundPercent ?? []))
  return trials.filter(
    ({ figures: { fromPercent = NaN, toPercent = NaN } }) =>
      fromPercent <= found && found <= toPercent,
  ).length
}

const middle = (sample: number[]): number => {
  const sorted = [...sample].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[half] as number)
    : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2
}

const readTrials = (file: string): Trial[] => {
  try {
    const { selfTest, trials } = JSON.parse(readFileSync(file, 'utf8'))
    if (selfTest === 1) return trials
  } catch {
    // Said below.
  }
  throw new SeesawError('WRONG_USE', `${file} holds no trials of a self-test; name another file.`)
}

const now = (): string => new Date().toISOString()

/** Measures setups of the scenario that is made for this. */
const measure = async (
  setups: string[],
  preset: Preset,
  { signal, onProgress }: SelfTestOptions,
  more: { load?: 'open' | 'closed' | 'both'; ratePerSecond?: number; blocks?: number } = {},
): Promise<Measurement> => {
  const targets = setups.map((knobs) => `steady/plain${knobs}`)
  const planned = await makePlan({ targets, preset, scenariosFolder, ...more })
  return run({
    planned,
    seesaw: 'self-test',
    command: 'npx seesaw bench --self-test',
    scenariosFolder,
    ...(signal ? { signal } : {}),
    onProgress: (event) => {
      if (event.type === 'block') onProgress?.(`… ${event.done} of ${event.of} blocks`)
    },
  })
}

/**
 * The measurement as if only these two had taken part, analysed anew. Whether the host took time away
 * is left out: an invalid run claims nothing, and to count that as right would prove nothing.
 */
const pairOf = (whole: Measurement, a: number, b: number): Measurement => {
  const reference = whole.plan.contenders.findIndex((one) => one.reference)
  const kept = [a, b, reference]
  const pair: Measurement = {
    ...whole,
    plan: {
      ...whole.plan,
      contenders: kept.map((index) => whole.plan.contenders[index] as never),
    },
    calibration: {
      ...whole.calibration,
      capacityPerSecond: kept.map((index) => whole.calibration.capacityPerSecond[index] as number),
    },
    blocks: whole.blocks.map((block) => ({
      ...block,
      steal: null,
      order: block.order.filter((index) => kept.includes(index)).map((i) => kept.indexOf(i)),
      afterwardsCpuMs: kept.map((index) => block.afterwardsCpuMs[index] as number),
      slots: block.slots
        .filter(({ contender }) => kept.includes(contender))
        .map((slot) => ({ ...slot, contender: kept.indexOf(slot.contender) })),
    })),
  }
  return { ...pair, ...analyse(pair) }
}

const verdictOn = ({ verdicts }: Measurement, metric: Metric): Verdict | undefined =>
  verdicts.find((one) => one.metric === metric)

const claims = (verdict: Verdict | undefined): boolean =>
  verdict?.verdict === 'slower' || verdict?.verdict === 'faster'

/** What burns about `percent` of the CPU time that a plain request takes. */
const injection = async (percent: number): Promise<Injection> => {
  const known = injections.get(percent)
  if (known) return known
  const lab = await startLab({ only: ['steady'], scenariosFolder })
  const client = await startClient()
  try {
    const url = lab.url
    const target = { id: 0, setup: 'steady/plain', url, workload: 'visit', scenariosFolder }
    await client.ask('open', { ...target, connections: 10, timeoutMs: 5_000 })
    await client.ask('closedSlice', { id: 0, ms: 3_000 })
    const plain: number[] = []
    for (let i = 0; i < 15; i++) {
      const before = (await lab.readMeter())[0]
      const { answered } = await client.ask('closedSlice', { id: 0, ms: 300 })
      const after = (await lab.readMeter())[0]
      plain.push((((after?.cpuMs ?? 0) - (before?.cpuMs ?? 0)) * 1000) / answered)
    }
    const microseconds = Math.max(1, Math.round((percent / 100) * middle(plain)))
    const found = { knobs: `~burn=${microseconds}`, extraMs: microseconds / 1000 }
    injections.set(percent, found)
    return found
  } finally {
    await client.stop()
    await lab.stop()
  }
}
const injections = new Map<number, Injection>()

interface Injection {
  knobs: string
  /** Of processor time in each request. */
  extraMs: number
}

/** A run with the plain one twice and one that costs more: what is found of nothing, and of that. */
const inject = async (
  preset: Preset,
  percent: number,
  options: SelfTestOptions,
  nothingIs: string,
  somethingIs: string,
): Promise<Trial[]> => {
  const { knobs, extraMs } = await injection(percent)
  const whole = await measure(['', '', knobs], preset, options, { load: 'both' })
  if (whole.finishedAt === null) return []
  const same = pairOf(whole, 0, 1)
  const dearer = pairOf(whole, 0, 2)
  const [nothing, throughput] = [verdictOn(same, 'cpu'), verdictOn(same, 'throughput')]
  const something = verdictOn(dearer, 'cpu')
  // What is burnt is the same all day, what a request costs is not: the share is of this run's requests.
  const plainMs = middle([0, 1].flatMap((index) => seriesOf(whole, index).cpu.values ?? []))
  const halfWidth = (verdict?: Verdict) =>
    verdict?.low && verdict.high ? (Math.sqrt(verdict.high / verdict.low) - 1) * 100 : Number.NaN
  const holdsOne = (verdict: Verdict | undefined) =>
    Boolean(verdict?.low && verdict.high && verdict.low <= 1 && 1 <= verdict.high)
  const stolen = whole.blocks.map(({ steal }) => (steal ?? 0) * 100)
  const burnt = 1 + extraMs / plainMs
  return [
    {
      check: nothingIs,
      atIso: now(),
      ok: !claims(nothing),
      figures: {
        halfWidthCpuPercent: halfWidth(nothing),
        halfWidthThroughputPercent: halfWidth(throughput),
        seconds: (Date.parse(whole.finishedAt) - Date.parse(whole.startedAt)) / 1000,
        stolenPercent: stolen.reduce((sum, share) => sum + share, 0) / stolen.length,
      },
      facts: {
        'CPU interval holds the truth': holdsOne(nothing),
        'throughput interval holds the truth': holdsOne(throughput),
        invalid: nothing?.verdict === 'invalid',
      },
    },
    {
      check: somethingIs,
      atIso: now(),
      ok: something?.verdict === 'slower',
      figures: {
        injectedPercent: (burnt - 1) * 100,
        foundPercent: ((something?.ratio ?? Number.NaN) - 1) * 100,
        fromPercent: ((something?.low ?? Number.NaN) - 1) * 100,
        toPercent: ((something?.high ?? Number.NaN) - 1) * 100,
      },
      facts: {
        'the interval holds what was burnt': Boolean(
          something?.low && something.high && something.low <= burnt && burnt <= something.high,
        ),
        invalid: something?.verdict === 'invalid',
      },
    },
  ]
}

/** What the client says of a server whose latencies follow from arithmetic. */
const oracle = async (
  check: string,
  ask: (client: LoadClient) => Promise<Oracle>,
): Promise<Trial[]> => {
  const client = await startClient()
  try {
    const { figures, lagP99Ms } = await ask(client)
    // What the paper leaves out, waking an idle server above all, the server's own clock knows.
    const clocked = figures.filter(({ what }) => what.includes('clock'))
    const ok = (clocked.length > 0 ? clocked : figures).every(
      ({ expectedMs, measuredMs }) => Math.abs(measuredMs / expectedMs - 1) <= 0.05,
    )
    const seen = figures.map(({ what, measuredMs }) => [`${what} (ms)`, measuredMs])
    return [{ check, atIso: now(), ok, figures: { ...Object.fromEntries(seen), lagP99Ms } }]
  } finally {
    await client.stop()
  }
}

/** What is soon told comes first. The two that look at nothing are, together, forty runs of A against A. */
const checks: Check[] = [
  {
    id: 'stalls',
    says: 'a server that stops for 500 ms every 5 s shows p95 = 250 ms and p99 = 450 ms within 5 %',
    trials: 3,
    least: 3,
    quickTrials: 1,
    run: () => oracle('stalls', (client) => stallOracle(client)),
  },
  {
    id: 'waiting-line',
    says: 'one at a time, 10 ms each, half busy, random arrivals: the mean within 5 % of what the server saw',
    trials: 3,
    least: 3,
    quickTrials: 1,
    run: (trial) => oracle('waiting-line', (client) => queueOracle(client, { seed: trial + 1 })),
  },
  {
    id: 'one-lie',
    says: 'one wrong answer in 10,000 makes a run invalid',
    trials: 20,
    least: 20,
    quickTrials: 2,
    run: async (_, options) => {
      const more = { load: 'closed', blocks: 1 } as const
      // Long enough for tens of thousands of answers, also while others use the machine.
      const lying = await measure(['', '~wrongEvery=10000'], 'standard', options, more)
      const wrong = lying.blocks
        .flatMap(({ slots }) => slots)
        .reduce((sum, { judged }) => sum + (judged.wrong ?? 0), 0)
      const ok = lying.verdicts.every(({ verdict }) => verdict === 'invalid')
      return [{ check: 'one-lie', atIso: now(), ok, figures: { wrong } }]
    },
  },
  {
    id: 'overloaded-client',
    says: 'a rate that the client cannot make is called invalid',
    trials: 20,
    least: 20,
    quickTrials: 2,
    run: async (_, options) => {
      const more = { load: 'open', ratePerSecond: 60_000, blocks: 1 } as const
      const trial = (ok: boolean, gatesFailed: number): Trial[] => [
        { check: 'overloaded-client', atIso: now(), ok, figures: { gatesFailed } },
      ]
      try {
        const { gates } = await measure(['', ''], 'quick', options, more)
        const failed = gates.filter(({ ok }) => !ok)
        const rejected = failed.some(({ spoils }) => spoils === 'all' || spoils.includes('p99'))
        return trial(rejected, failed.length)
      } catch (error) {
        // So overloaded that no answer came in time: then there is no figure at all.
        if (error instanceof SeesawError && error.code === 'MEASUREMENT_FAILED')
          return trial(true, 0)
        throw error
      }
    },
  },
  {
    id: 'nothing-quick',
    says: 'of two that are the same, quick claims no difference',
    trials: 20,
    least: 17,
    quickTrials: 3,
    run: (_, options) => inject('quick', 10, options, 'nothing-quick', 'ten-quick'),
  },
  {
    id: 'ten-quick',
    says: '10 % more CPU per request is found by quick',
    trials: 20,
    least: 19,
    quickTrials: 3,
    run: (_, options) => inject('quick', 10, options, 'nothing-quick', 'ten-quick'),
  },
  {
    id: 'nothing-standard',
    says: 'of two that are the same, standard claims no difference',
    trials: 20,
    least: 17,
    quickTrials: 0,
    run: (_, options) => inject('standard', 5, options, 'nothing-standard', 'five-standard'),
  },
  {
    id: 'five-standard',
    says: '5 % more CPU per request is found by standard',
    trials: 20,
    least: 17,
    quickTrials: 0,
    run: (_, options) => inject('standard', 5, options, 'nothing-standard', 'five-standard'),
  },
]
