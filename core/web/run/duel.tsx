// The duel of the first screen: two setups, one load, a few seconds. It starts by itself, shows the
// race, and ends with one sentence and the learner's guess on the measured chart.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Listed } from '../../measurements/desk.ts'
import { plain } from '../../plain.ts'
import { api, Problem, wordsOf } from '../api.ts'
import { Forest, type Guess, guessInWords, rowsOf, twoEnds } from '../charts/forest.tsx'
import { entryOf } from '../live.ts'
import { restOf } from '../setup.ts'
import { Button, Tag, Trouble } from '../ui/parts.tsx'
import { type Followed, useFollowed } from './follow.ts'
import { Race } from './race.tsx'
import {
  answerOf,
  blockRatios,
  headlineOf,
  type Measurement,
  placeOf,
  type Verdict,
} from './words.ts'
import './duel.css'

/** What came of a duel. */
export interface DuelSummary {
  /** The measurement's id: `/s/<scenario>/run?run=<id>` shows all of it. */
  run: string
  /** Who answers more requests; `failed` and `interrupted` where nothing was measured to the end. */
  verdict:
    | 'a'
    | 'b'
    | Extract<Verdict['verdict'], 'same' | 'undecided' | 'invalid'>
    | 'failed'
    | 'interrupted'
  /** b ÷ a in requests per second, with its interval; null where there is none. */
  ratio: number | null
  low: number | null
  high: number | null
  sentence: string
}

export interface DuelProps {
  /** The ids of A and B, scenario included. */
  setups: readonly [string, string]
  /** Drawn on the chart when it is measured. */
  guess?: Guess | undefined
  /** A duel that runs or has run already is shown in the place of a new one. */
  run?: string | undefined
  /** Told the id as soon as there is one, so that a prediction can be tied to it. */
  onStart?: (run: string) => void
  /** Told once, when it has ended; also of one that ended before. */
  onDone?: (summary: DuelSummary) => void
}

export const DuelView = ({ setups, guess, run: given, onStart, onDone }: DuelProps) => {
  const [run, setRun] = useState(given)
  const [trouble, setTrouble] = useState('')
  const [measured, setMeasured] = useState<Measurement>()
  const began = useRef(given !== undefined)
  const followed = useFollowed(run)
  const end = followed?.end

  const start = async () => {
    setTrouble('')
    try {
      const started = await api.post<{ id: string }>('/api/bench', {
        target: setups,
        preset: 'duel',
      })
      setRun(started.id)
      onStart?.(started.id)
    } catch (error) {
      setTrouble(wordsOf(error))
    }
  }
  const again = () => {
    setMeasured(undefined)
    setRun(undefined)
    void start()
  }

  useEffect(() => {
    if (began.current) return
    began.current = true
    void start()
  }, [])

  useEffect(() => {
    if (!run || !end) return
    const asking = new AbortController()
    const told = (summary: Omit<DuelSummary, 'run'>) => onDone?.({ run, ...summary })
    api.get<Measurement>(`/api/bench/${run}?blocks=brief`, asking.signal).then(
      (measurement) => {
        setMeasured(measurement)
        told(summaryOf(measurement, end))
      },
      (error) => {
        // Nothing was kept of one that ended before its first block.
        if (asking.signal.aborted) return
        if (!(error instanceof Problem && error.status === 404)) setTrouble(wordsOf(error))
        told({ ...nothing, verdict: end.status === 'failed' ? 'failed' : 'interrupted' })
      },
    )
    return () => asking.abort()
  }, [run, end])

  const titles = titlesOf(setups)
  if (trouble)
    return (
      <div class="duel">
        <Trouble>{plain(trouble)}</Trouble>
        <p>
          <Button onClick={again}>Try again</Button>
        </p>
      </div>
    )
  if (followed?.trouble) return <Trouble>{plain(followed.trouble)}</Trouble>
  if (end && measured?.finishedAt) return <Told measured={measured} guess={guess} onAgain={again} />
  if (end && end.status !== 'done')
    return (
      <div class="duel">
        <Trouble>
          {end.error ? plain(end.error.detail) : 'It was ended before anything could be said.'}
        </Trouble>
        <p>
          <Button onClick={again}>Measure again</Button>
        </p>
      </div>
    )
  return (
    <div class="duel" aria-busy="true">
      <Race run={followed ?? { doing: '', slices: [] }} titles={titles} />
      <p class="doing" role="status">
        {doingOf(followed)}
      </p>
      {run && (
        <Button kind="quiet" onClick={() => void api.post(`/api/bench/${run}/cancel`)}>
          Stop
        </Button>
      )}
    </div>
  )
}

const nothing = { ratio: null, low: null, high: null, sentence: '' }

const summaryOf = (measurement: Measurement, { status }: Listed): Omit<DuelSummary, 'run'> => {
  const answer = answerOf(measurement)
  if (!answer || measurement.finishedAt === null)
    return { ...nothing, verdict: status === 'failed' ? 'failed' : 'interrupted' }
  const { verdict, ratio, low, high, sentence } = answer
  const won = verdict === 'faster' ? 'b' : verdict === 'slower' ? 'a' : verdict
  return { verdict: won, ratio, low, high, sentence }
}

/** The titles of the two variants; where both are the same one, what tells them apart. */
const titlesOf = (setups: DuelProps['setups']): [string, string] => {
  const [a, b] = setups.map((setup) => {
    const [variant = ''] = restOf(setup).split(/[@~]/)
    const entry = entryOf(setup.slice(0, setup.indexOf('/')))
    return entry?.variants.find(({ id }) => id === variant)?.title ?? variant
  }) as [string, string]
  return a === b ? [restOf(setups[0]), restOf(setups[1])] : [a, b]
}

const doingOf = (followed: Followed | undefined): string => {
  if (followed?.behind) return `Waiting for another measurement: ${plain(followed.behind)}`
  if (!followed?.doing) return 'Starting'
  const left = followed.block?.secondsLeft
  return left ? `${plain(followed.doing)}, ${left} s left` : plain(followed.doing)
}

/** The sentence first, then the chart. */
const Told = ({
  measured,
  guess,
  onAgain,
}: {
  measured: Measurement
  guess: Guess | undefined
  onAgain: () => void
}) => {
  const answer = answerOf(measured)
  if (!answer) return <Trouble>Nothing was measured, so nothing can be said.</Trouble>
  const { head, rest } = headlineOf(answer)
  return (
    <div class="duel told">
      <p class="headline" role="status">
        {head}
      </p>
      {rest && <p class="rest">{rest}</p>}
      <Forest
        compact
        rows={rowsOf([answer])}
        margin={measured.plan.margin}
        guess={guess}
        dots={blockRatios(measured, answer)}
        ends={twoEnds}
        caption={`Requests per second, how many times better either is. ${head}`}
      />
      <p class="facts">
        {guess && (
          <span class="guessed">
            <svg viewBox="0 0 28 12" aria-hidden="true">
              <path d="M1 6h26" />
            </svg>
            your guess: {guessInWords(guess)}
          </span>
        )}
        <span class="dots">
          <i aria-hidden="true" /> each of {measured.blocks.length} blocks by itself
        </span>
        <Tag of="measured">{placeOf(measured)}</Tag>
        <Button kind="quiet" onClick={onAgain}>
          Measure again
        </Button>
      </p>
    </div>
  )
}
