// The tabs of one browser choose one of them to lead: the one that holds a lock, until it leaves or is
// closed, when the next in the queue has it at once. What it tells reaches all others. A tab that
// stands still, in a debugger perhaps, keeps its lock but tells nothing; another tab takes it.

export interface Part<Message> {
  /** This tab leads until `signal`; `tell` reaches the others. */
  lead(signal: AbortSignal, tell: (message: Message) => void): void
  /** What the tab that leads has told. */
  hear(message: Message): void
  /** What it tells every second besides, and whenever a tab has come. */
  state(): Message
}

const stateEveryMs = 1_000
const quietMs = 5_000
const hello = 'a tab has come'

/** Takes part; returns what ends that. A browser without such locks lets every tab lead. */
export const joinTabs = <Message extends object>(
  name: string,
  { lead, hear, state }: Part<Message>,
): (() => void) => {
  const left = new AbortController()
  const alone = () => lead(left.signal, () => {})
  if (!('locks' in navigator)) {
    alone()
    return () => left.abort()
  }
  const channel = new BroadcastChannel(name)
  let turn = new AbortController()
  let leads = false
  let silence: ReturnType<typeof setTimeout> | undefined

  const tell = (message: Message | typeof hello) => {
    if (!left.signal.aborted) channel.postMessage(message)
  }

  /** Waits for the lock, or takes it from a tab that stands still; leads for as long as it is ours. */
  const queue = (how: 'wait' | 'take') => {
    turn.abort()
    turn = new AbortController()
    const { signal } = turn
    navigator.locks
      .request(name, how === 'take' ? { steal: true } : { signal }, () => begin(signal))
      .catch((error: Error) => {
        // It was our own wish to wait no longer.
        if (signal.aborted) return
        // Another tab has taken it; anything else says that this browser gives no locks.
        leads = error.name !== 'AbortError'
        if (leads) alone()
        else queue('wait')
      })
    watch()
  }

  const begin = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) return resolve()
      leads = true
      lead(signal, tell)
      const telling = setInterval(() => tell(state()), stateEveryMs)
      signal.addEventListener('abort', () => {
        clearInterval(telling)
        resolve()
      })
    })

  const watch = () => {
    clearTimeout(silence)
    // Not all tabs at the same moment.
    silence = setTimeout(() => leads || queue('take'), quietMs * (1 + Math.random() / 2))
  }

  channel.onmessage = ({ data: message }: MessageEvent<Message | typeof hello>) => {
    if (message !== hello) {
      watch()
      hear(message)
    } else if (leads) tell(state())
  }
  tell(hello)
  queue('wait')
  return () => {
    left.abort()
    turn.abort()
    clearTimeout(silence)
    channel.close()
  }
}
