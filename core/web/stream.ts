// The server's events for every tab of this browser by one connection: a browser opens six to one
// server, and a stream for each tab would soon leave none for anything else. One of the tabs that are
// seen listens to the server and tells the others. A tab that is hidden lets go of everything; the ids
// of the events tell it later whether it has missed one.
import { joinTabs } from './tabs.ts'

export type Told = { type: string; [name: string]: unknown }

export interface Listener {
  /** Called with each event once, in order, and with one of the type `missed` where some are lost. */
  hear(event: Told): void
  /** Whether the server is there. */
  reach(up: boolean): void
}

/** What the tab that listens tells the others; `up` is absent before the server was tried. */
type Message = { id: string; data: string } | { up?: boolean }

const againMs = 1_000

/** Listens whenever this tab is seen. */
export const openStream = ({ hear, reach }: Listener): void => {
  /** The id of the last event that was heard in this tab. */
  let last = ''
  let up: boolean | undefined
  let leave: (() => void) | undefined

  const take = (id: string, data: string) => {
    const how = howFollows(id, last)
    if (how === 'not at all') return
    const event = JSON.parse(data) as Told
    last = id
    if (how === 'later' && event.type !== 'missed') hear({ type: 'missed' })
    hear(event)
  }

  const say = (now: boolean) => {
    const isBack = now && up === false
    up = now
    reach(now)
    // Where no event was heard before, no id tells that others were missed.
    if (isBack && !last) hear({ type: 'missed' })
  }

  /** Listens to the server until `signal`. */
  const listen = (signal: AbortSignal, tell: (message: Message) => void) => {
    let events: EventSource
    let again: ReturnType<typeof setTimeout> | undefined
    const report = (now: boolean) => {
      say(now)
      tell({ up: now })
    }
    const open = () => {
      const after = last ? `?after=${encodeURIComponent(last)}` : ''
      events = new EventSource(`/api/events${after}`)
      events.onopen = () => report(true)
      events.onmessage = ({ lastEventId: id, data }: MessageEvent<string>) => {
        tell({ id, data })
        take(id, data)
      }
      events.onerror = () => {
        report(false)
        // A browser comes back by itself unless the answer was an error.
        if (events.readyState === EventSource.CLOSED) again = setTimeout(open, againMs)
      }
    }
    open()
    signal.addEventListener('abort', () => {
      clearTimeout(again)
      events.close()
    })
  }

  const join = () =>
    joinTabs<Message>('seesaw-events', {
      lead: listen,
      hear(message) {
        if ('id' in message) take(message.id, message.data)
        else if (message.up !== undefined && message.up !== up) say(message.up)
      },
      state: () => (up === undefined ? {} : { up }),
    })

  const letGo = () => {
    leave?.()
    leave = undefined
  }
  const attend = () => {
    if (document.visibilityState === 'visible') leave ??= join()
    else letGo()
  }
  attend()
  document.addEventListener('visibilitychange', () => {
    attend()
    // What was read while no event was heard may be old by now, and no id tells.
    if (leave && !last) hear({ type: 'missed' })
  })
  addEventListener('pagehide', letGo)
  addEventListener('pageshow', attend)
}

/** How the event `id` follows on `last`; an id is the name of a server's start and a number. */
const howFollows = (id: string, last: string): 'at once' | 'later' | 'not at all' => {
  if (!last) return 'at once'
  const [start, number] = id.split('-')
  const [lastStart, lastNumber] = last.split('-')
  const step = Number(number) - Number(lastNumber)
  if (start !== lastStart || step > 1) return 'later'
  return step === 1 ? 'at once' : 'not at all'
}
