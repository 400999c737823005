// The measurement files as JSON Schemas, for whoever reads one with something else than Seesaw. Run by
// itself (npx tsx bench/report/schema.ts) it writes docs/measurement.schema.json and
// docs/capacity.schema.json anew.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { capacitySchema } from '../capacity-measurement.ts'
import { measurementSchema } from '../measurement.ts'

/** What docs/measurement.schema.json holds, to the letter. */
export const measurementJsonSchema = (): string =>
  inHouseStyle({ title: 'A measurement by seesaw bench', ...z.toJSONSchema(measurementSchema) })

const inHouseStyle = (schema: object): string => `${onOneLine(JSON.stringify(schema, null, 2))}\n`

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
  for (const [name, schema] of [
    ['measurement', measurementJsonSchema()],
    ['capacity', inHouseStyle(z.toJSONSchema(capacitySchema))],
  ] as const)
    writeFileSync(new URL(`../../docs/${name}.schema.json`, import.meta.url), schema)
