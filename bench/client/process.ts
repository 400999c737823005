// The load client's process: answers the coordinator's calls, and ends when the coordinator does.
import { connectCalls } from '../../core/processes/calls.ts'
import type { ClientCalls } from './calls.ts'
import { type ClosedLoad, openClosedLoad } from './closed.ts'
import { type OpenLoad, openOpenLoad } from './open.ts'
import { startPacer } from './pacer.ts'
import type { StarterCalls } from './start.ts'
import { prepareTarget } from './target.ts'

const loads = new Map<number, { closed: ClosedLoad; open: OpenLoad }>()
const pacer = await startPacer()

const calls: ClientCalls = {
  async open(target) {
    await calls.close(target.id)
    const prepared = await prepareTarget(target)
    const closed = await openClosedLoad(prepared)
    loads.set(target.id, { closed, open: openOpenLoad(prepared, pacer) })
  },
  closedSlice: ({ id, ...slice }) => loadOf(id).closed.run(slice),
  openSlice: ({ id, ...slice }) => loadOf(id).open.run(slice),
  openTimeline: ({ id, ...slice }) => loadOf(id).open.watch(slice),
  async close(id) {
    const load = loads.get(id)
    loads.delete(id)
    load?.closed.close()
    await load?.open.close()
  },
}

const loadOf = (id: number) => {
  const load = loads.get(id)
  if (!load) throw new Error(`No target ${id} is open.`)
  return load
}

process.once('disconnect', () => process.exit())
const ask = connectCalls<StarterCalls>(process, calls)
await ask('ready', null)
// Whoever started it may be gone before it listens.
if (!process.connected) process.exit()
