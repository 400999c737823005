// What tests of the whole need: running the command, starting Seesaw on free ports, folders of their
// own, and looking at what is left behind.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { home } from '#core/course/find'

export const fixtures = join(home, 'test', 'fixtures', 'scenarios')

const folders = new Set<string>()
const children = new Set<ChildProcess>()

/** The commands that run at this moment. */
export const runningCommands = (): Set<ChildProcess> => new Set(children)

/** Kills the commands that still run, but for `spared`. */
export const killCommands = (spared: ReadonlySet<ChildProcess> = new Set()): void => {
  for (const child of children) if (!spared.has(child)) child.kill('SIGKILL')
}

/** A folder that goes away after the tests of its file. */
export const tempFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'seesaw-test-'))
  folders.add(folder)
  return folder
}

/** Removes the folders that the tests have made. */
export const removeFolders = (): void => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  folders.clear()
}

export interface Ran {
  code: number | NodeJS.Signals
  out: string
  err: string
}

export interface RunOptions {
  env?: Record<string, string>
  cwd?: string
  /** Where Seesaw lies. */
  root?: string
  /** At the head of a process group, as a terminal would start it: `ctrlC` reaches all of it. */
  inTerminal?: boolean
}

/** Starts `seesaw …` and does not wait for its end. */
export const spawnSeesaw = (
  words: string[],
  { env, cwd, root = home, inTerminal = false }: RunOptions = {},
) => {
  const child = spawn(process.execPath, [join(root, 'core', 'seesaw.mjs'), ...words], {
    env: { ...process.env, ...env },
    cwd: cwd ?? tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: inTerminal,
  })
  children.add(child)
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = new Promise<Ran>((resolve) =>
    child.once('close', (code, signal) => {
      children.delete(child)
      resolve({ code: code ?? (signal as NodeJS.Signals), out, err })
    }),
  )
  return { child, ended, out: () => out, err: () => err }
}

/** What Ctrl-C does in the terminal: everything hears it that was started there. */
export const ctrlC = ({ pid = 0 }: ChildProcess): void => void process.kill(-pid, 'SIGINT')

/** Runs `seesaw …` to its end; two at a time. */
export const seesaw = (words: string[], options?: RunOptions): Promise<Ran> =>
  oneOfTwo(() => spawnSeesaw(words, options).ended)

let running = 0
const queue: (() => void)[] = []
const oneOfTwo = async <T>(work: () => Promise<T>): Promise<T> => {
  if (running >= 2) await new Promise<void>((resolve) => queue.push(resolve))
  running++
  try {
    return await work()
  } finally {
    running--
    queue.shift()?.()
  }
}

/** A copy of Seesaw with other scenarios, as a contributor would have one. */
export const copyWith = (scenarios: string): string => {
  const root = tempFolder()
  for (const part of ['core', 'adapters', 'package.json', 'scenarios.config.ts'])
    cpSync(join(home, part), join(root, part), { recursive: true })
  cpSync(scenarios, join(root, 'scenarios'), { recursive: true })
  symlinkSync(join(home, 'node_modules'), join(root, 'node_modules'))
  return root
}

/** Starts the playground on free ports and returns when it answers. */
export const startSeesaw = async (
  options: RunOptions & { data?: string; words?: string[] } = {},
) => {
  const data = options.data ?? tempFolder()
  const { child, ended, out, err } = spawnSeesaw(
    ['start', '--port', '0', '--lab-port', '0', '--data', data, ...(options.words ?? [])],
    options,
  )
  await until(() => /the data /.test(out()) || child.exitCode !== null, 20_000)
  assert.equal(child.exitCode, null, err())
  const find = (what: RegExp) => what.exec(out())?.[1] ?? assert.fail(out())
  return {
    url: find(/(http:\/\/localhost:\d+)/),
    labUrl: find(/(http:\/\/127\.0\.0\.1:\d+)/),
    data,
    child,
    ended,
    err,
    stop: () => {
      child.kill('SIGTERM')
      return ended
    },
  }
}
export type Started = Awaited<ReturnType<typeof startSeesaw>>

/** Waits until `check` holds, and fails where it does not within the time. */
export const until = async (
  check: () => boolean | Promise<boolean>,
  withinMs: number,
): Promise<void> => {
  const untilMs = performance.now() + withinMs
  while (!(await check())) {
    assert(performance.now() < untilMs, `not within ${withinMs} ms: ${check}`)
    await sleep(20)
  }
}

/** The process and all that descend from it. */
export const familyOf = (pid: number): number[] => {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  const pairs = rows
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number))
  const family = [pid]
  for (const parent of family)
    for (const [child, itsParent] of pairs) if (itsParent === parent && child) family.push(child)
  return family
}

/** False also for a process that has ended and that nobody has asked about. */
export const isAlive = (pid: number): boolean => {
  const state = spawnText('ps', ['-o', 'stat=', '-p', String(pid)])
  return state !== '' && !state.startsWith('Z')
}

const spawnText = (file: string, args: string[]): string => {
  try {
    return execFileSync(file, args, { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}

/** Whether anybody listens there. */
export const isOpen = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/**
 * Writes bytes to a server and returns what comes back until it closes the connection, or until
 * nothing has come for 300 ms.
 */
export const sendRaw = (url: string, ...pieces: (string | Buffer)[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    let received = ''
    const over = () => {
      socket.destroy()
      resolve(received)
    }
    let quiet = setTimeout(over, 5_000)
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text
      clearTimeout(quiet)
      quiet = setTimeout(over, 300)
    })
    socket.once('close', () => {
      clearTimeout(quiet)
      resolve(received)
    })
    socket.once('error', (error) => (received ? resolve(received) : reject(error)))
    for (const piece of pieces) socket.write(piece)
  })

interface SeenProblem {
  status: number
  code: string
  detail: string
}

/** Holds that an answer is problem+json with a code and no trace of the inside, and returns it. */
export const problemIn = async (response: Response): Promise<SeenProblem> => {
  const text = await response.text()
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/, text)
  const problem = JSON.parse(text) as SeenProblem
  assert.equal(problem.status, response.status)
  assertNoTrace(text)
  return problem
}

/** No line of a stack, no path of a file of ours. */
export const assertNoTrace = (text: string): void => {
  assert.doesNotMatch(text, /(\n|\\n)\s+at |node_modules|\.[mc]?[jt]s:\d+/)
}
