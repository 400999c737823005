// Before anything is measured: who does better, by how much, how sure, and why. The guess is made on the
// axis on which the measurement will be drawn, and it is kept before the run begins.
import { useSignal } from '@preact/signals'
import { plain } from '../../plain.ts'
import { api, wordsOf } from '../api.ts'
import type { Pair } from '../pair.ts'
import {
  callInWords,
  callsAbout,
  type Prediction,
  progressIsKnown,
  questions,
  type Scored,
  scoreWords,
} from '../record/progress.ts'
import { go, tabPath } from '../route.ts'
import { presets } from '../run/presets.ts'
import { duration } from '../run/words.ts'
import { restOf, titleOf } from '../setup.ts'
import { Button, Link, Side, Trouble } from '../ui/parts.tsx'
import { Axis, factorAt, placeOf } from './axis.tsx'
import { Explain } from './explain.tsx'
import './predict.css'

const mostCharacters = 2_000
/** How closely to look: so that large differences show. */
const preset = 'quick'
const seconds = presets.find(({ value }) => value === preset)?.seconds ?? 0

export const Predict = (pair: Pair) => {
  if (!progressIsKnown()) return <p class="getting-ready">Getting ready…</p>
  if (pair.a.id === pair.b.id)
    return <p>Both sides are the same. Choose another variant or backend for one of them.</p>
  return <Call {...pair} />
}

const Call = ({ entry, a, b }: Pair) => {
  const earlier = callsAbout(a.id, b.id)
  const open = earlier.find(({ score, metric }) => score === 'open' && metric === entry.primary)
  const place = useSignal<number | undefined>(open && placeOf(open, a.id))
  const confidence = useSignal(open?.confidence ?? 70)
  const why = useSignal(open?.why ?? '')
  const trouble = useSignal('')
  const busy = useSignal(false)

  const [titleA, titleB] = titlesOf({ entry, a, b })
  const call = place.value === undefined ? undefined : callAt(place.value)

  const keep = async (): Promise<boolean> => {
    if (place.value === undefined || busy.value) return false
    busy.value = true
    trouble.value = ''
    try {
      await api.post<Prediction>('/api/predictions', {
        scenario: entry.id,
        a: a.id,
        b: b.id,
        metric: entry.primary,
        call: callAt(place.value),
        factor: place.value === 0 ? null : factorAt(place.value),
        confidence: confidence.value,
        why: why.value,
      })
      return true
    } catch (error) {
      trouble.value = wordsOf(error)
      return false
    } finally {
      busy.value = false
    }
  }

  const run = async () => {
    if (!(await keep())) return
    try {
      const started = await api.post<{ id: string }>('/api/bench', {
        target: [a.id, b.id],
        preset,
      })
      go(tabPath(entry.id, 'run', { run: started.id, a: restOf(a.id), b: restOf(b.id) }))
    } catch (error) {
      // The call is kept all the same, and told by the next measurement.
      trouble.value = `${wordsOf(error)} Your call is kept.`
    }
  }

  return (
    <div class="prediction">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <fieldset class="who">
          <legend>
            <h2>{questions[entry.primary]}</h2>
          </legend>
          <div class="three">
            <Option checked={call === 'a'} onChoose={() => (place.value = -30)}>
              <Side name="A" /> {titleA}
            </Option>
            <Option checked={call === 'same'} onChoose={() => (place.value = 0)}>
              No real difference
            </Option>
            <Option checked={call === 'b'} onChoose={() => (place.value = 30)}>
              <Side name="B" /> {titleB}
            </Option>
          </div>
        </fieldset>
        <Axis place={place} titles={[titleA, titleB]} />
        <label class="field sure">
          <span>
            How sure are you? <strong>{confidence.value} %</strong>
            {confidence.value === 50 && ' (a coin would do as well)'}
          </span>
          <input
            type="range"
            min={50}
            max={100}
            step={5}
            value={confidence.value}
            aria-valuetext={`${confidence.value} percent`}
            onInput={({ currentTarget }) => (confidence.value = Number(currentTarget.value))}
          />
        </label>
        <label class="field">
          <span>Why? In a few words, for yourself</span>
          <textarea
            rows={2}
            maxLength={mostCharacters}
            value={plain(why.value)}
            onInput={({ currentTarget }) => (why.value = currentTarget.value)}
          />
        </label>
        <p class="go">
          <Button kind="main" disabled={!call || busy.value} onClick={() => void run()}>
            Run it
          </Button>
          <small>
            {call
              ? `Your call is kept first, then both are measured; that takes about ${duration(seconds)}.`
              : 'Choose a side first, or that there is none.'}
          </small>
        </p>
        {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
      </form>
      <Earlier pair={{ entry, a, b }} calls={earlier} />
      {earlier.some(({ outcome }) => outcome) && <Explain scenario={entry.id} />}
    </div>
  )
}

const callAt = (place: number): Prediction['call'] => (place === 0 ? 'same' : place < 0 ? 'a' : 'b')

/** By title, with what they are kept in where the titles are the same. */
const titlesOf = ({ entry, a, b }: Pair): [string, string] => {
  const titles = [titleOf(entry, a), titleOf(entry, b)] as const
  return titles[0] === titles[1]
    ? [plain(restOf(a.id)), plain(restOf(b.id))]
    : [plain(titles[0]), plain(titles[1])]
}

const Option = ({
  checked,
  onChoose,
  children,
}: {
  checked: boolean
  onChoose: () => void
  children: preact.ComponentChildren
}) => (
  <label class="option">
    <input type="radio" name="call" checked={checked} onChange={onChoose} />
    <span>{children}</span>
  </label>
)

const fewCalls = 5

/** What was called about these two before; the newest first. */
const Earlier = ({ pair, calls }: { pair: Pair; calls: readonly Scored[] }) => {
  const { entry, a } = pair
  if (calls.length === 0) return null
  const titles = titlesOf(pair)
  return (
    <section class="earlier-calls" aria-labelledby="earlier">
      <h3 id="earlier">Your earlier calls about these two</h3>
      <ul>
        {calls.slice(0, fewCalls).map((one) => (
          <li key={one.id}>
            <time dateTime={one.madeAt}>{dayOf(one.madeAt)}</time>{' '}
            <strong>{callInWords(one, one.a === a.id ? titles : [titles[1], titles[0]])}</strong>:{' '}
            {scoreWords[one.score]}.{' '}
            {one.outcome && <span class="in-words">{plain(one.outcome.sentence)}. </span>}
            {one.run && (
              <Link
                to={tabPath(entry.id, 'run', {
                  run: one.run,
                  a: restOf(pair.a.id),
                  b: restOf(pair.b.id),
                })}
              >
                The measurement
              </Link>
            )}
          </li>
        ))}
      </ul>
      {calls.length > fewCalls && (
        <p>
          <Link to="/record">All of your calls</Link>
        </p>
      )}
    </section>
  )
}

const dayOf = (at: string): string =>
  new Date(at).toLocaleDateString('en-GB', { dateStyle: 'medium' })
