// Runs one of Seesaw's own commands in a process of its own and returns the JSON that it prints.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { type ErrorCode, errorCodes, SeesawError } from './errors.ts'
import { home } from './load.ts'

/**
 * `words` must contain `--json`. Throws the error with which the command ended; `until` ends it
 * early, in good order.
 */
export const runCommand = async (
  words: string[],
  { env, until }: { env: Record<string, string>; until: AbortSignal },
): Promise<unknown> => {
  const child = spawn(process.execPath, [join(home, 'core', 'seesaw.mjs'), ...words], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stop = () => child.kill('SIGTERM')
  if (until.aborted) stop()
  until.addEventListener('abort', stop, { once: true })
  process.once('exit', stop)
  const [out, errors] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    ended(child),
  ])
  process.off('exit', stop)
  try {
    return JSON.parse(out)
  } catch {
    throw errorIn(errors)
  }
}

const textOf = async (stream: NodeJS.ReadableStream): Promise<string> => {
  let text = ''
  for await (const piece of stream) text += piece
  return text
}

const ended = (child: NodeJS.EventEmitter): Promise<void> =>
  new Promise((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })

/** The last line of a command that failed: `seesaw: No scenario 'x'. [SCENARIO_NOT_FOUND]` */
const errorIn = (errors: string): SeesawError => {
  const [, message = errors.trim().split('\n').at(-1) ?? '', code = ''] =
    /seesaw: (.*) \[([A-Z_]+)\]\s*$/.exec(errors) ?? []
  const known = errorCodes.includes(code as ErrorCode)
  return new SeesawError(
    known ? (code as ErrorCode) : 'WORKER_FAILED',
    message || 'The process ended early.',
  )
}
