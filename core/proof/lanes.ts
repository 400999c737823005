// Runs the exercises of a proof side by side, for mostly they wait. What one exercise does to the
// machine must not change what another one finds out, so there are four stages: the crowd · those
// that restart or kill server processes, together · those that are judged by time, memory or
// processor, one by one · and once more alone what came out otherwise than declared.
import { type Outcome, PutOff, type Turns } from './exercise.ts'

/** One exercise on one setup. */
export interface Lane {
  /** Exercises on the same setup run one after another. */
  setup: string
  /** Which claim it is for; one that restarts processes on one setup does so on all. */
  claim: string
  /** Judged by time, memory or processor: nothing else may run meanwhile. */
  alone: boolean
  /** Whether this is what the scenario declares. */
  isAsDeclared(outcome: Outcome): boolean
  /** Runs the exercise. */
  attempt(turns: Turns): Promise<Outcome>
}

/** What came of a lane in the end, and how often it was tried. */
export interface Concluded {
  outcome: Outcome
  tries: number
}

interface LanesOptions<L extends Lane> {
  onConcluded(lane: L, concluded: Concluded): void
  signal?: AbortSignal | undefined
}

/** So many exercises run side by side at first. */
const atFirst = 24
/** Processes are restarted when so many exercises at most have come to that point. */
const mostGathered = 64
/** More unknown outcomes than this share mean that the machine has too much to do. */
const mostUnknown = 1 / 20
/** Tries among others, and then alone, until the outcome is known. */
const triesEach = 2

/** Runs every lane to its conclusion, or until `signal`. */
export const runLanes = async <L extends Lane>(
  lanes: readonly L[],
  { onConcluded, signal }: LanesOptions<L>,
): Promise<void> => {
  const unsure: { lane: L; tries: number }[] = []
  const disturbing = new Set<string>()
  const putOff: L[] = []
  const stopped = () => signal?.aborted ?? false

  /** Tries until the outcome is known, `triesEach` times at most. */
  const attempt = async (lane: L, turns: Turns, before = 0): Promise<Concluded> => {
    for (let tries = 1; ; tries++) {
      const outcome = await lane.attempt(turns)
      const isKnown = outcome.verdict !== 'unknown' || outcome.putOff
      if (isKnown || tries === triesEach || stopped()) return { outcome, tries: before + tries }
    }
  }

  /** Among others an outcome counts only where it is as declared. */
  const takeAmongOthers = (lane: L, concluded: Concluded) => {
    if (lane.isAsDeclared(concluded.outcome)) onConcluded(lane, concluded)
    else unsure.push({ lane, tries: concluded.tries })
  }

  const pace = startPace()
  await runSideBySide(
    lanes.filter(({ alone }) => !alone),
    pace.width,
    async (lane) => {
      if (stopped()) return
      if (disturbing.has(lane.claim)) return void putOff.push(lane)
      const concluded = await attempt(lane, { alone: refuse })
      if (concluded.outcome.putOff) {
        disturbing.add(lane.claim)
        return void putOff.push(lane)
      }
      pace.note(concluded.tries > 1)
      takeAmongOthers(lane, concluded)
    },
  )

  const turns = takeTurns()
  await runSideBySide(
    putOff,
    () => mostGathered,
    async (lane) => {
      if (stopped()) return
      takeAmongOthers(lane, await turns.among(() => attempt(lane, turns)))
    },
  )

  const byThemselves = { alone: (_: string, work: () => Promise<void>) => work() }
  const alone = lanes.filter(({ alone }) => alone).map((lane) => ({ lane, tries: 0 }))
  for (const { lane, tries } of [...alone, ...unsure])
    if (!stopped()) onConcluded(lane, await attempt(lane, byThemselves, tries))
}

const refuse = () => Promise.reject(new PutOff())

/** How many lanes there may be: half as many whenever too many outcomes were unknown. */
const startPace = () => {
  let width = atFirst
  let seen = 0
  let unknown = 0
  return {
    width: () => width,
    note(wasUnknown: boolean) {
      seen++
      if (wasUnknown) unknown++
      if (seen >= 1 / mostUnknown && unknown / seen > mostUnknown) {
        width = Math.max(1, width >> 1)
        seen = unknown = 0
      } else if (seen >= 2 / mostUnknown) seen = unknown = 0
    },
  }
}

/** Runs `work` for each lane, as many at once as `width` says; those of one setup one by one. */
const runSideBySide = <L extends Lane>(
  lanes: readonly L[],
  width: () => number,
  work: (lane: L) => Promise<void>,
): Promise<void> => {
  const left = [...lanes]
  const busy = new Set<string>()
  return new Promise((resolve, reject) => {
    const fill = () => {
      while (busy.size < width()) {
        const index = left.findIndex(({ setup }) => !busy.has(setup))
        const [lane] = index < 0 ? [] : left.splice(index, 1)
        if (!lane) break
        busy.add(lane.setup)
        work(lane).then(() => {
          busy.delete(lane.setup)
          fill()
        }, reject)
      }
      if (busy.size === 0 && left.length === 0) resolve()
    }
    fill()
  })
}

/**
 * Lets exercises run side by side, except while one of them restarts or kills processes: that one
 * waits until every other has ended or waits, too. What several wait for is done once for them all.
 */
export const takeTurns = () => {
  let running = 0
  const waiting = new Set<{ what: string; done?: Promise<void> }>()
  let occupied = false
  const listeners: (() => void)[] = []
  const announce = () => {
    for (const listener of listeners.splice(0)) listener()
  }
  const change = () => new Promise<void>((resolve) => listeners.push(resolve))

  return {
    async among<T>(work: () => Promise<T>): Promise<T> {
      while (occupied) await change()
      running++
      try {
        return await work()
      } finally {
        running--
        announce()
      }
    },

    async alone(what: string, work: () => Promise<void>): Promise<void> {
      const turn: { what: string; done?: Promise<void> } = { what }
      waiting.add(turn)
      announce()
      // Those that begin at this moment come along.
      await new Promise(setImmediate)
      while (!turn.done && (occupied || running > waiting.size)) await change()
      const leads = !turn.done
      if (leads) {
        occupied = true
        const done = work()
        for (const other of waiting) if (other.what === what) other.done = done
      }
      try {
        await turn.done
      } finally {
        if (leads) occupied = false
        waiting.delete(turn)
        announce()
      }
    },
  } satisfies Turns & Record<string, unknown>
}
