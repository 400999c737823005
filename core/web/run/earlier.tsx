// What was measured of a scenario before, newest first.
import { useSignal } from '@preact/signals'
import type { Listed } from '../../measurements/desk.ts'
import { plain } from '../../plain.ts'
import { measurements } from '../live.ts'
import { pathTo, route } from '../route.ts'
import { restOf } from '../setup.ts'
import { Button, Link } from '../ui/parts.tsx'
import { short } from '../ui/short.ts'
import { isAgainstItself } from './noise.tsx'
import { moment } from './words.ts'

const shownFirst = 8

export const Earlier = ({ scenario, shown }: { scenario: string; shown: string | undefined }) => {
  const all = useSignal(false)
  const runs = measurements.value.filter((one) => one.scenario === scenario)
  if (runs.length === 0) return null
  return (
    <section class="earlier">
      <h2>Measured before</h2>
      <ol>
        {runs.slice(0, all.value ? runs.length : shownFirst).map((run) => (
          <li key={run.id} aria-current={run.id === shown ? 'true' : undefined}>
            <Link
              to={pathTo(`/s/${encodeURIComponent(scenario)}/run`, {
                ...route.value.query,
                run: run.id,
              })}
            >
              {moment(run.startedAt ?? run.askedAt)}
            </Link>
            <span class="what">
              {isAgainstItself(run) ? 'A against A: ' : ''}
              {[...new Set(run.setups)].map((setup) => plain(restOf(setup))).join(' · ')}{' '}
              <small>{plain(run.preset)}</small>
            </span>
            <span class="came">{inWords(run)}</span>
          </li>
        ))}
      </ol>
      {runs.length > shownFirst && !all.value && (
        <Button
          kind="quiet"
          onClick={() => {
            all.value = true
          }}
        >
          Show all {runs.length}
        </Button>
      )}
    </section>
  )
}

const inWords = ({ status, verdicts, error, blocks }: Listed): string => {
  if (status === 'running') return 'under way'
  if (status === 'queued') return 'waiting'
  if (status === 'failed') return short(error?.detail ?? 'failed', 200)
  if (status === 'interrupted')
    return blocks.of > 0
      ? `ended early, ${blocks.done} of ${blocks.of} blocks`
      : 'ended before it began'
  return short(verdicts[0] ?? 'nothing could be said', 240)
}
