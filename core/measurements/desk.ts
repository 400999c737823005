// Takes orders for measurements and has them done one after another, each by the command that a
// person would type, in a process of its own. Two at once would measure each other; that another
// terminal measures at the same time is found by the command, which waits and says so.

import type { Backends } from '../course/setup.ts'
import { SeesawError, toProblem } from '../errors.ts'
import { startCommand } from '../processes/child-command.ts'
import { createLog, endEvent, type Log, type Numbered } from './log.ts'
import { blocksIn, type Progress, progressIn, setupsIn } from './progress.ts'
import { checkRequest, type MeasurementRequest, wordsOf } from './request.ts'
import { newId, openStore, type ReportFormat, type Ticket } from './store.ts'

export interface DeskOptions {
  /** Where measurements are kept. */
  folder: string
  /** The backend of each kind where nobody names one. */
  defaults: Backends
  /** What the command needs to find the servers that are in use here. */
  environment(): Promise<Record<string, string>>
  scenariosFolder?: string
  /** What to start in the place of `seesaw`. */
  command?: string[]
  /** Told whenever what the list says of one has changed. */
  onChange?(measurement: Listed): void
  /** Told of everything that happens in one, as its own stream of events is. */
  onEvent?(event: MeasuringEvent): void
}

/** What has happened in one by now; `end` is null while it goes on. */
export interface SoFar {
  events: Numbered[]
  end: Listed | null
}

/** What has happened in one measurement, or how it ended. */
export type MeasuringEvent = { id: string } & (Numbered | { end: Listed })

/** A measurement as a list shows it. */
export type Listed = Omit<Ticket, 'format'> & {
  /** How many are to be done before it; 0 for one that is not queued. */
  ahead: number
}

export type Desk = ReturnType<typeof openDesk>

interface Job {
  ticket: Ticket
  words: string[]
  log: Log
  cancelled: boolean
  stop(): void
}

const mostWaiting = 8
/** Of those that have ended, as many can be replayed. */
const mostReplayed = 4
const reportWithinMs = 60_000

/** Opens the desk; nothing runs until something is asked for. */
export const openDesk = (options: DeskOptions) => {
  const store = openStore(options.folder)
  const waiting: Job[] = []
  const replays: Job[] = []
  /** Reports that are being made, one after another. */
  const reports = new Map<string, Promise<void>>()
  let current: Job | undefined
  let closed = false
  let idle: Promise<void> = Promise.resolve()
  let lastIdMs = 0

  const jobs = () => [...(current ? [current] : []), ...waiting]
  const find = (id: string) => [...jobs(), ...replays].find(({ ticket }) => ticket.id === id)
  const aheadOf = (job: Job) => Math.max(0, jobs().indexOf(job) + (current ? 0 : 1))
  const listed = (ticket: Ticket): Listed => {
    const job = find(ticket.id)
    const { format: _, ...shown } = job?.ticket ?? ticket
    return { ...shown, ahead: job && waiting.includes(job) ? aheadOf(job) : 0 }
  }

  const changed = ({ ticket }: Job) => options.onChange?.(listed(ticket))
  const tell = ({ ticket, log }: Job, event: Progress) => {
    const number = log.add(event)
    if (number > 0) options.onEvent?.({ id: ticket.id, number, event })
  }

  const sayWhoIsBefore = () => {
    for (const job of waiting) {
      const before = jobs()[jobs().indexOf(job) - 1]
      if (before) tell(job, { type: 'queued', behind: before.ticket.command, ahead: aheadOf(job) })
      changed(job)
    }
  }

  const work = async () => {
    for (let job = waiting.shift(); job && !closed; job = waiting.shift()) {
      current = job
      sayWhoIsBefore()
      await measure(job)
      current = undefined
    }
  }

  const measure = async (job: Job) => {
    const { ticket } = job
    ticket.status = 'running'
    ticket.startedAt = new Date().toISOString()
    let error: unknown
    changed(job)
    try {
      store.keep(ticket)
      await Promise.allSettled(reports.values())
      const env = await options.environment()
      if (!job.cancelled) {
        const running = run(
          [...job.words, ...filesFor(ticket.id), '--progress=json'],
          env,
          (line) => note(job, line),
        )
        job.stop = running.stop
        error = await running.ended
      }
    } catch (thrown) {
      error = thrown
    }
    await conclude(job, error)
    announceEnd(job)
    replays.push(job)
    if (replays.length > mostReplayed) replays.shift()
  }

  const run = (words: string[], env: Record<string, string>, onLine: (line: string) => void) =>
    startCommand(words, { env, onLine, ...(options.command ? { command: options.command } : {}) })

  /** The command writes reports, too, so that none need be made while the next one is measured. */
  const filesFor = (id: string) => [
    `--json=${store.fileOf(id, '.json')}`,
    `--html=${store.fileOf(id, '.html')}`,
    `--md=${store.fileOf(id, '.md')}`,
  ]

  /** What the command said on one line; what is no progress is for the terminal only. */
  const note = (job: Job, line: string) => {
    const event = progressIn(line)
    if (!event) return
    const { ticket } = job
    // Another terminal measures: it waits its turn, without being one of those that wait here.
    ticket.status = event.type === 'queued' ? 'queued' : 'running'
    if (event.type === 'plan') ticket.setups = setupsIn(event) ?? ticket.setups
    if (event.type === 'block') ticket.blocks = blocksIn(event) ?? ticket.blocks
    // Where the file lies on this machine is nobody's business; by this path anybody can have it.
    const shown = event.type === 'result' ? { ...event, file: `/api/bench/${ticket.id}` } : event
    tell(job, shown)
    if (event.type === 'plan' || event.type === 'block' || event.type === 'queued') changed(job)
  }

  const conclude = async (job: Job, error: unknown) => {
    const { ticket } = job
    const summary = await store.summarize(ticket.id)
    Object.assign(ticket, summary)
    ticket.finishedAt ??= new Date().toISOString()
    if (summary?.finishedAt) ticket.status = 'done'
    else if (job.cancelled) ticket.status = 'interrupted'
    else {
      ticket.status = 'failed'
      const why = error ?? new SeesawError('WORKER_FAILED', 'The command left no measurement.')
      const { code, detail } = toProblem(why)
      ticket.error = { code, detail }
      if (code === 'INTERNAL') console.error(why)
    }
    try {
      store.keep(ticket)
    } catch (thrown) {
      // Its readers are told all the same; after a restart it is taken for interrupted.
      console.error(thrown)
    }
  }

  /** Says how it ended to all who follow it, and to those who look at the list. */
  const announceEnd = (job: Job) => {
    const end = listed(job.ticket)
    job.log.end(end)
    options.onEvent?.({ id: end.id, end })
    changed(job)
  }

  /** The measurement itself as JSON text. Throws MEASUREMENT_NOT_FOUND, DATA_CORRUPT. */
  const result = async (id: string): Promise<string> => {
    const { status } = find(id)?.ticket ?? (await store.ticket(id))
    const text = await store.result(id)
    if (text !== undefined) return text
    throw new SeesawError('MEASUREMENT_NOT_FOUND', `${id} has no result: it is ${status}.`)
  }

  /** Ends one that waits or runs; what it has measured is kept. Nothing happens to others. */
  const cancel = async (id: string): Promise<Listed> => {
    const job = find(id)
    if (!job) return listed(await store.ticket(id))
    const index = waiting.indexOf(job)
    if (job === current && !job.cancelled) {
      job.cancelled = true
      job.stop()
    } else if (index >= 0) {
      waiting.splice(index, 1)
      job.cancelled = true
      await conclude(job, undefined)
      announceEnd(job)
      sayWhoIsBefore()
    }
    return listed(job.ticket)
  }

  const makeReport = async (id: string, format: ReportFormat): Promise<void> => {
    const words = ['bench', 'report', store.fileOf(id, '.json')]
    const running = run([...words, `--${format}=${store.fileOf(id, `.${format}`)}`], {}, () => {})
    const timer = setTimeout(running.stop, reportWithinMs)
    const error = await running.ended
    clearTimeout(timer)
    if (error) throw error
  }

  return {
    result,
    cancel,

    /** Whether something is measured at this moment. */
    underWay: () => current !== undefined,

    /**
     * Takes an order. Throws what is wrong with it, and BUSY where too many wait, or where `busy`
     * says why nothing can be measured at the moment.
     */
    async start(
      asked: MeasurementRequest,
      busy: () => string | undefined = () => undefined,
    ): Promise<Listed> {
      const found = await checkRequest(asked, options)
      const reason = closed ? 'Seesaw is stopping.' : busy()
      if (reason) throw new SeesawError('BUSY', reason)
      if (waiting.length >= mostWaiting)
        throw new SeesawError(
          'BUSY',
          `${mostWaiting} measurements are waiting already; wait until one has ended, or cancel one.`,
        )
      lastIdMs = Math.max(Date.now(), lastIdMs + 1)
      const words = wordsOf(asked)
      const job: Job = {
        ticket: {
          format: 1,
          id: newId(lastIdMs),
          command: ['npx', 'seesaw', ...words].join(' '),
          ...found,
          preset: asked.preset,
          seed: asked.seed ?? null,
          status: 'queued',
          askedAt: new Date().toISOString(),
          startedAt: null,
          finishedAt: null,
          blocks: { done: 0, of: 0 },
          verdicts: [],
        },
        words,
        log: createLog(),
        cancelled: false,
        stop: () => {},
      }
      store.keep(job.ticket)
      waiting.push(job)
      sayWhoIsBefore()
      // The first one begins at once; the next wait for it.
      if (!current) idle = work()
      return listed(job.ticket)
    },

    /** Newest first, and what lies in the folder that Seesaw has not made. */
    async list(page: { limit: number; offset: number }) {
      const { tickets, total, skipped } = await store.list(page)
      return {
        running: current ? listed(current.ticket) : null,
        queued: waiting.map(({ ticket }) => listed(ticket)),
        measurements: tickets.map(listed),
        total,
        skipped,
      }
    },

    /** The events after this number; of one that ended long ago, only how it ended. */
    async events(id: string, after: number, signal: AbortSignal): Promise<AsyncIterable<string>> {
      const job = find(id)
      if (job) return job.log.follow(after, signal)
      const ticket = await store.ticket(id)
      return (async function* () {
        yield endEvent(listed(ticket))
      })()
    },

    /** The events after this number that have been, for whoever does not stay; `end` how it ended. */
    async soFar(id: string, after: number): Promise<SoFar> {
      const job = find(id)
      const events = job?.log.soFar(after) ?? []
      if (job && !job.log.hasEnded()) return { events, end: null }
      return { events, end: listed(job?.ticket ?? (await store.ticket(id))) }
    },

    /** A report of what was measured. Throws MEASUREMENT_NOT_FOUND, DATA_CORRUPT, BUSY. */
    async report(id: string, format: ReportFormat): Promise<string> {
      await result(id)
      const stored = await store.report(id, format)
      if (stored !== undefined) return stored
      // To make one takes a processor for a second, which would show in what is being measured.
      if (current)
        throw new SeesawError('BUSY', 'A measurement is under way; this report is made afterwards.')
      const name = `${id}.${format}`
      const others = [...reports.values()]
      const making =
        reports.get(name) ?? Promise.allSettled(others).then(() => makeReport(id, format))
      reports.set(name, making)
      await making.finally(() => reports.delete(name))
      const made = await store.report(id, format)
      if (made !== undefined) return made
      throw new SeesawError('WORKER_FAILED', `The command left no report of ${id}.`)
    },

    /** Ends what runs and forgets what waits. */
    async stop(): Promise<void> {
      closed = true
      for (const { ticket } of jobs().reverse()) await cancel(ticket.id)
      await idle
    },
  }
}
