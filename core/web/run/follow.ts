// A measurement as it goes on: its events, from the beginning even for whoever comes late, gathered
// into what is known of it now.
import { useEffect, useState } from 'preact/hooks'
import type { Progress } from '../../../bench/progress.ts'
import type { Listed } from '../../measurements/desk.ts'
import { api, wordsOf } from '../api.ts'

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
    const conclude = (change: Partial<Followed>) => {
      events.close()
      clearTimeout(timer)
      known = { ...known, ...change }
      draw()
    }
    const events = new EventSource(`/api/bench/${encodeURIComponent(id)}/events`)
    events.onmessage = ({ data }: MessageEvent<string>) => {
      known = heard(known, JSON.parse(data))
      timer ??= setTimeout(draw, drawEveryMs)
    }
    events.addEventListener('end', ({ data }: MessageEvent<string>) =>
      conclude({ end: JSON.parse(data) }),
    )
    events.onerror = () => {
      // A browser comes back by itself unless the answer was an error: then the server says which.
      if (events.readyState !== EventSource.CLOSED) return
      api.get(`/api/bench/${encodeURIComponent(id)}?blocks=brief`).then(
        () => conclude({ trouble: 'Too many follow measurements already; reload in a moment.' }),
        (error) => conclude({ trouble: wordsOf(error) }),
      )
    }
    draw()
    return () => {
      events.close()
      clearTimeout(timer)
    }
  }, [id])
  return shown?.id === id ? shown?.known : undefined
}

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
