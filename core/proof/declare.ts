// What a scenario declares of a claim: on which setup it is run, and what must come out there.
import { adapterIndex, loadAdapter } from '../course/find.ts'
import { resolveSetup, type Setup, type SetupParts } from '../course/setup.ts'
import type { Kind } from '../kinds/index.ts'
import type { AnyClaim, AnyScenario, Traits } from '../scenario.ts'

export type Declared = 'holds' | 'breaks'

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
export const declare = async (claim: AnyClaim, setup: Setup): Promise<Declared> => {
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
