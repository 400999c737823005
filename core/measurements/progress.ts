// What the command says while it measures: one JSON object per line. Only what the list shows is
// looked into; everything else is passed on as it came, so that the command may say more one day.
import { z } from 'zod'

/** One line of progress; `type` says what else is in it. */
export interface Progress {
  type: string
  [member: string]: unknown
}

const progressSchema = z.looseObject({ type: z.string().min(1).max(40) })
const planSchema = z.object({ contenders: z.array(z.object({ setup: z.string() })) })
const blockSchema = z.object({ done: z.int().min(0), of: z.int().min(0) })

/** The event on this line; undefined where it is something else, such as a warning of Node's. */
export const progressIn = (line: string): Progress | undefined => {
  if (!line.startsWith('{')) return undefined
  try {
    return progressSchema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

/** The setups that a `plan` names; the reference has none. */
export const setupsIn = (event: Progress): string[] | undefined =>
  planSchema.safeParse(event).data?.contenders.flatMap(({ setup }) => (setup ? [setup] : []))

/** How far a `block` says that it is. */
export const blocksIn = (event: Progress): { done: number; of: number } | undefined =>
  blockSchema.safeParse(event).data
