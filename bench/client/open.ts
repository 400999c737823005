// The open model: requests are sent when they are due, whatever the server does, over as many
// connections as that takes. Whoever waits for one that is late waits from when it was due.
import type { Client, Dispatcher } from 'undici'
import { arrivalTimes, type Schedule } from './arrivals.ts'
import { type Buckets, createBuckets } from './buckets.ts'
import type { OpenSlice, SliceResult, TimelineResult } from './calls.ts'
import { machineNowMs } from './clock.ts'
import { openLines } from './lines.ts'
import type { Pacer } from './pacer.ts'
import { createTally, type Sent } from './tally.ts'
import type { PreparedTarget } from './target.ts'

export interface OpenLoad {
  /** Sends on schedule for `ms` milliseconds and waits for what is under way. One at a time. */
  run(slice: OpenSlice): Promise<SliceResult>
  /** The same, cut into buckets of `bucketMs`. */
  watch(slice: Schedule & { bucketMs: number }): Promise<TimelineResult>
  close(): Promise<void>
}

interface Answer extends Dispatcher.DispatchHandler {
  line: Client
  sent: Sent
  controller: Dispatcher.DispatchController | undefined
  status: number
  body: Buffer[]
}

export const openOpenLoad = (target: PreparedTarget, pacer: Pacer): OpenLoad => {
  const { requests, origin, timeoutMs } = target
  let buckets: Buckets | undefined
  let beganMs = 0
  const tally = createTally('open', target.judge, ({ intendedMs }, word, doneMs) =>
    buckets?.add(intendedMs - beganMs, doneMs - intendedMs, !notRight.includes(word)),
  )
  const lines = openLines(origin)
  const tooLate = new Error('too late')
  /** In the order in which they were sent, and so in that of their deadlines. */
  const underWay = new Set<Answer>()
  let turn = 0
  let left = 0
  let settled = () => {}
  let alarm: NodeJS.Timeout | undefined

  const send = (intendedMs: number) => {
    const request = requests[turn]!
    turn = (turn + 1) % requests.length
    const one = answerOn(lines.take(), { request, intendedMs, sentMs: performance.now() })
    tally.sent(one.sent)
    underWay.add(one)
    alarm ??= setTimeout(giveUp, timeoutMs)
    const { method, path, headers, body = null } = request
    one.line.dispatch({ method: method as Dispatcher.HttpMethod, path, headers, body }, one)
  }

  /** Takes in the answer to one request. Without closures: there are thousands of these a second. */
  const answerOn = (line: Client, sent: Sent): Answer => ({
    line,
    sent,
    controller: undefined,
    status: 0,
    body: [],
    onRequestStart(controller) {
      this.controller = controller
    },
    onResponseStart(_, status) {
      this.status = status
    },
    onResponseData(_, piece) {
      this.body.push(piece)
    },
    onResponseEnd() {
      tally.answered(sent, this.status, this.body, performance.now())
      ended(this)
      // Awake anyway: what is due need not wait for the pacer.
      pacer.catchUp()
    },
    onResponseError(_, error) {
      if (error === tooLate) tally.timedOut(sent)
      else tally.failed(sent, `the connection broke: ${error.message}`)
      ended(this)
    },
  })

  const ended = (one: Answer) => {
    underWay.delete(one)
    lines.giveBack(one.line)
    if (--left === 0) settled()
  }

  /** Ends whatever has waited for too long, and sleeps until the next might have. */
  const giveUp = () => {
    alarm = undefined
    for (const { sent, controller, line } of underWay) {
      const leftMs = sent.sentMs + timeoutMs - performance.now()
      if (leftMs > 0) {
        alarm = setTimeout(giveUp, Math.ceil(leftMs))
        return
      }
      // Until it is connected there is no request that could be ended, only a line.
      if (controller) controller.abort(tooLate)
      else void line.destroy(tooLate)
    }
  }

  const run = async ({ mostUnderWay = Infinity, ...schedule }: OpenSlice): Promise<SliceResult> => {
    const offsets = arrivalTimes(schedule)
    // Where nobody listens, each request will say so.
    await lines.warm(target.connections).catch(() => {})
    const before = lines.readBytes()
    left = offsets.length
    tally.begin()
    // A pacer whose clock is ahead of ours wakes us for the last ones before they are due, and not again.
    const last = setTimeout(pacer.catchUp, schedule.ms + graceMs)
    await new Promise<void>((resolve) => {
      settled = resolve
      beganMs = pacer.start(offsets, (_, atMs) => {
        if (underWay.size < mostUnderWay) send(atMs)
        else {
          tally.heldBack()
          left--
        }
      })
      if (left === 0) resolve()
    })
    clearTimeout(last)
    clearTimeout(alarm)
    alarm = undefined
    const after = lines.readBytes()
    return tally.end({
      beganMs,
      untilMs: beganMs + schedule.ms,
      sentBytes: after.sent - before.sent,
      receivedBytes: after.received - before.received,
    })
  }

  return {
    run,
    async watch({ bucketMs, ...schedule }) {
      const own = createBuckets(schedule.ms, bucketMs)
      buckets = own
      try {
        const whole = await run(schedule)
        const beganAtMs = machineNowMs() - (performance.now() - beganMs)
        return { buckets: own.result(), beganAtMs, whole }
      } finally {
        buckets = undefined
      }
    },
    close: lines.close,
  }
}

/** After the last request was due. */
const graceMs = 5

/** How a request ended that was answered wrongly or not at all. */
const notRight = ['wrong', 'failed', 'timed out']
