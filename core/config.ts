// The shape of scenarios.config.ts, and what is wrong with one that does not have it.
import { homedir } from 'node:os'
import { dirname, isAbsolute, resolve, sep } from 'node:path'
import { z } from 'zod'
import { didYouMean, notThere } from './did-you-mean.ts'
import { SeesawError } from './errors.ts'
import { type Kind, kinds } from './kinds/index.ts'

const port = z.int().min(1).max(65_535)

const shape = z.strictObject({
  /** Chapters by id, in course order. */
  chapters: z.record(
    z.string(),
    z.strictObject({ title: z.string(), scenarios: z.array(z.string()).default([]) }),
  ),
  /** The backend of each kind where nothing else says so. */
  backends: z.partialRecord(z.enum(kinds), z.string()).default({}),
  /** Addresses of servers, by backend. */
  connections: z.record(z.string(), z.string()).default({}),
  ports: z.strictObject({ control: port.default(3000), lab: port.default(3001) }).prefault({}),
  workers: z.int().min(1).max(64).default(1),
  dataFolder: z.string().min(1).default('.seesaw'),
})

/** A configuration with every value filled in. */
export type Config = z.output<typeof shape>

/** Returns the configuration as it is; the compiler checks it. */
export const defineConfig = (config: z.input<typeof shape>): z.input<typeof shape> => config

/**
 * Checks what a configuration file exports against the backends that there are, and fills in what it
 * leaves out. Throws CONFIG_INVALID.
 */
export const checkConfig = (
  exported: unknown,
  file: string,
  adapters: Readonly<Record<Kind, readonly string[]>>,
): Config => {
  const checked = shape.safeParse(exported)
  const wrong = checked.success
    ? unknownBackends(checked.data, adapters)
    : checked.error.issues.map(describe)
  if (checked.success && wrong.length === 0) return checked.data
  throw new SeesawError('CONFIG_INVALID', `${file}: ${wrong.join(' · ')}`)
}

const unknownBackends = (
  { backends, connections }: Config,
  adapters: Readonly<Record<Kind, readonly string[]>>,
): string[] => {
  const all = [...new Set(Object.values(adapters).flat())]
  const chosen = Object.entries(backends) as [Kind, string][]
  return [
    ...chosen
      .filter(([kind, name]) => !adapters[kind].includes(name))
      .map(([kind, name]) => `'backends': ${notThere(`${kind} adapter`, name, adapters[kind])}`),
    ...Object.keys(connections)
      .filter((name) => !all.includes(name))
      .map((name) => `'connections': ${notThere('backend', name, all)}`),
  ]
}

const describe = (issue: z.core.$ZodIssue): string => {
  const where = issue.path.length > 0 ? `'${issue.path.join('.')}': ` : ''
  if (issue.code === 'unrecognized_keys')
    return issue.keys
      .map((key) => `${where}there is no setting '${key}'.${didYouMean(key, keysAt(issue.path))}`)
      .join(' · ')
  if (issue.path.length === 0) return `it must export a configuration by default (${issue.message})`
  return `${where}${issue.message}`
}

const keysAt = (path: readonly PropertyKey[]): string[] => {
  if (path.length === 0) return Object.keys(shape.shape)
  if (path[0] === 'ports') return ['control', 'lab']
  if (path[0] === 'chapters') return ['title', 'scenarios']
  if (path[0] === 'backends') return [...kinds]
  return []
}

/**
 * The data folder, absolute: relative to the configuration file; but beside the current user's
 * other data where that file lies in an installed package, which may be read-only or replaced.
 */
export const dataFolderOf = (config: Config & { file: string }): string =>
  config.file.includes(`${sep}node_modules${sep}`) && !isAbsolute(config.dataFolder)
    ? resolve(homedir(), config.dataFolder)
    : resolve(dirname(config.file), config.dataFolder)
