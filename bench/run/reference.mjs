// The bare server: answers every request with 200 and two letters. What a client gets out of it is
// the most that this client can get out of anything here. Plain JavaScript, so that it starts at once.
import { createServer } from 'node:http'
import { PerformanceObserver, performance } from 'node:perf_hooks'

let requests = 0
let gcMs = 0
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) gcMs += duration
}).observe({ entryTypes: ['gc'] })

const server = createServer((_, response) => {
  requests++
  response.setHeader('Content-Length', 2)
  response.end('ok')
})
// As the server processes of a lab do.
server.keepAliveTimeout = 65_000

process.once('disconnect', () => process.exit())
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({
    requests,
    cpuMs: (user + system) / 1000,
    busyMs: performance.eventLoopUtilization().active,
    rssBytes: process.memoryUsage.rss(),
    gcMs,
  })
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address()?.port }))
