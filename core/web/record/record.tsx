// The learner's calls over time: how they came out, how well it was known how sure to be, and the whole
// of it to take away, to bring back, or to begin anew.
import { useSignal } from '@preact/signals'
import type { ProgressView } from '../../learner/store.ts'
import { plain } from '../../plain.ts'
import { api, wordsOf } from '../api.ts'
import { catalogue, entryOf } from '../live.ts'
import { pathTo } from '../route.ts'
import { restOf } from '../setup.ts'
import { Button, Choice, Link, Trouble } from '../ui/parts.tsx'
import { CallChart, Shape } from './chart.tsx'
import {
  callInWords,
  progress,
  progressTrouble,
  readProgress,
  type Scored,
  scoreWords,
} from './progress.ts'
import './record.css'

export const Record = () => {
  const view = progress.value
  return (
    <article class="record">
      <h1>Your calls</h1>
      {progressTrouble.value && <Trouble>{plain(progressTrouble.value)}</Trouble>}
      {view && <SetAside names={view.setAside} />}
      {view &&
        (view.predictions.length === 0 ? (
          <p class="prose">
            You have made none yet. <Link to="/">The first question</Link> takes half a minute.
          </p>
        ) : (
          <Calls view={view} />
        ))}
      {view && <Explained view={view} />}
      {view && <Keeping view={view} />}
    </article>
  )
}

const SetAside = ({ names }: { names: readonly string[] }) =>
  names.length === 0 ? null : (
    <p class="set-aside">
      {names.length === 1 ? 'An earlier record' : `${names.length} earlier records`} could not be
      read and {names.length === 1 ? 'was' : 'were'} put aside in the data folder:{' '}
      {names.map((name) => (
        <code key={name}>{plain(name)} </code>
      ))}
    </p>
  )

const Calls = ({ view }: { view: ProgressView }) => {
  const { predictions, score } = view
  const told = score.right + score.wrong
  return (
    <>
      <p class="summary">{summaryOf(view)}</p>
      <ul class="tally">
        {(['right', 'wrong', 'untold', 'open'] as const).map((one) => (
          <li key={one}>
            <Shape score={one} />
            <strong>{score[one]}</strong> {scoreWords[one]}
          </li>
        ))}
      </ul>
      <CallChart calls={predictions} />
      <CallTable calls={predictions} />
      {told > 0 && <Calibration view={view} />}
    </>
  )
}

/** One friendly sentence; a number alone is no friend. */
const summaryOf = ({ score: { right, wrong, untold, open } }: ProgressView): string => {
  const told = right + wrong
  if (told === 0)
    return untold > 0
      ? 'Nothing could be told yet. Measured for longer, most differences show.'
      : `${open === 1 ? 'Your call waits' : 'Your calls wait'} for a measurement.`
  if (told < 5) return 'A beginning. The calls that come out otherwise teach the most.'
  const share = right / told
  if (share > 0.8) return 'You know these trade-offs well. Try the ones where you are not sure.'
  if (share > 0.45) return 'A good eye. The calls that came out otherwise are worth a second look.'
  return 'Many came out otherwise than you said, and each of those is worth more than a right one.'
}

/** So many are shown at first. */
const fewCalls = 10

const CallTable = ({ calls }: { calls: readonly Scored[] }) => {
  const all = useSignal(false)
  const newestFirst = [...calls].reverse()
  const shown = all.value ? newestFirst : newestFirst.slice(0, fewCalls)
  return (
    <div class="scroll">
      <table class="call-table">
        <caption class="unseen">Your calls, the newest first</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Between</th>
            <th scope="col">You said</th>
            <th scope="col">Sure</th>
            <th scope="col">Result</th>
            <th scope="col">What was measured</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((one) => (
            <CallRow key={one.id} call={one} />
          ))}
        </tbody>
      </table>
      {newestFirst.length > shown.length && (
        <Button kind="quiet" onClick={() => (all.value = true)}>
          Show all {newestFirst.length}
        </Button>
      )}
    </div>
  )
}

const CallRow = ({ call }: { call: Scored }) => {
  const { scenario, a, b, madeAt, confidence, score, outcome, run, why } = call
  const names = namesOf(call)
  return (
    <tr>
      <td>
        <time dateTime={madeAt}>{momentOf(madeAt)}</time>
      </td>
      <th scope="row">
        <Link
          to={pathTo(`/s/${encodeURIComponent(scenario)}/predict`, { a: restOf(a), b: restOf(b) })}
        >
          {names[0]} or {names[1]}
        </Link>
      </th>
      <td>
        {callInWords(call, names)}
        {why && <small>{plain(why)}</small>}
      </td>
      <td class="number">{confidence === null ? '–' : `${confidence} %`}</td>
      <td class="score">
        <Shape score={score} /> {scoreWords[score]}
      </td>
      <td>
        {outcome ? <small>{plain(outcome.sentence)}</small> : '–'}{' '}
        {run && (
          <Link
            to={pathTo(`/s/${encodeURIComponent(scenario)}/run`, {
              a: restOf(a),
              b: restOf(b),
              run,
            })}
          >
            <small>See it</small>
          </Link>
        )}
      </td>
    </tr>
  )
}

/** Titles where they tell the two apart, else what the address calls them. */
const namesOf = ({ scenario, a, b }: Scored): [string, string] => {
  const titleOf = (id: string) => {
    const variant = restOf(id).split(/[@~]/)[0]
    return entryOf(scenario)?.variants.find((one) => one.id === variant)?.title
  }
  const [x, y] = [titleOf(a), titleOf(b)]
  return x && y && x !== y ? [plain(x), plain(y)] : [plain(restOf(a)), plain(restOf(b))]
}

const momentOf = (at: string): string =>
  new Date(at).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  })

const Calibration = ({ view }: { view: ProgressView }) => {
  const bins = view.score.calibration.filter(({ calls }) => calls > 0)
  if (bins.length === 0) return null
  return (
    <section aria-labelledby="sure">
      <h2 id="sure">How sure, and how often right</h2>
      <p class="prose">
        Who is 80 % sure should be right four times out of five. A handful of calls says little
        about that; a few dozen begin to.
      </p>
      <table class="calibration">
        <thead>
          <tr>
            <th scope="col">You said</th>
            <th scope="col">Right</th>
            <th scope="col">
              <span class="unseen">As a bar; the line is where it should end</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {bins.map(({ fromPercent, toPercent, calls, right }) => (
            <tr key={fromPercent}>
              <th scope="row">
                {fromPercent}–{toPercent} % sure
              </th>
              <td class="number">
                {right} of {calls}
              </td>
              <td>
                <svg aria-hidden="true">
                  <rect class="track" width="100%" height="100%" rx="3" />
                  <rect class="bar" width={`${(100 * right) / calls}%`} height="100%" rx="3" />
                  <line
                    x1={`${(fromPercent + toPercent) / 2}%`}
                    x2={`${(fromPercent + toPercent) / 2}%`}
                    y1="0"
                    y2="100%"
                  />
                </svg>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const Explained = ({ view }: { view: ProgressView }) => {
  const all = Object.entries(view.scenarios).flatMap(([id, { explained }]) =>
    explained ? [{ id, ...explained }] : [],
  )
  if (all.length === 0) return null
  return (
    <section class="explained" aria-labelledby="explained">
      <h2 id="explained">In your own words</h2>
      <dl>
        {all.map(({ id, text }) => (
          <div key={id}>
            <dt>
              <Link to={`/s/${encodeURIComponent(id)}/predict`}>
                {plain(entryOf(id)?.question ?? id)}
              </Link>
            </dt>
            <dd>{plain(text)}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

const Keeping = ({ view }: { view: ProgressView }) => {
  const said = useSignal('')
  const trouble = useSignal('')
  const scenario = useSignal('')

  const attempt = async (work: () => Promise<string>) => {
    said.value = ''
    trouble.value = ''
    try {
      said.value = await work()
      await readProgress()
    } catch (error) {
      trouble.value = wordsOf(error)
    }
  }
  const read = (file: File | undefined) =>
    attempt(async () => {
      if (!file) return ''
      let given: unknown
      try {
        given = JSON.parse(await file.text())
      } catch {
        throw new Error(`${file.name} is no export of Seesaw: it cannot be read as JSON.`)
      }
      const { added, known } = await api.post<{
        added: { predictions: number }
        known: { predictions: number }
      }>('/api/progress/import', given)
      return `${added.predictions} calls added, ${known.predictions} were there already.`
    })
  const reset = () =>
    attempt(async () => {
      const body = scenario.value ? { scenario: scenario.value } : {}
      const { removed } = await api.post<{ removed: { predictions: number } }>(
        '/api/progress/reset',
        body,
      )
      return `${removed.predictions} calls forgotten.`
    })
  const undo = () =>
    attempt(async () => {
      const { undone } = await api.post<{ undone: string }>('/api/progress/undo', {
        token: view.undo?.token,
      })
      return undone === 'reset' ? 'Everything is back.' : 'The import is taken back.'
    })

  const ids = [
    ...new Set([...view.predictions.map((one) => one.scenario), ...Object.keys(view.scenarios)]),
  ]
  const titleOf = (id: string) =>
    plain(catalogue.value?.scenarios.find((one) => one.id === id)?.title ?? id)
  return (
    <section class="keeping" aria-labelledby="keeping">
      <h2 id="keeping">Keep it, move it, begin anew</h2>
      <p class="prose">
        All of this lies in one file on this machine and goes nowhere else. It survives restarts.
      </p>
      <div class="ways">
        <a class="button" href="/api/progress/export" download>
          Export as JSON
        </a>
        <label class="field">
          <span>Import an export</span>
          <input
            type="file"
            accept="application/json,.json"
            onChange={({ currentTarget }) => {
              void read(currentTarget.files?.[0])
              currentTarget.value = ''
            }}
          />
        </label>
        {ids.length > 0 && (
          <div class="forget">
            <Choice
              label="Begin anew with"
              value={scenario.value}
              options={[
                { value: '', says: 'everything' },
                ...ids.map((id) => ({ value: id, says: titleOf(id) })),
              ]}
              onChoose={(id) => (scenario.value = id)}
            />
            <Button onClick={() => void reset()}>Reset</Button>
          </div>
        )}
      </div>
      {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
      <div class={said.value ? 'toast' : view.undo ? 'undo' : 'unseen'}>
        <p role="status">{said.value || (view.undo ? lastOf(view.undo) : '')}</p>
        {view.undo && <Button onClick={() => void undo()}>Undo</Button>}
        {said.value && (
          <Button kind="quiet" onClick={() => (said.value = '')}>
            Close
          </Button>
        )}
      </div>
    </section>
  )
}

const lastOf = ({ what, at }: NonNullable<ProgressView['undo']>): string =>
  `The last ${what}, ${momentOf(at)}, can be taken back.`
