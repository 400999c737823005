// A process of its own in which a learner's variant is loaded and mounted for the first time. Whatever
// it does there, spin, crash or exit, it does to nobody else.
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { mountSetup } from '../app.ts'
import { adapterIndex, loadFile } from '../load.ts'
import type { AnyScenario, AnyVariant } from '../scenario.ts'
import { resolveSetup } from '../setup.ts'
import { textName } from './compile.ts'
import { type About, aboutSchema, type MineProblem, mine } from './kept.ts'

export interface ProbeOptions {
  scenario: string
  /** The compiled file. */
  file: string
  /** A throw-away folder for what it stores. */
  folder: string
}

/** What the process says: that it is there, and then what came of it. */
export type ProbeNews = { began: true } | { about: About } | { problem: MineProblem }

const say = (news: ProbeNews) =>
  new Promise<void>((resolve) => process.send?.(news, undefined, undefined, () => resolve()))

/** What `error` says, and where in the learner's text it happened. */
const explain = (error: unknown): MineProblem => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return { message: `It throws ${String(cause)}.` }
  const { name, message, stack = '' } = cause
  // A frame has line and column; a missing export is told as a line alone, before the frames.
  const place = new RegExp(`${textName.replace('.', '\\.')}:(\\d+)(?::(\\d+))?`).exec(stack)
  const said = name === 'Error' || name === 'SeesawError' ? message : `${name}: ${message}`
  return {
    message: said.replace(/file:\/\/\S*\/(?=[^/\s']+)/g, '').slice(0, 1_000),
    ...(place ? { line: Number(place[1]) } : {}),
    ...(place?.[2] ? { column: Number(place[2]) } : {}),
  }
}

const lookAt = (exported: unknown): About => {
  const shape = aboutSchema.extend({
    title: z.string(),
    mount: z.custom((it) => typeof it === 'function'),
  })
  const said = shape.safeParse(exported)
  if (said.success) return aboutSchema.parse(exported)
  if (typeof exported !== 'object' || exported === null)
    throw new Error('There is no variant in it: it must say export default defineVariant({ … }).')
  const [issue] = said.error.issues
  throw new Error(`The variant's ${issue?.path.join('.')} is wrong: ${issue?.message}.`)
}

const { scenario, file, folder } = JSON.parse(process.env.SEESAW_PROBE ?? '') as ProbeOptions
// Whoever asked is gone.
process.on('disconnect', () => process.exit(1))
process.on('uncaughtException', (error) => {
  void say({ problem: explain(error) }).then(() => process.exit(1))
})
await say({ began: true })
try {
  const variant = await loadFile(file)
  const about = lookAt(variant)
  const variants = { [mine]: variant as AnyVariant }
  const parts = { scenario, variant: mine, backends: {}, knobs: {} }
  const choices = { adapters: adapterIndex, defaults: {} }
  const setup = resolveSetup(parts, { variants } as unknown as AnyScenario, choices)
  const mounted = await mountSetup(setup, variant as AnyVariant, {
    prefix: 'seesaw:probe',
    folder,
    signingKey: randomBytes(32),
    locate: async () => '',
  })
  await mounted.close()
  await say({ about })
} catch (error) {
  await say({ problem: explain(error) })
}
process.exit(0)
