// How long should a slice of closed load be? The same setup twice, both up at once, in mirrored fours
// of slices of several lengths that take turns. Printed for each length: what a request costs in it
// (a short slice begins with cold caches), and how far apart the two seem after five seconds of
// measuring, pauses included: less is better, for there is no difference.
// By hand: `npx tsx bench/by-hand/slices.ts [setup] [--seconds 60]`
import { parseArgs } from 'node:util'
import { makePlan } from '../plan/plan.ts'
import { between } from '../run/contender.ts'
import { startAll } from '../run/stage.ts'
import { median, table } from './compare.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' } },
})
const target = positionals[0] ?? 'session-vs-token/signed-token'
const lengthsMs = [5, 10, 25, 50, 100, 200]
/** So much of each length in turn that all get about the same time. */
const turnMs = 500
const warmUpMs = 5_000

interface Slice {
  id: number
  answered: number
  ms: number
  cpuMs: number
  wholeMs: number
}

const main = async () => {
  const { plan, setups } = await makePlan({ targets: [target, target], preset: 'duel' })
  const { running, client, stop } = await startAll(
    setups.flatMap((setup) => setup ?? []),
    1,
    { reference: false },
  )
  try {
    const { workload, connections, timeoutMs } = plan
    for (const [id, { setup }] of plan.contenders.entries()) {
      const url = running[id]!.url
      await client.ask('open', { id, setup, url, workload, connections, timeoutMs })
    }
    const slice = async (id: number, lengthMs: number): Promise<Slice> => {
      const beganMs = performance.now()
      const one = running[id]!
      const before = await one.read()
      const { answered, seconds } = await client.ask('closedSlice', { id, ms: lengthMs })
      await one.settle()
      const { serverCpuMs, backendCpuMs } = between(before, await one.read())
      const cpuMs = serverCpuMs + (backendCpuMs ?? 0)
      return { id, answered, ms: seconds * 1000, cpuMs, wholeMs: performance.now() - beganMs }
    }
    for (let ms = 0; ms < warmUpMs; ms += 400) for (const id of [0, 1]) await slice(id, 200)

    const fours = new Map<number, Slice[][]>(lengthsMs.map((lengthMs) => [lengthMs, []]))
    const untilMs = performance.now() + Number(values.seconds) * 1000
    while (performance.now() < untilMs)
      for (const lengthMs of lengthsMs)
        for (let ms = 0; ms < turnMs; ms += 4 * (lengthMs + 8)) {
          const first = Math.random() < 0.5 ? 0 : 1
          const four: Slice[] = []
          for (const id of [first, 1 - first, 1 - first, first])
            four.push(await slice(id, lengthMs))
          fours.get(lengthMs)?.push(four)
        }

    const rows = [['slice', 'fours', 'CPU µs/request', '± after 5 s: CPU', 'throughput']]
    for (const [lengthMs, all] of fours) {
      const spread = (of: (slice: Slice) => number) => {
        const logs = all.map((four) => logRatio(four, of))
        const wholeMs = sum(all.flat(), ({ wholeMs }) => wholeMs) / all.length
        return `${(100 * deviation(logs) * Math.sqrt(wholeMs / 5_000)).toFixed(1)} %`
      }
      const costs = all.map((four) => sum(four, cpuOf) / sum(four, answeredOf))
      const cost = (median(costs) * 1000).toFixed(1)
      const ms = ({ ms }: Slice) => ms
      rows.push([`${lengthMs} ms`, `${all.length}`, cost, spread(cpuOf), spread(ms)])
    }
    console.log(`${target} twice; ± is one standard deviation of the logarithm of their ratio`)
    console.log(table(rows))
  } finally {
    await stop()
  }
}

const cpuOf = ({ cpuMs }: Slice) => cpuMs
const answeredOf = ({ answered }: Slice) => answered
const sum = (slices: readonly Slice[], of: (slice: Slice) => number): number =>
  slices.reduce((all, slice) => all + of(slice), 0)

const logRatio = (four: readonly Slice[], of: (slice: Slice) => number): number => {
  const perRequest = (id: number) => {
    const own = four.filter((slice) => slice.id === id)
    return sum(own, of) / sum(own, answeredOf)
  }
  return Math.log(perRequest(1) / perRequest(0))
}

const deviation = (sample: readonly number[]): number => {
  const mean = sample.reduce((all, one) => all + one, 0) / sample.length
  return Math.sqrt(sample.reduce((all, one) => all + (one - mean) ** 2, 0) / (sample.length - 1))
}

await main()
