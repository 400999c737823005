// Says when the next request is due. The schedule lies in memory that the pacer's thread shares.
import { Worker } from 'node:worker_threads'

export interface Pacer {
  /**
   * Calls `due(i, atMs)` for every time of `offsets` (milliseconds from now, in order) as soon as it
   * has come, never before it, each exactly once; `atMs` is the intended time by
   * `performance.now()`. Returns the beginning, by that clock. One schedule at a time.
   */
  start(offsets: Float64Array, due: (i: number, atMs: number) => void): number
  /** Sends what is due by now without waiting for the thread: for whoever is awake anyway. */
  catchUp(): void
}

/** Between `start` and offset zero, so that the thread is asleep by the first arrival. */
const headStartMs = 2

export const startPacer = async (): Promise<Pacer> => {
  const thread = new Worker(new URL('./pacer-thread.mjs', import.meta.url))
  await new Promise((resolve) => thread.once('online', resolve))
  // Each thread's `performance.now()` begins anew; the clock below it is the same.
  const between = clocksApartMs()
  let catchUp = () => {}
  let wake = (_due: number) => {}
  thread.on('message', (due: number) => wake(due))
  thread.unref()

  return {
    start(offsets, due) {
      const beganMs = performance.now() + headStartMs
      const times = new Float64Array(new SharedArrayBuffer(offsets.byteLength))
      for (let i = 0; i < times.length; i++) times[i] = beganMs + between + offsets[i]!
      const next = new Int32Array(new SharedArrayBuffer(4))
      let i = 0
      catchUp = () => {
        for (; i < times.length; ) {
          const atMs = beganMs + offsets[i]!
          if (atMs > performance.now()) break
          Atomics.store(next, 0, i + 1)
          due(i++, atMs)
        }
      }
      // The two clocks may differ by a little: what is due by the thread's but not yet by ours would
      // never be sent, for the thread does not wake us twice.
      wake = (due) => {
        catchUp()
        if (i >= due) return
        const here = wake
        setTimeout(
          () => wake === here && here(due),
          Math.ceil(beganMs + offsets[i]! - performance.now()),
        )
      }
      thread.postMessage({ times, next })
      return beganMs
    },
    catchUp: () => catchUp(),
  }
}

/** What to add to our clock to get the machine's: the least of a few looks, for each may be interrupted. */
const clocksApartMs = (): number => {
  let best = { apartMs: 0, tookMs: Infinity }
  for (let look = 0; look < 20; look++) {
    const beforeMs = performance.now()
    const machineMs = machineNowMs()
    const afterMs = performance.now()
    const tookMs = afterMs - beforeMs
    if (tookMs < best.tookMs) best = { apartMs: machineMs - (beforeMs + afterMs) / 2, tookMs }
  }
  return best.apartMs
}

/** Milliseconds by the machine's monotonic clock. */
const machineNowMs = (): number => {
  const [seconds, ns] = process.hrtime()
  return seconds * 1000 + ns / 1e6
}
