// A setup is a scenario's variant on certain backends with certain knobs, and its id says all of
// that in one line: `rate-limits/gcra@redis~limit=5,windowMs=500`. Everything here is pure.
import { notThere } from '../did-you-mean.ts'
import { SeesawError } from '../errors.ts'
import { fallback, type Kind, kinds } from '../kinds/index.ts'
import type { AnyScenario, AnyVariant, Knobs } from '../scenario.ts'

export interface Setup {
  /** The canonical id: backends always named, knobs only where they differ from their defaults. */
  id: string
  scenario: string
  variant: string
  /** The backend of each kind that the variant needs. */
  backends: Backends
  /** Every knob of the variant with its value. */
  knobs: Record<string, number>
}

export type Backends = { [K in Kind]?: string }

/** A setup id taken apart but not yet looked up. */
export interface SetupParts {
  scenario: string
  /** Absent in `rate-limits`. */
  variant?: string
  /** `@redis`: the one for every kind. */
  backend?: string
  /** `@cache=memory,session=redis`. */
  backends: Record<string, string>
  knobs: Record<string, string>
}

/** What there is to choose from, and what applies where an id is silent. */
export interface Choices {
  adapters: Readonly<Record<Kind, readonly string[]>>
  defaults: Backends
}

const word = /^[^/@~=,\s]+$/

/** Takes `scenario[/variant][@backends][~knobs]` apart. Throws SETUP_MALFORMED. */
export const parseSetup = (text: string): SetupParts => {
  const found = /^([^/@~]+)(?:\/([^/@~]+))?(?:@([^/@~]+))?(?:~([^/@~]+))?$/.exec(text)
  if (!found) throw malformed(text)
  const [, scenario = '', variant, backendText, knobText] = found
  if (!word.test(scenario) || (variant !== undefined && !word.test(variant))) throw malformed(text)
  const single = backendText !== undefined && word.test(backendText)
  return {
    scenario,
    ...(variant === undefined ? {} : { variant }),
    ...(single ? { backend: backendText } : {}),
    backends: single ? {} : parsePairs(backendText, text),
    knobs: parsePairs(knobText, text),
  }
}

const parsePairs = (pairs: string | undefined, whole: string): Record<string, string> => {
  const parsed: Record<string, string> = Object.create(null)
  for (const pair of pairs?.split(',') ?? []) {
    const [name = '', value = '', ...more] = pair.split('=')
    if (!word.test(name) || !word.test(value) || more.length > 0 || name in parsed)
      throw malformed(whole)
    parsed[name] = value
  }
  return parsed
}

const malformed = (text: string): SeesawError =>
  new SeesawError(
    'SETUP_MALFORMED',
    `'${text.slice(0, 200)}' is no setup. One looks like session-vs-token/server-session@redis or ` +
      `rate-limits/gcra@redis~limit=5,windowMs=500.`,
  )

/**
 * Looks up what `parts` name. Throws VARIANT_NOT_FOUND, KIND_NOT_NEEDED, BACKEND_NOT_FOUND,
 * ADAPTER_NOT_FOUND, KNOB_NOT_FOUND, KNOB_OUT_OF_RANGE, each with what there is instead; and
 * SCENARIO_BROKEN for a learner's own variant that does not run.
 */
export const resolveSetup = (parts: SetupParts, scenario: AnyScenario, choices: Choices): Setup => {
  const variantIds = Object.keys(scenario.variants)
  const name = parts.variant ?? variantIds[0] ?? ''
  const variant = ownValue(scenario.variants, name)
  const { problem } = scenario.mine ?? {}
  if (!variant && name === 'mine' && problem)
    throw new SeesawError(
      'SCENARIO_BROKEN',
      `Your own variant of ${parts.scenario} does not run. ` +
        `${problem.line === undefined ? '' : `Line ${problem.line}: `}${problem.message}`,
    )
  if (!variant)
    throw new SeesawError(
      'VARIANT_NOT_FOUND',
      notThere(`variant of ${parts.scenario}`, name, variantIds),
    )
  const found = { ...parts, variant: name }
  const backends = chooseBackends(found, variant, choices)
  const knobs = chooseKnobs(found, variant)
  const setup = { scenario: parts.scenario, variant: name, backends, knobs }
  return { ...setup, id: formatSetup(setup, variant) }
}

const chooseBackends = (parts: SetupParts, variant: AnyVariant, choices: Choices): Backends => {
  const needs: Kind[] = kinds.filter((kind) => variant.needs.includes(kind))
  const known = [...new Set(Object.values(choices.adapters).flat())].sort()
  for (const backend of [parts.backend, ...Object.values(parts.backends)])
    if (backend !== undefined && !known.includes(backend))
      throw new SeesawError('BACKEND_NOT_FOUND', notThere('backend', backend, known))
  for (const kind of Object.keys(parts.backends))
    if (!needs.includes(kind as Kind))
      throw new SeesawError(
        'KIND_NOT_NEEDED',
        notThere(`kind that ${parts.scenario}/${parts.variant} needs`, kind, needs),
      )
  const chosen: Backends = {}
  for (const kind of needs) {
    const adapters = choices.adapters[kind]
    // `@redis` is for every kind that Redis can keep; the others stay as by default.
    const single = parts.backend && adapters.includes(parts.backend) ? parts.backend : undefined
    const backend = parts.backends[kind] ?? single ?? choices.defaults[kind] ?? fallback[kind]
    if (!adapters.includes(backend))
      throw new SeesawError('ADAPTER_NOT_FOUND', notThere(`${kind} adapter`, backend, adapters))
    chosen[kind] = backend
  }
  const { backend: asked } = parts
  const [first] = needs
  if (asked && first && !Object.values(chosen).includes(asked))
    throw new SeesawError(
      'ADAPTER_NOT_FOUND',
      notThere(`${first} adapter`, asked, choices.adapters[first]),
    )
  return chosen
}

const chooseKnobs = (parts: SetupParts, variant: AnyVariant): Record<string, number> => {
  const known: Knobs = variant.knobs ?? {}
  for (const name of Object.keys(parts.knobs))
    if (!Object.hasOwn(known, name))
      throw new SeesawError(
        'KNOB_NOT_FOUND',
        notThere(`knob of ${parts.scenario}/${parts.variant}`, name, Object.keys(known)),
      )
  return Object.fromEntries(
    Object.entries(known).map(([name, knob]) => {
      const text = parts.knobs[name]
      if (text === undefined) return [name, knob.default]
      const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
      if (!(value >= knob.min && value <= knob.max))
        throw new SeesawError(
          'KNOB_OUT_OF_RANGE',
          `${name}=${text.slice(0, 40)}: ${knob.says} is a whole number from ${knob.min} to ` +
            `${knob.max} ${knob.unit}.`,
        )
      return [name, value]
    }),
  )
}

const formatSetup = (setup: Omit<Setup, 'id'>, variant: AnyVariant): string => {
  const known: Knobs = variant.knobs ?? {}
  const knobs = Object.entries(setup.knobs).filter(
    ([name, value]) => value !== known[name]?.default,
  )
  const pairs = (entries: [string, string | number][]) =>
    entries.map(([name, value]) => `${name}=${value}`).join(',')
  return (
    `${setup.scenario}/${setup.variant}${formatBackends(setup.backends)}` +
    (knobs.length > 0 ? `~${pairs(knobs)}` : '')
  )
}

/** `@redis` where all kinds share a backend, `@cache=memory,session=redis` where not, '' for none. */
const formatBackends = (backends: Backends): string => {
  const entries = Object.entries(backends)
  const names = new Set(entries.map(([, backend]) => backend))
  if (names.size === 0) return ''
  if (names.size === 1) return `@${[...names][0]}`
  return `@${entries.map(([kind, backend]) => `${kind}=${backend}`).join(',')}`
}

/** Every setup of a scenario with default knobs: each variant on each backend that keeps something for it. */
export const setupsOf = (
  id: string,
  scenario: AnyScenario,
  adapters: Choices['adapters'],
): Setup[] =>
  Object.entries(scenario.variants).flatMap(([variant, { needs }]) => {
    const kinds: readonly Kind[] = needs
    const able = [...new Set(kinds.flatMap((kind) => adapters[kind]))].sort()
    const backends = kinds.length > 0 ? able.map((backend) => ({ backend })) : [{}]
    const setups = backends.map((backend) =>
      resolveSetup({ scenario: id, variant, backends: {}, knobs: {}, ...backend }, scenario, {
        adapters,
        defaults: {},
      }),
    )
    return [...new Map(setups.map((setup) => [setup.id, setup])).values()]
  })

/** What narrows a scenario down where an id leaves it open. */
export interface Selection {
  variants?: readonly string[] | undefined
  backends?: readonly string[] | undefined
  /** For the variants that have them. */
  knobs?: Readonly<Record<string, string>> | undefined
}

/**
 * The setups that an id stands for: each variant on each backend, as far as the id does not name
 * them. A variant that a backend can keep nothing for is there once, as by default. Throws as
 * resolveSetup does, KNOB_NOT_FOUND for a knob that none of the variants has.
 */
export const selectSetups = (
  parts: SetupParts,
  scenario: AnyScenario,
  { variants, backends, knobs = {} }: Selection,
  choices: Choices,
): Setup[] => {
  const known = [...new Set(Object.values(choices.adapters).flat())].sort()
  for (const backend of backends ?? [])
    if (!known.includes(backend))
      throw new SeesawError('BACKEND_NOT_FOUND', notThere('backend', backend, known))
  for (const variant of variants ?? [])
    resolveSetup({ scenario: parts.scenario, variant, backends: {}, knobs: {} }, scenario, choices)
  const pinned = parts.backend !== undefined || Object.keys(parts.backends).length > 0
  const names = parts.variant ? [parts.variant] : (variants ?? Object.keys(scenario.variants))
  const hasKnob = (variant: string, knob: string) =>
    Object.hasOwn(ownValue(scenario.variants, variant)?.knobs ?? {}, knob)
  const nobodyHas = Object.keys(knobs).filter((knob) => !names.some((name) => hasKnob(name, knob)))
  return names.flatMap((variant) => {
    const needs: readonly Kind[] = ownValue(scenario.variants, variant)?.needs ?? []
    const own = Object.entries(knobs).filter(
      ([knob]) => hasKnob(variant, knob) || nobodyHas.includes(knob),
    )
    const spelled = { ...parts, variant, knobs: { ...Object.fromEntries(own), ...parts.knobs } }
    const setups = (pinned ? [undefined] : (backends ?? [undefined])).map((backend) => {
      const able = backend && needs.some((kind) => choices.adapters[kind].includes(backend))
      return resolveSetup(able ? { ...spelled, backend } : spelled, scenario, choices)
    })
    // One that needs no backend is the same on all of them. A variant that is named twice is meant twice.
    return [...new Map(setups.map((setup) => [setup.id, setup])).values()]
  })
}

const ownValue = <V>(record: Record<string, V>, name: string): V | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined
