// A cache of one file per key: the end of its life in the first line, then the text.
//
// keyv-file is no choice: it keeps all keys in one file that it writes in place and 100 ms late, and
// in its other mode one file per key, also in place, with write errors going to the console. A
// process that is killed, or a second one, would lose what was acknowledged.
import { link, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { defineAdapter } from '#core/adapter'
import {
  codeOf,
  corrupt,
  explaining,
  freshPath,
  happens,
  isLongOver,
  list,
  makeFolder,
  move,
  nameOf,
  openFolders,
  read,
  remove,
  sweeper,
  writeOver,
} from '../connections/file.ts'
import { cacheOver } from '../connections/keyv.ts'

export default defineAdapter<'cache'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  open: async ({ folder, namespace }) => {
    const folders = await openFolders(folder, 'cache', namespace)
    const { home, aside } = folders
    const fileOf = (key: string) => join(home, nameOf(key))

    const { sweep, stop } = sweeper(folders, async (swept, stopped) => {
      for (const name of await list(swept)) {
        if (!stopped()) await sweepFile(join(swept, name), aside)
      }
    })
    sweep()

    const clear = async () => {
      await remove(home, aside)
    }
    const cache = cacheOver({
      get: async (key) => {
        const kept = await read(fileOf(key))
        if (kept === undefined) return undefined
        const { endsAtMs, text } = taken(kept)
        if (Number.isNaN(endsAtMs)) throw corrupt(fileOf(key))
        return endsAtMs > Date.now() ? text : undefined
      },
      set: async (key, text, ttlMs = Number.POSITIVE_INFINITY) => {
        const kept = `${Date.now() + ttlMs}\n${text}`
        // The folder is missing at first, and where the namespace was cleared meanwhile.
        while (!(await writeOver(fileOf(key), kept, aside))) {
          await makeFolder(aside)
          await makeFolder(home)
        }
        sweep()
      },
      delete: (key) => happens(() => unlink(fileOf(key))),
      clear,
    })
    const get: typeof cache.get = async (key) => {
      try {
        return await cache.get(key)
      } catch (error) {
        throw error instanceof SyntaxError ? corrupt(fileOf(key), error) : error
      }
    }
    return explaining(folder, { ...cache, get, clear, close: stop })
  },
})

/** Takes apart what is in a file; NaN for an end of life that is none. */
const taken = (kept: string): { endsAtMs: number; text: string } => {
  const end = kept.indexOf('\n')
  return { endsAtMs: Number(kept.slice(0, end) || Number.NaN), text: kept.slice(end + 1) }
}

/** Deletes a file that is over, and none that was written anew while this looked. */
const sweepFile = async (file: string, aside: string): Promise<void> => {
  const isOver = async (path: string) => isLongOver(taken((await read(path)) ?? '').endsAtMs)
  if (!(await isOver(file))) return
  const gone = freshPath(aside)
  if (!(await move(file, gone))) return
  if (!(await isOver(gone))) {
    await link(gone, file).catch((error) => {
      // There is an even newer one.
      if (codeOf(error) !== 'EEXIST') throw error
    })
  }
  await rm(gone, { force: true })
}
