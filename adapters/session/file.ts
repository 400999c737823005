// A folder per session. To delete a session is to move its folder away; whoever is about to write a
// file in it then finds no folder, so nothing that runs at the same time, here or in another
// process, can bring a session back. Its data and its end of life are files of their own, so that
// a replace and a touch do not undo each other.
//
//   sessions/<hash of the id>/{about,data,ends}
//   users/<hash of the user's id>/<hash of the id>.<life>     a mark: look there
//
// A mark is written before its session and deleted after it. It names one life of the session, for
// an id can be created anew while its last life is being deleted; one that leads nowhere is not
// listed, and swept later. Only `create` in the place of a living session takes two steps: in
// between, for an instant, there is none.
import { access, rm, rmdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { defineAdapter } from '#core/adapter'
import type { SessionData } from '#core/kinds'
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
  write,
  writeOver,
} from '../connections/file.ts'

/** What does not change as long as the session lives. */
interface About {
  id: string
  userId: string
  /** Tells this life of the session from others under the same id. */
  life: string
}

export default defineAdapter<'session'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  open: async ({ folder, namespace }) => {
    const folders = await openFolders(folder, 'session', namespace)
    const { home, aside } = folders
    const placeOf = (id: string) => join(home, 'sessions', nameOf(id))

    const { sweep, stop } = sweeper(folders, (swept, stopped) => sweepHome(swept, aside, stopped))
    sweep()

    return explaining(folder, {
      create: async (id: string, data: SessionData, { ttlMs }: { ttlMs: number }) => {
        const place = placeOf(id)
        const life = basename(freshPath(''))
        const about: About = { id, userId: data.userId, life }
        const mark = markOf(home, about)
        await writeMark(mark)
        const next = freshPath(aside)
        await makeFolder(next)
        await Promise.all([
          write(join(next, 'about'), JSON.stringify(about)),
          write(join(next, 'data'), JSON.stringify(data)),
          write(join(next, 'ends'), `${Date.now() + ttlMs}`),
        ])
        while (!(await moveFolder(next, place))) {
          await forget(place, home, aside)
          await makeFolder(join(home, 'sessions'))
          // Throws where somebody has deleted the data folder, instead of trying for ever.
          await access(next)
        }
        // The namespace may have been cleared after the mark was made.
        if (!(await happens(() => access(mark)))) await writeMark(mark)
        sweep()
      },
      get: async (id: string) => {
        const place = placeOf(id)
        const [data, ends] = await Promise.all([
          read(join(place, 'data')),
          read(join(place, 'ends')),
        ])
        return data !== undefined && isLiving(ends)
          ? parsed<SessionData>(join(place, 'data'), data)
          : undefined
      },
      replace: async (id: string, data: SessionData) => {
        const place = placeOf(id)
        return (
          isLiving(await read(join(place, 'ends'))) &&
          (await writeOver(join(place, 'data'), JSON.stringify(data), place))
        )
      },
      touch: async (id: string, { ttlMs }: { ttlMs: number }) => {
        const place = placeOf(id)
        return (
          isLiving(await read(join(place, 'ends'))) &&
          (await writeOver(join(place, 'ends'), `${Date.now() + ttlMs}`, place))
        )
      },
      delete: (id: string) => forget(placeOf(id), home, aside),
      idsOf: async (userId: string) => {
        const marks = await list(join(home, 'users', nameOf(userId)))
        const found = await Promise.all(marks.map((mark) => look(home, mark)))
        return found.flatMap((session) => (session && isLiving(session.ends) ? session.id : []))
      },
      clear: async () => {
        await remove(home, aside)
      },
      close: stop,
    })
  },
})

const isLiving = (ends: string | undefined): boolean => Number(ends ?? 0) > Date.now()

const markOf = (home: string, { id, userId, life }: About): string =>
  join(home, 'users', nameOf(userId), `${nameOf(id)}.${life}`)

const writeMark = async (mark: string): Promise<void> => {
  while (!(await write(mark, ''))) await makeFolder(join(mark, '..'))
}

/** Finds the session that a mark leads to; undefined where that life of it is over. */
const look = async (home: string, mark: string) => {
  const [name = '', life] = mark.split('.')
  const place = join(home, 'sessions', name)
  const [text, ends] = await Promise.all([read(join(place, 'about')), read(join(place, 'ends'))])
  if (text === undefined) return undefined
  const about = parsed<About>(join(place, 'about'), text)
  return about.life === life ? { ...about, ends } : undefined
}

/** Deletes the session at `place`, whichever is there, and its mark. */
const forget = async (place: string, home: string, aside: string): Promise<void> => {
  const gone = freshPath(aside)
  if (await move(place, gone)) await forgetMoved(gone, home)
}

const forgetMoved = async (gone: string, home: string): Promise<void> => {
  const text = await read(join(gone, 'about'))
  if (text !== undefined) {
    const about = parsed<About>(join(gone, 'about'), text)
    await rm(markOf(home, about), { force: true })
  }
  await rm(gone, { recursive: true, force: true })
}

/** Moves a session to its place; returns false where one is there already, or no folder for it. */
const moveFolder = async (from: string, to: string): Promise<boolean> => {
  try {
    return await move(from, to)
  } catch (error) {
    if (/^(ENOTEMPTY|EEXIST)$/.test(codeOf(error))) return false
    throw error
  }
}

/** Deletes sessions that have long ended, and marks that lead nowhere. */
const sweepHome = async (home: string, aside: string, stopped: () => boolean): Promise<void> => {
  for (const name of await list(join(home, 'sessions'))) {
    if (stopped()) return
    await sweepSession(join(home, 'sessions', name), home, aside)
  }
  for (const user of await list(join(home, 'users'))) {
    const marks = join(home, 'users', user)
    for (const mark of await list(marks)) {
      if (stopped()) return
      if (await look(home, mark)) continue
      // A young one may be that of a session that is being created.
      const { mtimeMs } = await stat(join(marks, mark))
      if (isLongOver(mtimeMs)) await rm(join(marks, mark), { force: true })
    }
    await rmdir(marks).catch(() => 'there are marks left')
  }
}

const sweepSession = async (place: string, home: string, aside: string): Promise<void> => {
  const isOver = async (path: string) => isLongOver(Number((await read(join(path, 'ends'))) ?? 0))
  if (!(await isOver(place))) return
  const gone = freshPath(aside)
  if (!(await move(place, gone))) return
  // A new session may have come into its place just before it was moved: back with it.
  if (!(await isOver(gone)) && (await moveFolder(gone, place))) return
  await forgetMoved(gone, home)
}

const parsed = <Value>(file: string, text: string): Value => {
  try {
    return JSON.parse(text) as Value
  } catch (cause) {
    throw corrupt(file, cause)
  }
}
