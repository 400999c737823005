// What the coordinator asks of the load client, which runs in a process of its own.
import type { Slot, Timeline } from '#core/measurement/run'
import type { Schedule } from './arrivals.ts'

/** Whom to load, and with what. */
export interface Target {
  /** Any number that tells the targets of one client apart. */
  id: number
  /** The setup id; empty for the reference, which is sent GET / and answers 200. */
  setup: string
  /** `http://127.0.0.1:3001` */
  url: string
  workload: string
  scenariosFolder?: string
  connections: number
  timeoutMs: number
}

/** What came of one slice, counted by the client alone. */
export type SliceResult = Pick<
  Slot,
  | 'seconds'
  | 'offered'
  | 'sent'
  | 'answered'
  | 'failed'
  | 'timedOut'
  | 'judged'
  | 'statuses'
  | 'sentBytes'
  | 'receivedBytes'
  | 'latency'
  | 'service'
  | 'lag'
> & {
  /** CPU time of the client process during the slice, and the share of it that its loop was busy. */
  cpuMs: number
  busy: number
  medianMs: number
  /** The first wrong answer or failure, to be shown; empty if there was none. */
  firstTrouble: string
}

export interface OpenSlice extends Schedule {
  /** While so many wait for an answer, what is due is counted as offered and not sent; no limit if left out. */
  mostUnderWay?: number
}

export interface TimelineResult {
  buckets: Timeline['buckets']
  /** When the schedule began, by `machineNowMs`. */
  beganAtMs: number
  whole: SliceResult
}

export type ClientCalls = {
  /** Prepares the workload (signs in, …) and connects. Whatever was open under this id is closed first. */
  open(target: Target): Promise<void>
  /** As fast as answers come, for `ms`; waits for what is under way. */
  closedSlice(of: { id: number; ms: number }): Promise<SliceResult>
  /** On a schedule, whatever the server does; waits for what is under way, at most the timeout. */
  openSlice(of: { id: number } & OpenSlice): Promise<SliceResult>
  /** The same, and besides what became of the requests by the moment at which each was due. */
  openTimeline(of: { id: number; bucketMs: number } & Schedule): Promise<TimelineResult>
  close(id: number): Promise<void>
}
