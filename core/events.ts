// What happens, told to every page that is open: one stream of server-sent events for all of it.
// Whoever makes something happen publishes it; nobody is asked for what nobody listens to.

export interface Hub {
  /** `type` says what `data` is; docs/api.md lists them. */
  publish(type: string, data: object): void
  /** What is published from now on, as server-sent events, until `signal`. */
  follow(signal: AbortSignal): AsyncIterable<string>
  /** Calls `work` every `everyMs`, one call after another, while somebody follows. */
  whileFollowed(everyMs: number, work: () => Promise<void>): void
}

const heartbeatMs = 15_000
/** A reader that does not keep up loses the oldest. */
const mostWaiting = 1_000

export const createHub = (): Hub => {
  const followers = new Set<(text: string) => void>()
  const chores: { everyMs: number; work: () => Promise<void>; timer?: NodeJS.Timeout }[] = []

  const tell = (text: string) => {
    for (const give of followers) give(text)
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
      if (followers.size > 0) tell(`data: ${JSON.stringify({ type, ...data })}\n\n`)
    },

    whileFollowed(everyMs, work) {
      chores.push({ everyMs, work })
    },

    follow(signal) {
      // Nobody would ever tell that whoever is gone already has gone.
      if (signal.aborted) return (async function* () {})()
      const waiting: string[] = ['retry: 1000\n\n']
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
