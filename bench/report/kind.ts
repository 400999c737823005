// Stored measurements of other kinds than a run of contenders, each with a schema and an analysis of its own.
import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { SeesawError } from '../../core/errors.ts'

/**
 * The measurement of this `kind` in `file`, with what `analyse` makes of it anew; undefined where it is
 * something else. Throws MEASUREMENT_UNREADABLE.
 */
export const readKind = <Stored extends object>(
  file: string,
  kind: 'capacity' | 'micro',
  schema: z.ZodType<Stored>,
  analyse: (stored: Stored) => Partial<Stored>,
): Stored | undefined => {
  let data: unknown
  try {
    data = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // Whoever reads measurements says what is wrong with it.
    return undefined
  }
  if ((data as { kind?: unknown } | null)?.kind !== kind) return undefined
  const unreadable = (why: string, cause: unknown) =>
    new SeesawError(
      'MEASUREMENT_UNREADABLE',
      `${file} is no measurement: ${why}. docs/${kind}.schema.json describes one.`,
      { cause },
    )
  const checked = schema.safeParse(data)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw unreadable(`${issue?.path.join('.') || 'the whole'}: ${issue?.message}`, checked.error)
  }
  try {
    return { ...checked.data, ...analyse(checked.data) }
  } catch (cause) {
    throw unreadable(`it cannot be analysed (${cause})`, cause)
  }
}
