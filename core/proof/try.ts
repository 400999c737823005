// Runs one exercise in a lab of its own and keeps the whole conversation, adapter calls included.

import { loadScenario } from '../course/find.ts'
import { parseSetup } from '../course/setup.ts'
import { notThere } from '../did-you-mean.ts'
import { SeesawError } from '../errors.ts'
import { type LabOptions, startLab } from '../lab/lab.ts'
import type { AnyClaim, AnyScenario } from '../scenario.ts'
import { declare, spellWithClaim } from './declare.ts'
import { type Line, runExercise } from './exercise.ts'

export interface Trial {
  /** The setup that was run: with the knobs that the exercise asks for. */
  setup: string
  exercise: string
  says: string
  declared: 'holds' | 'breaks'
  verdict: 'holds' | 'breaks' | 'unknown'
  because: string
  ms: number
  conversation: Line[]
}

/**
 * Runs the exercise of a claim, the first one if none is named. Throws EXERCISE_NOT_FOUND,
 * BACKEND_UNAVAILABLE, and what is wrong with the setup's id.
 */
export const trySetup = async (
  text: string,
  exercise?: string,
  options: Pick<LabOptions, 'scenariosFolder' | 'urls'> = {},
): Promise<Trial> => {
  const parts = parseSetup(text)
  const scenario = await loadScenario(parts.scenario, options.scenariosFolder)
  const { id, claim } = findClaim(parts.scenario, scenario, exercise)
  const setup = spellWithClaim(parts, scenario, claim)
  const lab = await startLab({ ...options, workers: claim.workers ?? 1, only: [setup.scenario] })
  try {
    for (const backend of Object.values(setup.backends)) await lab.locate(backend)
    const turns = { alone: (_: string, work: () => Promise<void>) => work() }
    const outcome = await runExercise(claim, setup, lab, turns, { watched: true })
    await lab.reset(setup.id).catch(() => {})
    const { transcript, ms, ...judged } = outcome
    const declared = await declare(claim, setup)
    const found = { setup: setup.id, exercise: id, says: claim.says, declared, ...judged }
    return { ...found, ms: Math.round(ms), conversation: transcript }
  } finally {
    await lab.stop()
  }
}

/** The claim whose exercise is meant: the first, where none is named. Throws EXERCISE_NOT_FOUND. */
export const findClaim = (
  scenarioId: string,
  { claims }: AnyScenario,
  exercise?: string,
): { id: string; claim: AnyClaim } => {
  const ids = Object.keys(claims)
  const id = exercise ?? ids[0] ?? ''
  const claim: AnyClaim | undefined = Object.hasOwn(claims, id) ? claims[id] : undefined
  if (claim) return { id, claim }
  throw new SeesawError('EXERCISE_NOT_FOUND', notThere(`exercise of ${scenarioId}`, id, ids))
}
