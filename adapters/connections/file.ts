// Plain files, safe with several processes and with one that is killed at any moment. There are no
// locks; everything rests on one promise of the file system: a rename happens at once or not at all
// (POSIX rename). What is written is written aside first, what is deleted is moved aside first.
//
//   <data folder>/files/<kind>/<hash of the namespace>/…
//   <data folder>/files/<kind>/aside/…                      on their way in or out
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineBackend, SeesawError, wellFormed } from '#core/adapter'
import type { Kind } from '#core/kinds'

export default defineBackend({
  title: 'Files',
  version: async () => `Node ${process.version}`,
})

/** A file name for any string: names must not depend on what a file system makes of a letter. */
export const nameOf = (key: string): string =>
  createHash('sha256').update(wellFormed(key)).digest('hex')

/** Where a namespace is kept, and the folder aside. Throws DATA_FOLDER_UNUSABLE. */
export const openFolders = async (folder: string, kind: Kind, namespace: string) => {
  const all = join(folder, 'files', kind)
  const aside = join(all, 'aside')
  await explained(folder, () => makeFolder(aside))
  return { all, aside, home: join(all, nameOf(namespace)) }
}

/** A path in `aside` that nobody else uses; it begins with the time, so that old ones are known. */
export const freshPath = (aside: string): string =>
  join(aside, `${Date.now()}-${randomBytes(8).toString('hex')}`)

/** Makes a folder for its owner only, and those above it. */
export const makeFolder = (folder: string): Promise<unknown> =>
  mkdir(folder, { recursive: true, mode: 0o700 })

/** Writes a file for its owner only; returns false where its folder is missing. */
export const write = (file: string, text: string): Promise<boolean> =>
  happens(() => writeFile(file, text, { mode: 0o600 }))

/**
 * Writes a file in the place of one that may be there. In between it lies in `by`; where that, or
 * the folder of `file`, is missing it writes nothing and returns false.
 */
export const writeOver = async (file: string, text: string, by: string): Promise<boolean> => {
  const next = freshPath(by)
  return (await write(next, text)) && (await move(next, file))
}

/** The text of a file; undefined where there is none. */
export const read = async (file: string): Promise<string | undefined> => {
  let text: string | undefined
  await happens(async () => {
    text = await readFile(file, 'utf8')
  })
  return text
}

/** The names in a folder; none where there is no folder. */
export const list = async (folder: string): Promise<string[]> => {
  let names: string[] = []
  await happens(async () => {
    names = await readdir(folder)
  })
  return names
}

/** Moves a file or folder; returns false where it, or the folder that it is to go to, is missing. */
export const move = (from: string, to: string): Promise<boolean> => happens(() => rename(from, to))

/** Deletes a file or folder, for everybody at once, however much is in it. */
export const remove = async (path: string, aside: string): Promise<boolean> => {
  const gone = freshPath(aside)
  const there = await move(path, gone)
  if (there) await rm(gone, { recursive: true, force: true })
  return there
}

/** The error for a file that was changed by somebody else. */
export const corrupt = (file: string, cause?: unknown): SeesawError =>
  new SeesawError('DATA_CORRUPT', `${file} does not hold what was stored; delete it.`, { cause })

/** Does `work`; returns false where it found a file or folder missing. */
export const happens = async (work: () => Promise<unknown>): Promise<boolean> => {
  try {
    await work()
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** Returns `methods`, in which the file system's errors have become what can be done about them. */
export const explaining = <Methods extends object>(folder: string, methods: Methods): Methods => {
  const wrapped = Object.entries(methods as Record<string, (...args: unknown[]) => unknown>).map(
    ([name, work]) => [name, (...args: unknown[]) => explained(folder, () => work(...args))],
  )
  return Object.fromEntries(wrapped) as Methods
}

const explained = async <Result>(folder: string, work: () => Result): Promise<Awaited<Result>> => {
  try {
    return await work()
  } catch (cause) {
    if (
      !/^(EACCES|EPERM|EROFS|ENOSPC|EDQUOT|ENOENT|ENOTDIR|EISDIR|EEXIST|EIO)$/.test(codeOf(cause))
    )
      throw cause
    throw new SeesawError(
      'DATA_FOLDER_UNUSABLE',
      `The data folder ${folder} cannot be used (${(cause as Error).message}); name another one with --data or in scenarios.config.ts.`,
      { cause },
    )
  }
}

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

const minuteMs = 60_000
const sweptAtMs = new Map<string, number>()

/** True for what has been over, or lain aside, for so long that nobody is busy with it any more. */
export const isLongOver = (endsAtMs: number): boolean => endsAtMs + minuteMs <= Date.now()

/**
 * Sweeps a kind's folder in the background, at most once a minute: what a killed process left
 * aside, and by `sweepHome`, which has to stop when it is told to, each namespace.
 */
export const sweeper = (
  { all, aside }: { all: string; aside: string },
  sweepHome: (home: string, stopped: () => boolean) => Promise<void>,
) => {
  let stopped = false
  let running: Promise<void> | undefined

  const sweep = async () => {
    for (const name of await list(aside)) {
      if (isLongOver(Number.parseInt(name, 10)))
        await rm(join(aside, name), { recursive: true, force: true })
    }
    for (const name of await list(all)) {
      if (name !== 'aside' && !stopped) await sweepHome(join(all, name), () => stopped)
    }
  }

  return {
    sweep: () => {
      // The clock may have stepped backwards.
      if (Math.abs(Date.now() - (sweptAtMs.get(all) ?? 0)) < minuteMs) return
      sweptAtMs.set(all, Date.now())
      // What cannot be swept now is in nobody's way; whoever needs the folder is told what is wrong.
      running = sweep().catch(() => {})
    },
    stop: async () => {
      stopped = true
      await running
    },
  }
}
