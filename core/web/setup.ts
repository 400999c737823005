// Setups as the address of the page spells them, `gcra@redis~limit=5`: without the scenario, which
// stands in the path. The rules are those of the server, and the code is.
import type { CatalogueEntry } from '../course/catalogue.ts'
import { parseSetup, resolveSetup, type Setup } from '../course/setup.ts'
import type { Kind } from '../kinds/index.ts'
import type { AnyScenario } from '../scenario.ts'
import { course } from './live.ts'

export type { Setup }

/**
 * The setup that `rest` names; as by default what it leaves open. Throws the SeesawError that says
 * what is wrong with it.
 */
export const readSetup = (entry: CatalogueEntry, rest: string): Setup => {
  const variants = Object.fromEntries(entry.variants.map((variant) => [variant.id, variant]))
  const adapters = course.value?.adapters ?? ({} as Record<Kind, string[]>)
  const scenario = { variants } as unknown as AnyScenario
  return resolveSetup(parseSetup(`${entry.id}/${rest}`), scenario, { adapters, defaults: {} })
}

/** A setup's id without its scenario. */
export const restOf = (id: string): string => id.slice(id.indexOf('/') + 1)

/** What may change about a setup. */
export interface SetupChange {
  variant?: string
  backends?: Readonly<Record<string, string>>
  knobs?: Readonly<Record<string, string | number>>
}

/** The setup with something changed; what another variant has no use for is dropped. */
export const changeSetup = (entry: CatalogueEntry, setup: Setup, change: SetupChange): Setup => {
  const variant = entry.variants.find(({ id }) => id === (change.variant ?? setup.variant))
  const adapters = course.value?.adapters
  const backends = Object.entries({ ...setup.backends, ...change.backends }).filter(
    ([kind, name]) => variant?.needs.includes(kind) && adapters?.[kind as Kind]?.includes(name),
  )
  const knobs = Object.entries({ ...setup.knobs, ...change.knobs }).filter(([name, value]) => {
    const knob = variant?.knobs[name]
    return knob && Number(value) >= knob.min && Number(value) <= knob.max
  })
  const pairs = (mark: string, all: [string, unknown][]) =>
    all.length > 0 ? `${mark}${all.map(([name, value]) => `${name}=${value}`).join(',')}` : ''
  return readSetup(
    entry,
    `${variant?.id ?? setup.variant}${pairs('@', backends)}${pairs('~', knobs)}`,
  )
}

/** How a person would call it: the variant's title and what it is kept in. */
export const titleOf = (entry: CatalogueEntry, setup: Setup): string =>
  entry.variants.find(({ id }) => id === setup.variant)?.title ?? setup.variant

/** `redis`, or `memory + sqlite`; empty where nothing is needed. */
export const backendsOf = (setup: Setup): string =>
  [...new Set(Object.values(setup.backends))].join(' + ')
