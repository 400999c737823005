// What can be asked of `POST /api/bench`, what is wrong with it, and the words of the command that
// does it: the same that a person would type.
import { z } from 'zod'
import { adapterIndex, loadScenario } from '../course/find.ts'
import { type Backends, parseSetup, selectSetups } from '../course/setup.ts'
import { notThere } from '../did-you-mean.ts'
import { SeesawError } from '../errors.ts'
import type { AnyScenario } from '../scenario.ts'

const name = z.string().min(1).max(300)
const names = z.array(name).min(1).max(16)

export const requestSchema = z.strictObject({
  /** Scenarios or setups; two of the same setup show this machine's noise. */
  target: z.union([name, z.array(name).min(1).max(16)]),
  variants: names.optional(),
  backends: names.optional(),
  workers: z.int().min(1).max(64).optional(),
  workload: name.optional(),
  knobs: z.record(name, z.union([z.string(), z.number().transform(String)])).optional(),
  preset: z.enum(['duel', 'quick', 'standard', 'strict', 'publish']).default('quick'),
  load: z.enum(['open', 'closed', 'both']).optional(),
  /** Requests per second of the open load. */
  rate: z.int().min(1).max(1_000_000).optional(),
  blocks: z.int().min(1).max(1_000).optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional(),
})
export type MeasurementRequest = z.infer<typeof requestSchema>

/**
 * Looks up everything that is named, as the command will. Throws SCENARIO_NOT_FOUND,
 * VARIANT_NOT_FOUND and the like. What only the command can know, it says when its turn comes.
 */
export const checkRequest = async (
  asked: MeasurementRequest,
  { defaults, scenariosFolder }: { defaults: Backends; scenariosFolder?: string | undefined },
): Promise<{ scenario: string; setups: string[] }> => {
  const setups: string[] = []
  const scenarios = new Set<string>()
  for (const target of [asked.target].flat()) {
    const parts = parseSetup(target)
    const scenario = await loadScenario(parts.scenario, scenariosFolder)
    scenarios.add(parts.scenario)
    checkWorkload(parts.scenario, scenario, asked.workload)
    const found = selectSetups(parts, scenario, asked, { adapters: adapterIndex, defaults })
    setups.push(...found.map(({ id }) => id))
  }
  const load = asked.load ?? (asked.preset === 'duel' ? 'closed' : 'both')
  if (asked.rate !== undefined && load === 'closed')
    throw new SeesawError(
      'WRONG_USE',
      `A rate of ${asked.rate} means nothing to a closed load, which sends as fast as answers come: leave it out.`,
    )
  const [scenario = ''] = scenarios
  if (scenarios.size > 1)
    throw new SeesawError(
      'WRONG_USE',
      `${[...scenarios].join(' and ')} answer different questions: name setups of one scenario.`,
    )
  if (setups.length < 2)
    throw new SeesawError(
      'WRONG_USE',
      `One contender has nobody to be compared with: name two setups, or variants, or backends. ` +
        `${setups[0]} twice shows this machine's noise.`,
    )
  return { scenario, setups }
}

const checkWorkload = (id: string, { workloads }: AnyScenario, asked?: string): void => {
  // One that names none is visited.
  const known = Object.keys(workloads ?? { visit: true })
  if (asked !== undefined && !known.includes(asked))
    throw new SeesawError('EXERCISE_NOT_FOUND', notThere(`workload of ${id}`, asked, known))
}

/**
 * The words behind `seesaw`. Each value is joined to its option, so that none can be taken for an
 * option itself.
 */
export const wordsOf = (asked: MeasurementRequest): string[] => [
  'bench',
  ...[asked.target].flat(),
  ...(asked.variants ? [`--variants=${asked.variants.join(',')}`] : []),
  ...(asked.backends ? [`--backends=${asked.backends.join(',')}`] : []),
  ...(asked.workers === undefined ? [] : [`--workers=${asked.workers}`]),
  ...(asked.workload === undefined ? [] : [`--workload=${asked.workload}`]),
  ...Object.entries(asked.knobs ?? {}).map(([knob, value]) => `--knob=${knob}=${value}`),
  `--preset=${asked.preset}`,
  ...(asked.load ? [`--load=${asked.load}`] : []),
  ...(asked.rate === undefined ? [] : [`--rate=${asked.rate}`]),
  ...(asked.blocks === undefined ? [] : [`--blocks=${asked.blocks}`]),
  ...(asked.seed === undefined ? [] : [`--seed=${asked.seed}`]),
]
