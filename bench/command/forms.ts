// The forms that a report has, and where each goes.
import { writeAside } from '../report/file.ts'
import { type TerminalOptions, terminalOptions } from '../report/terminal.ts'
import type { BenchOptions } from './options.ts'

export interface Forms {
  html(): string
  md(): string
  text(look: TerminalOptions): string
}

export const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

/** On the terminal. */
export const show = (forms: Forms): void => print(forms.text(terminalOptions(process.stdout)))

/** Into the files that are asked for. Throws FILE_NOT_WRITTEN. */
export const write = ({ html, md }: Pick<BenchOptions, 'html' | 'md'>, forms: Forms): void => {
  if (md !== undefined) writeAside(md, forms.md())
  if (html !== undefined) writeAside(html, forms.html())
}
