// "Did you mean": the nearest of the words that exist.
import { closest, distance } from 'fastest-levenshtein'

/** Returns ` Did you mean 'x'?`, or nothing where no word of `known` is near `word`. */
export const didYouMean = (word: string, known: readonly string[]): string => {
  if (known.length === 0 || word.length > 100) return ''
  const nearest = closest(word, known)
  const near = distance(word, nearest) <= Math.max(2, Math.floor(nearest.length / 3))
  return near ? ` Did you mean '${nearest}'?` : ''
}

/** Returns `No <what> '<word>'. Did you mean … There are: a, b, c.` */
export const notThere = (what: string, word: string, known: readonly string[]): string => {
  const shown = word.length > 100 ? `${word.slice(0, 100)}…` : word
  const there = known.length > 0 ? `There are: ${known.join(', ')}.` : 'There are none.'
  return `No ${what} '${shown}'.${didYouMean(word, known)} ${there}`
}
