// Keeps what a learner has made of the variants, one text for each scenario. A text is kept before it
// is looked at: one that cannot run is shown with the reason, and is not lost.
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { home, loadScenario, scenarioIds } from '../course/find.ts'
import { type Checked, checkedIn, type MineProblem, mine } from '../course/mine.ts'
import { notThere } from '../did-you-mean.ts'
import { SeesawError } from '../errors.ts'
import { writeAside } from '../files/data-folder.ts'
import { check } from './check.ts'

export interface ShelfOptions {
  /** `<data>/mine` */
  folder: string
  scenariosFolder?: string | undefined
  /** Why nothing is run here; absent where it may. */
  refused?: string | undefined
  /** Called when what runs is another one, or none. */
  onChange(scenario: string): Promise<void>
}

/** What `GET /api/mine/<scenario>` answers. */
export interface MineShown {
  scenario: string
  /** What one can begin with. */
  originals: { id: string; title: string; text: string }[]
  saved: MineSaved | null
  /** What was thrown away last can be had back. */
  canRestore: boolean
  /** The data folder, as `--data` takes it. */
  dataFolder: string
  /** Why it can be kept here but not run. */
  refused?: string
}

export interface MineSaved {
  basedOn: string
  text: string
  /** Every save has another. */
  savedAt: string
  /** `rate-limits/mine`, once it runs. */
  setup: string | null
  /** Another one with every text; measurements name it. */
  version: string
  /** Why it does not run. */
  problem?: MineProblem
}

/** A text at most, in bytes. */
export const mostTextBytes = 256 * 1024
/** A measurement that takes an hour goes on with the version that it began with. */
const mostVersions = 50

const metaSchema = z.object({ basedOn: z.string(), savedAt: z.iso.datetime() })
type Meta = z.infer<typeof metaSchema>

export type Shelf = ReturnType<typeof openShelf>

/** Opens the shelf; the folder is made with the first text. */
export const openShelf = (options: ShelfOptions) => {
  const { folder, scenariosFolder = join(home, 'scenarios'), refused, onChange } = options
  const last = new Map<string, Promise<unknown>>()
  let lastSavedMs = 0

  /** A folder of ours; never one whose name only a visitor knows. */
  const placeOf = (id: string): string => {
    const known = scenarioIds(scenariosFolder)
    if (!known.includes(id))
      throw new SeesawError('SCENARIO_NOT_FOUND', notThere('scenario', id, known))
    return join(folder, id)
  }

  /** One after another, for each scenario. */
  const inTurn = <T>(id: string, work: () => Promise<T>): Promise<T> => {
    const next = (last.get(id) ?? Promise.resolve()).then(work)
    last.set(
      id,
      next.catch(() => {}),
    )
    return next
  }

  const refuseWhereRefused = () => {
    if (refused) throw new SeesawError('UNSAFE_BIND_REFUSED', refused)
  }

  const originalsOf = async (id: string): Promise<MineShown['originals']> => {
    const { variants } = await loadScenario(id, scenariosFolder)
    return Object.entries(variants).flatMap(([variant, { title }]) => {
      if (variant === mine) return []
      const text = readText(originalFile(id, variant))
      return text === undefined ? [] : [{ id: variant, title, text }]
    })
  }
  const originalFile = (id: string, variant: string) =>
    join(scenariosFolder, id, 'variants', `${variant}.ts`)

  /** What is kept; undefined where nothing is, or where it is not ours. */
  const read = (id: string): (Meta & { text: string }) | undefined => {
    const place = placeOf(id)
    const text = readText(join(place, 'variant.ts'))
    const meta = metaIn(join(place, 'mine.json'))
    return text !== undefined && meta ? { ...meta, text } : undefined
  }

  const write = (id: string, basedOn: string, text: string): void => {
    const place = placeOf(id)
    lastSavedMs = Math.max(Date.now(), lastSavedMs + 1)
    const meta: Meta = { basedOn, savedAt: new Date(lastSavedMs).toISOString() }
    try {
      mkdirSync(place, { recursive: true, mode: 0o700 })
      writeAside(join(place, 'variant.ts'), text)
      writeAside(join(place, 'mine.json'), JSON.stringify(meta, null, 2))
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new SeesawError('DATA_FOLDER_UNUSABLE', `Your text cannot be kept (${why}).`, { cause })
    }
  }

  /** Finds out whether what is kept now can run, and has it run. */
  const tryOut = async (id: string): Promise<void> => {
    const saved = read(id)
    if (!saved || refused) return
    const { basedOn, savedAt, text } = saved
    const place = placeOf(id)
    const version = versionOf(basedOn, text)
    const before = checkedIn(place)
    // What did not run is tried again: the machine may have been too busy.
    if (before?.version !== version || before.problem) {
      const file = join(place, `${version}.mjs`)
      const relativeTo = join(scenariosFolder, id, 'variants')
      const came = await check({ scenario: id, text, relativeTo, file })
      if ('problem' in came) rmSync(file, { force: true })
      // Saved again or thrown away meanwhile: whoever did that comes next.
      if (read(id)?.savedAt !== savedAt) return
      const checked: Checked = { basedOn, savedAt, version, ...came }
      writeAside(join(place, 'checked.json'), JSON.stringify(checked, null, 2))
      prune(place)
    } else if (before.savedAt !== savedAt) {
      writeAside(join(place, 'checked.json'), JSON.stringify({ ...before, savedAt }, null, 2))
    }
    await onChange(id)
  }

  const show = async (id: string): Promise<MineShown> => {
    const place = placeOf(id)
    const saved = read(id)
    return {
      scenario: id,
      originals: await originalsOf(id),
      saved: saved ? { ...saved, ...whatBecameOf(id, saved) } : null,
      canRestore: existsSync(join(place, 'variant.deleted.ts')),
      dataFolder: dirname(folder),
      ...(refused ? { refused } : {}),
    }
  }

  const whatBecameOf = (id: string, { basedOn, text }: Meta & { text: string }) => {
    const checked = checkedIn(placeOf(id))
    const version = versionOf(basedOn, text)
    const isOfThis = checked?.version === version
    const runs = isOfThis && checked.about && !refused
    const problem = isOfThis ? checked.problem : undefined
    return { setup: runs ? `${id}/${mine}` : null, version, ...(problem ? { problem } : {}) }
  }

  return {
    show,

    /** Everything that is kept, without what it could have begun with. */
    list: () =>
      scenarioIds(scenariosFolder).flatMap((id) => {
        const saved = read(id)
        return saved ? [{ scenario: id, ...saved, ...whatBecameOf(id, saved) }] : []
      }),

    /**
     * Keeps a text, and says whether it runs. `over` is the `savedAt` of what it was made from, null
     * for nothing: throws SAVED_ELSEWHERE where something else is there by now.
     */
    async save(
      id: string,
      { basedOn, text, over }: { basedOn: string; text: string; over?: string | null | undefined },
    ): Promise<MineShown> {
      refuseWhereRefused()
      const known = (await originalsOf(id)).map((original) => original.id)
      if (!known.includes(basedOn))
        throw new SeesawError('VARIANT_NOT_FOUND', notThere(`variant of ${id}`, basedOn, known))
      const there = read(id)?.savedAt ?? null
      if (over !== undefined && over !== there)
        throw new SeesawError(
          'SAVED_ELSEWHERE',
          there === null
            ? 'It was reset meanwhile, perhaps in another tab. Yours is not lost: save it again.'
            : `A newer version was saved at ${there}, perhaps in another tab. Look at it first.`,
        )
      write(id, basedOn, text)
      await inTurn(id, () => tryOut(id))
      return show(id)
    },

    /** Throws away what is kept; it can be restored until the next time. */
    async reset(id: string): Promise<MineShown> {
      const place = placeOf(id)
      if (!read(id)) throw notKept(id)
      // At once, and not in turn: what somebody saves meanwhile is not what was to be thrown away.
      renameSync(join(place, 'variant.ts'), join(place, 'variant.deleted.ts'))
      renameSync(join(place, 'mine.json'), join(place, 'mine.deleted.json'))
      rmSync(join(place, 'checked.json'), { force: true })
      await inTurn(id, () => onChange(id))
      return show(id)
    },

    /** Brings back what was thrown away last. */
    async restore(id: string): Promise<MineShown> {
      refuseWhereRefused()
      const place = placeOf(id)
      const meta = metaIn(join(place, 'mine.deleted.json'))
      const text = readText(join(place, 'variant.deleted.ts'))
      if (!meta || text === undefined) throw notKept(id)
      if (read(id))
        throw new SeesawError(
          'SAVED_ELSEWHERE',
          'Another one was saved meanwhile; reset that first.',
        )
      write(id, meta.basedOn, text)
      for (const name of ['variant.deleted.ts', 'mine.deleted.json'])
        rmSync(join(place, name), { force: true })
      await inTurn(id, () => tryOut(id))
      return show(id)
    },

    /** The text as typed. */
    export(id: string): string {
      const saved = read(id)
      if (!saved) throw notKept(id)
      return saved.text
    },

    /** Tries what was never tried: saved right before the end, or with another Seesaw. */
    async tryAll(): Promise<void> {
      for (const id of scenarioIds(scenariosFolder)) {
        const saved = read(id)
        const version = saved && versionOf(saved.basedOn, saved.text)
        if (saved && checkedIn(placeOf(id))?.version !== version) await inTurn(id, () => tryOut(id))
      }
    },
  }
}

const notKept = (id: string): SeesawError =>
  new SeesawError('MINE_NOT_FOUND', `There is no variant of your own of ${id}.`)

/** Another one for every text; and for every place of Seesaw, which stands in what was compiled. */
const versionOf = (basedOn: string, text: string): string =>
  createHash('sha256').update(`1\n${home}\n${basedOn}\n${text}`).digest('hex').slice(0, 16)

const readText = (file: string): string | undefined => {
  try {
    const { size } = statSync(file)
    return size <= mostTextBytes ? readFileSync(file, 'utf8') : undefined
  } catch {
    return undefined
  }
}

const metaIn = (file: string): Meta | undefined => {
  try {
    return metaSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data
  } catch {
    return undefined
  }
}

const prune = (place: string): void => {
  const versions = readdirSync(place).filter((name) => name.endsWith('.mjs'))
  const byAge = versions
    .map((name) => ({ file: join(place, name), atMs: statSync(join(place, name)).mtimeMs }))
    .sort((a, b) => b.atMs - a.atMs)
  for (const { file } of byAge.slice(mostVersions)) rmSync(file, { force: true })
}
