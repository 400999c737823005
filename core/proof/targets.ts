// Which setups and claims are meant by what somebody has typed.
import {
  adapterIndex,
  backendNames,
  loadBackend,
  loadScenario,
  scenarioIds,
} from '../course/find.ts'
import { parseSetup, resolveSetup, type Setup, type SetupParts, setupsOf } from '../course/setup.ts'
import { notThere } from '../did-you-mean.ts'
import { SeesawError } from '../errors.ts'
import { fallback, type Kind } from '../kinds/index.ts'
import type { AnyClaim, AnyScenario } from '../scenario.ts'

/** Which claims are meant, and on which setups. */
export interface Asked {
  /** Scenarios, variants or setups; every scenario if empty. */
  targets?: string[]
  /** Backends for setups that name none; those inside the process if left out. */
  backends?: string[] | 'all'
  /** Only these claims, by their ids; all of them if left out. */
  claims?: readonly string[]
}

/** A setup with the claims to prove on it. */
export interface Target {
  setup: Setup
  parts: SetupParts
  scenario: AnyScenario
  /** Those that are to be proved. */
  claims: [id: string, claim: AnyClaim][]
}

/** Every setup that the options name, with the claims to prove on it. */
export const findTargets = async (options: Asked, folder?: string): Promise<Target[]> => {
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

const findSetups = async (options: Asked, folder?: string): Promise<Omit<Target, 'claims'>[]> => {
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
