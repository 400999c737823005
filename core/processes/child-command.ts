// Runs Seesaw's own commands in processes of their own: for the JSON that they print, or for a while,
// with what they say meanwhile.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { home } from '../course/find.ts'
import { errorCodes, SeesawError } from '../errors.ts'

/** What a person would type. */
const seesaw = [process.execPath, join(home, 'core', 'seesaw.mjs')]

/**
 * `words` must contain `--json`. Throws the error with which the command ended; `until` ends it
 * early, in good order. `onLine` is told what it says on standard error meanwhile.
 */
export const runCommand = async (
  words: string[],
  {
    env,
    until,
    onLine = () => {},
  }: { env: Record<string, string>; until: AbortSignal; onLine?(line: string): void },
): Promise<unknown> => {
  const [file = '', ...first] = seesaw
  const child = spawn(file, [...first, ...words], {
    env: { ...process.env, ...env },
    // By the channel it can tell when it is alone (see seesaw.mjs).
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const stop = () => child.kill('SIGTERM')
  if (until.aborted) stop()
  until.addEventListener('abort', stop, { once: true })
  process.once('exit', stop)
  let lastWords = ''
  const hear = (line: string) => {
    if (!line.startsWith('{')) lastWords = `${lastWords}${line}\n`.slice(-mostLastWords)
    onLine(line)
  }
  const [out] = await Promise.all([
    textOf(child.stdout as Readable),
    readLines(child.stderr as Readable, hear),
    ended(child),
  ])
  process.off('exit', stop)
  try {
    return JSON.parse(out)
  } catch {
    throw errorIn(lastWords) ?? lastLine(lastWords)
  }
}

/** A command that takes a while. */
export interface RunningCommand {
  /** Asks it to end in good order, and makes it where it does not within the time. */
  stop(withinMs?: number): void
  /** Settles when it has ended, with the error that it ended with. */
  ended: Promise<SeesawError | undefined>
}

const stopWithinMs = 15_000
const longestLine = 64 * 1024
const mostLastWords = 4_000

/**
 * Starts a command; `onLine` is told what it says on standard error. A channel to it stays open
 * for as long as this process lives, by which it can tell when it is alone (see seesaw.mjs).
 * `command` is what to start in the place of `seesaw`.
 */
export const startCommand = (
  words: string[],
  options: { env: Record<string, string>; onLine(line: string): void; command?: string[] },
): RunningCommand => {
  const [file = '', ...first] = options.command ?? seesaw
  const child = spawn(file, [...first, ...words], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Ctrl-C in the terminal is for us, who then ask it to stop, once.
    detached: true,
    windowsHide: true,
  })
  const stderr = child.stderr as Readable
  const kill = () => child.kill('SIGKILL')
  const terminate = () => child.kill('SIGTERM')
  process.once('exit', terminate)
  // A process of the command's that does not end must not keep us waiting for the end of the pipe.
  child.once('exit', () => setTimeout(() => stderr.destroy(), 5_000).unref())
  let lastWords = ''
  let stopping: NodeJS.Timeout | undefined

  const hear = (line: string) => {
    // Progress is for whoever started it; the rest says why it ended.
    if (!line.startsWith('{')) lastWords = `${lastWords}${line}\n`.slice(-mostLastWords)
    if (line.length < longestLine) options.onLine(line)
  }
  const conclude = async () => {
    const [how] = await Promise.all([ended(child), readLines(stderr, hear).catch(() => {})])
    clearTimeout(stopping)
    process.off('exit', terminate)
    if (how === 0) return undefined
    const said = errorIn(lastWords)
    if (said) return said
    // What a process says that crashes is for the terminal, not for a visitor.
    if (!stopping) process.stderr.write(lastWords)
    return new SeesawError('WORKER_FAILED', `The process that did it ended early (${how}).`)
  }
  return {
    stop(withinMs = stopWithinMs) {
      terminate()
      stopping ??= setTimeout(kill, withinMs)
    },
    ended: conclude(),
  }
}

const textOf = async (stream: NodeJS.ReadableStream): Promise<string> => {
  let text = ''
  for await (const piece of stream) text += piece
  return text
}

const readLines = async (stream: Readable, onLine: (line: string) => void): Promise<void> => {
  let rest = ''
  for await (const piece of stream.setEncoding('utf8')) {
    const lines = (rest + piece).split('\n')
    rest = (lines.pop() ?? '').slice(0, longestLine)
    for (const line of lines) onLine(line)
  }
  if (rest) onLine(rest)
}

/** Settles with the exit code, the signal, or what kept it from being started. */
const ended = (child: NodeJS.EventEmitter): Promise<number | string> =>
  new Promise((resolve) => {
    child.once('close', (code: number | null, signal: string) => resolve(code ?? signal))
    child.once('error', (error: Error) => resolve(error.message))
  })

/** The last line of a command that failed: `seesaw: No scenario 'x'. [SCENARIO_NOT_FOUND]` */
const errorIn = (errors: string): SeesawError | undefined => {
  const [, message = '', code = ''] = /seesaw: (.*) \[([A-Z_]+)\]\s*$/.exec(errors) ?? []
  const known = errorCodes.find((name) => name === code)
  return message ? new SeesawError(known ?? 'WORKER_FAILED', message) : undefined
}

const lastLine = (errors: string): SeesawError =>
  new SeesawError('WORKER_FAILED', errors.trim().split('\n').at(-1) || 'The process ended early.')
