// What is done with live setups: choosing one, emptying it, trying an exercise on it.
import Router from '@koa/router'
import { z } from 'zod'
import { loadScenario } from '../course/find.ts'
import { closed, readBody } from '../http/problems.ts'
import type { Lab } from '../lab/lab.ts'
import { runCommand } from '../processes/child-command.ts'
import { findClaim } from '../proof/try.ts'

/** A choice that has been made. */
export interface Toggled {
  scenario: string
  setup: string
  atMs: number
}

const names = z.record(z.string(), z.string())
const bodies = {
  toggle: z.strictObject({
    scenario: z.string(),
    variant: z.string().optional(),
    backends: names.default({}),
    knobs: z.record(z.string(), z.union([z.string(), z.number().transform(String)])).default({}),
    reset: z.boolean().default(false),
  }),
  reset: z.strictObject({ setup: z.string().optional() }),
  try: z.strictObject({ setup: z.string(), exercise: z.string().optional() }),
}

export const liveRoutes = (options: {
  lab: Lab
  scenariosFolder: string
  onToggle(toggled: Toggled): void
}): Router => {
  const { lab, scenariosFolder, onToggle } = options
  const router = new Router()

  router.post('/api/toggle', async (ctx) => {
    const { scenario, reset, ...change } = readBody(bodies.toggle, ctx.request.body)
    const { setup, ms } = await lab.toggle(scenario, reset ? null : change)
    onToggle({ scenario, setup, atMs: Date.now() })
    const url = `${lab.url}/run/${scenario}/live/`
    ctx.body = { scenario, setup, url, workers: lab.doors.length, ms: Math.round(ms * 10) / 10 }
  })

  router.post('/api/reset', async (ctx) => {
    const { setup } = readBody(bodies.reset, ctx.request.body)
    const ids =
      setup === undefined ? Object.values(await lab.live()) : [(await lab.resolve(setup)).id]
    for (const id of ids) await lab.reset(id)
    ctx.body = { reset: ids }
  })

  // Exercises are code of scenarios, which may spin or crash: they run in a process of their own,
  // by the very command that a person would type.
  router.post('/api/try', async (ctx) => {
    const { setup, exercise } = readBody(bodies.try, ctx.request.body)
    const { scenario } = await lab.resolve(setup)
    findClaim(scenario, await loadScenario(scenario, scenariosFolder), exercise)
    ctx.body = await runCommand(['try', setup, ...(exercise ? [exercise] : []), '--json'], {
      env: await lab.environment(),
      until: closed(ctx.res),
    })
  })

  return router
}
