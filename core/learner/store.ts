// Keeps the learner's progress in the data folder. Every change reads the file, changes it and writes
// it aside under a lock, so that two tabs, or a page and a terminal, lose nothing of each other's; nothing
// is kept in memory that a kill could take.
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SeesawError } from '../errors.ts'
import { whileLocked, writeAside } from '../files/data-folder.ts'
import { openStore } from '../measurements/store.ts'
import { type ScenarioState, type Score, scoreOf, stateOf, type Tally, tally } from './score.ts'
import {
  type Call,
  type Exported,
  exportSchema,
  fileSchema,
  type Kept,
  type Prediction,
  type ScenarioProgress,
} from './shape.ts'
import { outcomeIn } from './verdict.ts'

/** Progress as the page and the command line see it. */
export interface ProgressView {
  format: 1
  /** In the order in which they were made. */
  predictions: (Prediction & { score: Score })[]
  scenarios: Record<string, ScenarioProgress & { state: ScenarioState }>
  score: Tally
  /** The last reset or import, where it can be taken back. */
  undo: { token: string; what: 'reset' | 'import'; at: string } | null
  /** Files that could not be read and were put aside. */
  setAside: string[]
}

/** What an import or an undo changed. */
export interface Changed {
  predictions: number
  scenarios: number
}

/** A measurement that begins. */
export interface Began {
  id: string
  scenario: string
  /** Canonical ids. */
  setups: readonly string[]
  askedAt: string
}

export type Progress = ReturnType<typeof openProgress>

const fileName = 'progress.json'
const asideName = /^progress\.broken-[\w-]+\.json$/
/** Of what is exported, so that it can be imported again in one request. */
const mostBytes = 1_000_000
const mostPredictions = 5_000
const largestFileBytes = 8 * mostBytes

/** Opens the progress in a data folder. `onChange` is told whatever has changed. */
export const openProgress = (folder: string, onChange: (view: ProgressView) => void = () => {}) => {
  const file = join(folder, fileName)
  const measurements = openStore(join(folder, 'measurements'))
  let lastBegan = ''

  const load = (): Kept => {
    let text: string
    try {
      const { size } = statSync(file)
      text = size > largestFileBytes ? '' : readFileSync(file, 'utf8')
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return empty()
      throw unusable(cause)
    }
    return parse(text) ?? setAside()
  }

  /** Never overwritten: somebody may want to mend it. */
  const setAside = (): Kept => {
    const aside = `progress.broken-${new Date().toISOString().replace(/\D/g, '')}.json`
    try {
      renameSync(file, join(folder, aside))
    } catch (cause) {
      throw unusable(cause)
    }
    process.stderr.write(`${file} cannot be read; it is kept as ${aside}, and a new one begins.\n`)
    return empty()
  }

  const change = <Result>(work: (kept: Kept) => Result): Result => {
    const [result, kept] = whileLocked(folder, 'progress', () => {
      const kept = load()
      const result = work(kept)
      refuseTooMuch(kept)
      try {
        writeAside(file, JSON.stringify(kept, null, 1))
      } catch (cause) {
        throw unusable(cause)
      }
      return [result, kept] as const
    })
    onChange(viewOf(kept))
    return result
  }

  const viewOf = ({ predictions, scenarios, undo }: Kept): ProgressView => {
    // An import may have calls about scenarios of which it says nothing else.
    const met = { ...scenarios }
    for (const { scenario, madeAt } of predictions)
      met[scenario] = own(met, scenario) ?? { firstSeenAt: madeAt }
    return {
      format: 1,
      predictions: predictions.map((one) => ({ ...one, score: scoreOf(one) })),
      scenarios: Object.fromEntries(
        Object.entries(met).map(([id, one]) => {
          const about = predictions.filter(({ scenario }) => scenario === id)
          return [id, { ...one, state: stateOf(one, about) }]
        }),
      ),
      score: tally(predictions),
      undo: undo && { token: undo.token, what: undo.what, at: undo.at },
      // Before anything is kept there is no folder.
      setAside: existsSync(folder)
        ? readdirSync(folder).filter((name) => asideName.test(name))
        : [],
    }
  }

  /** Looks at the measurements of calls that nobody has concluded yet. */
  const conclude = async (): Promise<void> => {
    const open = load().predictions.filter(({ run, outcome }) => run !== null && !outcome)
    const found = await Promise.all(
      open.map(async (prediction) => {
        try {
          const text = await measurements.result(prediction.run ?? '')
          const outcome = text === undefined ? undefined : outcomeIn(text, prediction)
          return outcome ? [{ ...prediction, outcome }] : []
        } catch {
          // It is gone, or no measurement any more: the call stays open.
          return []
        }
      }),
    )
    const concluded = found.flat()
    if (concluded.length === 0) return
    change((kept) => {
      for (const { id, run, outcome } of concluded) {
        const prediction = kept.predictions.find((one) => one.id === id && one.run === run)
        if (!prediction) continue
        prediction.outcome = outcome
        seen(kept, prediction.scenario).runAt ??= outcome.at
      }
    })
  }

  return {
    /** All there is, with what measurements have said meanwhile. */
    async read(): Promise<ProgressView> {
      await conclude()
      return viewOf(load())
    },

    /** Keeps a call; it is on disk when this returns. Throws PROGRESS_FULL. */
    predict(call: Call): Prediction {
      return change((kept) => {
        const prediction: Prediction = {
          id: randomBytes(8).toString('hex'),
          ...call,
          factor: call.call === 'same' ? null : call.factor,
          madeAt: now(),
          run: null,
          outcome: null,
        }
        // Whoever calls again before anything was measured has changed their mind.
        kept.predictions = kept.predictions.filter((one) => one.run || !isAboutTheSame(one, call))
        kept.predictions.push(prediction)
        seen(kept, call.scenario)
        return prediction
      })
    },

    /**
     * Says which measurement is to tell. Throws PREDICTION_NOT_FOUND, MEASUREMENT_NOT_FOUND, and
     * WRONG_USE where it would be no prediction.
     */
    async link(id: string, run: string): Promise<Prediction> {
      const { scenario, askedAt } = await measurements.ticket(run)
      return change(({ predictions }) => {
        const prediction = find(predictions, id)
        if (isTold(prediction))
          throw new SeesawError('WRONG_USE', 'This call has its answer; make another one.')
        if (scenario !== prediction.scenario)
          throw new SeesawError(
            'WRONG_USE',
            `${run} measures ${scenario}, not ${prediction.scenario}.`,
          )
        if (askedAt < prediction.madeAt)
          throw new SeesawError('WRONG_USE', `${run} was asked for before this call was made.`)
        prediction.run = run
        prediction.outcome = null
        return prediction
      })
    },

    /** A measurement of these setups begins: it is to tell the calls about them that are open. */
    began({ id, scenario, setups, askedAt }: Began): void {
      if (id === lastBegan) return
      lastBegan = id
      const isMeant = (one: Prediction) =>
        one.scenario === scenario &&
        setups.includes(one.a) &&
        setups.includes(one.b) &&
        one.madeAt <= askedAt &&
        one.run !== id &&
        !isTold(one)
      try {
        if (!load().predictions.some(isMeant)) return
        change(({ predictions }) => {
          for (const one of predictions.filter(isMeant))
            Object.assign(one, { run: id, outcome: null })
        })
      } catch (error) {
        // A progress that cannot be kept is no reason not to measure.
        console.error(error)
      }
    },

    /** A measurement has ended, whether or not a call was made before. */
    async ended({ scenario }: { scenario: string }): Promise<void> {
      try {
        await conclude()
        if (own(load().scenarios, scenario)?.runAt) return
        change((kept) => {
          seen(kept, scenario).runAt = now()
        })
      } catch (error) {
        console.error(error)
      }
    },

    /** Keeps what the learner writes; an empty text or null takes it away. */
    write(
      scenario: string,
      {
        note,
        explained,
      }: { note?: string | null | undefined; explained?: string | null | undefined },
    ): ScenarioProgress {
      return change((kept) => {
        const entry = seen(kept, scenario)
        if (note) entry.note = note
        else if (note !== undefined) delete entry.note
        if (explained) entry.explained = { text: explained, at: now() }
        else if (explained !== undefined) delete entry.explained
        return entry
      })
    },

    /** Forgets one scenario, or all; returns the token with which that is taken back. */
    reset(scenario?: string): { undo: string; removed: Changed } {
      return change((kept) => {
        const goes = (id: string) => scenario === undefined || id === scenario
        const removed = kept.predictions.filter((one) => goes(one.scenario))
        const gone = Object.entries(kept.scenarios).filter(([id]) => goes(id))
        // Asked twice, from two tabs perhaps, it must not forget what the first one can bring back.
        if (removed.length + gone.length === 0 && kept.undo)
          return { undo: kept.undo.token, removed: { predictions: 0, scenarios: 0 } }
        kept.predictions = kept.predictions.filter((one) => !goes(one.scenario))
        for (const [id] of gone) delete kept.scenarios[id]
        kept.undo = {
          ...undoable('reset'),
          removed,
          scenarios: Object.fromEntries(gone.map(([id, before]) => [id, { before, after: null }])),
        }
        return {
          undo: kept.undo.token,
          removed: { predictions: removed.length, scenarios: gone.length },
        }
      })
    },

    /** Takes the last reset or import back, and nothing that was done since. Throws UNDO_NOT_FOUND. */
    undo(token?: string): { undone: 'reset' | 'import' } & Changed {
      return change((kept) => {
        const { undo } = kept
        if (!undo || (token !== undefined && undo.token !== token))
          throw new SeesawError(
            'UNDO_NOT_FOUND',
            'There is nothing to take back: only the last reset or import can be.',
          )
        const there = new Set(kept.predictions.map(({ id }) => id))
        kept.predictions = inOrder([
          ...kept.predictions.filter(({ id }) => !undo.added.includes(id)),
          ...undo.removed.filter(({ id }) => !there.has(id)),
        ])
        for (const [id, { before, after }] of Object.entries(undo.scenarios)) {
          const current = own(kept.scenarios, id) ?? null
          // What was written meanwhile stays, on top of what comes back.
          const untouched = JSON.stringify(current) === JSON.stringify(after)
          const entry = untouched ? before : before && { ...before, ...current }
          if (entry) kept.scenarios[id] = entry
          else if (untouched) delete kept.scenarios[id]
        }
        kept.undo = null
        return {
          undone: undo.what,
          predictions: undo.removed.length + undo.added.length,
          scenarios: Object.keys(undo.scenarios).length,
        }
      })
    },

    /** All of it, to be kept elsewhere. */
    async exportAll(): Promise<Exported> {
      await conclude()
      const { kind, format, predictions, scenarios } = load()
      return { kind, format, exportedAt: now(), predictions, scenarios }
    },

    /** Adds what is not there yet; what is there stays as it is. Throws PROGRESS_FULL. */
    importAll(given: Exported): { undo: string; added: Changed; known: Changed } {
      return change((kept) => {
        const there = new Set(kept.predictions.map(({ id }) => id))
        const byId = new Map(given.predictions.map((one) => [one.id, one]))
        const added = [...byId.values()].filter(({ id }) => !there.has(id))
        kept.predictions = inOrder([...kept.predictions, ...added])
        const scenarios: NonNullable<Kept['undo']>['scenarios'] = {}
        for (const [id, one] of Object.entries(given.scenarios)) {
          const before = own(kept.scenarios, id) ?? null
          const after = { ...one, ...before }
          if (before && Object.keys(after).length === Object.keys(before).length) continue
          kept.scenarios[id] = after
          scenarios[id] = { before, after }
        }
        const changed = Object.keys(scenarios).length
        // What adds nothing has nothing to take back, and leaves what was before it.
        if (added.length + changed > 0 || !kept.undo)
          kept.undo = { ...undoable('import'), added: added.map(({ id }) => id), scenarios }
        return {
          undo: kept.undo.token,
          added: { predictions: added.length, scenarios: changed },
          known: {
            predictions: byId.size - added.length,
            scenarios: Object.keys(given.scenarios).length - changed,
          },
        }
      })
    },
  }
}

const now = () => new Date().toISOString()

const empty = (): Kept => ({
  kind: 'seesaw-progress',
  format: 1,
  predictions: [],
  scenarios: {},
  undo: null,
})

const undoable = (what: 'reset' | 'import'): NonNullable<Kept['undo']> => ({
  token: randomBytes(8).toString('hex'),
  what,
  at: now(),
  removed: [],
  added: [],
  scenarios: {},
})

const parse = (text: string): Kept | undefined => {
  try {
    return fileSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** A scenario's entry, which is made where there is none. */
const seen = ({ scenarios }: Kept, id: string): ScenarioProgress => {
  const entry = own(scenarios, id) ?? { firstSeenAt: now() }
  scenarios[id] = entry
  return entry
}

const own = <V>(record: Record<string, V>, name: string): V | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined

const find = (predictions: Prediction[], id: string): Prediction => {
  const found = predictions.find((one) => one.id === id)
  if (found) return found
  throw new SeesawError('PREDICTION_NOT_FOUND', `There is no prediction '${id.slice(0, 60)}'.`)
}

const isTold = (prediction: Prediction): boolean => ['right', 'wrong'].includes(scoreOf(prediction))

const isAboutTheSame = (one: Prediction, { a, b, metric }: Call): boolean =>
  one.metric === metric && ((one.a === a && one.b === b) || (one.a === b && one.b === a))

const inOrder = (predictions: Prediction[]): Prediction[] =>
  predictions.sort((a, b) => (a.madeAt < b.madeAt ? -1 : a.madeAt > b.madeAt ? 1 : 0))

/** So that whatever is kept can be exported and imported again. */
const refuseTooMuch = ({ undo: _, ...exported }: Kept): void => {
  const bytes = Buffer.byteLength(JSON.stringify(exported))
  if (bytes <= mostBytes && exportSchema.safeParse(exported).success) return
  throw new SeesawError(
    'PROGRESS_FULL',
    `Progress may take 1 MB and ${mostPredictions} calls; export it, then reset it.`,
  )
}

const unusable = (cause: unknown): SeesawError => {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new SeesawError(
    'DATA_FOLDER_UNUSABLE',
    `The progress cannot be kept (${why}); make room, or name another folder with --data.`,
    { cause },
  )
}
