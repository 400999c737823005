// The bet: who of two serves more requests on this very machine? A click keeps the call, then the two
// are measured, and the call is shown beside what was found. The address says which bet it is and which
// call was made, so that a reload in the middle comes back to the same place.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { plain } from '../../plain.ts'
import { api, wordsOf } from '../api.ts'
import { catalogue, connection, course } from '../live.ts'
import {
  callInWords,
  callsAbout,
  type Prediction,
  progress,
  progressIsKnown,
  progressTrouble,
  readProgress,
  type Scored,
} from '../record/progress.ts'
import { route, setQuery } from '../route.ts'
import { DuelView } from '../run/duel.tsx'
import { titleOf } from '../setup.ts'
import { Button, Link, Side, Trouble } from '../ui/parts.tsx'
import { Answer } from './answer.tsx'
import { Another, choose, type Offer, offers } from './offers.tsx'
import './bet.css'

export const Bet = () => {
  if (!catalogue.value || !course.value || !progressIsKnown())
    return <div class="bet waiting">{connection.value === 'lost' ? '' : <p>Getting ready…</p>}</div>
  const all = offers()
  const offer = choose(all)
  if (!offer) return null
  const next = all[(all.indexOf(offer) + 1) % all.length]
  return <Question key={offer.entry.id} offer={offer} next={next === offer ? undefined : next} />
}

const Question = ({ offer, next }: { offer: Offer; next: Offer | undefined }) => {
  const { entry, a, b, titles } = offer
  const [load] = entry.workloads
  const trouble = useSignal('')
  const busy = useSignal(false)
  const made = callsAbout(a.id, b.id).find(({ id }) => id === route.value.query.call)

  const bet = async (call: Prediction['call']) => {
    if (busy.value) return
    busy.value = true
    trouble.value = ''
    try {
      const kept = await api.post<Prediction>('/api/predictions', {
        scenario: entry.id,
        a: a.id,
        b: b.id,
        metric: 'throughput',
        call,
      })
      // The event may be later than the answer.
      const view = progress.value
      if (view && !view.predictions.some(({ id }) => id === kept.id))
        progress.value = {
          ...view,
          predictions: [...view.predictions, { ...kept, score: 'open' }],
        }
      setQuery({ duel: entry.id, call: kept.id })
    } catch (error) {
      trouble.value = wordsOf(error)
    }
    busy.value = false
  }

  return (
    <section class="bet" aria-labelledby="bet">
      <p class="eyebrow">
        <Link to={`/s/${encodeURIComponent(entry.id)}/predict`}>{plain(entry.question)}</Link>
      </p>
      <h1 id="bet">
        Which serves more requests on <em>this</em> machine?
      </h1>
      {made ? (
        <Measured key={made.id} offer={offer} made={made} next={next} />
      ) : (
        <>
          <div class="buttons">
            <BetButton name="A" offer={offer} onBet={() => bet('a')} />
            <BetButton name="B" offer={offer} onBet={() => bet('b')} />
            <button type="button" class="choice same" onClick={() => void bet('same')}>
              <strong>No real difference</strong>
            </button>
          </div>
          {progressTrouble.value && <Trouble>{plain(progressTrouble.value)}</Trouble>}
          {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
          <p class="small">
            {load && `The load: ${plain(load.says).replace(/\.$/, '')}. `}
            Take a guess; then both are measured here, in turns, for a few seconds.{' '}
            {next && <Another next={next} />}
          </p>
          <Before offer={offer} titles={titles} />
        </>
      )}
    </section>
  )
}

const BetButton = ({
  name,
  offer,
  onBet,
}: {
  name: 'A' | 'B'
  offer: Offer
  onBet: () => Promise<void>
}) => {
  const setup = name === 'A' ? offer.a : offer.b
  const idea = offer.entry.variants.find(({ id }) => id === setup.variant)?.idea ?? ''
  return (
    <button type="button" class={`choice side-${name.toLowerCase()}`} onClick={() => void onBet()}>
      <strong>
        <Side name={name} /> {plain(titleOf(offer.entry, setup))}
      </strong>
      <span>{plain(idea)}</span>
    </button>
  )
}

/** What was called about these two before, in a line. */
const Before = ({ offer, titles }: { offer: Offer; titles: Offer['titles'] }) => {
  const last = callsAbout(offer.a.id, offer.b.id).find(
    ({ metric, score }) => metric === 'throughput' && score !== 'open',
  )
  if (!last) return null
  const said = last.call === 'same' ? 'no real difference' : titles[last.call === 'a' ? 0 : 1]
  return (
    <p class="small">
      You have called this one before: {said}.{' '}
      <Button kind="quiet" onClick={() => setQuery({ duel: offer.entry.id, call: last.id })}>
        What came of it
      </Button>
    </p>
  )
}

const Measured = ({
  offer,
  made,
  next,
}: {
  offer: Offer
  made: Scored
  next: Offer | undefined
}) => {
  const { a, b, titles } = offer
  // Of a call that is being measured this is the measurement; it is not started twice.
  const first = useSignal(made.run ?? undefined)
  const said = useRef<HTMLParagraphElement>(null)
  useEffect(() => {
    // The button that was pressed is gone; whoever uses a keyboard goes on from here.
    if (document.activeElement === document.body) said.current?.focus()
  }, [])
  return (
    <>
      <p class="small" ref={said} tabIndex={-1}>
        Your call is kept: <strong>{callInWords(made, titles)}</strong>.
      </p>
      <DuelView
        setups={[a.id, b.id]}
        guess={{ call: made.call, factor: made.factor }}
        run={first.value}
        onDone={() => void readProgress()}
      />
      {made.outcome && <Answer offer={offer} made={made} next={next} />}
    </>
  )
}
