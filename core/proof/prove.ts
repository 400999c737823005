// Proves claims: runs each exercise on each setup and compares what happened with what the scenario
// declares, in both directions. A claim that holds where it should break is as wrong as the reverse.

import {
  adapterIndex,
  backendNames,
  loadAdapter,
  loadBackend,
  loadScenario,
  scenarioIds,
} from '../course/find.ts'
import { parseSetup, resolveSetup, type Setup, type SetupParts, setupsOf } from '../course/setup.ts'
import { notThere } from '../did-you-mean.ts'
import { SeesawError } from '../errors.ts'
import { fallback, type Kind } from '../kinds/index.ts'
import { type Lab, type LabOptions, startLab } from '../lab/lab.ts'
import type { AnyClaim, AnyScenario, Traits } from '../scenario.ts'
import { type Outcome, runExercise, type Turns } from './exercise.ts'
import { type Concluded, runLanes } from './lanes.ts'

/** What came of one claim on one setup. */
export interface Verdict {
  /** The setup that was asked for. */
  setup: string
  claim: string
  says: string
  /** What the scenario says must come out. */
  declared: 'holds' | 'breaks'
  verdict: 'holds' | 'breaks' | 'unknown'
  /** The line of the transcript that decided. */
  because: string
  ms: number
  /** The setup that was run: with the knobs that the claim asks for. */
  ran: string
  /** How often it was tried; more than once only after `unknown`. */
  tries: number
  /** Only where the verdict is not as declared. */
  transcript?: Outcome['transcript']
}

export interface Proof {
  /** Whether every claim was proved and came out as declared; false where there was nothing to prove. */
  ok: boolean
  verdicts: Verdict[]
  skipped: { setup: string; reason: string }[]
}

export interface ProveOptions {
  /** Scenarios, variants or setups; every scenario if empty. */
  targets?: string[]
  /** Backends for setups that name none; those inside the process if left out. */
  backends?: string[] | 'all'
  /** Only these claims, by their ids; all of them if left out. */
  claims?: readonly string[]
  /** Server processes; at least as many as the claims ask for. */
  workers?: number
  onVerdict?(verdict: Verdict, done: number, all: number): void
  /** Ends the proof early; what was proved until then is returned. */
  signal?: AbortSignal
  /** How long an exercise may take; 30 s if left out. */
  exerciseWithinMs?: number
  lab?: Pick<LabOptions, 'scenariosFolder' | 'urls'>
}

interface Job {
  asked: Setup
  ran: Setup
  claimId: string
  claim: AnyClaim
  declared: Verdict['declared']
}

/** Proves what is asked for in a lab of its own. Throws what is wrong with the targets. */
export const prove = async (options: ProveOptions = {}): Promise<Proof> => {
  const folder = options.lab?.scenariosFolder
  const targets = await findTargets(options, folder)
  const ids = [...new Set(targets.map(({ setup }) => setup.scenario))]
  const claims = targets.flatMap((target) => target.claims.map(([, claim]) => claim))
  const workers = Math.max(options.workers ?? 1, ...claims.map((claim) => claim.workers ?? 1))
  const lab = await startLab({ ...options.lab, workers, only: ids })
  try {
    const reasons = await whyMissing(targets, lab)
    const missing = (setup: Setup) =>
      Object.values(setup.backends)
        .map((backend) => reasons.get(backend))
        .find(Boolean)
    const skipped = targets.flatMap(({ setup }) => {
      const reason = missing(setup)
      return reason ? [{ setup: setup.id, reason }] : []
    })
    const jobs = await Promise.all(
      targets
        .filter(({ setup }) => !missing(setup))
        .flatMap(({ setup, parts, scenario, claims }) =>
          claims.map(([claimId]) => plan(setup, parts, scenario, claimId)),
        ),
    )
    const verdicts = await runAll(jobs, lab, options)
    return {
      ok: verdicts.length > 0 && verdicts.length === jobs.length && verdicts.every(isAsDeclared),
      verdicts,
      skipped,
    }
  } finally {
    await lab.stop()
  }
}

export const isAsDeclared = ({ verdict, declared }: Verdict): boolean => verdict === declared

interface Target {
  setup: Setup
  parts: SetupParts
  scenario: AnyScenario
  /** Those that are to be proved. */
  claims: [id: string, claim: AnyClaim][]
}

/** Every setup that the options name, with the claims to prove on it. */
export const findTargets = async (options: ProveOptions, folder?: string): Promise<Target[]> => {
  const setups = await findSetups(options, folder)
  const targets = setups.map((target) => ({ ...target, claims: claimsOf(target, options.claims) }))
  const known = [...new Set(setups.flatMap(({ scenario }) => Object.keys(scenario.claims)))]
  for (const id of options.claims ?? [])
    if (!known.includes(id))
      throw new SeesawError('EXERCISE_NOT_FOUND', notThere('claim', id, known))
  return targets.filter(({ claims }) => claims.length > 0 || !options.claims)
}

const claimsOf = (
  { scenario }: Omit<Target, 'claims'>,
  wanted?: readonly string[],
): Target['claims'] =>
  Object.entries<AnyClaim>(scenario.claims).filter(([id]) => !wanted || wanted.includes(id))

const findSetups = async (
  options: ProveOptions,
  folder?: string,
): Promise<Omit<Target, 'claims'>[]> => {
  const backends = await chosenBackends(options.backends)
  const texts = options.targets?.length ? options.targets : scenarioIds(folder)
  const found = await Promise.all(
    texts.map(async (text) => {
      const parts = parseSetup(text)
      const scenario = await loadScenario(parts.scenario, folder)
      const choices = { adapters: adapterIndex, defaults: {} }
      const pinned = parts.backend !== undefined || Object.keys(parts.backends).length > 0
      if (pinned) return [{ setup: resolveSetup(parts, scenario, choices), parts, scenario }]
      // Looked up once for what may be wrong with it.
      if (parts.variant) resolveSetup(parts, scenario, choices)
      return setupsOf(parts.scenario, scenario, adapterIndex)
        .filter((setup) => !parts.variant || setup.variant === parts.variant)
        .filter((setup) => usesOnly(backends, setup))
        .map((setup) => {
          const { variant, backends } = setup
          const spelled = { ...parts, variant, backends }
          return { setup: resolveSetup(spelled, scenario, choices), parts: spelled, scenario }
        })
    }),
  )
  // That nothing was proved must not look as if all was well.
  found.forEach((targets, i) => {
    if (targets.length > 0) return
    const why = `No variant of ${texts[i]} can run on ${backends.join(', ') || 'no backend at all'}.`
    throw new SeesawError('ADAPTER_NOT_FOUND', why)
  })
  return [...new Map(found.flat().map((target) => [target.setup.id, target])).values()]
}

/** Whether a setup keeps to `backends`; what none of them can keep may stay as by default. */
const usesOnly = (backends: readonly string[], setup: Setup): boolean => {
  const used = Object.entries(setup.backends) as [Kind, string][]
  const isLeftOver = (kind: Kind, backend: string) =>
    backend === fallback[kind] && !adapterIndex[kind].some((name) => backends.includes(name))
  return (
    used.every(([kind, backend]) => backends.includes(backend) || isLeftOver(kind, backend)) &&
    (used.length === 0 || used.some(([, backend]) => backends.includes(backend)))
  )
}

const chosenBackends = async (asked?: string[] | 'all'): Promise<readonly string[]> => {
  if (asked === 'all') return backendNames
  for (const name of asked ?? [])
    if (!backendNames.includes(name))
      throw new SeesawError('BACKEND_NOT_FOUND', notThere('backend', name, backendNames))
  return asked ?? embeddedBackends()
}

/** The backends that need no server. */
const embeddedBackends = async (): Promise<string[]> => {
  const loaded = await Promise.all(
    backendNames.map(async (name) => ({ name, backend: await loadBackend(name) })),
  )
  return loaded.filter(({ backend }) => !backend || !('launch' in backend)).map(({ name }) => name)
}

/** Why a backend cannot be used here, for each of those that cannot. */
const whyMissing = async (targets: Target[], lab: Lab): Promise<Map<string, string>> => {
  const used = new Set(targets.flatMap(({ setup }) => Object.values(setup.backends)))
  const reasons = new Map<string, string>()
  await Promise.all(
    [...used].map((backend) =>
      lab.locate(backend).catch((error: Error) => reasons.set(backend, error.message)),
    ),
  )
  return reasons
}

const plan = async (
  asked: Setup,
  parts: SetupParts,
  scenario: AnyScenario,
  claimId: string,
): Promise<Job> => {
  const claim = scenario.claims[claimId] as AnyClaim
  const ran = spellWithClaim(parts, scenario, claim)
  return { asked, ran, claimId, claim, declared: await declare(claim, asked) }
}

/**
 * The setup with the knobs that the claim asks for. They win over those that the setup names: without
 * them the exercise could not tell.
 */
export const spellWithClaim = (
  parts: SetupParts,
  scenario: AnyScenario,
  claim: AnyClaim,
): Setup => {
  const choices = { adapters: adapterIndex, defaults: {} }
  const { variant } = resolveSetup(parts, scenario, choices)
  const known = Object.keys(scenario.variants[variant]?.knobs ?? {})
  const knobs = Object.fromEntries(
    Object.entries<number | undefined>(claim.knobs ?? {})
      .filter(([name]) => known.includes(name))
      .map(([name, value]) => [name, String(value)]),
  )
  return resolveSetup({ ...parts, knobs: { ...parts.knobs, ...knobs } }, scenario, choices)
}

/** What the scenario says must come out on this setup. */
export const declare = async (claim: AnyClaim, setup: Setup): Promise<Verdict['declared']> => {
  const { heldBy } = claim
  const held =
    typeof heldBy === 'function'
      ? heldBy({ variant: setup.variant, traits: await traitsOf(setup) })
      : heldBy.includes(setup.variant)
  return held ? 'holds' : 'breaks'
}

/** What all backends of a setup can do together; everything, where there is none to lack it. */
export const traitsOf = async (setup: Setup): Promise<Traits> => {
  const adapters = await Promise.all(
    Object.entries(setup.backends).map(([kind, backend]) => loadAdapter(kind as Kind, backend)),
  )
  return {
    sharedBetweenProcesses: adapters.every(({ traits }) => traits.sharedBetweenProcesses),
    survivesRestart: adapters.every(({ traits }) => traits.survivesRestart),
  }
}

/** Runs the jobs in the lab and says what came of each, in their order. */
const runAll = async (jobs: Job[], lab: Lab, options: ProveOptions): Promise<Verdict[]> => {
  const { exerciseWithinMs: withinMs, signal } = options
  const limits = withinMs === undefined ? {} : { withinMs }
  const verdicts = new Map<Job, Verdict>()
  const leftovers = new Set<string>()
  const lanes = jobs.map((job) => ({
    job,
    setup: job.ran.id,
    claim: `${job.ran.scenario} ${job.claimId}`,
    alone: job.claim.alone ?? false,
    isAsDeclared: ({ verdict }: Outcome) => verdict === job.declared,
    attempt: async (turns: Turns) => {
      const firstWorker = firstWorkerOf(job, lab)
      if (leftovers.delete(job.ran.id)) await lab.reset(job.ran.id).catch(() => {})
      const outcome = await runExercise(job.claim, job.ran, lab, turns, { ...limits, firstWorker })
      // So that nothing is left on a server, and nothing of this run meets the next. What was broken
      // off may still be at work, and is left to end first.
      if (outcome.putOff) leftovers.add(job.ran.id)
      else await lab.reset(job.ran.id).catch(() => {})
      return outcome
    },
  }))
  await runLanes(lanes, {
    signal,
    onConcluded({ job }, concluded) {
      const verdict = verdictOf(job, concluded)
      verdicts.set(job, verdict)
      options.onVerdict?.(verdict, verdicts.size, jobs.length)
    },
  })
  return jobs.flatMap((job) => verdicts.get(job) ?? [])
}

const verdictOf = (job: Job, { outcome, tries }: Concluded): Verdict => {
  const { verdict, because, ms, transcript } = outcome
  return {
    setup: job.asked.id,
    claim: job.claimId,
    says: job.claim.says,
    declared: job.declared,
    verdict,
    because,
    ms: Math.round(ms),
    ran: job.ran.id,
    tries,
    ...(verdict === job.declared ? {} : { transcript }),
  }
}

/** The processes share the setups, but for claims that tell one process from another. */
const firstWorkerOf = ({ claim, ran }: Job, lab: Lab): number =>
  (claim.workers ?? 1) > 1 ? 1 : (hash(ran.id) % lab.doors.length) + 1

const hash = (text: string): number =>
  [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7)
