// What the lab adds to the CPU time of a request, compared with the same handler in a hand-written
// Koa server, without adapter calls and with three, and when 300 setups are mounted. Two hand-written
// servers compete as well: what is found between them is what this machine makes of no difference.
// By hand: `npx tsx bench/by-hand/overhead.ts [--rounds 8] [--blocks 8] [--slice-ms 250]`
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loopbackFetch } from '../../core/http/loopback-fetch.ts'
import { type Lab, startLab } from '../../core/lab/lab.ts'
import { inBlocks, inPercent, median, ratioOf, table } from './compare.ts'
import { type Load, openLoad } from './load.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '8' },
    blocks: { type: 'string', default: '8' },
    'slice-ms': { type: 'string', default: '250' },
  },
})
const rounds = Number(values.rounds)
const blocks = Number(values.blocks)
const sliceMs = Number(values['slice-ms'])
/** Each server is warmed up in this many turns of 250 ms, so that all meet an equally warm client. */
const warmUps = 12
const crowdSize = 60

/** Somebody who answers requests: where, and how much CPU time it has used so far. */
interface Server {
  urls: string[]
  readCpuMs(): Promise<number>
}

const main = async () => {
  const rows = [['handler', 'server', 'CPU µs/request', 'more than the hand-written server (95 %)']]
  for (const variant of ['no-call', 'three-calls']) {
    const figures = new Map<string, number[]>()
    for (let round = 1; round <= rounds; round++) {
      console.error(`${variant}: round ${round} of ${rounds}`)
      // Fresh processes: how the compiler treats one is partly chance, and does not change anymore.
      for (const [name, figure] of Object.entries(await measureRound(variant)))
        figures.set(name, [...(figures.get(name) ?? []), figure])
    }
    const base = figures.get('hand-written')!
    for (const [name, sample] of figures)
      rows.push([
        variant,
        name,
        (median(sample) * 1000).toFixed(1),
        name === 'hand-written' ? '' : inPercent(ratioOf(sample, base)),
      ])
  }
  console.log(`CPU time per request; medians of ${rounds} rounds of ${blocks} mirrored blocks,`)
  console.log(`slices of ${sliceMs} ms, fresh processes in every round; a pair is a round.`)
  console.log(table(rows))
}

const measureRound = async (variant: string): Promise<Record<string, number>> => {
  const folder = mkdtempSync(join(tmpdir(), 'seesaw-bench-'))
  const children: ChildProcess[] = []
  const labs: Lab[] = []
  const loads: Load[] = []
  try {
    const calls = join(import.meta.dirname, 'scenarios')
    const ids = Array.from({ length: crowdSize }, (_, i) => `calls-${i}`)
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    for (const id of ids) cpSync(join(calls, 'calls'), join(folder, id), { recursive: true })
    for (let i = 0; i < 2; i++) children.push(startByHand(variant))
    labs.push(await startLab({ scenariosFolder: calls, only: ['calls'] }))
    labs.push(await startLab({ scenariosFolder: folder }))
    const [lab, crowded] = labs as [Lab, Lab]

    const servers: Record<string, Server> = {
      'hand-written': await byHand(children[0]!),
      'hand-written, again': await byHand(children[1]!),
      'lab, by the door': served(lab, [`${lab.doors[0]}/run/calls/${variant}/`]),
      'lab, by the shared port': served(lab, [`${lab.url}/run/calls/${variant}/`]),
      'lab, 300 setups mounted': served(crowded, [`${crowded.url}/run/calls-7/${variant}/`]),
    }
    // Which handler takes its turn is the lab's doing, how long one takes to warm up is not.
    if (variant === 'no-call') {
      const urls = ids.map((id) => `${crowded.url}/run/${id}/${variant}/`)
      servers['lab, 60 setups in turn'] = served(crowded, urls)
    }
    await mountAll(crowded)

    const loadOf = new Map<string, Load>()
    for (const [name, { urls }] of Object.entries(servers)) {
      const load = await openLoad(urls)
      loads.push(load)
      loadOf.set(name, load)
    }
    for (let i = 0; i < warmUps; i++) for (const load of loads) await load.run(250)
    const figures = await inBlocks(Object.keys(servers), blocks, async (name) => {
      const { readCpuMs } = servers[name]!
      const beforeMs = await readCpuMs()
      const count = await loadOf.get(name)!.run(sliceMs)
      return { cost: (await readCpuMs()) - beforeMs, count }
    })
    return Object.fromEntries(
      Object.entries(figures).map(([name, sample]) => [name, median(sample)]),
    )
  } finally {
    for (const load of loads) load.close()
    for (const child of children) child.disconnect()
    for (const lab of labs) await lab.stop()
    rmSync(folder, { recursive: true })
  }
}

/** With the flags of a lab's own processes. */
const startByHand = (variant: string): ChildProcess =>
  fork(join(import.meta.dirname, 'koa-server.ts'), [variant], {
    execArgv: ['--max-old-space-size=768', '--import', 'tsx'],
  }).once('exit', (code) => {
    if (code) throw new Error(`The hand-written server ended with ${code}.`)
  })

const byHand = async (child: ChildProcess): Promise<Server> => {
  const said = async () => (await once(child, 'message'))[0]
  return {
    urls: [await said()],
    readCpuMs: () => {
      child.send('read')
      return said()
    },
  }
}

const served = (lab: Lab, urls: string[]): Server => ({
  urls,
  readCpuMs: async () => (await lab.readMeter())[0]!.cpuMs,
})

/** Asks every variant of every scenario once. */
const mountAll = async (lab: Lab): Promise<void> => {
  const variants = ['no-call', 'one-call', 'two-calls', 'three-calls', 'four-calls']
  for (let i = 0; i < crowdSize; i++)
    for (const variant of variants) {
      const { status } = await loopbackFetch(`${lab.url}/run/calls-${i}/${variant}/`)
      if (status !== 200) throw new Error(`calls-${i}/${variant} answers ${status}.`)
    }
  const { mounted } = (await lab.readMeter())[0]!
  if (mounted.length !== crowdSize * variants.length)
    throw new Error(`${mounted.length} setups are mounted.`)
}

await main()
process.exit()
