// Work for the queue's contract, by name, so that another process can be told what to do. A job's
// data says what becomes of it; what is seen of it from outside stands in a file, a line per attempt.
import { appendFileSync, existsSync } from 'node:fs'
import type { Json, RunningJob, Work } from '#core/kinds'
import { waitMs } from './subject.ts'

/** What `act` is told by a job's data; all of it may be left out. */
export interface Act {
  /** The file that notes each attempt as it begins. */
  file?: string
  /** How long it takes. */
  ms?: number
  /** Wait until this file is there, after that. */
  until?: string
  /** Throw this until the attempt of number `failures` is over; without it, always. */
  error?: string
  failures?: number
  /** Die without warning in attempts up to this one. */
  deaths?: number
  /** Never end. */
  hang?: boolean
  result?: Json
}

/** A line of the file. */
export interface Note {
  id: string
  attempt: number
  atMs: number
  pid: number
}

const act = async ({ id, attempt, data }: RunningJob): Promise<Json> => {
  const { file, ms = 0, until, error, failures = Infinity, deaths = 0, hang, result } = data as Act
  const note: Note = { id, attempt, atMs: Date.now(), pid: process.pid }
  if (file) appendFileSync(file, `${JSON.stringify(note)}\n`)
  if (attempt <= deaths) process.kill(process.pid, 'SIGKILL')
  if (hang) await new Promise(() => {})
  if (ms > 0) await waitMs(ms)
  while (until && !existsSync(until)) await waitMs(5)
  if (error !== undefined && attempt <= failures) throw new Error(error)
  return result ?? null
}

export const works = { act } satisfies Record<string, Work>
