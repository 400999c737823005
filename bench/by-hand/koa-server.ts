// The server that one would write without Seesaw: Koa, its router, its body parser, and the same
// handler over the same adapters. Forked by overhead.ts with the id of a variant of scenarios/calls;
// sends its address, and the CPU time it used whenever it is asked.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa from 'koa'
import { loadAdapter, loadScenario } from '../../core/course/find.ts'

const scenario = await loadScenario('calls', join(import.meta.dirname, 'scenarios'))
const variant = scenario.variants[process.argv[2] as string]!

const tools = { knobs: {}, nowMs: Date.now, secret: new Uint8Array(32) }
for (const kind of variant.needs) {
  const adapter = await loadAdapter(kind, 'memory')
  const place = { namespace: '', folder: tmpdir(), url: '', nowMs: Date.now }
  Object.assign(tools, { [kind]: await adapter.open(place) })
}
const router = new Router()
variant.mount(router, tools)

const server = new Koa()
  .use(bodyParser())
  .use(router.routes())
  .listen(0, '127.0.0.1', () => {
    const { port } = server.address() as { port: number }
    process.send?.(`http://127.0.0.1:${port}/`, () => {})
  })
// It rests while others have their turn.
server.keepAliveTimeout = 65_000

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.((user + system) / 1000, () => {})
})
process.on('disconnect', () => process.exit())
// Whoever started it may be gone before it listens.
if (!process.connected) process.exit()
