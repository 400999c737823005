// What runs where, at this moment and as it changes.
import Router from '@koa/router'
import { answerEvents } from '../http/event-stream.ts'
import type { Hub } from '../http/events.ts'
import { closed } from '../http/problems.ts'
import type { Lab } from '../lab/lab.ts'

/** What runs where. */
export interface State {
  version: string
  lab: {
    url: string
    workers: {
      index: number
      pid: number
      door: string
      requests: number
      cpuMs: number
      rssBytes: number
      mounted: string[]
    }[]
  }
  /** What `live` serves, by scenario. */
  live: Record<string, string>
}

/** `isMeasuring`: the doctor starts programs to ask for their version, which would show in what is measured. */
export const stateRoutes = (options: {
  lab: Lab
  version: string
  hub: Hub
  isMeasuring(): boolean
}): Router => {
  const { lab, version, hub, isMeasuring } = options
  const router = new Router()

  const readState = async (): Promise<State> => {
    const [meters, live] = await Promise.all([lab.readMeter(), lab.live()])
    const workers = meters.map(({ index, pid, requests, cpuMs, rssBytes, mounted }) => {
      return { index, pid, door: lab.doors[index - 1] ?? '', requests, cpuMs, rssBytes, mounted }
    })
    return { version, lab: { url: lab.url, workers }, live }
  }

  router.get('/api/state', async (ctx) => {
    ctx.body = await readState()
  })

  router.get('/api/doctor', async (ctx) => {
    ctx.body = { node: process.version, backends: await lab.doctor() }
  })

  router.get('/api/events', (ctx) => {
    // A browser that connects again by itself says where it was; its page can say so when it begins.
    const after =
      ctx.get('Last-Event-ID') || new URLSearchParams(ctx.querystring).get('after') || ''
    answerEvents(ctx, hub.follow(closed(ctx.res), after))
  })
  hub.whileFollowed(1_000, async () => hub.publish('state', await readState()))
  hub.whileFollowed(10_000, async () => {
    if (!isMeasuring()) hub.publish('doctor', { backends: await lab.doctor() })
  })

  return router
}
