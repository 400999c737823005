// Keeps what is measured while it grows, and says at the end of one that ended early what is really
// there: not what was to be written, but what was.
import { writeAside } from '../report/file.ts'
import { endLine } from './talk.ts'

export interface KeeperOptions<Stored> {
  /** Where it goes after every part; without one, only what ended early, to a file by `ownFile`. */
  file: string | undefined
  ownFile(measurement: Stored): string
  /** `3 of 6 blocks`; empty where nothing has been measured. */
  partOf(measurement: Stored): string
  /** What goes on, and the file that it is in. */
  begun?: { measurement: Stored; file: string } | undefined
  /** The line that goes on with what is in a file. */
  goOn(file: string): string
}

export interface Keeper<Stored> {
  /** Writes it where it was asked for, unless there is nothing in it. Throws FILE_NOT_WRITTEN. */
  keep(measurement: Stored): void
  /** Whether there is anything in it: a part, or a result. */
  isWorthKeeping(measurement: Stored): boolean
  /** Says what there is of one that was interrupted. Throws FILE_NOT_WRITTEN. */
  tellInterrupted(): void
  /** Says what there is of one that failed; whatever goes wrong now is said, and never thrown. */
  tellFailed(): void
}

export const keeper = <Stored extends { finishedAt: string | null }>({
  file,
  ownFile,
  partOf,
  begun,
  goOn,
}: KeeperOptions<Stored>): Keeper<Stored> => {
  const inWords = (measurement: Stored, where: string) =>
    measurement.finishedAt === null
      ? `${partOf(measurement)} are kept in ${where}. To go on: ${goOn(where)}`
      : `All that was measured is kept in ${where}.`
  let last: Stored | undefined
  // A measurement changes where it is: what was written of it has to be put into words now.
  let written = begun && partOf(begun.measurement) ? inWords(begun.measurement, begun.file) : ''
  const write = (measurement: Stored, where: string) => {
    writeAside(where, serialised(measurement))
    written = inWords(measurement, where)
  }
  const isWorthKeeping = (measurement: Stored) =>
    measurement.finishedAt !== null || partOf(measurement) !== ''
  const writeUnasked = () => {
    if (last && file === undefined) write(last, ownFile(last))
  }
  const say = (text: string) => {
    endLine()
    process.stderr.write(`${text}\n`)
  }
  return {
    isWorthKeeping,
    keep(measurement) {
      if (!isWorthKeeping(measurement)) return
      last = measurement
      if (file !== undefined) write(measurement, file)
    },
    tellInterrupted() {
      writeUnasked()
      say(written || 'Interrupted before the first part had ended: nothing to keep.')
    },
    tellFailed() {
      try {
        writeUnasked()
      } catch (error) {
        say(`What was measured is lost: ${error instanceof Error ? error.message : error}`)
      }
      if (written) say(written)
    },
  }
}

const serialised = (measurement: object): string => `${JSON.stringify(measurement)}\n`
