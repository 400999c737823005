// How processes hear of each other's jobs without asking: messages lie in a table, and a touched
// file next to the database is the bell. The operating system tells every listener that the bell
// rang; nobody polls, and claims and state changes wake nobody. Messages are hints: a lost one
// costs at most `processEvery`.

import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { closeSync, type FSWatcher, openSync, utimesSync, watch } from 'node:fs'
import type {
  JobNotification,
  JobStateNotification,
  NotificationChannel,
  NotificationChannelState,
  NotificationHandler,
  StateNotificationHandler,
} from 'agenda'
import type { Session, Store } from './store.ts'

export interface Signals {
  channel: NotificationChannel
  /** Leaves word of a saved job, within the transaction that saves it; the bell rings after it. */
  announce(session: Session, job: JobNotification): void
  /** Tells this process alone, in its next turn, to look for jobs of this name. */
  wake(job: JobNotification): void
}

type Message = { job: JobNotification } | { state: JobStateNotification }

const keptMessages = 1_000
const fallbackPollMs = 100

export const createSignals = (store: Store, table: string): Signals => {
  const sender = randomUUID()
  const events = new EventEmitter()
  const jobHandlers = new Set<NotificationHandler>()
  const stateHandlers = new Set<StateNotificationHandler>()
  const announced = new Set<string>()
  const wakes = new Map<string, JobNotification>()
  let outbox: { message: Message; write: boolean }[] = []
  let state: NotificationChannelState = 'disconnected'
  let turnPlanned = false
  let bell: string | undefined
  let stopListening = () => {}
  let lastRead = 0
  let written = 0

  const insert = (session: Session, messages: Message[]) => {
    session
      .prepared(`INSERT INTO ${table}Signals (sender, messages) VALUES (?, ?)`)
      .run([sender, JSON.stringify(messages)])
    if (written++ % 100 === 0)
      session
        .prepared(
          `DELETE FROM ${table}Signals WHERE id < (SELECT max(id) FROM ${table}Signals) - ?`,
        )
        .run([keptMessages])
  }

  const ring = () => {
    bell ??= bellOf(store)
    const now = new Date()
    if (bell) utimesSync(bell, now, now)
  }

  const listen = () => {
    bell ??= bellOf(store)
    lastRead = newestSignal(store, table)
    if (!bell) return () => {}
    let watcher: FSWatcher | undefined
    let poll: NodeJS.Timeout | undefined
    // Where files cannot be watched (limits reached, exotic file systems), ask now and then.
    const fallBack = () => {
      watcher?.close()
      poll ??= setInterval(read, fallbackPollMs).unref()
    }
    try {
      watcher = watch(bell, { persistent: false }, read).on('error', fallBack)
    } catch {
      fallBack()
    }
    return () => {
      watcher?.close()
      clearInterval(poll)
    }
  }

  const read = () => {
    attempt(() => {
      const rows = store.useNow((session) =>
        session
          .prepared(`SELECT id, sender, messages FROM ${table}Signals WHERE id > ? ORDER BY id`)
          .all([lastRead]),
      ) as { id: number; sender: string; messages: string }[]
      lastRead = rows.at(-1)?.id ?? lastRead
      for (const row of rows)
        if (row.sender !== sender)
          for (const message of inRounds(parsed(row.messages))) deliver(message)
    })
  }

  const deliver = (message: Message) => {
    if ('job' in message) for (const handler of jobHandlers) hear(handler, message.job)
    else for (const handler of stateHandlers) hear(handler, message.state)
  }

  const hear = <T>(handler: (notification: T) => void | Promise<void>, notification: T) => {
    attempt(() => handler(notification)?.catch(report))
  }

  const attempt = (work: () => void) => {
    try {
      work()
    } catch (error) {
      report(error)
    }
  }

  const report = (error: unknown) => {
    if (events.listenerCount('error') > 0) events.emit('error', error)
  }

  // Everything of one turn goes out together: one row, one ring. And after the turn, so that the
  // answer to the request that submitted a job leaves before the job starts.
  const planTurn = () => {
    if (turnPlanned) return
    turnPlanned = true
    setImmediate(() => {
      turnPlanned = false
      flush()
    })
  }

  const flush = () => {
    const sent = outbox
    const woken = [...wakes.values()]
    outbox = []
    wakes.clear()
    const messages = sent.filter(({ write }) => write).map(({ message }) => message)
    attempt(() => {
      if (messages.length) store.useNow((session) => session.write(() => insert(session, messages)))
    })
    attempt(() => ringing && ring())
    ringing = false
    if (state !== 'connected') return
    for (const message of inRounds(sent.map(({ message }) => message))) deliver(message)
    for (const job of woken) deliver({ job })
  }
  let ringing = false

  const send = (message: Message, write: boolean) => {
    outbox.push({ message, write })
    ringing ||= write
    planTurn()
  }

  const setState = (next: NotificationChannelState) => {
    if (next === state) return
    state = next
    events.emit('stateChange', next)
  }

  const demandConnection = () => {
    if (state !== 'connected') throw new Error('Cannot publish: channel not connected')
  }

  const channel: NotificationChannel = {
    get state() {
      return state
    },
    async connect() {
      if (state === 'connected') return
      setState('connecting')
      try {
        await store.connect()
        stopListening = listen()
        setState('connected')
      } catch (error) {
        setState('error')
        throw error
      }
    },
    async disconnect() {
      if (state === 'connected') flush()
      stopListening()
      stopListening = () => {}
      jobHandlers.clear()
      stateHandlers.clear()
      announced.clear()
      setState('disconnected')
    },
    async publish(job) {
      demandConnection()
      // A job that was saved here is announced already, with the save itself.
      send({ job }, !announced.delete(job.jobId))
    },
    async publishState(notification) {
      demandConnection()
      send({ state: notification }, true)
    },
    subscribe(handler) {
      jobHandlers.add(handler)
      return () => jobHandlers.delete(handler)
    },
    subscribeState(handler) {
      stateHandlers.add(handler)
      return () => stateHandlers.delete(handler)
    },
    on(event: string, listener: (...args: never[]) => void) {
      events.on(event, listener as () => void)
      return channel
    },
    off(event: string, listener: (...args: never[]) => void) {
      events.off(event, listener as () => void)
      return channel
    },
  }

  return {
    channel,
    announce(session, job) {
      insert(session, [{ job }])
      if (state === 'connected') announced.add(job.jobId)
      ringing = true
      planTurn()
    },
    wake(job) {
      if (state !== 'connected') return
      wakes.set(job.jobName, job)
      planTurn()
    },
  }
}

/**
 * The messages in an order in which the names of jobs take turns. Agenda claims a job for each
 * message at once, so one name after the other would leave no place for the last.
 */
const inRounds = (messages: readonly Message[]): Message[] => {
  const seen = new Map<string, number>()
  return messages
    .map((message) => {
      const name = 'job' in message ? message.job.jobName : ''
      const round = seen.get(name) ?? 0
      seen.set(name, round + 1)
      return { message, round }
    })
    .sort((a, b) => a.round - b.round)
    .map(({ message }) => message)
}

const newestSignal = (store: Store, table: string) =>
  store.useNow(({ db }) => {
    const row = db.prepare(`SELECT coalesce(max(id), 0) AS id FROM ${table}Signals`).get([])
    return (row as { id: number }).id
  })

const bellOf = (store: Store) => {
  const file = store.file()
  if (!file) return undefined
  const bell = `${file}-bell`
  closeSync(openSync(bell, 'a'))
  return bell
}

const dates = new Set(['nextRunAt', 'timestamp', 'retryAt', 'lastRunAt', 'lastFinishedAt'])

const parsed = (messages: string): Message[] =>
  JSON.parse(messages, (key, value) =>
    dates.has(key) && typeof value === 'string' ? new Date(value) : value,
  )
