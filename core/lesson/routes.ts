// The lesson of a scenario, its demo, and a duel that was measured before, for when there is no time
// to measure one: all of it files in the scenario's folder.
import { readFile, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import Router from '@koa/router'
import { z } from 'zod'
import { home, loadScenario } from '../course/find.ts'
import { SeesawError } from '../errors.ts'
import { type Block, readBlocks } from './blocks.ts'
import { readDemo, type Step } from './demo.ts'

/** What `GET /api/lesson/<scenario>` answers. */
export interface Lesson {
  scenario: string
  blocks: Block[]
}

/** What `GET /api/demos/<scenario>` answers. */
export interface Demo {
  scenario: string
  steps: Step[]
  recorded: Recorded | null
}

/**
 * A measurement as `seesaw bench --json` writes it, without its blocks. As much of it is looked at as
 * the page shows.
 */
const recordedSchema = z.looseObject({
  format: z.literal(1),
  seesaw: z.string(),
  startedAt: z.string(),
  finishedAt: z.string(),
  command: z.string(),
  machine: z.looseObject({ cpu: z.string(), cores: z.number(), os: z.string(), node: z.string() }),
  plan: z.looseObject({
    scenario: z.string(),
    says: z.string(),
    preset: z.string(),
    primary: z.string(),
    blocks: z.number(),
    contenders: z.array(
      z.object({ name: z.string(), setup: z.string(), title: z.string(), reference: z.boolean() }),
    ),
  }),
  gates: z.array(z.looseObject({ gate: z.string(), ok: z.boolean(), says: z.string() })),
  figures: z.array(
    z.object({
      contender: z.string(),
      metric: z.string(),
      unit: z.string(),
      median: z.number().nullable(),
      low: z.number().nullable(),
      high: z.number().nullable(),
      samples: z.number(),
    }),
  ),
  verdicts: z.array(
    z.looseObject({
      metric: z.string(),
      a: z.string(),
      b: z.string(),
      verdict: z.string(),
      ratio: z.number().nullable(),
      low: z.number().nullable(),
      high: z.number().nullable(),
      exploratory: z.boolean(),
      sentence: z.string(),
    }),
  ),
})
export type Recorded = z.infer<typeof recordedSchema>

export const lessonRoutes = (scenariosFolder = join(home, 'scenarios')): Router => {
  const router = new Router()

  router.get('/api/lesson/:scenario', async (ctx) => {
    const { scenario = '' } = ctx.params
    await loadScenario(scenario, scenariosFolder)
    const text = await readInside(scenariosFolder, scenario, 'README.md')
    if (text === undefined)
      throw new SeesawError('ROUTE_NOT_FOUND', `${scenario} has no README.md yet.`)
    ctx.body = { scenario, blocks: readBlocks(text, scenario) } satisfies Lesson
  })

  router.get('/api/demos/:scenario', async (ctx) => {
    const { scenario = '' } = ctx.params
    ctx.body = await readDemoOf(scenario, scenariosFolder)
  })

  return router
}

/** A scenario's demo, with no steps where it has none. Throws SCENARIO_NOT_FOUND, SCENARIO_BROKEN. */
export const readDemoOf = async (id: string, folder = join(home, 'scenarios')): Promise<Demo> => {
  const scenario = await loadScenario(id, folder)
  const [readme = '', recorded] = await Promise.all([
    readInside(folder, id, 'README.md'),
    readInside(folder, id, 'recorded.json'),
  ])
  const steps = readDemo(readme, id, scenario)
  return {
    scenario: id,
    steps,
    recorded: recorded === undefined ? null : parseRecorded(id, recorded),
  }
}

const parseRecorded = (id: string, text: string): Recorded => {
  const refuse = (why: string, cause?: unknown): never => {
    const file = `scenarios/${id}/recorded.json`
    const remedy = 'Record it anew: npx tsx bench/by-hand/record-run.ts.'
    throw new SeesawError('SCENARIO_BROKEN', `${file}: ${why}. ${remedy}`, { cause })
  }
  try {
    const recorded = recordedSchema.parse(JSON.parse(text))
    if (recorded.plan.scenario !== id) refuse(`it was measured of ${recorded.plan.scenario}`)
    return recorded
  } catch (error) {
    if (error instanceof SeesawError) throw error
    return refuse('it is no measurement', error)
  }
}

/** A file's text; undefined where there is none, or where it leads out of the scenario's folder. */
const readInside = async (
  scenarios: string,
  scenario: string,
  name: string,
): Promise<string | undefined> => {
  const folder = await realpath(join(scenarios, scenario))
  const file = await realpath(join(folder, name)).catch(() => '')
  return file.startsWith(folder + sep) ? readFile(file, 'utf8') : undefined
}
