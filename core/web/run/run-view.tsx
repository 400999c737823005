// One measurement, from the moment it is asked for: where it stands in the queue, how it goes, and
// what can be said when it has ended.
import { useEffect, useState } from 'preact/hooks'
import type { Listed } from '../../measurements/desk.ts'
import { plain } from '../../plain.ts'
import { api, Problem, wordsOf } from '../api.ts'
import { LiveChart } from '../charts/live.tsx'
import { measurements } from '../live.ts'
import { setQuery } from '../route.ts'
import { restOf, type Setup } from '../setup.ts'
import { Button, CopyButton, Trouble } from '../ui/parts.tsx'
import { type Followed, shareDone, useFollowed } from './follow.ts'
import { Measured } from './measured.tsx'
import { duration, type Measurement } from './words.ts'

export const RunView = ({ id, a, b }: { id: string; a: Setup; b: Setup }) => {
  const followed = useFollowed(id)
  const [measured, setMeasured] = useState<Measurement>()
  const [trouble, setTrouble] = useState('')
  const end = followed?.end
  // What ran elsewhere, or before a restart, is in the list even where no event comes.
  const ticket = end ?? measurements.value.find((one) => one.id === id)

  useEffect(() => {
    if (!end) return
    const asking = new AbortController()
    api
      .get<Measurement>(`/api/bench/${encodeURIComponent(id)}?blocks=brief`, asking.signal)
      .then(setMeasured, (error) => {
        if (asking.signal.aborted) return
        if (!(error instanceof Problem && error.code === 'MEASUREMENT_NOT_FOUND'))
          setTrouble(wordsOf(error))
      })
    return () => asking.abort()
  }, [id, end])

  if (followed?.trouble || trouble) return <Trouble>{plain(followed?.trouble ?? trouble)}</Trouble>
  return (
    <article class="run-view" aria-label="Measurement">
      {ticket && <OtherSides ticket={ticket} a={a} b={b} />}
      {end ? (
        <Ended ticket={end} measured={measured} />
      ) : (
        <Live run={followed} ticket={ticket} id={id} />
      )}
      {followed && followed.slices.length > 0 && end && (
        <details class="how-it-went">
          <summary>How it went, slice by slice</summary>
          <LiveChart slices={followed.slices} contenders={followed.plan?.contenders ?? []} />
        </details>
      )}
      {ticket && (
        <p class="again">
          <code>{plain(ticket.command)}</code>{' '}
          <CopyButton label="Copy command" text={ticket.command} />
          <CopyButton
            label="Copy link"
            text={() => `${location.origin}/s/${encodeURIComponent(ticket.scenario)}/run?run=${id}`}
          />
        </p>
      )}
    </article>
  )
}

/** A run keeps its own two, whatever has been chosen above since. */
const OtherSides = ({ ticket, a, b }: { ticket: Listed; a: Setup; b: Setup }) => {
  const [one, other = one] = ticket.setups
  if (!one || !other || (one === a.id && (other === b.id || other === a.id))) return null
  return (
    <p class="others">
      This is a measurement of {ticket.setups.map((setup) => plain(restOf(setup))).join(' and ')},{' '}
      {one === b.id && other === a.id ? 'the other way round.' : 'not of the two above.'}{' '}
      {ticket.setups.length === 2 && (
        <Button kind="quiet" onClick={() => setQuery({ a: restOf(one), b: restOf(other) })}>
          Choose these
        </Button>
      )}
    </p>
  )
}

const Live = ({
  run,
  ticket,
  id,
}: {
  run: Followed | undefined
  ticket: Listed | undefined
  id: string
}) => {
  const [cancelled, setCancelled] = useState(false)
  const done = run ? shareDone(run) : 0
  const { block, plan } = run ?? {}
  const waits = run?.behind ?? (ticket?.status === 'queued' && ticket.ahead > 0)
  return (
    <div class="live">
      <div class="head">
        <p class="doing" role="status">
          {waits ? (
            <>
              Waiting
              {ticket && ticket.ahead > 0 ? `, ${ticket.ahead} before it` : ''}.{' '}
              {run?.behind && (
                <>
                  Now: <code>{plain(run.behind)}</code>
                </>
              )}
            </>
          ) : (
            `${plain(run?.doing || 'Starting')}.`
          )}
        </p>
        <p class="so-far">
          {plan && (
            <span>
              {block?.done ?? 0} of {plan.blocks} blocks
            </span>
          )}
          {block?.halfWidth != null && (
            <span>half-width of the interval so far ±{(block.halfWidth * 100).toFixed(1)} %</span>
          )}
          {(block || plan) && (
            <span>about {duration(block?.secondsLeft ?? plan?.seconds ?? 0)} left</span>
          )}
          <Button
            kind="quiet"
            disabled={cancelled}
            onClick={() => {
              setCancelled(true)
              api
                .post(`/api/bench/${encodeURIComponent(id)}/cancel`)
                .catch(() => setCancelled(false))
            }}
          >
            {cancelled ? 'Ending…' : 'Cancel'}
          </Button>
        </p>
      </div>
      <progress value={done} max={1} aria-label="How much of it is measured" />
      {run?.slices.some(({ counts }) => counts) && (
        <LiveChart slices={run.slices} contenders={plan?.contenders ?? []} />
      )}
    </div>
  )
}

const Ended = ({ ticket, measured }: { ticket: Listed; measured: Measurement | undefined }) => {
  const { status, error, blocks } = ticket
  return (
    <>
      {status === 'failed' && (
        <Trouble>It failed: {plain(error?.detail ?? 'nobody knows why')}</Trouble>
      )}
      {status === 'interrupted' && (
        <p class="ended-early" role="status">
          It was ended early.{' '}
          {blocks.done > 0
            ? `Kept: ${blocks.done} of ${blocks.of} blocks.`
            : 'No block was finished, so nothing is kept.'}
        </p>
      )}
      {measured ? (
        <Measured id={ticket.id} measured={measured} />
      ) : (
        status === 'done' && <p class="getting-ready">Reading what was measured…</p>
      )}
    </>
  )
}
