// A process of its own in which a learner's variant is compiled, loaded and mounted for the first
// time. Whatever it does there, spin, crash or exit, it does to nobody else.
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { adapterIndex, loadFile } from '../course/find.ts'
import { type About, aboutSchema, type MineProblem, mine } from '../course/mine.ts'
import { resolveSetup } from '../course/setup.ts'
import { writeAside } from '../files/data-folder.ts'
import { mountSetup } from '../lab/app.ts'
import { endWithParent } from '../lab/watchdog.ts'
import type { AnyScenario, AnyVariant } from '../scenario.ts'
import { compile, textName } from './compile.ts'

export interface ProbeOptions {
  scenario: string
  text: string
  /** The folder that its imports are relative to: that of the variant it is based on. */
  relativeTo: string
  /** Where what runs is to lie. */
  file: string
  /** A throw-away folder for what it stores. */
  folder: string
}

/** What the process says: that it begins to mount, and then what came of it. */
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

const probe = async (options: ProbeOptions): Promise<ProbeNews> => {
  const { scenario, text, relativeTo, file, folder } = options
  const compiled = await compile(text, { relativeTo, file })
  if ('problem' in compiled) return compiled
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeAside(file, compiled.code)
  await say({ began: true })
  const variant = (await loadFile(file)) as AnyVariant
  const about = lookAt(variant)
  const parts = { scenario, variant: mine, backends: {}, knobs: {} }
  const alone = { variants: { [mine]: variant } } as unknown as AnyScenario
  const setup = resolveSetup(parts, alone, { adapters: adapterIndex, defaults: {} })
  const mounted = await mountSetup(setup, variant, {
    prefix: 'seesaw:probe',
    folder,
    signingKey: randomBytes(32),
    locate: async () => '',
  })
  await mounted.close()
  return { about }
}

const conclude = (news: ProbeNews) => say(news).then(() => process.exit(0))
endWithParent()
// Whoever asked is gone.
process.on('disconnect', () => process.exit(1))
process.on('uncaughtException', (error) => void conclude({ problem: explain(error) }))
process.once('message', (options) => {
  probe(options as ProbeOptions).then(conclude, (error) => conclude({ problem: explain(error) }))
})
