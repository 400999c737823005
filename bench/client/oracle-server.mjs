// A server whose latencies can be worked out on paper, to hold a load client to. Plain JavaScript,
// forked with what it shall do: {"stallMs":500,"everyMs":5000} or {"serviceMs":10}.
import { createServer } from 'node:http'

const { stallMs = 0, everyMs = 0, serviceMs = 0 } = JSON.parse(process.argv[2] ?? '{}')
const bed = new Int32Array(new SharedArrayBuffer(4))

/** Holds the event loop up. It sleeps nearly all of the time, so as to take no one else's. */
const hold = (ms) => {
  const untilMs = performance.now() + ms
  if (ms > 1) Atomics.wait(bed, 0, 0, ms - 0.5)
  while (performance.now() < untilMs);
}

const server = createServer((_, response) => {
  if (serviceMs > 0) hold(serviceMs)
  response.setHeader('Content-Length', 2)
  response.end('ok')
})
server.keepAliveTimeout = 65_000

const originMs = performance.now()
const stall = (turn) =>
  setTimeout(
    () => {
      hold(originMs + turn * everyMs + stallMs - performance.now())
      stall(turn + 1)
    },
    originMs + turn * everyMs - performance.now(),
  )
if (everyMs > 0) stall(1)

process.once('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address()?.port }))
