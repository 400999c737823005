// Why does a small difference look larger under full load than it is? A client that has nothing to do
// sleeps, and whoever answers it pays for waking it up. The slower the server, the more often the
// client has nothing to do. Servers that burn so many microseconds more are asked by the same client in
// two ways: it sleeps between answers, as clients do, or it looks for the next one all the time. Like the
// harness's own client it has work with each answer, about as much as the quickest of the servers.
// By hand, on Linux: `npx tsx bench/by-hand/waking.ts [--burn 0,6,20] [--blocks 24]`
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createConnection, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cpuOf } from '../run/processes.ts'
import { inBlocks, inPercent, median, ratioOf, table } from './compare.ts'

const connections = 10
const sliceMs = 100
const warmUpMs = 3_000
const clientUs = 6
const ways = ['sleeps', 'looks'] as const
type Way = (typeof ways)[number]

const coordinate = async () => {
  const { values } = parseArgs({
    options: {
      burn: { type: 'string', default: '0,6,20' },
      blocks: { type: 'string', default: '24' },
    },
  })
  const servers = await Promise.all(
    values.burn.split(',').map(async (burn) => {
      const server = start('server', burn)
      const [port] = (await once(server, 'message')) as [number]
      const client = start('client', String(port))
      await once(client, 'message')
      return { burn, server, client, cpuMs: cpuOf([server.pid ?? 0]) as () => number }
    }),
  )
  const names = servers.flatMap((_, i) => ways.map((way) => `${i} ${way}` as const))
  const sleeps = new Map<string, number[]>(names.map((name) => [name, []]))
  const slice = async (name: (typeof names)[number], ms = sliceMs) => {
    const [i, way] = name.split(' ') as [string, Way]
    const { client, cpuMs } = servers[Number(i)]!
    const before = { cpuMs: cpuMs(), sleeps: sleepsOf(client.pid) }
    client.send({ way, ms })
    const [count] = (await once(client, 'message')) as [number]
    sleeps.get(name)?.push((sleepsOf(client.pid) - before.sleeps) / count)
    return { cost: cpuMs() - before.cpuMs, count }
  }
  for (let spentMs = 0; spentMs < warmUpMs; spentMs += sliceMs)
    for (const name of names) await slice(name)
  for (const all of sleeps.values()) all.length = 0
  const costs = await inBlocks(names, Number(values.blocks), slice)

  const rows = [
    ['burnt', 'client', 'CPU µs/request', 'more than without', 'client sleeps per request'],
  ]
  for (const way of ways)
    for (const [i, { burn }] of servers.entries()) {
      const [own, plain] = [costs[`${i} ${way}`], costs[`0 ${way}`]] as [number[], number[]]
      const more = own.map((cost, block) => 1000 * (cost - (plain[block] as number)))
      rows.push([
        `${burn} µs`,
        way,
        (1000 * median(own)).toFixed(1),
        i === 0 ? '' : `${median(more).toFixed(1)} µs, ${inPercent(ratioOf(own, plain))}`,
        median(sleeps.get(`${i} ${way}`) ?? []).toFixed(2),
      ])
    }
  console.log(table(rows))
  for (const { server, client } of servers) for (const one of [server, client]) one.kill()
}

/** Spins for so long by the clock. */
const burn = (microseconds: number): void => {
  const untilMs = performance.now() + microseconds / 1000
  if (microseconds > 0) while (performance.now() < untilMs);
}

const start = (role: string, of: string) =>
  fork(fileURLToPath(import.meta.url), [role, of], { execArgv: ['--import', 'tsx'] })

/** How often its threads have gone to sleep by themselves so far. */
const sleepsOf = (pid = 0): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))
    .reduce((sum, text) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(text)?.[1]), 0)

/** Answers every request after burning `microseconds` by the clock. */
const serve = (microseconds: number) => {
  const server = createServer((_, response) => {
    burn(microseconds)
    response.setHeader('Content-Length', 2)
    response.end('ok')
  })
  server.keepAliveTimeout = 65_000
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}

/** On each connection the next request is sent when the last was answered, which is one packet. */
const ask = async (port: number) => {
  const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
  let untilMs = 0
  let count = 0
  let underWay = 0
  const send = (line: Socket) => {
    underWay++
    line.write(request)
  }
  const lines = await Promise.all(
    Array.from({ length: connections }, async () => {
      const line = createConnection({ port, host: '127.0.0.1', noDelay: true })
      await once(line, 'connect')
      line.on('data', () => {
        burn(clientUs)
        underWay--
        count++
        if (performance.now() < untilMs) send(line)
        else if (underWay === 0) process.send?.(count)
      })
      return line
    }),
  )
  process.on('message', ({ way, ms }: { way: Way; ms: number }) => {
    count = 0
    untilMs = performance.now() + ms
    for (const line of lines) send(line)
    const look = () => {
      if (underWay > 0) setImmediate(look)
    }
    if (way === 'looks') look()
  })
  process.send?.('ready')
}

process.on('disconnect', () => process.exit())
const [role, of] = process.argv.slice(2)
if (role === 'server') serve(Number(of))
else if (role === 'client') await ask(Number(of))
else await coordinate()
