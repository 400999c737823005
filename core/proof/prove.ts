// Proves claims: runs each exercise on each setup and compares what happened with what the scenario
// declares, in both directions. A claim that holds where it should break is as wrong as the reverse.

import type { Setup, SetupParts } from '../course/setup.ts'
import { type Lab, type LabOptions, startLab } from '../lab/lab.ts'
import type { AnyClaim, AnyScenario } from '../scenario.ts'
import { type Declared, declare, spellWithClaim } from './declare.ts'
import { type Outcome, runExercise, type Turns } from './exercise.ts'
import { type Concluded, runLanes } from './lanes.ts'
import { type Asked, findTargets, type Target } from './targets.ts'

/** What came of one claim on one setup. */
export interface Verdict {
  /** The setup that was asked for. */
  setup: string
  claim: string
  says: string
  /** What the scenario says must come out. */
  declared: Declared
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

export interface ProveOptions extends Asked {
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
  declared: Declared
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
