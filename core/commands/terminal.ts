// What commands print with. Colours only where a person looks.
import { styleText } from 'node:util'

// Whoever reads may stop reading: `seesaw list | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

const coloured = process.stdout.isTTY && !process.env.NO_COLOR

const style = (format: Parameters<typeof styleText>[0]) => (text: string) =>
  coloured ? styleText(format, text) : text

export const bold = style('bold')
export const faint = style('dim')
export const good = style('green')
export const bad = style('red')
export const doubtful = style('yellow')

/** One line on standard output. */
export const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** One line on standard error; on a terminal, in the place of the one before. */
export const progress = (line: string): void => {
  if (process.stderr.isTTY) {
    const width = process.stderr.columns ?? 80
    process.stderr.write(`\r\x1b[K${line.slice(0, width - 1)}`)
  } else process.stderr.write(`${line}\n`)
}

/** Ends the line that `progress` keeps writing over. */
export const endProgress = (): void => {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}
