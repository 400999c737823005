// A limiter keeps a small state per key and changes it in one atomic step. The algorithm is a pure
// function that the variant brings along; the adapter only makes it atomic.
import type { Json } from './json.ts'

export interface Limiter {
  /**
   * Replaces the state of `key` by what `step` makes of it and returns the step's result: one
   * atomic change over all processes that share the backend.
   *
   * The step's `state` is undefined for a key never seen, or forgotten because `ttlMs`
   * milliseconds have passed since its last update; its `nowMs` is the clock that all processes
   * share which share the backend, in whole milliseconds since epoch: the server's, else this
   * machine's. It may step backwards.
   *
   * With `lua` a Redis adapter runs that twin of `step` in one round trip; it must decide as `step`
   * does. A key must always be updated by the same step. Throws BACKEND_UNREACHABLE.
   */
  update<State extends Json, Result extends Json>(
    key: string,
    step: Step<State, Result>,
    options: { ttlMs: number; lua?: LuaStep },
  ): Promise<Result>
}

/** A pure function: a backend may call it again when another process wrote first. */
export type Step<State, Result> = (
  state: State | undefined,
  nowMs: number,
) => { state: State; result: Result }

/**
 * The body of a Lua 5.1 function that is given `state` (nil or what it returned last), `now_ms`
 * and `args` (a list of numbers), and that ends in `return state, result`. The state's numbers keep
 * their full precision; the result's keep 14 digits, so let it be made of integers, strings and
 * booleans. An empty table in the result arrives as `{}`.
 */
export interface LuaStep {
  readonly source: string
  readonly args: readonly number[]
}
