// In the code: the line that decides a claim, marked and brought into view. The code is drawn by others,
// and a little later; so it is looked for whenever something has been drawn.
import { useEffect, useRef } from 'preact/hooks'
import { plain } from '../../plain.ts'
import type { Pair } from '../pair.ts'
import { route, tabPath } from '../route.ts'
import { Link } from '../ui/parts.tsx'
import { proofsOf, readProofs } from './claims-known.ts'

/** Beside the code, where the address names a claim. */
export const DecidingLines = ({ entry }: Pick<Pair, 'entry'>) => {
  const claim = entry.claims.find(({ id }) => id === route.value.query.claim)
  const known = proofsOf(entry.id)
  const lines = Object.values(known?.lines[claim?.id ?? ''] ?? {})
  const here = useRef<HTMLParagraphElement>(null)
  useEffect(() => {
    if (claim && !known) readProofs(entry.id).catch(() => {})
  }, [claim, known])
  const texts = lines.map(({ text }) => text).join('\n')
  useEffect(() => {
    const around = here.current?.parentElement
    if (!around || texts === '') return
    let seen = false
    const mark = () => {
      for (const line of around.querySelectorAll('.line')) {
        const decides = texts.split('\n').some((text) => line.textContent?.includes(text))
        line.classList.toggle('decides-it', decides)
        if (decides && !seen) {
          seen = true
          line.scrollIntoView({ block: 'center' })
        }
      }
    }
    mark()
    const drawn = new MutationObserver(mark)
    drawn.observe(around, { childList: true, subtree: true })
    return () => drawn.disconnect()
  }, [texts])
  if (!claim || lines.length === 0) return null
  return (
    <p class="remark decides" ref={here}>
      Marked below: what decides whether{' '}
      <Link to={tabPath(entry.id, 'investigate', { view: 'claims', claim: claim.id })}>
        “{plain(claim.says)}”
      </Link>
    </p>
  )
}
