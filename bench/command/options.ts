// What can be said to `seesaw bench`, and to which of its commands it means something. An option that
// is taken and not looked at is worse than none: what is measured is not what was asked for.

import type { Metric } from '#core/measurement/metrics'
import type { Fault, Preset } from '#core/measurement/run'
import { SeesawError } from '../../core/errors.ts'

export interface BenchOptions {
  variants?: string[]
  backends?: string[]
  knob?: Record<string, string>
  workers?: number
  workload?: string
  preset?: Preset
  load?: 'open' | 'closed' | 'both'
  rate?: number
  arrivals?: 'even' | 'poisson'
  metric?: Metric
  blocks?: number
  seed?: number
  fault?: Fault[]
  plan?: string
  /** True where no file is named. */
  json?: string | true
  md?: string
  html?: string
  resume?: string
  progress?: 'json'
  scenarios?: string
  /** The folder in which variants of one's own are kept. */
  data?: string
  selfTest?: boolean
  quick?: boolean
  /** Files of capacities that a report shows. */
  capacity?: string[]
  /** Of a capacity: how long each rate is held. */
  seconds?: number
}

/** Lets this process meet the variants of one's own that these targets name. */
export type HoldMine = (targets: readonly string[]) => Promise<void>

interface Use {
  /** `capacity`, as in "--preset means nothing to capacity". */
  to: string
  understands: readonly (keyof BenchOptions)[]
  /** What to do in the place of an option, or why there is nothing to be done. */
  instead: Partial<Record<keyof BenchOptions, string>>
  otherwise: string
}

const files = ['json', 'md', 'html', 'progress'] as const
const places = ['scenarios', 'data'] as const
const besideResume: readonly (keyof BenchOptions)[] = ['resume', ...files, ...places]
const quick = 'it belongs to --self-test; the quickest that a measurement can be is --preset duel'

const uses = {
  measure: {
    to: 'to a measurement',
    understands: [
      ...([
        'variants',
        'backends',
        'knob',
        'workers',
        'workload',
        'preset',
        'load',
        'rate',
      ] as const),
      ...(['arrivals', 'metric', 'blocks', 'seed', 'fault', 'plan', 'resume'] as const),
      ...files,
      ...places,
    ],
    instead: { quick },
    otherwise: 'leave it out',
  },
  capacity: {
    to: 'to capacity',
    understands: [
      ...(['knob', 'workload', 'workers', 'arrivals', 'seed', 'seconds', 'resume'] as const),
      ...files,
      ...places,
    ],
    instead: {
      variants: 'name it in the setup, as in rate-limits/gcra',
      backends: 'name it in the setup, as in rate-limits/gcra@redis',
      preset: 'say by --seconds how long each rate is held',
      blocks: 'say by --seconds how long each rate is held',
      load: 'the load of a capacity is open',
      rate: 'a capacity finds its rates itself',
      quick,
    },
    otherwise: 'leave it out, or leave capacity out and name two setups',
  },
  micro: {
    to: 'to functions',
    understands: ['variants', 'preset', 'blocks', 'seed', 'resume', ...files],
    instead: { quick },
    otherwise: 'they are called, without a server, a backend or a load; leave it out',
  },
  report: {
    to: 'to a report',
    understands: ['html', 'md', 'capacity'],
    instead: {},
    otherwise: 'it shows what was measured, as it was; leave it out',
  },
  compare: {
    to: 'to a comparison',
    understands: ['json', 'md'],
    instead: {},
    otherwise: 'it looks at what was measured, as it was; leave it out',
  },
  selfTest: {
    to: 'beside --self-test',
    understands: ['selfTest', 'quick', 'json'],
    instead: {},
    otherwise: 'a self-test has trials of its own; leave it out',
  },
} satisfies Record<string, Use>

/** Throws WRONG_USE for the first option, and for targets, that mean nothing there. */
export const refuseUnused = (
  use: keyof typeof uses,
  options: BenchOptions,
  targets: readonly string[] = [],
): void => {
  const { to, understands, instead, otherwise }: Use = uses[use]
  const unused = saidIn(options).find((name) => !understands.includes(name))
  if (unused !== undefined)
    throw wrong(`${flagOf(unused)} means nothing ${to}: ${instead[unused] ?? otherwise}.`)
  if (use === 'selfTest' && targets[0] !== undefined)
    throw wrong(`${targets[0]} means nothing ${to}: ${otherwise}.`)
}

const saidIn = (options: BenchOptions) =>
  Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [name as keyof BenchOptions],
  )

/**
 * Beside --resume nothing has to be said of what is measured; what is said must be what it was begun
 * with. `line` is the command that the options come to. Throws WRONG_USE.
 */
export const refuseOtherLine = (
  begun: { command: string },
  line: string,
  options: BenchOptions,
  targets: readonly string[] = [],
): void => {
  const says = targets.length > 0 || saidIn(options).some((name) => !besideResume.includes(name))
  const words = (command: string) => command.split(' ').sort().join(' ')
  if (says && words(line) !== words(begun.command))
    throw wrong(
      `What was begun goes on as it was planned: by ${begun.command}. This asks for ${line}; say nothing of it beside --resume, or leave --resume out.`,
    )
}

/** The file that --json names, if it is there. Throws WRONG_USE where it names none. */
export const jsonFile = ({ json }: Pick<BenchOptions, 'json'>): string | undefined => {
  if (json === true || json === '-')
    throw wrong('--json keeps a measurement in a file: name one, as in --json run.json.')
  return json
}

/** `--self-test` for `selfTest` */
const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

const wrong = (message: string): SeesawError => new SeesawError('WRONG_USE', message)
