// From a stored measurement to its reports. Verdicts are made anew from what was measured, and must
// come out as they were stored.
import { randomBytes } from 'node:crypto'
import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { type Measurement, measurementSchema } from '#core/measurement/run'
import { SeesawError } from '../../core/errors.ts'
import { decodeHistogram } from '../stats/histogram.ts'
import { analyse } from '../verdict/analyse.ts'
import { chartOfCapacity, readCapacity } from './capacity.ts'
import type { Chart } from './chart.ts'
import { toHtml } from './html.ts'
import { lookOf } from './looks.ts'
import { toMarkdown } from './markdown.ts'

/** A measurement as it was stored, with what was made of it anew. */
export interface Read {
  measurement: Measurement
  /** What the stored analysis said otherwise: sentences, none if nothing. */
  differences: string[]
}

/** Reads a measurement and analyses it again. Throws MEASUREMENT_UNREADABLE. */
export const readMeasurement = (file: string): Read => {
  const stored = parse(file)
  const fresh = analyseAgain(file, stored)
  return { measurement: { ...stored, ...fresh }, differences: differencesOf(stored, fresh) }
}

/**
 * Writes the reports of the measurement in `file`, each aside and then into its place; the page with the
 * curves in the files of `capacity`. Throws MEASUREMENT_UNREADABLE, FILE_NOT_WRITTEN, WRONG_USE for a
 * capacity of something else.
 */
export const reportFile = async (
  file: string,
  { html, md, capacity = [] }: { html?: string; md?: string; capacity?: readonly string[] },
): Promise<Read> => {
  const read = readMeasurement(file)
  const { measurement, differences: warnings } = read
  const curves = capacity.map((one) => curveIn(one, measurement))
  if (html !== undefined) writeAside(html, toHtml(measurement, { warnings, capacity: curves }))
  if (md !== undefined) writeAside(md, toMarkdown(measurement, warnings))
  return read
}

/** The curve in `file`, of one of those who are compared. */
const curveIn = (file: string, measurement: Measurement): Chart => {
  const capacity = readCapacity(file)
  if (!capacity) throw new SeesawError('WRONG_USE', `${file} is no measurement of a capacity.`)
  const { contenders } = measurement.plan
  const at = contenders.findIndex(({ setup }) => setup === capacity.setup)
  const contender = contenders[at]
  if (!contender)
    throw new SeesawError(
      'WRONG_USE',
      `${file} is about ${capacity.setup}, and compared are ${contenders.flatMap(({ setup }) => setup || []).join(' and ')}.`,
    )
  return chartOfCapacity(capacity, { name: contender.name, look: lookOf(measurement, at) })
}

/** Writes `text` beside `file` and then moves it there: nobody ever sees half of it. Throws FILE_NOT_WRITTEN. */
export const writeAside = (file: string, text: string): void => {
  const aside = `${file}.${randomBytes(4).toString('hex')}.new`
  try {
    // A device, a pipe or a link is written to, not replaced.
    const there = lstatSync(file, { throwIfNoEntry: false })
    if (there && !there.isFile()) {
      writeFileSync(file, text)
      return
    }
    writeFileSync(aside, text, { flag: 'wx' })
    renameSync(aside, file)
  } catch (cause) {
    try {
      rmSync(aside, { force: true })
    } catch {
      // It could not be made, so there is nothing to remove.
    }
    throw new SeesawError('FILE_NOT_WRITTEN', `${file} cannot be written: ${whyNot(cause)}.`, {
      cause,
    })
  }
}

const analyseAgain = (file: string, stored: Measurement): ReturnType<typeof analyse> => {
  try {
    return analyse(stored)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SeesawError(
      'MEASUREMENT_UNREADABLE',
      `${file} is no measurement: it cannot be analysed (${why}).`,
      { cause },
    )
  }
}

/** Throws FILE_NOT_WRITTEN where `writeAside` would, and leaves nothing behind. */
export const refuseUnwritable = (file: string): void => {
  const there = lstatSync(file, { throwIfNoEntry: false })
  if (there && !there.isFile() && !there.isDirectory()) return
  const aside = `${file}.${randomBytes(4).toString('hex')}.new`
  try {
    writeAside(there?.isDirectory() ? file : aside, '')
  } catch (error) {
    throw error instanceof SeesawError
      ? new SeesawError(error.code, error.message.replace(aside, file), { cause: error.cause })
      : error
  }
  rmSync(aside, { force: true })
}

const parse = (file: string): Measurement => {
  const unreadable = (why: string, cause?: unknown) =>
    new SeesawError('MEASUREMENT_UNREADABLE', `${file} is no measurement: ${why}`, { cause })
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw unreadable(`${whyNot(cause)}.`, cause)
  }
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (cause) {
    throw unreadable(`it is no JSON (${cause instanceof Error ? cause.message : cause}).`, cause)
  }
  const result = measurementSchema.safeParse(data)
  if (result.success) return checked(result.data, unreadable)
  const [first] = result.error.issues
  const more = result.error.issues.length - 1
  throw unreadable(
    `${placeOf(first?.path ?? [])}: ${first?.message}${more > 0 ? ` (and ${more} more)` : ''}. docs/measurement.schema.json describes one.`,
    result.error,
  )
}

/** What a schema cannot say: that whoever is spoken of exists, and that histograms are some. */
const checked = (
  measurement: Measurement,
  unreadable: (why: string, cause?: unknown) => Error,
): Measurement => {
  const { plan, blocks, timelines } = measurement
  const known = plan.contenders.length
  const spoken = [...blocks.flatMap(({ slots }) => slots), ...timelines].map((one) => one.contender)
  const strange = spoken.find((contender) => contender >= known)
  if (strange !== undefined)
    throw unreadable(`it speaks of contender ${strange}, and the plan has ${known}.`)
  for (const { index, slots } of blocks)
    for (const slot of slots)
      for (const which of ['latency', 'service', 'lag'] as const)
        try {
          decodeHistogram(slot[which])
        } catch (cause) {
          throw unreadable(`block ${index} has a ${which} that is no histogram.`, cause)
        }
  return measurement
}

const placeOf = (path: readonly PropertyKey[]): string =>
  path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`))
    .join('') || 'the whole'

const whyNot = (cause: unknown): string => {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
  const known: Record<string, string> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'this user may not',
    EPERM: 'this user may not',
    EROFS: 'the disk is read-only',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk quota is used up',
    EISDIR: 'it is a folder',
    ENOTDIR: 'part of its path is no folder',
  }
  return known[code] ?? (cause instanceof Error ? cause.message : String(cause))
}

const differencesOf = (stored: Measurement, fresh: ReturnType<typeof analyse>): string[] =>
  (['gates', 'figures', 'groups', 'verdicts'] as const)
    .filter((part) => !isDeepStrictEqual(stored[part], fresh[part]))
    .map(
      (part) =>
        `The ${part} that are stored in this measurement are not those that its data give${
          part === 'verdicts' ? `, which are shown here: ${firstDifference(stored, fresh)}` : ''
        }. It was changed, or written by another version of Seesaw (${stored.seesaw}).`,
    )

const firstDifference = (stored: Measurement, fresh: Pick<Measurement, 'verdicts'>): string => {
  const at = Math.max(
    0,
    fresh.verdicts.findIndex((verdict, i) => !isDeepStrictEqual(verdict, stored.verdicts[i])),
  )
  const said = (verdict: Measurement['verdicts'][number] | undefined) =>
    verdict ? `“${verdict.sentence}”` : 'nothing'
  return `stored was ${said(stored.verdicts[at])}, now it is ${said(fresh.verdicts[at])}`
}
