// A plan in a file: what somebody asks for, kept so that others can ask for the same.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { metrics } from '#core/measurement/metrics'
import { presets } from '#core/measurement/run'
import { home } from '../../core/course/find.ts'
import { SeesawError } from '../../core/errors.ts'
import type { PlanOptions } from './plan.ts'

const schema = z.strictObject({
  /** What is to be found out, for whoever opens the file. */
  says: z.string(),
  targets: z.array(z.string()).min(1),
  variants: z.array(z.string()).optional(),
  backends: z.array(z.string()).optional(),
  knobs: z.record(z.string(), z.string()).optional(),
  workers: z.int().min(1).max(64).optional(),
  workload: z.string().optional(),
  preset: z.enum(presets).optional(),
  load: z.enum(['open', 'closed', 'both']).optional(),
  ratePerSecond: z.number().positive().optional(),
  arrivals: z.enum(['even', 'poisson']).optional(),
  metric: z.enum(metrics).optional(),
  blocks: z.int().min(1).max(1_000).optional(),
  faults: z
    .array(
      z.strictObject({
        atMs: z.number().min(0),
        do: z.enum(['kill', 'heal']),
        backend: z.string(),
      }),
    )
    .optional(),
})

/** Reads a plan of bench/plans/ by its name, or a file. Throws WRONG_USE with what is wrong. */
export const readPlan = (name: string): PlanOptions => {
  const own = join(home, 'bench', 'plans', `${name}.json`)
  const file = /^[\w-]+$/.test(name) && existsSync(own) ? own : name
  const wrong = (why: string, cause?: unknown) =>
    new SeesawError('WRONG_USE', `${file} is no plan: ${why}. Plans to copy are in bench/plans/.`, {
      cause,
    })
  let data: unknown
  try {
    data = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw wrong(cause instanceof Error ? cause.message : String(cause), cause)
  }
  const checked = schema.safeParse(data)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw wrong(`${issue?.path.join('.') || 'the whole'}: ${issue?.message}`)
  }
  const { says: _, ...plan } = checked.data
  return Object.fromEntries(
    Object.entries(plan).filter(([, value]) => value !== undefined),
  ) as unknown as PlanOptions
}
