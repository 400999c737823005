// The folder in which a lab keeps what outlives it: files, databases, and the key that everything
// signed in it is signed with.
import { createHash, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SeesawError } from './errors.ts'

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
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SeesawError(
      'DATA_FOLDER_UNUSABLE',
      `The data folder ${folder} cannot be used (${why}); name another one with --data or in scenarios.config.ts.`,
      { cause },
    )
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
  const aside = `${file}.${process.pid}`
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

/** Written aside and renamed, so that it is whole even after a crash. */
export const writeAside = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
