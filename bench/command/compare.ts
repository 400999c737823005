// `seesaw bench compare`: was the change slower?
import { compareRuns, comparisonToMarkdown, comparisonToText } from '../compare/compare-runs.ts'
import { readMeasurement, writeAside } from '../report/file.ts'
import { print } from './forms.ts'
import { type BenchOptions, refuseUnused } from './options.ts'

/** With `--json` and no file, or `-`, JSON and nothing else on standard output. */
export const compare = async (
  older: string,
  newer: string,
  options: BenchOptions,
): Promise<void> => {
  refuseUnused('compare', options)
  const comparison = compareRuns(
    readMeasurement(older).measurement,
    readMeasurement(newer).measurement,
  )
  const { json, md } = options
  const text = JSON.stringify(comparison, null, 2)
  if (md !== undefined) writeAside(md, comparisonToMarkdown(comparison))
  if (json === true || json === '-') print(text)
  else {
    if (json !== undefined) writeAside(json, `${text}\n`)
    print(comparisonToText(comparison))
  }
  process.exitCode = comparison.exitCode
}
