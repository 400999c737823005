// Steps for the limiter's contract, by name, so that another process can be told which to take.
import type { LuaStep, Step } from '#core/kinds'

/** Counts its updates: the n-th returns n. */
export const count: Step<number, number> = (state = 0) => ({ state: state + 1, result: state + 1 })

/** The same in Lua. */
export const countInLua: LuaStep = {
  source: 'state = (state or 0) + args[1]\nreturn state, state',
  args: [1],
}

export const steps = { count }
