// The open model: requests are sent when they are due, whatever the server does, over as many
// connections as that takes. Whoever waits for one that is late waits from when it was due.
import { connect as connectSocket, type Socket } from 'node:net'
import { Client } from 'undici'
import { arrivalTimes, type Schedule } from './arrivals.ts'
import type { SliceResult } from './calls.ts'
import type { Pacer } from './pacer.ts'
import { createTally, type Sent } from './tally.ts'
import type { PreparedTarget } from './target.ts'

export interface OpenLoad {
  /** Sends on schedule for `ms` milliseconds and waits for what is under way. One at a time. */
  run(slice: Schedule): Promise<SliceResult>
  close(): Promise<void>
}

export const openOpenLoad = (target: PreparedTarget, pacer: Pacer): OpenLoad => {
  const { requests, origin, timeoutMs } = target
  const tally = createTally(target.judge)
  const line = openLines(origin)
  /** In the order in which they were sent, and so in that of their deadlines. */
  const underWay = new Map<Sent, (reason: Error) => void>()
  let turn = 0
  let left = 0
  let settled = () => {}
  let deadline: NodeJS.Timeout | undefined

  const done = () => {
    if (--left === 0) settled()
  }

  const send = (intendedMs: number) => {
    const request = requests[turn]!
    turn = (turn + 1) % requests.length
    const sentMs = performance.now()
    const sent: Sent = { request, intendedMs, sentMs }
    const client = line.take()
    const body: Buffer[] = []
    let status = 0
    tally.sent(sent)
    const end = (): boolean => {
      line.giveBack(client)
      return underWay.delete(sent)
    }
    client.dispatch(
      {
        method: request.method as 'GET',
        path: request.path,
        headers: request.headers,
        body: request.body ?? null,
      },
      {
        onRequestStart(controller) {
          underWay.set(sent, (reason) => controller.abort(reason))
          deadline ??= setTimeout(timeOut, timeoutMs)
        },
        onResponseStart(_, statusCode) {
          status = statusCode
        },
        onResponseData(_, piece) {
          body.push(piece)
        },
        onResponseEnd() {
          end()
          tally.answered(sent, status, body, performance.now())
          pacer.catchUp()
          done()
        },
        onResponseError(_, error) {
          end()
          if (error === tooLate) tally.timedOut(sent)
          else tally.failed(sent, `the connection broke: ${error.message}`)
          done()
        },
      },
    )
  }

  /** Gives up whatever has waited for too long, and sleeps until the next might have. */
  const timeOut = () => {
    deadline = undefined
    const nowMs = performance.now()
    for (const [{ sentMs }, abort] of underWay) {
      if (sentMs + timeoutMs > nowMs) {
        deadline = setTimeout(timeOut, Math.ceil(sentMs + timeoutMs - nowMs))
        return
      }
      abort(tooLate)
    }
  }

  return {
    async run(schedule) {
      const offsets = arrivalTimes(schedule)
      await line.warm(target.connections)
      tally.begin()
      const before = line.readBytes()
      left = offsets.length
      let beganMs = 0
      await new Promise<void>((resolve) => {
        settled = resolve
        if (left === 0) return resolve()
        beganMs = pacer.start(offsets, (_, atMs) => send(atMs)) + offsets[0]!
      })
      clearTimeout(deadline)
      deadline = undefined
      const after = line.readBytes()
      return tally.end({
        beganMs,
        model: 'open',
        sentBytes: after.sent - before.sent,
        receivedBytes: after.received - before.received,
      })
    },
    close: line.close,
  }
}

const tooLate = new Error('too late')

/** Connections to one server; each carries one request at a time and is used again. */
const openLines = (origin: string) => {
  const { hostname, port } = new URL(origin)
  const host = hostname.replace(/^\[|\]$/g, '')
  const clients = new Set<Client>()
  /** The one used last is taken first, so that no more stay in use than are needed. */
  const free: Client[] = []
  const sockets = new Set<Socket>()
  const gone = { sent: 0, received: 0 }

  const open = (): Client => {
    const client = new Client(origin, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_, callback) => {
        const socket = connectSocket({ host, port: Number(port), noDelay: true })
        sockets.add(socket)
        socket.once('connect', () => callback(null, socket))
        socket.once('error', (error) => callback(error, null))
        socket.once('close', () => {
          sockets.delete(socket)
          gone.sent += socket.bytesWritten
          gone.received += socket.bytesRead
        })
      },
    })
    clients.add(client)
    return client
  }

  return {
    take: (): Client => free.pop() ?? open(),
    giveBack: (client: Client) => free.push(client),
    async warm(_connections: number) {},
    readBytes() {
      const sum = { ...gone }
      for (const socket of sockets) {
        sum.sent += socket.bytesWritten
        sum.received += socket.bytesRead
      }
      return sum
    },
    async close() {
      await Promise.all([...clients].map((client) => client.destroy()))
    },
  }
}
