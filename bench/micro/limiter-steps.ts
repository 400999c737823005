// The algorithms of rate-limits without a server and without a place to keep their state: the pure
// step that decides about one request. 64 clients ask half as often again as they may.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import Koa from 'koa'
import { loadScenario } from '../../core/course/find.ts'
import { loopbackFetch } from '../../core/http/loopback-fetch.ts'
import type { Comparison, MicroTools, MicroVariant } from './harness/comparison.ts'
import { ready } from './harness/comparison.ts'

const clients = 64
const limit = 10
const windowMs = 1000

const { variants } = await loadScenario('rate-limits')
type Variant = (typeof variants)[string]
type Step = (state: unknown, nowMs: number) => { state: unknown; result: Decision }
interface Decision {
  allowed: boolean
  remaining: number
}

const stepOf = (variant: Variant): MicroVariant => ({
  title: variant.title,
  async open({ random }: MicroTools) {
    const step = await askedOf(variant)
    const states: unknown[] = Array.from({ length: clients })
    let nowMs = 1_700_000_000_000
    return ready({
      // A millisecond per request on average, so that a client comes every 64 ms; it may every 100.
      inputs: Array.from({ length: 1024 }, () => ({
        client: random.integer(0, clients - 1),
        laterMs: random.integer(0, 2),
      })),
      call({ client, laterMs }) {
        nowMs += laterMs
        const { state, result } = step(states[client], nowMs)
        states[client] = state
        return result
      },
      isRight: ({ allowed, remaining }) => typeof allowed === 'boolean' && remaining < limit,
      check: () => burst(step),
    })
  },
})

/** What all of them promise: a full limit at once, no more, and again after some silence. */
const burst = (step: Step): string | undefined => {
  let state: unknown
  const ask = (nowMs: number) => {
    const decided = step(state, nowMs)
    state = decided.state
    return decided.result.allowed
  }
  const startMs = 1_700_000_000_000
  for (let i = 0; i < limit; i++)
    if (!ask(startMs)) return `it refuses request ${i + 1} of ${limit} that it may admit.`
  if (ask(startMs)) return `it admits more than ${limit} at once.`
  return ask(startMs + 3 * windowMs)
    ? undefined
    : 'it still refuses after three windows of silence.'
}

/** The step that a variant asks its limiter to take: it serves one request, and the limiter listens. */
const askedOf = async (variant: Variant): Promise<Step> => {
  let asked: Step | undefined
  const limiter = {
    async update(_: string, step: Step) {
      asked = step
      return step(undefined, Date.now()).result
    },
  }
  const router = new Router()
  const knobs = { limit, windowMs }
  await variant.mount(router, { limiter, knobs, nowMs: Date.now, secret: new Uint8Array(32) })
  const server = createServer(new Koa().use(router.routes()).callback()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await loopbackFetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  server.close()
  server.closeAllConnections()
  if (!asked) throw new Error(`${variant.title} asks its limiter nothing.`)
  return asked
}

export default {
  question: 'What does it cost to decide about one request?',
  call: 'decide about one request',
  variants: Object.fromEntries(
    Object.entries(variants).map(([id, variant]) => [id, stepOf(variant)]),
  ),
} satisfies Comparison
