// Connections to one server for the open model: each carries one request at a time, is kept, and is
// used again.
import { connect, type Socket } from 'node:net'
import { Client } from 'undici'

export interface Lines {
  /** A line that is free; a new one where there is none. */
  take(): Client
  giveBack(line: Client): void
  /** Sees to it that so many lines are free and connected. Rejects where nobody listens. */
  warm(lines: number): Promise<void>
  /** Bytes on all lines so far, those that have ended included. */
  readBytes(): { sent: number; received: number }
  close(): Promise<void>
}

export const openLines = (origin: string): Lines => {
  const { hostname, port } = new URL(origin)
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), noDelay: true }
  const all = new Map<Client, { socket?: Socket }>()
  /** The one used last is taken first, so that no more stay in use than are needed. */
  const free: Client[] = []
  /** Connected, and no line's yet. */
  const spare: Socket[] = []
  const sockets = new Set<Socket>()
  const ended = { sent: 0, received: 0 }

  const openSocket = (): Socket => {
    const socket = connect(address)
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      ended.sent += socket.bytesWritten
      ended.received += socket.bytesRead
    })
    return socket
  }
  const connected = (socket: Socket): Promise<Socket> =>
    new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(socket)).once('error', reject)
    })

  const open = (): Client => {
    const line: { socket?: Socket } = {}
    const client = new Client(origin, {
      pipelining: 1,
      // One clock is enough; undici's own ticks by the half second.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_, callback) => {
        const waiting = spare.pop()
        line.socket = waiting ?? openSocket()
        // Not at once: undici is not ready for it before this function has returned.
        if (waiting) return queueMicrotask(() => callback(null, waiting))
        connected(line.socket).then(
          (socket) => callback(null, socket),
          (error) => callback(error, null),
        )
      },
    })
    all.set(client, line)
    return client
  }
  const isAlive = (client: Client) => all.get(client)?.socket?.readyState === 'open'

  return {
    take: () => free.pop() ?? open(),
    giveBack(client) {
      if (client.destroyed) all.delete(client)
      else free.push(client)
    },
    async warm(lines) {
      const missing = lines - free.filter(isAlive).length - spare.length
      const more = Array.from({ length: Math.max(0, missing) }, () => connected(openSocket()))
      for (const socket of await Promise.all(more)) {
        spare.push(socket)
        socket.once('close', () => {
          const i = spare.indexOf(socket)
          if (i >= 0) spare.splice(i, 1)
        })
      }
    },
    readBytes() {
      const sum = { ...ended }
      for (const socket of sockets) {
        sum.sent += socket.bytesWritten
        sum.received += socket.bytesRead
      }
      return sum
    },
    async close() {
      for (const socket of spare) socket.destroy()
      await Promise.all([...all.keys()].map((client) => client.destroy()))
    },
  }
}
