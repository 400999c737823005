// Why it came out as it did: the code that runs, one request followed through both, and what each
// setup keeps and does not keep.

import type { Pair } from '../pair.ts'
import { route, tabPath } from '../route.ts'
import { Link } from '../ui/parts.tsx'
import { Claims } from './claims.tsx'
import { DecidingLines } from './claims-line.tsx'
import { Code } from './code.tsx'
import { OneRequest } from './request.tsx'

const views = {
  code: { title: 'The code that runs', Shown: Code },
  request: { title: 'One request, both ways', Shown: OneRequest },
  claims: { title: 'Claims and attacks', Shown: Claims },
} as const
type View = keyof typeof views

export const Investigate = (pair: Pair) => {
  const asked = route.value.query.view ?? 'code'
  const view: View = Object.hasOwn(views, asked) ? (asked as View) : 'code'
  const { Shown } = views[view]
  return (
    <>
      <nav class="views" aria-label="Ways to look">
        {Object.entries(views).map(([id, { title }]) => (
          <Link
            key={id}
            to={tabPath(pair.entry.id, 'investigate', { view: id })}
            aria-current={id === view ? 'page' : undefined}
          >
            {title}
          </Link>
        ))}
      </nav>
      {view === 'code' && <DecidingLines {...pair} />}
      <Shown {...pair} />
    </>
  )
}
