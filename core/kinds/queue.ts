// Work that is accepted now and done later, perhaps by another process.
import type { Json } from './json.ts'

/** Every accepted job is done at least once where the adapter survives restarts and crashes. */
export interface Queue {
  /**
   * Accepts a job and returns its id. When this resolves the job is kept as well as the adapter
   * keeps anything. With a `key`, adding again under the same name and key makes no second job but
   * returns the id of the first, also after that one has ended. `delayMs` puts off its start.
   * Throws PAYLOAD_REFUSED for data that is no JSON or larger than 1 MB, BACKEND_UNREACHABLE.
   */
  add(name: string, data: Json, options?: { key?: string; delayMs?: number }): Promise<string>

  /**
   * Does the jobs of this name from now on, until the queue is closed, up to `concurrency` at once
   * in this process. An attempt fails when `work` throws, or does not end within `withinMs`, or its
   * process dies; it is repeated after `backoffMs`, twice that, four times that …, until there were
   * `attempts`; then the job is `failed` for good. Throws BACKEND_UNREACHABLE.
   */
  process(name: string, work: Work, options: WorkOptions): Promise<void>

  /**
   * Adds a job of this name every `everyMs` milliseconds, once over all processes that say so;
   * saying it again with another interval changes it. As long as the queue is open and not cleared
   * here, a schedule that the backend has lost is made again within a second or two. Throws
   * BACKEND_UNREACHABLE.
   */
  schedule(name: string, data: Json, options: { everyMs: number }): Promise<void>

  /** Returns what is known of a job; undefined for an unknown id. Throws BACKEND_UNREACHABLE. */
  find(id: string): Promise<JobReport | undefined>

  /** Returns how many jobs are in each state. Throws BACKEND_UNREACHABLE. */
  counts(): Promise<Record<JobState, number>>

  /** Returns the jobs that have failed for good, newest first, at most 100. Throws BACKEND_UNREACHABLE. */
  failed(): Promise<JobReport[]>
}

/** What a worker does with a job; what it returns is the job's result. */
export type Work = (job: RunningJob) => Promise<Json>

export interface RunningJob {
  readonly id: string
  readonly data: Json
  /** From 1. */
  readonly attempt: number
}

export interface WorkOptions {
  concurrency: number
  attempts: number
  backoffMs: number
  withinMs: number
}

/** `waiting` counts those put off, too; `running` those whose process died and is not yet missed. */
export type JobState = 'waiting' | 'running' | 'done' | 'failed'

export interface JobReport {
  readonly id: string
  readonly name: string
  readonly state: JobState
  /** Attempts that have begun. */
  readonly attempts: number
  /** What `work` returned; absent unless done. */
  readonly result?: Json
  /** Why the last attempt failed; absent where none has. */
  readonly error?: string
}
