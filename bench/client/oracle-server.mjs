// A server whose latencies can be worked out on paper, to hold a load client to. Plain JavaScript,
// forked with what it shall do: {"stallMs":500,"everyMs":5000} or {"serviceMs":10}. Until it is told to
// begin it answers at once, so that everybody can be warm by then; told to report, it says when it had
// answered each request since.
import { createServer } from 'node:http'

const { stallMs = 0, everyMs = 0, serviceMs = 0 } = JSON.parse(process.argv[2] ?? '{}')
const bed = new Int32Array(new SharedArrayBuffer(4))

/** Holds the event loop up. It sleeps most of the time, and spins at the end, to be on time. */
const holdUntil = (untilMs) => {
  const restMs = untilMs - performance.now() - 2
  if (restMs > 0) Atomics.wait(bed, 0, 0, restMs)
  while (performance.now() < untilMs);
}

/** In the middle of each period, so that none is cut by the end of the load. */
const stall = (sinceMs, turn) =>
  setTimeout(
    () => {
      holdUntil(performance.now() + stallMs)
      stall(sinceMs, turn + 1)
    },
    sinceMs + (turn + 0.5) * everyMs - performance.now(),
  )

/** Serves one request. Who follows within a blink was waiting, and is served from when the last was
    done: what a real server does between two requests is not on paper. */
let freeAtMs = 0
const serve = () => {
  const nowMs = performance.now()
  freeAtMs = (nowMs - freeAtMs < blinkMs ? freeAtMs : nowMs) + serviceMs
  holdUntil(freeAtMs)
}
const blinkMs = 2

/** By the machine's monotonic clock, which its client has, too. */
const answeredAtMs = []
const machineNowMs = () => {
  const [seconds, ns] = process.hrtime()
  return seconds * 1000 + ns / 1e6
}

let does = 'nothing'
process.on('message', (told) => {
  if (told === 'begin') does = serviceMs > 0 ? 'serve' : 'stall'
  else process.send?.(answeredAtMs)
})
const server = createServer((_, response) => {
  if (does === 'serve') serve()
  if (does === 'stall') {
    does = 'stalls'
    stall(performance.now(), 0)
  }
  response.setHeader('Content-Length', 2)
  response.end('ok')
  if (does !== 'nothing') answeredAtMs.push(machineNowMs())
})
server.keepAliveTimeout = 65_000

process.once('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address()?.port }))
