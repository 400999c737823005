// What happens, told to every page that is open: one stream of server-sent events for all of it.
// Whoever makes something happen publishes it; nobody is asked for what nobody listens to. The events
// are numbered and the last ones are kept, so that a reader who was away for a moment misses nothing,
// and one who was away for longer is told so.
import { randomUUID } from 'node:crypto'

export interface Hub {
  /** `type` says what `data` is; docs/api.md lists them. */
  publish(type: string, data: object): void
  /**
   * What is published from now on, as server-sent events, until `signal`. `after`, the id of an event,
   * gives what came behind it first, or an event `missed` where that is not known any more.
   */
  follow(signal: AbortSignal, after?: string): AsyncIterable<string>
  /** Calls `work` every `everyMs`, one call after another, while somebody follows. */
  whileFollowed(everyMs: number, work: () => Promise<void>): void
}

const heartbeatMs = 15_000
/** A reader that does not keep up loses the oldest. */
const mostWaiting = 1_000
/** Of the last ones, for readers who come back: half a minute of a measurement. */
const mostKept = 200

export const createHub = (): Hub => {
  const followers = new Set<(text: string) => void>()
  const chores: { everyMs: number; work: () => Promise<void>; timer?: NodeJS.Timeout }[] = []
  // The numbers begin anew with every start; its name stands before them.
  const start = randomUUID().slice(0, 8)
  const kept: string[] = []
  let last = 0

  const textOf = (event: object) => `id: ${start}-${last}\ndata: ${JSON.stringify(event)}\n\n`

  /** What a reader gets first who has heard the event `after`. */
  const since = (after: string): string[] => {
    if (!after) return []
    const [, whose, number] = /^(\w{8})-(\d{1,15})$/.exec(after) ?? []
    const behind = whose === start ? last - Number(number) : -1
    return behind >= 0 && behind <= kept.length
      ? kept.slice(kept.length - behind)
      : [textOf({ type: 'missed' })]
  }

  const begin = (chore: (typeof chores)[number]) => {
    if (chore.timer) return
    const again = () => {
      chore.timer = setTimeout(run, chore.everyMs)
      chore.timer.unref()
    }
    const run = async () => {
      await chore.work().catch(() => {})
      if (followers.size > 0) again()
      else delete chore.timer
    }
    again()
  }

  return {
    publish(type, data) {
      last++
      const text = textOf({ type, ...data })
      kept.push(text)
      if (kept.length > mostKept) kept.shift()
      for (const give of followers) give(text)
    },

    whileFollowed(everyMs, work) {
      chores.push({ everyMs, work })
    },

    follow(signal, after = '') {
      // Nobody would ever tell that whoever is gone already has gone.
      if (signal.aborted) return (async function* () {})()
      const waiting: string[] = ['retry: 1000\n\n', ...since(after)]
      let wake = () => {}
      const give = (text: string) => {
        waiting.push(text)
        if (waiting.length > mostWaiting) waiting.shift()
        wake()
      }
      followers.add(give)
      for (const chore of chores) begin(chore)
      const heartbeat = setInterval(() => give(': still here\n\n'), heartbeatMs)
      heartbeat.unref()
      signal.addEventListener(
        'abort',
        () => {
          followers.delete(give)
          clearInterval(heartbeat)
          wake()
        },
        { once: true },
      )
      return (async function* () {
        while (!signal.aborted) {
          const text = waiting.shift()
          if (text !== undefined) yield text
          else
            await new Promise<void>((resolve) => {
              wake = resolve
            })
        }
      })()
    },
  }
}
