// `seesaw toggle`
import { SeesawError } from '../errors.ts'
import { kinds } from '../kinds/index.ts'
import { ask, type RunningOptions } from './running.ts'
import { bold, faint, print } from './terminal.ts'

interface Toggled {
  scenario: string
  setup: string
  url: string
  workers: number
  ms: number
}

export const toggle = async (
  scenario: string,
  changes: string[],
  options: RunningOptions & { reset?: boolean },
): Promise<void> => {
  if (options.reset && changes.length > 0)
    throw new SeesawError('WRONG_USE', `--reset takes no changes, but '${changes[0]}' was given.`)
  if (!options.reset && changes.length === 0)
    throw new SeesawError(
      'WRONG_USE',
      'Say what to change: a variant, kind=backend or knob=value; or --reset.',
    )
  const body = { scenario, ...(options.reset ? { reset: true } : sortOut(changes)) }
  const toggled = await ask<Toggled>(options, 'POST', '/api/toggle', body)
  if (options.json) return print(JSON.stringify(toggled, null, 2))
  print(`${bold(toggled.setup)} is live at ${toggled.url}`)
  print(faint(`${toggled.workers} server processes, ${toggled.ms.toFixed(0)} ms`))
}

/** `gcra limiter=redis limit=5` → a variant, backends by kind, and knobs. */
const sortOut = (changes: string[]) => {
  const [variant, another] = changes.filter((change) => !change.includes('='))
  if (another)
    throw new SeesawError(
      'WRONG_USE',
      `Two variants, '${variant}' and '${another}'; one can be live.`,
    )
  const pairs = changes
    .filter((change) => change.includes('='))
    .map((change) => {
      const at = change.indexOf('=')
      return [change.slice(0, at), change.slice(at + 1)] as const
    })
  const isKind = ([name]: readonly [string, string]) => (kinds as readonly string[]).includes(name)
  return {
    ...(variant === undefined ? {} : { variant }),
    backends: Object.fromEntries(pairs.filter(isKind)),
    knobs: Object.fromEntries(pairs.filter((pair) => !isKind(pair))),
  }
}
