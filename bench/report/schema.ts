// The measurement file as JSON Schema, for whoever reads one with something else than Seesaw. Run by
// itself (npx tsx bench/report/schema.ts) it writes docs/measurement.schema.json anew.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { measurementSchema } from '../measurement.ts'

/** What docs/measurement.schema.json holds, to the letter. */
export const measurementJsonSchema = (): string => {
  const schema = { title: 'A measurement by seesaw bench', ...z.toJSONSchema(measurementSchema) }
  return `${onOneLine(JSON.stringify(schema, null, 2))}\n`
}

/** Lists of plain values on one line where they fit into 100 columns, as everywhere in this house. */
const onOneLine = (json: string): string =>
  json.replace(
    /^(.*)\[\n([^[\]{}]*)\n *\](,?)$/gm,
    (whole, before: string, items: string, after) => {
      const line = `${before}[${items.trim().replace(/,\n */g, ', ')}]${after}`
      return line.length <= 100 ? line : whole
    },
  )

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(
    new URL('../../docs/measurement.schema.json', import.meta.url),
    measurementJsonSchema(),
  )
