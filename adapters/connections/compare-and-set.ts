// Atomic steps on a store that can do no more than read a state and replace it unless somebody else
// was faster: read, step, write, and once more from the start where the write came too late
// (optimistic concurrency control: Kung and Robinson, 1981).
import type { Json, Limiter, Step } from '#core/kinds'

/** What such a store does. A `Version` tells apart everything that was ever written under a key. */
export interface VersionedStore<Version> {
  /**
   * Returns the state of `key` and its version; a `state` of undefined where none is stored or it
   * has expired. `nowMs` is the store's own clock: those of its clients differ.
   */
  read(key: string): Promise<{ state: Json | undefined; version: Version; nowMs: number }>
  /**
   * Writes `state` to live for `ttlMs` if `version` is still that of `key`, in one atomic step;
   * returns whether it did.
   */
  write(key: string, version: Version, state: Json, ttlMs: number): Promise<boolean>
}

interface Waiting {
  step: Step<Json, Json>
  ttlMs: number
  resolve(result: Json): void
  reject(error: unknown): void
}

/**
 * Makes a limiter's `update` out of a versioned store. The updates of one key that wait in this
 * process go together: one read, one step after another, one write. So a busy key costs its
 * server no more than a quiet one, and a process competes with other processes, never with itself.
 */
export const compareAndSet = <Version>(store: VersionedStore<Version>): Limiter['update'] => {
  const waiting = new Map<string, Waiting[]>()

  const workOff = async (key: string, queue: Waiting[]) => {
    while (queue.length > 0) {
      const turn = queue.splice(0)
      try {
        await takeTurn(key, turn)
      } catch (error) {
        // Whoever queued up meanwhile would only wait as long again for the same answer.
        for (const { reject } of [...turn, ...queue.splice(0)]) reject(error)
      }
    }
    waiting.delete(key)
  }

  const takeTurn = async (key: string, turn: Waiting[]) => {
    for (let attempt = 0; ; attempt++) {
      const { state, version, nowMs } = await store.read(key)
      const done = takeSteps(turn, state, nowMs)
      if (done.ttlMs === undefined || (await store.write(key, version, done.state, done.ttlMs))) {
        for (const settle of done.settle) settle()
        return
      }
      // Another process wrote first, so somebody got on. A random pause keeps several processes
      // from running into each other again and again.
      const pauseMs = Math.random() * Math.min(2 ** attempt, 32)
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }

  return (key, step, { ttlMs }) =>
    new Promise((resolve, reject) => {
      const entry = { step, ttlMs, resolve, reject } as unknown as Waiting
      const queue = waiting.get(key)
      if (queue) {
        queue.push(entry)
        return
      }
      const fresh = [entry]
      waiting.set(key, fresh)
      workOff(key, fresh)
    })
}

/** Takes one step after another; a step that throws fails alone and leaves the state as it was. */
const takeSteps = (turn: Waiting[], before: Json | undefined, nowMs: number) => {
  let state = before
  let ttlMs: number | undefined
  const settle = turn.map((entry) => {
    try {
      const next = entry.step(state, nowMs)
      state = next.state
      ttlMs = entry.ttlMs
      return () => entry.resolve(next.result)
    } catch (error) {
      return () => entry.reject(error)
    }
  })
  return { settle, state: state as Json, ttlMs }
}
