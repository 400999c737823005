// The closed model: autocannon; on each connection a request is sent when the last was answered.
//
// autocannon cannot pause. Its clients get a gate here, by its hook for setting them up: where a
// client would send and the gate is shut, it waits, its connection open. More is put right on the
// way, all of it only met over many requests or where something goes wrong:
// - Each client walks the list of requests by itself. Here all draw from one sequence, so that the
//   k-th request sent is the same for every contender, whoever is faster.
// - After a broken connection, half an answer and the old request are still in the client's hands
//   and would be taken for the next one's. Here it begins afresh.
// - What is not HTTP is passed over in silence, an answer that nobody asked for ends the process, a
//   server that is gone is tried without a pause, and letters that lie across two pieces of a body
//   are broken.
import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import autocannon from 'autocannon'
import { SeesawError } from '../../core/errors.ts'
import type { SliceResult } from './calls.ts'
import { createTally, type Sent, type Tally } from './tally.ts'
import type { Prepared, PreparedTarget } from './target.ts'

export interface ClosedLoad {
  /** Sends for `ms` milliseconds and waits for what is under way. One slice at a time. */
  run(slice: { ms: number }): Promise<SliceResult>
  close(): void
}

/** Opens all connections and sends nothing. Throws LAB_NOT_RUNNING where nobody listens. */
export const openClosedLoad = async (target: PreparedTarget): Promise<ClosedLoad> => {
  const tally = createTally('closed', target.judge)
  const clients: Gated[] = []
  const field: Field = {
    target,
    tally,
    untilMs: 0,
    sentBytes: 0,
    receivedBytes: 0,
    closed: false,
    waits() {
      if (clients.every(({ isIdle }) => isIdle())) field.settled()
    },
    settled: () => {},
  }
  const tracker = autocannon(
    {
      url: target.origin,
      connections: target.connections,
      duration: aWeekSeconds,
      setupClient: (client) => clients.push(gate(client as unknown as Inside, field)),
    },
    () => {},
  )
  const load: ClosedLoad = {
    run: ({ ms }) =>
      new Promise((resolve) => {
        tally.begin()
        Object.assign(field, { sentBytes: 0, receivedBytes: 0 })
        const beganMs = performance.now()
        field.untilMs = beganMs + ms
        field.settled = () => {
          field.settled = () => {}
          const { sentBytes, receivedBytes } = field
          resolve(tally.end({ beganMs, sentBytes, receivedBytes }))
        }
        for (const { goOn } of clients) goOn()
      }),
    close() {
      field.closed = true
      for (const { close } of clients) close()
      tracker.stop?.()
    },
  }
  try {
    await Promise.all(clients.map(({ connected }) => connected))
  } catch (cause) {
    load.close()
    const words = `Nobody answers at ${target.origin}: ${(cause as Error).message}.`
    throw new SeesawError('LAB_NOT_RUNNING', words, { cause })
  }
  return load
}

const aWeekSeconds = 7 * 24 * 3600
/** A connection that brought no answer is not tried again at once, and between slices still later. */
const againAfterMs = { during: 10, between: 250 }

/** What the clients of one target share. */
interface Field {
  target: PreparedTarget
  tally: Tally
  /** The gate is open until then, by `performance.now()`. */
  untilMs: number
  sentBytes: number
  receivedBytes: number
  closed: boolean
  sequence?: Sequence
  /** Told whenever a client has nothing to do. */
  waits(): void
  settled(): void
}

interface Gated {
  connected: Promise<void>
  isIdle(): boolean
  goOn(): void
  close(): void
}

/** Puts a gate into one of autocannon's clients, before it connects. */
const gate = (client: Inside, field: Field): Gated => {
  const { tally, target } = field
  field.sequence ??= createSequence(client.requestIterator, target.requests)
  const { sequence } = field
  const { _connect: connect, _doRequest: send, parser } = client
  const execute = parser.execute
  let sent: Sent | undefined
  /** Between two connections; nothing can be sent. */
  let away = true
  let keepAlive = true
  let answeredBefore = true
  let body: Buffer[] = []
  let again: NodeJS.Timeout | undefined
  let opened: { resolve(): void; reject(error: Error): void }
  const connected = new Promise<void>((resolve, reject) => {
    opened = { resolve, reject }
  })
  const timer = setTimeout(() => {
    if (!sent) return
    const one = sent
    sent = undefined
    tally.timedOut(one)
    client._connect()
  }, target.timeoutMs)

  const lost = (words: string) => {
    if (!sent) return
    const one = sent
    sent = undefined
    tally.failed(one, words)
  }

  // Only a client that has sent before moves the sequence on.
  client.reqsMade = 1
  client.requestIterator = sequence

  client._doRequest = () => {
    if (field.closed || away || sent) return
    const nowMs = performance.now()
    if (nowMs >= field.untilMs) return field.waits()
    if (!keepAlive) return client._connect()
    send.call(client)
    sent = { request: sequence.currentRequest.prepared, intendedMs: nowMs, sentMs: nowMs }
    field.sentBytes += sequence.currentRequest.requestBuffer.length
    tally.sent(sent)
  }

  client.on('response', (status, _bytes, ms) => {
    if (!sent) return
    const one = sent
    sent = undefined
    answeredBefore = true
    tally.answered(one, status, body, one.sentMs + ms)
  })
  client.on('connError', (error) => {
    lost(`the connection broke: ${error.message}`)
    opened.reject(error)
  })

  const reconnect = () => {
    clearTimeout(again)
    again = undefined
    if (field.closed) return
    away = false
    keepAlive = true
    connect.call(client)
    client.conn?.once('connect', () => opened.resolve())
  }

  // Called at the beginning and whenever a connection has ended or shall end.
  client._connect = () => {
    if (field.closed) return
    away = true
    clearTimeout(again)
    // Without a length, the end of the connection is the end of the answer.
    if (sent) parser.finish()
    lost('the connection ended before the answer')
    const { conn } = client
    if (conn) {
      for (const event of ['data', 'end', 'error']) conn.removeAllListeners(event)
      conn.on('error', () => {})
      conn.destroy()
    }
    parser.reinitialize('RESPONSE')
    client.pipelinedRequests.clear()
    client.timeoutTicker.clear()
    client.timeoutTicker = { reschedule: () => timer.refresh(), clear() {} }
    const { during, between } = againAfterMs
    if (answeredBefore) reconnect()
    else again = setTimeout(reconnect, performance.now() < field.untilMs ? during : between)
    answeredBefore = false
  }

  parser.execute = (chunk) => {
    const { conn } = client
    const result = execute.call(parser, chunk)
    if (result instanceof Error && client.conn === conn) {
      lost(`the answer is not HTTP: ${result.message}`)
      client._connect()
    }
    return result
  }

  // autocannon's queue of what is under way: here at most one.
  const answer = { sinceMs: 0, status: 0 }
  client.pipelinedRequests = {
    insertRequest() {
      answer.sinceMs = performance.now()
      body = []
    },
    addByteCount(bytes) {
      field.receivedBytes += bytes
    },
    addBody(piece) {
      body.push(piece)
    },
    setHeaders(of) {
      answer.status = of.statusCode
      keepAlive = of.shouldKeepAlive
    },
    terminateRequest() {
      // Nobody asked for this answer; what else comes on this connection cannot be trusted.
      const { conn } = client
      if (!sent) setImmediate(() => client.conn === conn && client._connect())
      return {
        headers: { statusCode: answer.status },
        bytes: 0,
        duration: performance.now() - answer.sinceMs,
      }
    },
    clear() {},
  }

  return {
    connected,
    isIdle: () => !sent,
    goOn: () => (again ? reconnect() : client._doRequest()),
    close() {
      clearTimeout(timer)
      clearTimeout(again)
      client.destroy()
    },
  }
}

/** The requests in their order, over and over. */
interface Sequence {
  currentRequest: { prepared: Prepared; requestBuffer: Buffer }
  nextRequest(): void
  resetted: false
  recordBody(): void
  setRequests?(requests: object[]): void
}

const noBytes = Buffer.alloc(0)

const createSequence = (builder: Inside['requestIterator'], requests: Prepared[]): Sequence => {
  // autocannon writes the bytes of each request beside what it was made of.
  const built = requests.map(({ plain: _, ...request }) => ({ ...request, requestBuffer: noBytes }))
  builder.setRequests?.(built)
  const ready = requests.map((prepared, i) => {
    return { prepared, requestBuffer: built[i]!.requestBuffer }
  })
  let next = 0
  const sequence: Sequence = {
    currentRequest: ready[0]!,
    nextRequest() {
      sequence.currentRequest = ready[next]!
      next = (next + 1) % ready.length
    },
    resetted: false,
    recordBody() {},
  }
  return sequence
}

/** What is inside autocannon's client (9.0.0, lib/httpClient.js), as far as it is used here. */
interface Inside extends EventEmitter {
  reqsMade: number
  conn?: Socket
  requestIterator: Sequence
  parser: {
    execute(chunk: Buffer): unknown
    finish(): unknown
    reinitialize(type: 'RESPONSE'): void
  }
  pipelinedRequests: {
    insertRequest(): void
    addByteCount(bytes: number): void
    addBody(piece: Buffer): void
    setHeaders(of: { statusCode: number; shouldKeepAlive: boolean }): void
    terminateRequest(): { headers: { statusCode: number }; bytes: number; duration: number }
    clear(): void
  }
  timeoutTicker: { reschedule(): void; clear(): void }
  _connect(): void
  _doRequest(): void
  destroy(): void
  on(event: 'response', listener: (status: number, bytes: number, ms: number) => void): this
  on(event: 'connError', listener: (error: Error) => void): this
}
