// A long text by its beginning.
import { plain } from '../../plain.ts'

/** At most so many characters, and how many there were. */
export const short = (text: string, most = 4_000): string =>
  text.length <= most
    ? plain(text)
    : `${plain(text.slice(0, most))}… (${text.length.toLocaleString('en')} characters)`
