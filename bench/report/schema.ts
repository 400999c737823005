// The measurement files as JSON Schemas, for whoever reads one with something else than Seesaw. Run by
// itself (npx tsx bench/report/schema.ts) it writes docs/*.schema.json anew.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { microSchema } from '#core/measurement/micro'
import { measurementSchema } from '#core/measurement/run'
import { capacitySchema } from '../capacity/measurement.ts'

const schemas = {
  measurement: ['A measurement by seesaw bench', measurementSchema],
  capacity: ['A capacity by seesaw bench capacity', capacitySchema],
  micro: ['A comparison of functions by seesaw bench micro', microSchema],
} as const

/** What docs/<name>.schema.json holds, to the letter. */
export const jsonSchema = (name: keyof typeof schemas): string => {
  const [title, schema] = schemas[name]
  return `${onOneLine(JSON.stringify({ title, ...z.toJSONSchema(schema) }, null, 2))}\n`
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
  for (const name of Object.keys(schemas) as (keyof typeof schemas)[])
    writeFileSync(new URL(`../../docs/${name}.schema.json`, import.meta.url), jsonSchema(name))
