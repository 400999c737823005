// What was proved last: the verdict of every claim on every setup, kept in the data folder, with the
// version of the scenario that it was proved of, so that nobody takes an old verdict for a new one.
// A proof is run by the very command that a person would type, in a process of its own, for exercises
// are code that may spin or crash.
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { adapterIndex, home, loadScenario } from '../course/find.ts'
import { setupsOf } from '../course/setup.ts'
import { SeesawError } from '../errors.ts'
import { writeAside } from '../files/data-folder.ts'
import type { Hub } from '../http/events.ts'
import { runCommand } from '../processes/child-command.ts'
import type { AnyClaim } from '../scenario.ts'
import { declare } from './declare.ts'
import type { Verdict } from './prove.ts'
import { findTargets } from './targets.ts'
import { versionsOf } from './versions.ts'

/** A verdict with when it was given, and of what. */
export interface KeptVerdict extends Verdict {
  provedAt: string
  /** The version of the source that it was proved of. */
  version: string
}

/** A verdict as the page gets it; `old` where the scenario's source has changed since. */
export type ShownVerdict = KeptVerdict & { old: boolean }

/** A proof that is under way, whoever asked for it. */
export interface RunningProof {
  scenarios: string[]
  targets: string[]
  done: number
  of: number
  startedAt: string
}

/** What `GET /api/proofs?scenario=` answers. */
export interface Proofs {
  running: RunningProof | null
  verdicts: ShownVerdict[]
  /** What the scenario says must come out: setup → claim → holds or breaks. */
  declared: Record<string, Record<string, Verdict['declared']>>
  /** The lines of source that decide: claim → variant → where it stands. */
  lines: Record<string, Record<string, { number: number; text: string }>>
}

/** What is told to every open page while a proof is under way, and when it has ended. */
export interface ProofEvent {
  type: 'proof'
  running: RunningProof | null
  /** The one that has just come. */
  verdict?: ShownVerdict
  /** Why it ended early. */
  problem?: string
}

export interface Asked {
  targets: string[]
  backends?: string[] | 'all' | undefined
  claims?: string[] | undefined
  workers?: number | undefined
}

const outcome = z.enum(['holds', 'breaks', 'unknown'])
const verdictSchema = z.object({
  setup: z.string(),
  claim: z.string(),
  says: z.string(),
  declared: z.enum(['holds', 'breaks']),
  verdict: outcome,
  because: z.string(),
  ms: z.number(),
  ran: z.string(),
  tries: z.number(),
  transcript: z.array(z.looseObject({ kind: z.string() })).optional(),
})
const lineSchema = z.object({
  type: z.literal('verdict'),
  done: z.number(),
  of: z.number(),
  verdict: verdictSchema,
})
const fileSchema = z.object({
  format: z.literal(1),
  verdicts: z.array(verdictSchema.extend({ provedAt: z.iso.datetime(), version: z.string() })),
})

/** Setups with other knobs are without number; of all verdicts so many are kept. */
const mostKept = 4_000
const keepEveryMs = 300

export type ProofBook = ReturnType<typeof openProofs>

/** The verdicts in `<folder>/proofs.json`; kept for as long as this process lives where there is none. */
export const openProofs = ({
  folder,
  scenariosFolder = join(home, 'scenarios'),
  hub,
}: {
  folder?: string | undefined
  scenariosFolder?: string | undefined
  hub: Hub
}) => {
  const file = folder === undefined ? undefined : join(folder, 'proofs.json')
  const kept = readKept(file)
  let running: RunningProof | null = null
  let saving: NodeJS.Timeout | undefined

  const save = () => {
    clearTimeout(saving)
    saving = undefined
    if (!file) return
    try {
      writeAside(file, `${JSON.stringify({ format: 1, verdicts: [...kept.values()] })}\n`)
    } catch (error) {
      // A disk that is full is no reason to end: they are known for as long as this process lives.
      process.stderr.write(`${file} cannot be written: ${(error as Error).message}\n`)
    }
  }

  const keep = (verdict: KeptVerdict) => {
    const key = `${verdict.setup} ${verdict.claim}`
    // The newest stands last, so that the oldest is what is forgotten.
    kept.delete(key)
    kept.set(key, verdict)
    const [oldest] = kept.keys()
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
    saving ??= setTimeout(save, keepEveryMs)
  }

  const tell = (news: Omit<ProofEvent, 'type' | 'running'> = {}) =>
    hub.publish('proof', { running, ...news })

  return {
    /** Whether a proof is under way. */
    underWay: () => running !== null,

    /** What is known of one scenario. Throws SCENARIO_NOT_FOUND. */
    async list(scenario: string): Promise<Proofs> {
      const { claims } = await loadScenario(scenario, scenariosFolder)
      const version = await versionsOf(scenario, scenariosFolder)
      return {
        running,
        verdicts: [...kept.values()]
          .filter((verdict) => verdict.setup.startsWith(`${scenario}/`) && claims[verdict.claim])
          .map((verdict) => ({ ...verdict, old: verdict.version !== version(verdict.setup) })),
        declared: await declareAll(scenario, scenariosFolder),
        lines: await findLines(scenario, scenariosFolder),
      }
    },

    /**
     * Proves, keeps and tells of each verdict as it comes; what was proved before `until` stays.
     * Throws what is wrong with the targets, and BUSY.
     */
    async prove(
      asked: Asked,
      {
        env,
        until,
        busy = () => undefined,
      }: {
        env(): Promise<Record<string, string>>
        until: AbortSignal
        /** Why none can be made at the moment; asked right before this one begins. */
        busy?(): string | undefined
      },
    ): Promise<unknown> {
      const { targets, backends, claims } = asked
      const found = await findTargets(
        { targets, ...(backends ? { backends } : {}), ...(claims ? { claims } : {}) },
        scenariosFolder,
      )
      const reason = running ? proofUnderWay : busy()
      if (reason) throw new SeesawError('BUSY', reason)
      const scenarios = [...new Set(found.map(({ setup }) => setup.scenario))]
      const of = found.reduce((sum, target) => sum + target.claims.length, 0)
      const proof = { scenarios, targets, done: 0, of, startedAt: new Date().toISOString() }
      running = proof
      tell()
      let problem: string | undefined
      try {
        const versions = new Map<string, (setup: string) => string>()
        for (const id of scenarios) versions.set(id, await versionsOf(id, scenariosFolder))
        const onLine = (line: string) => {
          const news = verdictIn(line)
          // What it was interrupted at is not known for that.
          if (!news || (until.aborted && news.verdict.verdict === 'unknown')) return
          Object.assign(proof, { done: news.done, of: news.of })
          const provedAt = new Date().toISOString()
          const { setup } = news.verdict
          const version = versions.get(setup.split('/')[0] ?? '')?.(setup) ?? ''
          const verdict = { ...(news.verdict as Verdict), provedAt, version }
          keep(verdict)
          tell({ verdict: { ...verdict, old: false } })
        }
        return await runCommand(wordsOf(asked), { env: await env(), until, onLine })
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error)
        throw error
      } finally {
        running = null
        if (saving) save()
        tell(problem && !until.aborted ? { problem } : {})
      }
    },
  }
}

export const proofUnderWay = 'A proof is under way; wait until it has ended.'

/** The words of the command that does it. */
const wordsOf = ({ targets, backends, claims, workers }: Asked): string[] => [
  'prove',
  ...targets,
  ...(backends ? [`--backends=${backends === 'all' ? 'all' : backends.join(',')}`] : []),
  ...(claims ? [`--claims=${claims.join(',')}`] : []),
  ...(workers ? [`--workers=${workers}`] : []),
  '--json',
  '--progress=json',
]

const verdictIn = (line: string): z.infer<typeof lineSchema> | undefined => {
  if (!line.startsWith('{')) return undefined
  try {
    return lineSchema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

/** What is in the file; what cannot be read is put aside, not written over. */
const readKept = (file?: string): Map<string, KeptVerdict> => {
  if (!file || !existsSync(file)) return new Map()
  try {
    const { verdicts } = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    return new Map(
      (verdicts as KeptVerdict[]).map((verdict) => [`${verdict.setup} ${verdict.claim}`, verdict]),
    )
  } catch {
    renameSync(file, `${file}.unreadable`)
    process.stderr.write(`${file} cannot be read; it is ${file}.unreadable now. Prove anew.\n`)
    return new Map()
  }
}

const declareAll = async (id: string, folder: string): Promise<Proofs['declared']> => {
  const scenario = await loadScenario(id, folder)
  const claims = Object.entries<AnyClaim>(scenario.claims)
  const rows = setupsOf(id, scenario, adapterIndex).map(async (setup) => {
    const each = claims.map(async ([claim, of]) => [claim, await declare(of, setup)] as const)
    return [setup.id, Object.fromEntries(await Promise.all(each))] as const
  })
  return Object.fromEntries(await Promise.all(rows))
}

const findLines = async (id: string, folder: string): Promise<Proofs['lines']> => {
  const { claims, variants } = await loadScenario(id, folder)
  const sources = new Map(
    await Promise.all(
      Object.keys(variants).map(async (variant) => {
        const file = join(folder, id, 'variants', `${variant}.ts`)
        return [variant, await readFile(file, 'utf8').catch(() => '')] as const
      }),
    ),
  )
  const found: Proofs['lines'] = {}
  for (const [claim, { lines = {} }] of Object.entries<AnyClaim>(claims))
    for (const [variant, text] of Object.entries(lines)) {
      const at = sources.get(variant)?.indexOf(text ?? '') ?? -1
      const number = sources.get(variant)?.slice(0, at).split('\n').length ?? 0
      if (text && at >= 0) found[claim] = { ...found[claim], [variant]: { number, text } }
    }
  return found
}
