// Counts what adapters are asked, from outside: calls, failures and time per kind and operation,
// in totals of this process that are always on. A request's own calls are written down only while
// somebody watches it, because following a request costs several times what counting does.
import { AsyncLocalStorage } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import type { Opened } from '../adapter.ts'
import type { Kind } from '../kinds/index.ts'

/** Sums over one operation of one kind on one backend, since the process began. */
export interface Total {
  calls: number
  failures: number
  /** Time from each call to its answer, added up, in milliseconds. */
  ms: number
}

/** One adapter call of a watched request. */
export interface Call {
  /** `session.get` */
  name: string
  backend: string
  /** From the beginning of the request, in milliseconds. */
  startMs: number
  ms: number
  failed: boolean
}

const totals: Record<string, Total> = {}

/** The sums by `kind.operation@backend`; what was never called is absent. */
export const readTotals = (): Readonly<Record<string, Total>> => totals

interface Trace {
  beganMs: number
  calls: Call[]
}
const traces = new AsyncLocalStorage<Trace>()
let watched = 0

/** Runs `work` and notes the adapter calls it makes in `calls`, as they end. */
export const traced = async (calls: Call[], work: () => Promise<void>): Promise<void> => {
  watched++
  try {
    await traces.run({ beganMs: performance.now(), calls }, work)
  } finally {
    watched--
    if (watched === 0) traces.disable()
  }
}

/** Returns `opened` with every operation counted. Owners' operations, clear and close, are not. */
export const metered = <K extends Kind>(kind: K, backend: string, opened: Opened<K>): Opened<K> => {
  const counting = Object.entries(opened as unknown as Record<string, Operation>)
    .filter(([operation]) => operation !== 'clear' && operation !== 'close')
    .map(([operation, work]) => {
      const name = `${kind}.${operation}`
      const whole = operation === 'transaction' ? countingWithin(kind, backend, work) : work
      return [operation, counted(name, backend, whole)]
    })
  return { ...opened, ...Object.fromEntries(counting) }
}

/** Counts the statements of a transaction like those outside of one. */
const countingWithin = (kind: Kind, backend: string, transaction: Operation): Operation => {
  type Statements = Record<string, Operation>
  return (work) =>
    transaction((within: Statements) =>
      (work as (within: Statements) => Promise<unknown>)(
        Object.fromEntries(
          Object.entries(within).map(([operation, ask]) => [
            operation,
            counted(`${kind}.${operation}`, backend, ask),
          ]),
        ),
      ),
    )
}

type Operation = (...args: unknown[]) => Promise<unknown>

const counted = (name: string, backend: string, work: Operation): Operation => {
  totals[`${name}@${backend}`] ??= { calls: 0, failures: 0, ms: 0 }
  const total = totals[`${name}@${backend}`] as Total
  return async (...args) => {
    const trace = watched > 0 ? traces.getStore() : undefined
    const startMs = performance.now()
    let failed = true
    try {
      const result = await work(...args)
      failed = false
      return result
    } finally {
      const ms = performance.now() - startMs
      total.calls++
      total.ms += ms
      if (failed) total.failures++
      trace?.calls.push({ name, backend, startMs: startMs - trace.beganMs, ms, failed })
    }
  }
}
