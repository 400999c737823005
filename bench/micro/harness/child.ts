// The process that runs one variant and nothing else. What it computes is kept and looked at, and
// what it computes it from is not known beforehand, so that no compiler can leave the work out.
import { rmdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { Bench } from 'tinybench'
import { median } from '../../stats/median.ts'
import type { ChildCalls, Question, Reply, SliceResult } from './calls.ts'
import { type Ready, randomOf } from './comparison.ts'
import { loadComparison } from './names.ts'

/** A sample is long beside what reading the clock costs, and short beside a slice. */
const sampleNs = 100_000

const open = async (of: Parameters<ChildCalls['open']>[0]): Promise<string | null> => {
  const { variants } = await loadComparison(of.name)
  const variant = variants[of.variant]
  if (!variant) return `there is no variant '${of.variant}'.`
  const ready = await variant.open({ random: randomOf(of.seed), folder })
  timed = await timing(ready)
  return (await ready.check?.()) ?? timed.wrong()
}

const folder = process.argv[2] as string
let timed: Awaited<ReturnType<typeof timing>>

/** Tries a function with every input, and returns how to time it. */
const timing = async ({ inputs, call, isRight }: Ready) => {
  let wrong: string | null = null
  const look = (output: unknown, input: unknown): void => {
    if (isRight(output as never, input as never)) return
    wrong ??= `it returns ${shown(output)} for ${shown(input)}.`
  }
  let isAsync = false
  for (const input of inputs) {
    const output = call(input as never)
    isAsync ||= output instanceof Promise
    look(await output, input)
  }

  // Where results go: so many places that none is overwritten before a sample has ended, or so.
  const kept: unknown[] = new Array(64).fill(undefined)
  let next = 0
  let batch = 1
  const sync = () => {
    for (let i = 0; i < batch; i++) {
      kept[i & 63] = call(inputs[next] as never)
      next = next + 1 === inputs.length ? 0 : next + 1
    }
  }
  const async = async () => {
    for (let i = 0; i < batch; i++) {
      kept[i & 63] = await call(inputs[next] as never)
      next = next + 1 === inputs.length ? 0 : next + 1
    }
  }
  const lookAtLast = () => {
    const last = next === 0 ? inputs.length - 1 : next - 1
    look(kept[(batch - 1) & 63], inputs[last])
  }

  return {
    wrong: () => wrong,

    /** The samples of `ms` in nanoseconds per call. */
    async run(ms: number, size: number): Promise<number[]> {
      batch = size
      const bench = new Bench({ time: ms, iterations: 1, warmup: false, throws: true })
      bench.add('', isAsync ? async : sync, {
        async: isAsync,
        afterEach: lookAtLast,
        retainSamples: true,
      })
      const [task] = isAsync ? await bench.run() : bench.runSync()
      if (task?.result.state !== 'completed') throw new Error('tinybench gives no result.')
      return [...(task.result.latency.samples ?? [])].map((ms) => (ms * 1e6) / size)
    },
  }
}

const warmUp = async ({ ms, batch }: Parameters<ChildCalls['warmUp']>[0]) => {
  const endsMs = performance.now() + ms
  // Twice as many calls per sample as long as a sample is too short. A first guess may be right.
  let size = batch
  let ns = 0
  do {
    ns = median(await timed.run(Math.min(ms, 20), size))
    while (batch === 1 && ns * size < sampleNs) size *= 2
  } while (performance.now() < endsMs)
  return { ns, batch: size }
}

const slice = async ({ ms, batch }: Parameters<ChildCalls['slice']>[0]): Promise<SliceResult> => {
  const before = process.cpuUsage()
  const samples = await timed.run(ms, batch)
  const { user, system } = process.cpuUsage(before)
  const calls = samples.length * batch
  return {
    ns: median(samples),
    samples: samples.length,
    calls,
    cpuNs: ((user + system) * 1000) / calls,
    wrong: timed.wrong(),
  }
}

const shown = (value: unknown): string => {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

const calls: { [Name in keyof ChildCalls]: (of: never) => Promise<unknown> } = {
  open,
  warmUp,
  slice,
}
process.on('message', ({ ask, of }: Question) => {
  calls[ask](of as never)
    .then(
      (result): Reply => ({ result }),
      (error: unknown): Reply => ({
        error: error instanceof Error ? error.message : String(error),
      }),
    )
    .then((reply) => process.send?.(reply, () => {}))
})
// Nobody asks any more, and whoever would have cleaned up is gone.
const leave = () => {
  rmSync(folder, { recursive: true, force: true })
  try {
    rmdirSync(dirname(folder))
  } catch {
    // Others still use it.
  }
  process.exit()
}
if (process.connected) process.on('disconnect', leave)
else leave()
