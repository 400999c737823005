// A closed-loop client that can be switched on and off within milliseconds and keeps its connections
// meanwhile: on each one request is under way, its answer brings the next. It measures no latency.
import { connect, type Socket } from 'node:net'

export interface Load {
  /** Sends for `ms` milliseconds, waits for what is under way, and says how much was answered. */
  run(ms: number): Promise<number>
  close(): void
}

/** Sends GETs of `urls`, which share a host, in turn. Any answer but 200 is an error. */
export const openLoad = async (urls: string[], connections = 10): Promise<Load> => {
  const { hostname, port } = new URL(urls[0] as string)
  const requests = urls.map((url) => {
    const { host, pathname, search } = new URL(url)
    return `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nAccept: */*\r\n\r\n`
  })
  const sockets = await Promise.all(
    Array.from({ length: connections }, () => opened(hostname, Number(port))),
  )
  let turn = 0

  return {
    async run(ms) {
      const untilMs = performance.now() + ms
      let answers = 0
      const converse = async (socket: Socket) => {
        while (performance.now() < untilMs) {
          await exchange(socket, requests[turn++ % requests.length] as string)
          answers++
        }
      }
      await Promise.all(sockets.map(converse))
      return answers
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

const opened = (host: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
      .setEncoding('latin1')
      .once('connect', () => resolve(socket))
      .once('error', reject)
  })

const exchange = (socket: Socket, request: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let text = ''
    const settle = (act: () => void) => {
      socket.off('data', read).off('close', closed)
      act()
    }
    const closed = () => settle(() => reject(new Error('The server closed the connection.')))
    const read = (piece: string) => {
      text += piece
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const bodyBytes = /^content-length: (\d+)/im.exec(text)?.[1]
      if (!text.startsWith('HTTP/1.1 200 ') || bodyBytes === undefined)
        settle(() => reject(new Error(`The server answered ${text}`)))
      else if (text.length >= end + 4 + Number(bodyBytes)) settle(resolve)
    }
    socket.on('data', read).on('close', closed)
    socket.write(request)
  })
