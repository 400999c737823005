// A measurement as it goes on: its events, from the beginning even for whoever comes late, gathered
// into what is known of it now.
import { useEffect, useState } from 'preact/hooks'
import type { Progress } from '../../measurement/events.ts'
import type { Listed, MeasuringEvent, SoFar } from '../../measurements/desk.ts'
import type { Numbered } from '../../measurements/log.ts'
import { api, Problem, wordsOf } from '../api.ts'
import { on } from '../live.ts'

type Event<Type extends Progress['type']> = Extract<Progress, { type: Type }>
export type Slice = Event<'slice'>

/** What is known of a run. */
export interface Followed {
  plan?: Event<'plan'>
  /** What it is doing, in words; empty before it does anything. */
  doing: string
  /** Which measurement is done before it; absent as soon as its turn has come. */
  behind?: string
  /** In their order. The list grows in place. */
  slices: Slice[]
  /** The last block that is done, and how many slices there were by then. */
  block?: Event<'block'> & { slices: number }
  /** How it ended. */
  end?: Listed
  /** Why it cannot be followed. */
  trouble?: string
}

const phases: Record<Event<'phase'>['phase'], string> = {
  proving: 'Proving that each does what it claims',
  starting: 'Starting',
  calibrating: 'Finding out how much each can take',
  'warming up': 'Warming up, which does not count',
  measuring: 'Measuring',
  timeline: 'Watching what visitors see while things go wrong',
}

/** What is known after another event. */
const heard = (known: Followed, event: Progress): Followed => {
  switch (event.type) {
    case 'plan':
      return { ...known, plan: event }
    case 'queued':
      return { ...known, behind: event.behind, doing: '' }
    case 'phase': {
      const { behind: _, ...rest } = known
      return { ...rest, doing: `${phases[event.phase] ?? event.phase}: ${event.says}` }
    }
    case 'slice':
      known.slices.push(event)
      return known
    case 'block':
      return { ...known, block: { ...event, slices: known.slices.length } }
    default:
      // Other types may come.
      return known
  }
}

// To draw costs time on the very machine that is measured.
const drawEveryMs = 250

/** Follows a run for as long as whoever asks is shown; undefined without an id. */
export const useFollowed = (id: string | undefined): Followed | undefined => {
  const [shown, show] = useState<{ id: string; known: Followed }>()
  useEffect(() => {
    if (!id) return
    let known: Followed = { doing: '', slices: [] }
    let timer: ReturnType<typeof setTimeout> | undefined
    const draw = () => {
      timer = undefined
      show({ id, known: { ...known } })
    }
    const stop = follow(id, {
      hear(event) {
        known = heard(known, event)
        timer ??= setTimeout(draw, drawEveryMs)
      },
      conclude(how) {
        clearTimeout(timer)
        known = { ...known, ...how }
        draw()
      },
    })
    draw()
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [id])
  return shown?.id === id ? shown?.known : undefined
}

/** Each event once and in order, then how it ended, or why it cannot be followed. */
interface Follower {
  hear(event: Progress): void
  conclude(how: Pick<Followed, 'end' | 'trouble'>): void
}

/**
 * What has been is asked for; what comes is told by the one stream of events. Where the two leave a
 * gap, it is asked for again. Returns what ends it.
 */
const follow = (id: string, { hear, conclude }: Follower): (() => void) => {
  const gone = new AbortController()
  let last = 0
  let reading = false
  /** More has happened while something was read. */
  let more = false
  let later: ReturnType<typeof setTimeout> | undefined

  const take = ({ number, event }: Numbered) => {
    last = number
    hear(event as Progress)
  }
  const stop = () => {
    gone.abort()
    clearTimeout(later)
    for (const leave of listening) leave()
  }
  const finish = (how: Parameters<Follower['conclude']>[0]) => {
    stop()
    conclude(how)
  }

  const read = async () => {
    if (gone.signal.aborted) return
    if (reading) {
      more = true
      return
    }
    reading = true
    more = false
    const path = `/api/bench/${encodeURIComponent(id)}/so-far?after=${last}`
    try {
      const { events, end } = await api.get<SoFar>(path, gone.signal)
      if (gone.signal.aborted) return
      for (const one of events) take(one)
      if (end) return finish({ end })
    } catch (error) {
      if (gone.signal.aborted) return
      if (!(error instanceof Problem && error.code === 'GONE'))
        return finish({ trouble: wordsOf(error) })
      later = setTimeout(read, againMs)
    }
    reading = false
    if (more) void read()
  }

  const listening = [
    on('measuring', (told: MeasuringEvent) => {
      if (told.id !== id) return
      if ('end' in told || told.number > last + 1 || reading) void read()
      else if (told.number === last + 1) take(told)
    }),
    on('missed', read),
  ]
  void read()
  return stop
}

const againMs = 1_000

/** How much of the measuring is done, as a share of all blocks. */
export const shareDone = ({ plan, block, slices }: Followed): number => {
  const counted = (from: number, to: number) =>
    slices.slice(from, to).filter(({ counts }) => counts).length
  if (!block) {
    // How many slices make a block is known after the first; a duel's have about as many.
    const begun = Math.min(0.95, counted(0, slices.length) / guessedSlices)
    return begun / (plan?.blocks ?? 6)
  }
  const perBlock = counted(0, block.slices) / Math.max(1, block.done)
  const within = counted(block.slices, slices.length) / Math.max(1, perBlock)
  return Math.min(1, (block.done + Math.min(0.95, within)) / block.of)
}
const guessedSlices = 24
