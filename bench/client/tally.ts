// Counts what comes of one slice. The two load models tell it what they send and what comes back; it
// asks the judge and keeps the distributions. What is slow, encoding, is left until the slice is over.
import { STATUS_CODES } from 'node:http'
import type { SliceResult } from './calls.ts'
import { createDurations } from './histogram.ts'
import type { Judge, Prepared } from './target.ts'

/** One request that was sent, by `performance.now()`. */
export interface Sent {
  request: Prepared
  /** When it should have been sent; the same as `sentMs` in the closed model. */
  intendedMs: number
  sentMs: number
}

export interface Tally {
  /** Forgets everything but the judge's memory. */
  begin(): void
  sent(one: Sent): void
  /** It was due, and too many others were under way. */
  heldBack(): void
  answered(one: Sent, status: number, body: Buffer[], doneMs: number): void
  failed(one: Sent, words: string): void
  timedOut(one: Sent): void
  /** `untilMs`: the slice lasted at least until then. */
  end(of: {
    beganMs: number
    untilMs?: number
    sentBytes: number
    receivedBytes: number
  }): SliceResult
}

/** `onEnd`: told of every request how it ended: the judge's word, `failed` or `timed out`. */
export const createTally = (
  model: 'open' | 'closed',
  judge: Judge | undefined,
  onEnd: (one: Sent, word: string, doneMs: number) => void = () => {},
): Tally => {
  const [latency, service, lag] = [createDurations(), createDurations(), createDurations()]
  const counts = { offered: 0, sent: 0, answered: 0, failed: 0, timedOut: 0 }
  let judged: Record<string, number> = {}
  let statuses: Record<string, number> = {}
  let firstTrouble = ''
  let lastMs = 0
  let usage = readUsage()

  const trouble = ({ request }: Sent, words: string) => {
    if (firstTrouble === '')
      firstTrouble = cut(`${request.method} ${request.path}: ${words}`, mostLetters)
  }
  /** However a request ends, the time that somebody waited for it is kept. */
  const ended = (one: Sent, doneMs: number) => {
    lastMs = doneMs
    latency.add(doneMs - one.intendedMs)
    service.add(doneMs - one.sentMs)
  }

  return {
    begin() {
      for (const durations of [latency, service, lag]) durations.clear()
      for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] = 0
      judged = {}
      statuses = {}
      firstTrouble = ''
      lastMs = 0
      usage = readUsage()
    },

    sent({ intendedMs, sentMs }) {
      counts.offered++
      counts.sent++
      if (model === 'open') lag.add(sentMs - intendedMs)
    },

    heldBack() {
      counts.offered++
    },

    answered(one, status, body, doneMs) {
      ended(one, doneMs)
      counts.answered++
      statuses[status] = (statuses[status] ?? 0) + 1
      const text = judge ? textOf(body) : ''
      let word = status >= 200 && status < 300 ? 'right' : 'wrong'
      if (judge)
        try {
          const { plain } = one.request
          word = judge({ request: plain, status, text, sentMs: one.sentMs, doneMs })
        } catch (error) {
          word = 'wrong'
          trouble(one, `the judge failed: ${error}`)
        }
      judged[word] = (judged[word] ?? 0) + 1
      if (word === 'wrong' && firstTrouble === '') {
        const says = (judge ? text : textOf(body)).replace(/\s+/g, ' ')
        trouble(one, `answered ${status} ${STATUS_CODES[status] ?? ''} ${cut(says, 200)}`.trim())
      }
      onEnd(one, word, doneMs)
    },

    failed(one, words) {
      const doneMs = performance.now()
      ended(one, doneMs)
      counts.failed++
      trouble(one, words)
      onEnd(one, 'failed', doneMs)
    },

    timedOut(one) {
      const doneMs = performance.now()
      ended(one, doneMs)
      counts.timedOut++
      trouble(one, `no answer within ${Math.round(doneMs - one.sentMs)} ms`)
      onEnd(one, 'timed out', doneMs)
    },

    end({ beganMs, untilMs = 0, sentBytes, receivedBytes }) {
      // First of all, so that the work below is nobody's.
      const { cpuMs, busy } = since(usage)
      const encoded = latency.encode()
      return {
        seconds: Math.max(0, lastMs - beganMs, untilMs - beganMs) / 1000,
        ...counts,
        judged,
        statuses,
        sentBytes,
        receivedBytes,
        latency: encoded,
        service: model === 'closed' ? encoded : service.encode(),
        lag: lag.encode(),
        cpuMs,
        busy,
        medianMs: latency.median(),
        firstTrouble,
      }
    },
  }
}

/** Of pieces that may end in the middle of a letter. */
const textOf = ([first, ...more]: Buffer[]): string =>
  first === undefined
    ? ''
    : more.length === 0
      ? first.toString()
      : Buffer.concat([first, ...more]).toString()

const mostLetters = 300
const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text

/** CPU time of all threads of this process, and how busy its loop was. */
const readUsage = () => ({
  cpu: process.cpuUsage(),
  loop: performance.eventLoopUtilization(),
})

const since = ({ cpu, loop }: ReturnType<typeof readUsage>) => {
  const { user, system } = process.cpuUsage(cpu)
  return {
    cpuMs: (user + system) / 1000,
    busy: performance.eventLoopUtilization(loop).utilization,
  }
}
