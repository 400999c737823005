// One measurement at a time on a machine, whoever starts it: two at once would measure each other.
// The kernel keeps the lock. First come, first served is kept by tickets beside it; a ticket that
// nobody has touched for a while no longer counts.
import { randomBytes } from 'node:crypto'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeesawError } from '../../core/errors.ts'
import { type KernelLock, openKernelLock } from '../../core/files/kernel-lock.ts'

export interface Turn {
  /** Lets the next one begin. It happens by itself when the process ends. */
  release(): void
}

export interface TurnOptions {
  /** Called while another measurement is under way, and again when what is before us changes. */
  onWait?(behind: string): void
  /** Ends the waiting; its reason is thrown. */
  signal?: AbortSignal
  /** What those who wait behind us are told; the command line if left out. */
  says?: string
}

const pollMs = 500
/** A process that has not touched its ticket for so long has ended, or has lost its place. */
const forgottenAfterMs = 10_000

/** Waits until no other measurement runs on this machine for this user. Throws DATA_FOLDER_UNUSABLE. */
export const takeTurn = async (options: TurnOptions = {}): Promise<Turn> => {
  const { onWait, signal, says = commandLine() } = options
  const folder = openFolder()
  const lock = openLock(folder)
  const ticket = `waiting-${Date.now()}-${process.pid}-${randomBytes(3).toString('hex')}`
  const holder = join(folder, 'holder')
  let told = ''
  try {
    for (;;) {
      signal?.throwIfAborted()
      keepTicket(folder, ticket, says)
      const before = ticketsBefore(folder, ticket)
      if (before.length === 0 && lock.take()) break
      const behind = whoIsBefore(holder, folder, before)
      if (behind !== told) onWait?.(behind)
      told = behind
      await sleep(pollMs, undefined, signal ? { signal } : {})
    }
    writeFileSync(holder, `${says}, process ${process.pid}, since ${clock()}`, { mode: 0o600 })
  } catch (error) {
    lock.release()
    throw signal?.aborted ? signal.reason : asUnusable(folder, error)
  } finally {
    rmSync(join(folder, ticket), { force: true })
  }
  return {
    release() {
      // In this order, or the next one's name would be removed.
      rmSync(holder, { force: true })
      lock.release()
    },
  }
}

/** Without what says only where files go. */
const commandLine = (): string =>
  ['npx', 'seesaw', ...process.argv.slice(2)]
    .filter((word) => !/^--(json|html|md|progress|resume|data)=/.test(word))
    .join(' ')

const clock = (): string => new Date().toTimeString().slice(0, 5)

/**
 * A folder of this user's, in which nobody else can write. It stays: to remove a lock that somebody
 * may just be opening is how two come to hold it.
 */
const openFolder = (): string => {
  // Not by name: a user whom only a container knows has none.
  const uid = process.geteuid?.() ?? -1
  const folder = join(tmpdir(), `.seesaw-turns-${uid}`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw asUnusable(folder, error)
  }
  // Another user may have been here first, with a folder or with a link to somewhere else.
  const found = lstatSync(folder)
  if (!found.isDirectory() || (uid >= 0 && found.uid !== uid))
    throw asUnusable(folder, new Error('it belongs to somebody else'))
  return folder
}

const openLock = (folder: string): KernelLock => {
  const file = join(folder, 'lock')
  try {
    return openKernelLock(file)
  } catch (error) {
    throw asUnusable(file, error)
  }
}

/** Says that we are still waiting. */
const keepTicket = (folder: string, ticket: string, says: string): void => {
  const file = join(folder, ticket)
  try {
    utimesSync(file, new Date(), new Date())
  } catch {
    writeFileSync(file, says, { mode: 0o600 })
  }
}

/** The tickets of those who came earlier and still wait; removes those that nobody keeps. */
const ticketsBefore = (folder: string, mine: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.startsWith('waiting-') && name < mine)
    .filter((name) => {
      const file = join(folder, name)
      try {
        if (Date.now() - statSync(file).mtimeMs < forgottenAfterMs) return true
        rmSync(file, { force: true })
      } catch {
        // It has just been served.
      }
      return false
    })
    .sort()

const whoIsBefore = (holder: string, folder: string, waiting: string[]): string => {
  const names = [holder, ...waiting.map((name) => join(folder, name))].flatMap((file) => {
    try {
      // One line, whatever it holds.
      return [readFileSync(file, 'utf8').replace(/\s+/g, ' ').slice(0, 200)]
    } catch {
      return []
    }
  })
  const [first = 'another measurement', ...others] = names
  return others.length > 0 ? `${first}, and ${others.length} more that came before` : first
}

const asUnusable = (where: string, cause: unknown): Error => {
  if (cause instanceof SeesawError) return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  return new SeesawError(
    'DATA_FOLDER_UNUSABLE',
    `${where}, by which measurements take turns, cannot be used (${why}); set TMPDIR to another folder, or mend that.`,
    { cause },
  )
}
