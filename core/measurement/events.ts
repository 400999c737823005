// What a measurement says while it runs: to a terminal, or as one JSON object per line.

import type { Metric } from './metrics.ts'
import type { Contender, Slot } from './run.ts'

export type Progress =
  | {
      type: 'plan'
      /** How long it will take. */
      seconds: number
      contenders: Contender[]
      blocks: number
      primary: Metric
    }
  | { type: 'queued'; behind: string }
  | {
      type: 'phase'
      phase: 'proving' | 'starting' | 'calibrating' | 'warming up' | 'measuring' | 'timeline'
      says: string
    }
  | {
      type: 'slice'
      contender: string
      load: Slot['load']
      /** False in a warm-up, of which nothing is kept. */
      counts: boolean
      answered: number
      seconds: number
      p50Ms: number
      p99Ms: number | null
      /** Null in a warm-up. */
      backendCalls: number | null
      /** Since the measurement began. */
      atMs: number
    }
  | {
      type: 'block'
      done: number
      of: number
      /** Of the primary metric's interval, as a share: 0.02 is ±2 %; null before there is one. */
      halfWidth: number | null
      secondsLeft: number
    }
  | { type: 'result'; file: string }
  | { type: 'done' }
