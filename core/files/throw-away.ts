// Throw-away folders, with or without a server in them, that go away with this process however it
// ends. See keeper.mjs for the one who sees to it.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Command } from '../adapter.ts'
import { SeesawError } from '../errors.ts'

const keeper = fileURLToPath(new URL('./keeper.mjs', import.meta.url))

export interface Kept {
  folder: string
  /** Settles only if the server cannot be run, with the reason. */
  failed: Promise<string>
  /** Kills the server without warning, as a crash would; it stays away until it is started. */
  kill(): Promise<void>
  /** Starts a server that was killed, on the same port over the same files. */
  start(): void
  /** Stops the server and removes the folder. */
  stop(): Promise<void>
}

/** Makes a throw-away folder and, where `launch` says how, runs a server in it. */
export const keepFolder = (
  name: string,
  launch?: (folder: string) => { before?: Command[]; server: Command },
): Kept => {
  const folder = throwAwayFolder(name)
  const child = spawn(process.execPath, [keeper], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.unref()
  child.stdin.on('error', () => {})
  child.stdin.write(`${JSON.stringify({ folder, ...launch?.(folder) })}\n`)
  let isAway = () => {}
  const failed = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as { failed: string } | { away: true }
      if ('failed' in said) resolve(said.failed)
      else isAway()
    })
    child.on('error', (error) => resolve(error.message))
  })
  // Neither the process nor its pipes may keep a finished command alive.
  for (const pipe of [child.stdin, child.stdout]) (pipe as { unref?(): void }).unref?.()
  return {
    folder,
    failed,
    kill: () =>
      new Promise((resolve) => {
        isAway = resolve
        child.once('exit', () => resolve())
        child.stdin.write('kill\n')
      }),
    start: () => void child.stdin.write('start\n'),
    stop: () => stopped(child),
  }
}

/** Makes an empty folder in the system's place for such. Throws DATA_FOLDER_UNUSABLE. */
const throwAwayFolder = (name: string): string => {
  try {
    return mkdtempSync(join(tmpdir(), `seesaw-${name}-`))
  } catch (cause) {
    throw new SeesawError(
      'DATA_FOLDER_UNUSABLE',
      `No throw-away folder can be made in ${tmpdir()} (${(cause as Error).message}). Set TMPDIR to a folder that can be written.`,
      { cause },
    )
  }
}

const stopped = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.ref()
    child.once('exit', () => resolve())
    child.stdin?.end()
  })
