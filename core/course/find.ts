// Finds scenarios, adapters and backends by folder. The only place with a dynamic import, and the
// reason why nothing else in core/ names a scenario or a backend.
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Adapter, Backend } from '../adapter.ts'
import { type Config, checkConfig } from '../config.ts'
import { notThere } from '../did-you-mean.ts'
import { SeesawError } from '../errors.ts'
import { type Kind, kinds } from '../kinds/index.ts'
import type { AnyScenario, AnyVariant } from '../scenario.ts'
import { mine, readChecked } from './mine.ts'

/** Where Seesaw itself lies. */
export const home = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const adaptersFolder = join(home, 'adapters')

/** What a file exports by default, for those who have found out which file it is to be. */
export const loadFile = (file: string): Promise<unknown> => importDefault(file)

const importDefault = async (file: string): Promise<unknown> => {
  const module: { default?: unknown } = await import(pathToFileURL(file).href)
  return module.default
}

const filesIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
        .map((name) => name.slice(0, -'.ts'.length))
        .sort()
    : []

/** Every kind with the backends that have an adapter for it. */
export const adapterIndex = Object.fromEntries(
  kinds.map((kind) => [kind, filesIn(join(adaptersFolder, kind))]),
) as unknown as Readonly<Record<Kind, readonly string[]>>

/** Every backend that some kind has an adapter for. */
export const backendNames: readonly string[] = [
  ...new Set(Object.values(adapterIndex).flat()),
].sort()

/** Loads the adapter of `kind` on `backend`. Throws ADAPTER_NOT_FOUND. */
export const loadAdapter = async <K extends Kind>(
  kind: K,
  backend: string,
): Promise<Adapter<K>> => {
  if (!adapterIndex[kind].includes(backend))
    throw new SeesawError(
      'ADAPTER_NOT_FOUND',
      notThere(`${kind} adapter`, backend, adapterIndex[kind]),
    )
  return (await importDefault(join(adaptersFolder, kind, `${backend}.ts`))) as Adapter<K>
}

/** Loads what is known of a backend; undefined for one that is a mere folder or Map. */
export const loadBackend = async (backend: string): Promise<Backend | undefined> => {
  const file = join(adaptersFolder, 'connections', `${backend}.ts`)
  return existsSync(file) ? ((await importDefault(file)) as Backend | undefined) : undefined
}

/** Reads the configuration: SEESAW_CONFIG, or scenarios.config.ts beside core/. Throws CONFIG_INVALID. */
export const loadConfig = async (): Promise<Config & { file: string }> => {
  const file = resolve(process.env.SEESAW_CONFIG || join(home, 'scenarios.config.ts'))
  if (!existsSync(file))
    throw new SeesawError('CONFIG_INVALID', `There is no configuration file ${file}.`)
  try {
    return { ...checkConfig(await importConfig(file), file, adapterIndex), file }
  } catch (cause) {
    if (cause instanceof SeesawError) throw cause
    throw new SeesawError('CONFIG_INVALID', `${file} cannot be read: ${firstLine(cause)}`, {
      cause,
    })
  }
}

/**
 * A configuration may lie in a folder whose package.json does not say "type": "module", or that has
 * none: Node takes it for CommonJS there.
 */
const importConfig = async (file: string): Promise<unknown> => {
  if (file.startsWith(home + sep)) return importDefault(file)
  const { register } = await import('tsx/cjs/api')
  const unregister = register()
  try {
    const exported = await importDefault(file)
    return (exported as { default?: unknown } | undefined)?.default ?? exported
  } finally {
    unregister()
  }
}

/** The ids of all scenarios: the folders that hold a scenario.ts. */
export const scenarioIds = (folder: string = join(home, 'scenarios')): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((id) => existsSync(join(folder, id, 'scenario.ts')))
        .sort()
    : []

/** Loads one scenario. Throws SCENARIO_NOT_FOUND, or SCENARIO_BROKEN where its code cannot be loaded. */
export const loadScenario = async (
  id: string,
  folder: string = join(home, 'scenarios'),
): Promise<AnyScenario> => {
  const known = scenarioIds(folder)
  if (!known.includes(id))
    throw new SeesawError('SCENARIO_NOT_FOUND', notThere('scenario', id, known))
  const file = join(folder, id, 'scenario.ts')
  let scenario: AnyScenario | undefined
  try {
    scenario = (await importDefault(file)) as AnyScenario | undefined
  } catch (cause) {
    const why = `${file} cannot be loaded: ${firstLine(cause)}`
    throw new SeesawError('SCENARIO_BROKEN', why, { cause })
  }
  if (!scenario?.variants || !scenario.claims)
    throw new SeesawError('SCENARIO_BROKEN', `${file} must export a scenario by default.`)
  return withMine(id, scenario)
}

/**
 * The scenario with the learner's own variant, where there is one. Its code is not loaded before it is
 * mounted: whoever only lists or looks up does not run it.
 */
const withMine = (id: string, scenario: AnyScenario): AnyScenario => {
  const checked = readChecked(id)
  if (!checked) return scenario
  const { basedOn, savedAt, version, about, problem, file } = checked
  const original = Object.hasOwn(scenario.variants, basedOn) && scenario.variants[basedOn]
  if (!original || Object.hasOwn(scenario.variants, mine)) return scenario
  const known = { basedOn, savedAt, version, ...(problem ? { problem } : {}) }
  if (!about) return { ...scenario, mine: known }
  const { knobs, ...told } = about
  const variant: AnyVariant = {
    ...told,
    ...(knobs ? { knobs } : {}),
    title: `Mine (from ${original.title})`,
    safe: original.safe ?? true,
    mount: async (router, tools) =>
      ((await importDefault(file)) as AnyVariant).mount(router, tools),
  }
  // Whatever the original keeps, or does not, is expected of what was made of it.
  const claims = Object.entries(scenario.claims).map(([name, claim]) => {
    const { heldBy } = claim
    const asOriginal: typeof heldBy =
      typeof heldBy === 'function'
        ? ({ variant, traits }) => heldBy({ variant: variant === mine ? basedOn : variant, traits })
        : heldBy.includes(basedOn)
          ? [...heldBy, mine]
          : heldBy
    return [name, { ...claim, heldBy: asOriginal }]
  })
  return {
    ...scenario,
    variants: { ...scenario.variants, [mine]: variant },
    claims: Object.fromEntries(claims),
    mine: known,
  }
}

/** The line of an error that says what is wrong: esbuild begins with "Transform failed with 1 error:". */
const firstLine = (error: unknown): string => {
  const lines = (error instanceof Error ? error.message : String(error)).split('\n')
  return lines.find((line) => line !== '' && !line.endsWith(':')) ?? lines[0] ?? ''
}
