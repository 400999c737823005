// The folder in which a lab keeps what outlives it: files, databases, and the key that everything
// signed in it is signed with.
import { createHash, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SeesawError } from '../errors.ts'
import { type KernelLock, openKernelLock } from './kernel-lock.ts'

export interface DataFolder {
  folder: string
  /** 32 random bytes, made once; mode 0600. */
  signingKey: Buffer
  /** Tells the data of this folder from that of others on the same servers. */
  prefix: string
}

/** Opens or makes a data folder. Throws DATA_FOLDER_UNUSABLE, DATA_CORRUPT. */
export const openDataFolder = (folder: string): DataFolder => {
  const file = join(folder, 'signing.key')
  try {
    // One that was there keeps its mode: it may be somebody's home, or /tmp.
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const signingKey = readOrMake(file)
    if (signingKey.length !== 32)
      throw new SeesawError(
        'DATA_CORRUPT',
        `${file} has ${signingKey.length} bytes in the place of 32; delete it, and a new one is made.`,
      )
    const id = createHash('sha256').update(signingKey).digest('hex').slice(0, 8)
    return { folder, signingKey, prefix: `seesaw:${id}` }
  } catch (cause) {
    if (cause instanceof SeesawError) throw cause
    throw unusable(folder, cause)
  }
}

// Written aside and linked into place, so that of two processes that begin together one wins and
// the other reads a whole key.
const readOrMake = (file: string): Buffer => {
  try {
    return readFileSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const aside = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`
  writeFileSync(aside, randomBytes(32), { mode: 0o600 })
  try {
    linkSync(aside, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(aside)
  }
  return readFileSync(file)
}

/**
 * Written aside and renamed, so that it is whole even after a crash. Two that write at once write aside
 * by different names; the later one counts.
 */
export const writeAside = (file: string, text: string): void => {
  const aside = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.new`
  try {
    writeFileSync(aside, text, { mode: 0o600 })
    renameSync(aside, file)
  } catch (error) {
    rmSync(aside, { force: true })
    throw error
  }
}

/** Longer than any change of a file takes, and shorter than anybody waits. */
const changeWithinMs = 5_000

/**
 * Runs `work`, which reads, changes and writes files of `folder`, while no other process does the same
 * under this name. Throws DATA_FOLDER_UNUSABLE.
 */
export const whileLocked = <Result>(folder: string, name: string, work: () => Result): Result => {
  let lock: KernelLock | undefined
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    lock = openKernelLock(join(folder, `${name}.lock`), { waitMs: changeWithinMs })
    if (!lock.take()) throw new Error(`another process keeps ${name}.lock`)
  } catch (cause) {
    lock?.release()
    throw unusable(folder, cause)
  }
  try {
    return work()
  } finally {
    lock.release()
  }
}

/**
 * Makes this process the only one that runs on the folder, until it ends or `release`. Throws
 * DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE.
 */
export const occupy = (folder: string): KernelLock => {
  let lock: KernelLock | undefined
  let taken = false
  try {
    lock = openKernelLock(join(folder, 'running.lock'))
    taken = lock.take()
  } catch (cause) {
    lock?.release()
    throw unusable(folder, cause)
  }
  if (taken) return lock
  lock.release()
  throw new SeesawError(
    'DATA_FOLDER_IN_USE',
    `Another Seesaw runs on the data folder ${folder}. Stop it, or name another folder with --data.`,
  )
}

const unusable = (folder: string, cause: unknown): SeesawError => {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new SeesawError(
    'DATA_FOLDER_UNUSABLE',
    `The data folder ${folder} cannot be used (${why}); name another one with --data or in scenarios.config.ts.`,
    { cause },
  )
}
