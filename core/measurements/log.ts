// What has happened in one measurement, for whoever looks, from the beginning and then live, as
// server-sent events (html.spec.whatwg.org/multipage/server-sent-events.html). All readers share the
// one log and take from it at their own pace, so a slow one costs nothing but its connection.

import type { Progress } from './progress.ts'

export interface Log {
  /** Returns the event's number; 0 where all has been said. */
  add(event: Progress): number
  /** The last event, after which there is nothing more to say. */
  end(outcome: unknown): void
  /**
   * The events after the one with this number as the text of an event stream, until the last one, or
   * until `signal`. An event has a number and no name; the last one is called `end`, both ways.
   */
  follow(after: number, signal: AbortSignal): AsyncGenerator<string>
  hasEnded(): boolean
  /** The events after the one with this number, as they are now. */
  soFar(after: number): Numbered[]
}

export interface Numbered {
  number: number
  event: Progress
}

const heartbeatMs = 15_000
/** What is kept for those who come later. A slice is one of thousands; the others are few. */
const mostKept = 4_000
const atOnce = 100

/** The number that stands in `Last-Event-ID`; 0, from the beginning, where none does. */
export const lastEventOf = (header: string): number => (/^\d{1,9}$/.test(header) ? +header : 0)

/** Text of the last event, as a reader gets it who has missed everything before. */
export const endEvent = (outcome: unknown): string =>
  `id: end\nevent: end\ndata: ${JSON.stringify(outcome)}\n\n`

/** Makes an empty log. */
export const createLog = (options: { heartbeatMs?: number; mostKept?: number } = {}): Log => {
  const limit = options.mostKept ?? mostKept
  let entries: (Numbered & { text: string })[] = []
  let last = 0
  let ended: string | undefined
  let listeners: (() => void)[] = []

  const announce = () => {
    const waiting = listeners
    listeners = []
    for (const listener of waiting) listener()
  }

  /** Forgets early slices first, which a chart can do without, then whatever is oldest. */
  const thin = () => {
    const recent = entries.length * 0.75
    entries = entries.filter(({ event }, i) => i >= recent || event.type !== 'slice')
    if (entries.length > limit * 0.9) entries = entries.slice(-limit / 2)
  }

  const after = (number: number) => {
    let from = entries.length
    while (from > 0 && (entries[from - 1]?.number ?? 0) > number) from--
    return entries.slice(from)
  }
  /** A number from before a restart may be larger than any of ours. */
  const known = (number: number) => (number > last ? 0 : number)

  /** Settles with the next event, with the end of `signal`, or after a while. */
  const change = (signal: AbortSignal): Promise<'changed' | 'quiet'> =>
    new Promise((resolve) => {
      const settle = (how: 'changed' | 'quiet') => {
        clearTimeout(timer)
        signal.removeEventListener('abort', changed)
        listeners = listeners.filter((listener) => listener !== changed)
        resolve(how)
      }
      const changed = () => settle('changed')
      const timer = setTimeout(settle, options.heartbeatMs ?? heartbeatMs, 'quiet')
      signal.addEventListener('abort', changed)
      listeners.push(changed)
    })

  return {
    add(event) {
      if (ended) return 0
      last++
      const text = `id: ${last}\ndata: ${JSON.stringify(event)}\n\n`
      entries.push({ number: last, event, text })
      if (entries.length > limit) thin()
      announce()
      return last
    },

    hasEnded: () => ended !== undefined,

    soFar: (number) => after(known(number)).map(({ number, event }) => ({ number, event })),

    end(outcome) {
      ended ??= endEvent(outcome)
      announce()
    },

    async *follow(number, signal) {
      let seen = known(number)
      // How long a browser waits before it connects again.
      yield 'retry: 2000\n\n'
      while (!signal.aborted) {
        const next = after(seen).slice(0, atOnce)
        if (next.length > 0) {
          seen = next.at(-1)?.number ?? seen
          yield next.map(({ text }) => text).join('')
        } else if (ended) return yield ended
        else if ((await change(signal)) === 'quiet') yield ': still here\n\n'
      }
    },
  }
}
