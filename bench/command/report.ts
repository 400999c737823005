// `seesaw bench report`: what was stored, in words again.
import { readCapacity } from '../report/capacity.ts'
import { reportFile } from '../report/file.ts'
import { readMicro } from '../report/micro.ts'
import { terminalOptions, toTerminal } from '../report/terminal.ts'
import { formsOfCapacity } from './capacity.ts'
import { type Forms, print, show, write } from './forms.ts'
import { formsOfFunctions } from './micro.ts'
import { type BenchOptions, refuseUnused } from './options.ts'

export const report = async (file: string, options: BenchOptions): Promise<void> => {
  refuseUnused('report', options)
  const ofCapacity = readCapacity(file)
  if (ofCapacity) return put(options, formsOfCapacity(ofCapacity))
  const ofFunctions = readMicro(file)
  if (ofFunctions) return put(options, formsOfFunctions(ofFunctions))
  const { measurement, differences } = await reportFile(file, options)
  if (isForTerminal(options)) print(toTerminal(measurement, terminalOptions(process.stdout)))
  for (const difference of differences) process.stderr.write(`${difference}\n`)
}

/** Into the files that are asked for; without any, on the terminal. */
const put = (options: BenchOptions, forms: Forms): void => {
  write(options, forms)
  if (isForTerminal(options)) show(forms)
}

const isForTerminal = ({ html, md }: BenchOptions): boolean =>
  html === undefined && md === undefined
