// What a measurement counts: each metric with what it is called, what it is counted in, and which
// direction is the better one. Core, bench and page all read it here; it imports nothing.

/** Every metric, in the order in which reports show them. */
export const metrics = [
  'throughput',
  'p50',
  'p90',
  'p95',
  'p99',
  'cpu',
  'backend-calls',
  'bytes',
  'gc',
  'rss',
] as const
export type Metric = (typeof metrics)[number]

interface Facts {
  /** As the head of a row; within a sentence in lower case, but for what is a name. */
  label: string
  unit: string
  better: 'more' | 'less'
}

export const metricFacts: Readonly<Record<Metric, Facts>> = {
  throughput: { label: 'Throughput', unit: 'requests/s', better: 'more' },
  p50: { label: 'Latency p50', unit: 'ms', better: 'less' },
  p90: { label: 'Latency p90', unit: 'ms', better: 'less' },
  p95: { label: 'Latency p95', unit: 'ms', better: 'less' },
  p99: { label: 'Latency p99', unit: 'ms', better: 'less' },
  cpu: { label: 'CPU per request', unit: 'ms/request', better: 'less' },
  'backend-calls': { label: 'Backend calls per request', unit: 'calls/request', better: 'less' },
  bytes: { label: 'Bytes per request', unit: 'bytes/request', better: 'less' },
  gc: { label: 'Garbage collection', unit: 'ms/1000 requests', better: 'less' },
  rss: { label: 'Memory (RSS)', unit: 'MB', better: 'less' },
}
