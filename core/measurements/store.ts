// Measurements on disk, in the data folder's `measurements/`. Each has a ticket, `<id>.ticket.json`,
// which says what was asked and what came of it, and, from its first block on, the measurement itself,
// `<id>.json`, written by the command. Whatever else lies there was not made by Seesaw: it is named
// and left alone.
import { randomBytes } from 'node:crypto'
import { constants, mkdirSync } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { SeesawError } from '../errors.ts'
import { writeAside } from '../files/data-folder.ts'

const time = z.iso.datetime()
const ticketSchema = z.strictObject({
  format: z.literal(1),
  id: z.string(),
  /** The line that does the same on a terminal. */
  command: z.string(),
  scenario: z.string(),
  /** As asked for; those that were measured as soon as they are known. */
  setups: z.array(z.string()),
  preset: z.string(),
  /** Null until it is known, where none was asked for. */
  seed: z.number().nullable(),
  status: z.enum(['queued', 'running', 'done', 'interrupted', 'failed']),
  askedAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  /** How many blocks have been measured, and of how many; 0 of 0 where nothing was. */
  blocks: z.strictObject({ done: z.number(), of: z.number() }),
  /** The sentences that answer the scenario's question. */
  verdicts: z.array(z.string()),
  error: z.strictObject({ code: z.string(), detail: z.string() }).optional(),
})
export type Ticket = z.infer<typeof ticketSchema>

/** As much of a measurement as a list shows; core/measurement/run.ts has the whole. */
const summarySchema = z.object({
  format: z.literal(1),
  finishedAt: time.nullable(),
  seed: z.number(),
  plan: z.object({
    scenario: z.string(),
    preset: z.string(),
    blocks: z.number(),
    contenders: z.array(z.object({ setup: z.string(), reference: z.boolean() })),
  }),
  blocks: z.array(z.unknown()),
  verdicts: z.array(z.object({ exploratory: z.boolean(), sentence: z.string() })),
})

/** A file in the folder that is not shown, and why. */
export interface Skipped {
  file: string
  because: string
}

const idPattern = /^\d{8}-\d{6}-\d{3}-[0-9a-f]{8}$/
const ticketFile = /^(.+)\.ticket\.json$/
/** Those of an id; `.new` is being written, or was when the machine went down. */
const ownFile = /^([^.]+)(\.ticket)?\.(json|html|md)(\.new)?$/
const mostSkipped = 20
const largestTicketBytes = 256 * 1024
const largestResultBytes = 128 * 1024 * 1024

/** A new id: when, to the millisecond, and something that nobody can guess. Sorted, they are in order. */
export const newId = (atMs: number): string => {
  const [date = '', clock = ''] = new Date(atMs).toISOString().split('T')
  const digits = clock.replace(/\D/g, '')
  return [
    date.replaceAll('-', ''),
    digits.slice(0, 6),
    digits.slice(6, 9),
    randomBytes(4).toString('hex'),
  ].join('-')
}

export type ReportFormat = 'html' | 'md'

/** The measurements in `folder`, which is made when the first one is kept. */
export const openStore = (folder: string) => {
  const fileOf = (id: string, end: '.ticket.json' | '.json' | `.${ReportFormat}`): string => {
    if (!idPattern.test(id)) throw notFound(id)
    return join(folder, `${id}${end}`)
  }

  /** What a file says of the measurement; undefined where there is none that can be read. */
  const summarize = async (id: string) => {
    const text = await readWhole(fileOf(id, '.json'), largestResultBytes).catch(() => undefined)
    const found = text === undefined ? undefined : fits(summarySchema, text)
    if (!found?.ok) return undefined
    const { finishedAt, seed, plan, blocks, verdicts } = found.value
    return {
      finishedAt,
      seed,
      scenario: plan.scenario,
      preset: plan.preset,
      setups: plan.contenders.flatMap(({ setup, reference }) => (reference ? [] : [setup])),
      blocks: { done: blocks.length, of: plan.blocks },
      verdicts: verdicts.filter(({ exploratory }) => !exploratory).map(({ sentence }) => sentence),
    }
  }

  const read = async (id: string): Promise<Ticket> => {
    const text = await readWhole(fileOf(id, '.ticket.json'), largestTicketBytes)
    const found = fits(ticketSchema, text)
    if (!found.ok || found.value.id !== id)
      throw new SeesawError('DATA_CORRUPT', `${id}.ticket.json is no ticket of a measurement.`)
    return { ...found.value, ...(await whatBecameOf(found.value)) }
  }

  /**
   * A ticket that still says "running" was left by a Seesaw that was killed: the command noticed
   * and stopped, and kept what it had measured until then.
   */
  const whatBecameOf = async (ticket: Ticket): Promise<Partial<Ticket>> => {
    if (ticket.status !== 'running' && ticket.status !== 'queued') return {}
    const summary = await summarize(ticket.id)
    return { ...summary, status: summary?.finishedAt ? 'done' : 'interrupted' }
  }

  return {
    fileOf,
    summarize,

    /** Throws DATA_FOLDER_UNUSABLE. */
    keep(ticket: Ticket): void {
      const file = fileOf(ticket.id, '.ticket.json')
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        writeAside(file, JSON.stringify(ticket, null, 2))
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause)
        throw new SeesawError(
          'DATA_FOLDER_UNUSABLE',
          `The measurement cannot be kept (${why}); make room, or name another folder with --data.`,
          { cause },
        )
      }
    },

    /** Throws MEASUREMENT_NOT_FOUND, DATA_CORRUPT. */
    async ticket(id: string): Promise<Ticket> {
      try {
        return await read(id)
      } catch (error) {
        if (error instanceof SeesawError) throw error
        throw notFound(id)
      }
    },

    /** The measurement as JSON text; undefined where there is none yet. Throws DATA_CORRUPT. */
    async result(id: string): Promise<string | undefined> {
      const file = fileOf(id, '.json')
      const text = await readWhole(file, largestResultBytes).catch((error) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw new SeesawError('DATA_CORRUPT', `${id}.json cannot be read.`, { cause: error })
      })
      // The command tries whether it can write before it has anything to say.
      if (text === '') return undefined
      if (text !== undefined && !fits(summarySchema, text).ok)
        throw new SeesawError('DATA_CORRUPT', `${id}.json is no measurement.`)
      return text
    },

    /** A report that is not older than what it reports of; undefined where there is none. */
    async report(id: string, format: ReportFormat): Promise<string | undefined> {
      const [result, report] = [fileOf(id, '.json'), fileOf(id, `.${format}`)]
      const [measured, made] = await Promise.all([stat(result), stat(report)]).catch(() => [])
      if (!measured || !made || made.mtimeMs < measured.mtimeMs) return undefined
      return readWhole(report, largestResultBytes).catch(() => undefined)
    },

    /** Newest first. Reads no more tickets than are shown. */
    async list(page: { limit: number; offset: number }) {
      const names = await readdir(folder).catch(() => [])
      const ids = new Set(names.flatMap((name) => ticketFile.exec(name)?.[1] ?? []).filter(isId))
      const skipped: Skipped[] = names
        .filter((name) => {
          const id = ownFile.exec(name)?.[1]
          return id === undefined || !ids.has(id)
        })
        .map((file) => ({ file: file.slice(0, 200), because: 'Seesaw has not made it' }))
      const chosen = [...ids].sort().reverse()
      const tickets: Ticket[] = []
      for (const id of chosen.slice(page.offset, page.offset + page.limit))
        try {
          tickets.push(await read(id))
        } catch (error) {
          const why = error instanceof SeesawError ? 'it is no ticket' : 'it cannot be read'
          skipped.push({ file: `${id}.ticket.json`, because: why })
        }
      return { tickets, total: ids.size, skipped: skipped.slice(-mostSkipped) }
    },
  }
}

const isId = (text: string): boolean => idPattern.test(text)

const notFound = (id: string): SeesawError =>
  new SeesawError(
    'MEASUREMENT_NOT_FOUND',
    `There is no measurement '${id.slice(0, 60)}'; GET /api/bench lists them.`,
  )

const fits = <Shape extends z.ZodType>(
  shape: Shape,
  text: string,
): { ok: true; value: z.output<Shape> } | { ok: false } => {
  try {
    const checked = shape.safeParse(JSON.parse(text))
    return checked.success ? { ok: true, value: checked.data } : { ok: false }
  } catch {
    return { ok: false }
  }
}

/** A file of ours is a plain file: no link to another place, no pipe that would never end. */
const readWhole = async (file: string, mostBytes: number): Promise<string> => {
  const handle = await open(
    file,
    constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
  )
  try {
    const { size, isFile } = await handle.stat().then((stat) => ({
      size: stat.size,
      isFile: stat.isFile(),
    }))
    if (!isFile || size > mostBytes) throw new Error('it is no plain file, or too large')
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}
