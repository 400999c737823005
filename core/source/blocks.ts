// A source as a lesson: prose left, code right, as in Go by Example. A comment that stands on lines of
// its own is the prose of the code below it.
import type { Line } from './highlight.ts'

export interface Block {
  /** Paragraphs, with an empty line between them; '' for code without a comment above it. */
  prose: string
  code: Line[]
  /** The number of the first line of `code`, from 1; of `prose` where there is no code. */
  fromLine: number
}

/** Takes lines apart at their comments. */
export const toBlocks = (lines: Line[]): Block[] => {
  const blocks: Block[] = []
  let comment: string[] = []
  let code: Line[] = []
  let fromLine = 1

  const finish = () => {
    while (code.length > 0 && isEmpty(code.at(-1))) code.pop()
    if (comment.length > 0 || code.length > 0)
      blocks.push({ prose: proseOf(comment), code, fromLine })
    comment = []
    code = []
  }

  lines.forEach((line, index) => {
    if (isComment(line)) {
      if (code.length > 0) finish()
      if (comment.length === 0) fromLine = index + 1
      comment.push(textOf(line))
    } else if (code.length > 0 || !isEmpty(line)) {
      if (code.length === 0) fromLine = index + 1
      code.push(line)
    }
  })
  finish()
  return blocks
}

const isEmpty = (line?: Line): boolean => !line?.some(([, text]) => text.trim() !== '')

const isComment = (line: Line): boolean =>
  !isEmpty(line) && line.every(([name, text]) => name === 'comment' || text.trim() === '')

const textOf = (line: Line): string => line.map(([, text]) => text).join('')

/** Lines that were wrapped to fit their column are paragraphs again; a list keeps its lines. */
const proseOf = (comment: string[]): string => {
  const lines = comment.map((line) =>
    line
      .trim()
      .replace(/^(\/\/|\/\*\*?|\*\/|\*(?!\/))\s?/, '')
      .replace(/\s*\*\/$/, '')
      .trimEnd(),
  )
  return lines
    .join('\n')
    .trim()
    .replace(/(\S)\n(?=\S)(?![-*•] |\d+\. )/g, '$1 ')
}
