// What can be said to `seesaw bench`, and to which of its commands it means something. An option that
// is taken and not looked at is worse than none: what is measured is not what was asked for.
import { SeesawError } from '../core/errors.ts'
import type { Fault, Metric, Preset } from './measurement.ts'

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
  /** Of a capacity: how long each rate is held. */
  seconds?: number
}

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
      ...(['arrivals', 'metric', 'blocks', 'seed', 'fault', 'plan', ...files, ...places] as const),
    ],
    instead: { quick },
    otherwise: 'leave it out',
  },
  capacity: {
    to: 'to capacity',
    understands: [
      ...(['knob', 'workload', 'workers', 'arrivals', 'seed', 'seconds', ...files] as const),
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
    understands: ['variants', 'preset', 'blocks', 'seed', ...files],
    instead: { quick },
    otherwise: 'they are called, without a server, a back end or a load; leave it out',
  },
  report: {
    to: 'to a report',
    understands: ['html', 'md'],
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
  resume: {
    to: 'beside --resume',
    understands: ['resume', ...files, ...places],
    instead: {},
    otherwise: 'what was begun goes on as it was planned; leave one of the two out',
  },
} satisfies Record<string, Use>

/** Throws WRONG_USE for the first option, and for targets, that mean nothing there. */
export const refuseUnused = (
  use: keyof typeof uses,
  options: BenchOptions,
  targets: readonly string[] = [],
): void => {
  const { to, understands, instead, otherwise }: Use = uses[use]
  const said = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [name as keyof BenchOptions],
  )
  const unused = said.find((name) => !understands.includes(name))
  if (unused !== undefined)
    throw wrong(`${flagOf(unused)} means nothing ${to}: ${instead[unused] ?? otherwise}.`)
  const takesTargets = use !== 'resume' && use !== 'selfTest'
  if (!takesTargets && targets[0] !== undefined)
    throw wrong(`${targets[0]} means nothing ${to}: ${otherwise}.`)
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
