// What two variants have in common, line by line, and which words of a changed line are others.
import { diffArrays, diffWordsWithSpace } from 'diff'
import type { Line, Token } from './highlight.ts'

/** A token that may be one of those by which two changed lines differ. */
export type MarkedToken = Token | [...Token, 'changed']

export interface Side {
  /** The number of its first line, from 1; of the line that follows where there is none. */
  fromLine: number
  lines: MarkedToken[][]
}

/** Lines that are the same on both sides, or lines of A in the place of which B has others. */
export interface Hunk {
  kind: 'same' | 'changed'
  a: Side
  b: Side
}

/** What takes longer is taken for another text altogether: meanwhile nobody else is answered. */
const withinMs = 500

/** Compares two texts that were taken apart into words. */
export const diffLines = (a: Line[], b: Line[]): Hunk[] => {
  const hunks: Hunk[] = []
  let [fromA, fromB] = [0, 0]
  let left = 0
  let right = 0
  const changed = () => {
    if (left === 0 && right === 0) return
    hunks.push(compare(sideOf(a, fromA, left), sideOf(b, fromB, right)))
    fromA += left
    fromB += right
    left = 0
    right = 0
  }
  const parts = diffArrays(a.map(textOf), b.map(textOf), { timeout: withinMs }) ?? [
    { count: a.length, removed: true, added: false },
    { count: b.length, removed: false, added: true },
  ]
  for (const { count, removed, added } of parts)
    if (removed) left += count
    else if (added) right += count
    else {
      changed()
      hunks.push({ kind: 'same', a: sideOf(a, fromA, count), b: sideOf(b, fromB, count) })
      fromA += count
      fromB += count
    }
  changed()
  return hunks
}

const textOf = (line: readonly (readonly string[])[]): string =>
  line.map(([, text]) => text).join('')

interface Lines {
  fromLine: number
  lines: Line[]
}

const sideOf = (lines: Line[], from: number, count: number): Lines => ({
  fromLine: from + 1,
  lines: lines.slice(from, from + count),
})

/** Of two texts that have less than this in common, single words say nothing. */
const leastInCommon = 0.4

const compare = (a: Lines, b: Lines): Hunk => {
  const [before, after] = [a, b].map(({ lines }) => lines.map(textOf).join('\n')) as [
    string,
    string,
  ]
  const words = diffWordsWithSpace(before, after, { timeout: withinMs }) ?? []
  const common = words.filter(({ added, removed }) => !added && !removed)
  const inCommon = inked(common.map(({ value }) => value).join(''))
  if (inCommon < leastInCommon * Math.max(inked(before), inked(after)))
    return { kind: 'changed', a, b }
  const runsOf = (other: 'added' | 'removed'): Run[] =>
    words.flatMap((word) => (word[other] ? [] : [[word.value.length, word.added || word.removed]]))
  return {
    kind: 'changed',
    a: { ...a, lines: mark(a.lines, runsOf('added')) },
    b: { ...b, lines: mark(b.lines, runsOf('removed')) },
  }
}

/** How much of a text can be seen. */
const inked = (text: string): number => text.replace(/\s/g, '').length

type Run = [length: number, changed: boolean]

/** Cuts the words of `lines` where `runs` of characters, line ends counted, begin or end to be changed. */
const mark = (lines: Line[], runs: Run[]): MarkedToken[][] => {
  let run = 0
  let left = runs[0]?.[0] ?? 0
  const take = (most: number): { count: number; changed: boolean } => {
    while (left === 0 && run < runs.length - 1) left = runs[++run]?.[0] ?? 0
    const count = left === 0 ? most : Math.min(left, most)
    left = Math.max(0, left - count)
    return { count, changed: runs[run]?.[1] ?? false }
  }
  return lines.map((line) => {
    const marked = line.flatMap(([name, text]) => {
      const pieces: MarkedToken[] = []
      for (let at = 0; at < text.length; ) {
        const { count, changed } = take(text.length - at)
        const piece = text.slice(at, at + count)
        // White space alone is nothing to look at.
        pieces.push(changed && piece.trim() !== '' ? [name, piece, 'changed'] : [name, piece])
        at += count
      }
      return pieces
    })
    take(1)
    return marked
  })
}
