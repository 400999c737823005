// After the bet: what was said, what was found, which lines make the difference, and where to go on.
import { useEffect, useState } from 'preact/hooks'
import { plain } from '../../plain.ts'
import type { Source } from '../../source/routes.ts'
import { api } from '../api.ts'
import { Explain } from '../predict/explain.tsx'
import type { Scored } from '../record/progress.ts'
import { pathTo } from '../route.ts'
import { restOf } from '../setup.ts'
import { Link, Side } from '../ui/parts.tsx'
import { Another, type Offer } from './offers.tsx'

export const Answer = ({
  offer,
  made,
  next,
}: {
  offer: Offer
  made: Scored
  next: Offer | undefined
}) => {
  const { entry, a, b, duel } = offer
  const sides = { a: restOf(a.id), b: restOf(b.id) }
  const to = (tab: string, query = {}) =>
    pathTo(`/s/${encodeURIComponent(entry.id)}/${tab}`, { ...sides, ...query })
  const told = made.score === 'right' || made.score === 'wrong'
  return (
    <div class="answer">
      <p class="said" role="status">
        <Mark score={made.score} /> {wordsFor(offer, made)}
      </p>
      {told && (
        <>
          <p class="because">{plain(duel.because)}</p>
          <div class="lines">
            <Lines name="A" scenario={entry.id} variant={a.variant} part={duel.lines[0]} to={to} />
            <Lines name="B" scenario={entry.id} variant={b.variant} part={duel.lines[1]} to={to} />
          </div>
        </>
      )}
      <p class="onward">
        <Link class="button main" to={to('investigate', { view: 'code', diff: '1' })}>
          See why
        </Link>
        <Link class="button" to={to('run')}>
          Measure longer
        </Link>
        <Link class="button" to={to('modify')}>
          Change it
        </Link>
        {next && <Another next={next} />}
      </p>
      {told && <Explain scenario={entry.id} />}
    </div>
  )
}

/** One sentence: what was guessed and what happened. */
const wordsFor = ({ titles }: Offer, { call, outcome, score }: Scored): string => {
  const nameOf = (side: 'a' | 'b') => titles[side === 'a' ? 0 : 1]
  const said = call === 'same' ? 'there is no real difference' : `${nameOf(call)} serves more`
  const found = outcome?.verdict
  if (found === 'invalid')
    return `You said ${said}. This machine was too busy just now to tell; measure again in a moment.`
  if (found === 'undecided')
    return call === 'same'
      ? `You said ${said}, and none could be shown. That it is none takes longer to measure.`
      : `You said ${said}. A few seconds were not enough to tell. Measured for longer, a difference shows, or that there is none.`
  if (score === 'right')
    return call === 'same'
      ? `You said ${said}, and so it is: none that would matter.`
      : `You said ${said}, and so it is.`
  if (found === 'same')
    return `You said ${said}. There is no difference that would matter, and that is worth knowing.`
  return found === 'a' || found === 'b'
    ? `You said ${said}. Here it is ${nameOf(found)}, and that is the interesting case. Why:`
    : ''
}

const Mark = ({ score }: { score: Scored['score'] }) => (
  <svg class={`mark call-${score}`} viewBox="0 0 16 16" aria-hidden="true">
    {score === 'right' && <path d="m3 8.5 3.5 3.5L13 4.5" />}
    {score === 'wrong' && <path d="M3 5.5h8.5L9 3m2.5 2.5L9 8M13 11.5H4.5" />}
    {score === 'untold' && <path d="M8 2.5 13.5 8 8 13.5 2.5 8Z" />}
  </svg>
)

/** The lines of one side that make the difference, as they stand in its source. */
const Lines = ({
  name,
  scenario,
  variant,
  part,
  to,
}: {
  name: 'A' | 'B'
  scenario: string
  variant: string
  part: string
  to: (tab: string, query: object) => string
}) => {
  const found = useLines(scenario, variant, part)
  if (!found) return <div />
  const query = { view: 'code', line: `${variant}:${found.number}` }
  return (
    <figure class={`side-${name.toLowerCase()}`}>
      <figcaption>
        <Side name={name} />{' '}
        <Link to={to('investigate', query)}>
          {variant}.ts, line {found.number}
        </Link>
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>
        {found.lines.map(({ text, number }) => (
          <code key={number} class={number === found.number ? 'here' : ''}>
            {plain(text) || ' '}
          </code>
        ))}
      </pre>
    </figure>
  )
}

interface Found {
  number: number
  lines: { number: number; text: string }[]
}

/** How much is shown around the line. */
const around = 1

const useLines = (scenario: string, variant: string, part: string): Found | undefined => {
  const [found, show] = useState<Found>()
  useEffect(() => {
    const asking = new AbortController()
    const path = `/api/source/${encodeURIComponent(scenario)}/${encodeURIComponent(variant)}`
    api.get<Source>(path, asking.signal).then(
      ({ text }) => show(linesAround(text.split('\n'), part)),
      () => {},
    )
    return () => asking.abort()
  }, [scenario, variant, part])
  return found
}

/** A line with its neighbours, without the indentation that they have in common. */
const linesAround = (all: string[], part: string): Found | undefined => {
  const at = all.findIndex((line) => line.includes(part))
  if (at < 0) return undefined
  const from = Math.max(0, at - around)
  const chosen = all.slice(from, at + around + 1)
  const indent = Math.min(...chosen.filter((line) => line.trim()).map((line) => line.search(/\S/)))
  return {
    number: at + 1,
    lines: chosen.map((line, i) => ({ number: from + i + 1, text: line.slice(indent) })),
  }
}
