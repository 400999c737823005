// The process that sends what live-load.ts asks for, so that sending slows nothing else down. It
// counts what comes back and says so four times a second.
import autocannon, { type Client, type Request } from 'autocannon'
import { build } from 'hdr-histogram-js'
import type { LoadOrder, LoadReport, LoadSample } from './live-load.ts'

const sampleEveryMs = 250
/** Percentiles are of the last second: of a quarter there is too little to say. */
const samplesPerSecond = 1_000 / sampleEveryMs

const tell = (report: LoadReport, then = () => {}): void => {
  process.send?.(report, then)
}

const run = ({ url, connections, seconds, requests }: LoadOrder) => {
  const clients: Client[] = []
  const all = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 })
  const recent: number[][] = [[]]
  const total = { requests: 0, not2xx: 0, errors: 0 }
  const since = { not2xx: 0, unauthorized: 0, errors: 0 }
  const beganMs = performance.now()
  let sampledMs = beganMs

  const sample = () => {
    const nowMs = performance.now()
    const elapsed = (nowMs - sampledMs) / 1_000
    const [latest = []] = recent
    const sorted = Float64Array.from(recent.flat()).sort()
    const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? null
    const said: LoadSample = {
      atMs: Date.now(),
      perSecond: latest.length / elapsed,
      not2xxPerSecond: since.not2xx / elapsed,
      errors: since.errors,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    }
    tell({ sample: said, unauthorized: 2 * since.unauthorized > latest.length })
    Object.assign(since, { not2xx: 0, unauthorized: 0, errors: 0 })
    sampledMs = nowMs
    recent.unshift([])
    recent.length = Math.min(recent.length, samplesPerSecond)
  }
  const timer = setInterval(sample, sampleEveryMs)

  const shots = autocannon(
    {
      url,
      connections,
      duration: seconds,
      requests,
      setupClient: (client) => clients.push(client),
    },
    () => {
      clearInterval(timer)
      const took = (performance.now() - beganMs) / 1_000
      const percentile = (p: number) =>
        total.requests > 0 ? all.getValueAtPercentile(p) / 1_000 : null
      const totals = {
        ...total,
        seconds: took,
        perSecond: total.requests / took,
        p50Ms: percentile(50),
        p99Ms: percentile(99),
      }
      tell({ totals }, () => process.exit(0))
    },
  )
  shots.on('response', (_client, status, _bytes, ms) => {
    total.requests++
    recent[0]?.push(ms)
    all.recordValue(Math.max(1, Math.round(ms * 1_000)))
    if (status >= 200 && status < 300) return
    total.not2xx++
    since.not2xx++
    if (status === 401) since.unauthorized++
  })
  shots.on('reqError', () => {
    total.errors++
    since.errors++
  })
  return {
    stop: () => shots.stop(),
    // Each client goes on with these; none of its connections is closed.
    change: (changed: Request[]) => {
      for (const client of clients) client.setRequests(structuredClone(changed))
    },
  }
}

let running: ReturnType<typeof run> | undefined
process.on('message', (message: LoadOrder | Request[] | 'stop') => {
  if (message === 'stop') running?.stop()
  else if (Array.isArray(message)) running?.change(message)
  else running ??= run(message)
})
process.on('disconnect', () => process.exit(0))
