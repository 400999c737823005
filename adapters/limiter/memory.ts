// A limiter in a Map of this process. A step runs to its end before anything else does, so it is
// atomic by itself. The states are kept as the steps made them, without a copy: a step is pure, it
// returns a new state and changes none.
import { defineAdapter } from '#core/adapter'
import type { Json, Step } from '#core/kinds'
import { expiringMap } from '../connections/expiring-map.ts'

export default defineAdapter<'limiter'>({
  traits: { sharedBetweenProcesses: false, survivesRestart: false },

  open: async ({ nowMs }) => {
    const states = expiringMap<Json>()
    return {
      update: async <State extends Json, Result extends Json>(
        key: string,
        step: Step<State, Result>,
        { ttlMs }: { ttlMs: number },
      ) => {
        // Lifetimes go by the machine's clock: the caller's may stand still or step backwards.
        const atMs = Date.now()
        const entry = states.find(key, atMs)
        const { state, result } = step(entry?.value as State | undefined, nowMs())
        if (entry) {
          entry.value = state
          entry.endsAtMs = atMs + ttlMs
        } else {
          states.set(key, state, atMs + ttlMs, atMs)
        }
        return result
      },
      clear: async () => states.clear(),
      close: async () => states.clear(),
    }
  },
})
