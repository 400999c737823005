// The life of a measurement, whatever is measured: its files are tried, it waits for its turn, keeps
// what it has after every part, tells what came of it, and lets the next one measure.
import type { Progress } from '#core/measurement/events'
import { SeesawError } from '../../core/errors.ts'
import { refuseUnwritable } from '../report/file.ts'
import { interruption, wasInterrupted } from '../run/interruption.ts'
import { type Forms, show, write } from './forms.ts'
import { keeper } from './keeper.ts'
import { takeTurn } from './lock.ts'
import { type BenchOptions, jsonFile } from './options.ts'
import { goOnLine } from './resume.ts'
import { endLine, talkJson, talkToPerson } from './talk.ts'

/** One kind of measurement: a run, a capacity, or a comparison of functions. */
export interface Kind<Stored> {
  /** What a person is told before it waits for its turn; without it, `talk` tells. */
  summary?: string
  /** What goes on, if anything does. */
  earlier: Stored | undefined
  /** Where one is kept that ended early and had no file. */
  ownFile(measurement: Stored): string
  /** `3 of 6 blocks`; empty where nothing has been measured. */
  partOf(measurement: Stored): string
  measure(around: Around<Stored>): Promise<Stored>
  /** What can be shown of it; nothing where it shows none of its parts before it has ended. */
  forms(measurement: Stored): Forms | undefined
  /** Whether what came of it cannot be used. */
  isSpoiled(measurement: Stored): boolean
  /** How a person hears of what happens. */
  talk?(event: Progress): void
}

export interface Around<Stored> {
  signal: AbortSignal
  onProgress(event: Progress): void
  save(measurement: Stored): void
}

/** Where a measurement is to be kept: where `--json` says, or where it goes on. */
export const fileOf = (options: BenchOptions): string | undefined =>
  jsonFile(options) ?? options.resume

/** Measures. Sets the exit code: 0, 1 for what is spoiled, 130 for what was interrupted. */
export const runSession = async <Stored extends { finishedAt: string | null }>(
  kind: Kind<Stored>,
  options: BenchOptions,
): Promise<void> => {
  const { html, md, resume } = options
  const file = fileOf(options)
  const isForPrograms = options.progress === 'json'
  // Tried before anything is measured: minutes of load for a folder that is not there would hurt.
  for (const where of [file, md, html]) if (where !== undefined) refuseUnwritable(where)
  const talk = isForPrograms ? talkJson : (kind.talk ?? talkToPerson)
  const interrupted = interruption()
  if (!isForPrograms && kind.summary !== undefined) process.stderr.write(`${kind.summary}\n`)
  const turn = await takeOurTurn(interrupted, talk)
  const kept = keeper<Stored>({
    file,
    ownFile: kind.ownFile,
    partOf: kind.partOf,
    begun:
      kind.earlier && resume !== undefined
        ? { measurement: kind.earlier, file: resume }
        : undefined,
    goOn: goOnLine(options),
  })
  const endInterrupted = () => {
    kept.tellInterrupted()
    process.exitCode = 130
  }
  try {
    const measurement = await kind.measure({
      signal: interrupted,
      onProgress: talk,
      save: kept.keep,
    })
    kept.keep(measurement)
    const forms = kept.isWorthKeeping(measurement) ? kind.forms(measurement) : undefined
    if (forms) {
      write(options, forms)
      if (!isForPrograms) {
        endLine()
        show(forms)
      }
    }
    if (measurement.finishedAt === null) return endInterrupted()
    if (isForPrograms) talkResult(file)
    process.exitCode = kind.isSpoiled(measurement) ? 1 : 0
  } catch (error) {
    if (await isFromInterrupting(error, interrupted)) return endInterrupted()
    // What was measured before it went wrong is not lost.
    kept.tellFailed()
    throw error
  } finally {
    turn.release()
  }
}

/** Waits until nobody else measures, and says for whom. */
export const takeOurTurn = (interrupted: AbortSignal, talk: (event: Progress) => void) =>
  takeTurn({ signal: interrupted, onWait: (behind) => talk({ type: 'queued', behind }) })

/** What goes wrong after Ctrl-C is of no interest, unless it is what keeps the measurement from being kept. */
const isFromInterrupting = async (error: unknown, interrupted: AbortSignal): Promise<boolean> =>
  !(error instanceof SeesawError && error.code === 'FILE_NOT_WRITTEN') &&
  (await wasInterrupted(interrupted))

/** The last that is said to a program. */
const talkResult = (file: string | undefined): void => {
  if (file !== undefined) talkJson({ type: 'result', file })
  talkJson({ type: 'done' })
}
