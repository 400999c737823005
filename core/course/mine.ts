// A learner's own version of a variant: it runs as the variant `mine` beside those that it is compared
// with. What lies in the data folder, `<data>/mine/<scenario>/`, is never taken for what it is not:
//
//   variant.ts     the text, as typed
//   mine.json      what it is based on, and when it was saved
//   checked.json   what came of trying whether that text can run
//   <version>.mjs  the same text, as it runs
//
// Which folder it is, the environment says: SEESAW_MINE. It is inherited by every process that Seesaw
// starts, and where nobody sets it, nobody meets a variant `mine`.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { kinds } from '../kinds/index.ts'

/** The name of the learner's variant. A scenario has none of that name itself. */
export const mine = 'mine'

/** Why a text does not run. */
export interface MineProblem {
  message: string
  /** In the text, both from 1; absent where it cannot be told. */
  line?: number | undefined
  column?: number | undefined
}

const knob = z.object({
  says: z.string(),
  default: z.number(),
  min: z.number(),
  max: z.number(),
  unit: z.enum(['ms', 'requests', 'bytes', 'count', 'percent']),
})

/** What a variant says of itself, without its code. */
export const aboutSchema = z.object({
  idea: z.string().max(500),
  needs: z.array(z.enum(kinds)),
  knobs: z.record(z.string(), knob).optional(),
})
export type About = z.infer<typeof aboutSchema>

const checkedSchema = z.object({
  basedOn: z.string(),
  savedAt: z.iso.datetime(),
  /** The name of the file that runs. */
  version: z.string().regex(/^[0-9a-f]{16}$/),
  about: aboutSchema.optional(),
  /** Present where it does not run. */
  problem: z
    .object({ message: z.string(), line: z.number().optional(), column: z.number().optional() })
    .optional(),
})
export type Checked = z.infer<typeof checkedSchema>

/** SEESAW_MINE: a folder, or what lay in it when a command began. */
const heldSchema = z.object({ folder: z.string(), held: z.record(z.string(), checkedSchema) })

const place = (): z.infer<typeof heldSchema> | { folder: string; held?: undefined } | undefined => {
  const text = process.env.SEESAW_MINE
  if (!text) return undefined
  return text.startsWith('{') ? heldSchema.parse(JSON.parse(text)) : { folder: text }
}

/** What became of the learner's variant of this scenario; undefined where there is none. */
export const readChecked = (scenario: string): (Checked & { file: string }) | undefined => {
  const found = place()
  if (!found) return undefined
  const { folder, held } = found
  const checked = held
    ? Object.hasOwn(held, scenario) && held[scenario]
    : checkedIn(join(folder, scenario))
  return checked
    ? { ...checked, file: join(folder, scenario, `${checked.version}.mjs`) }
    : undefined
}

/** Where the text of the learner's variant lies; undefined where there is none. */
export const mineTextFile = (scenario: string): string | undefined => {
  const checked = readChecked(scenario)
  return checked && join(dirname(checked.file), 'variant.ts')
}

/** What `checked.json` in this folder says; undefined where it is not there or not ours. */
export const checkedIn = (folder: string): Checked | undefined => {
  try {
    const text = readFileSync(join(folder, 'checked.json'), 'utf8')
    return checkedSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** What SEESAW_MINE has to be for what lies in `folder` now to stay what it is, whoever saves meanwhile. */
export const holdStill = (folder: string): string => {
  const ids = existsSync(folder) ? readdirSync(folder) : []
  const held = ids.flatMap((id) => {
    const checked = checkedIn(join(folder, id))
    return checked ? [[id, checked] as const] : []
  })
  return JSON.stringify({ folder, held: Object.fromEntries(held) })
}
