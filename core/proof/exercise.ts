// Runs one exercise against one setup of a lab and says what came of it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { CookieJar } from 'tough-cookie'
import type { Setup } from '../course/setup.ts'
import type { Lab } from '../lab/lab.ts'
import type { AnyClaim, Client, Hands } from '../scenario.ts'
import { createClient, type Exchange } from './client.ts'

/** What happened, line by line: requests with their answers, notes, and what was checked. */
export type Line =
  | ({ kind: 'exchange' } & Exchange)
  | { kind: 'note'; text: string }
  | { kind: 'assume' | 'expect'; ok: boolean; because: string }

export interface Outcome {
  verdict: 'holds' | 'breaks' | 'unknown'
  /** The line that decided. */
  because: string
  ms: number
  transcript: Line[]
  /** The exercise asked for a restart or a kill where none may happen; it is to be run again later. */
  putOff?: true
}

/** What `Turns.alone` throws where exercises run side by side and none of them may disturb the others. */
export class PutOff extends Error {}

/** Exercises that restart or kill processes must be alone with the lab for that moment. */
export interface Turns {
  /**
   * Runs `work` when no other exercise is in the middle of something; once for all exercises that
   * wait for the same, which `what` names. Throws PutOff where it is not the time for it.
   */
  alone(what: string, work: () => Promise<void>): Promise<void>
}

/** Until the client has noticed that its old connections are closed. */
const settleMs = 50

/** Ends an exercise early; what it decided is already written down. */
class Decided extends Error {}

/**
 * Runs the claim's exercise once. `watched` asks for the adapter calls of every request; an exercise
 * that has not ended `withinMs` is given up. What it calls process 1 is `firstWorker`, so that the
 * processes of a lab share the work.
 */
export const runExercise = async (
  claim: AnyClaim,
  setup: Setup,
  lab: Pick<Lab, 'doors' | 'restart' | 'kill'>,
  turns: Turns,
  { watched = false, withinMs = 30_000, firstWorker = 1 } = {},
): Promise<Outcome> => {
  const transcript: Line[] = []
  let decided: Pick<Outcome, 'verdict' | 'because'> | undefined
  let lastSeen: string | undefined
  let clients = 0
  let over = false
  let putOff = false
  let giveUp = (_: Decided) => {}
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  givenUp.catch(() => {})

  const decide = (verdict: Outcome['verdict'], because: string): never => {
    decided ??= { verdict, because }
    throw new Decided(because)
  }

  /** An exercise that was given up goes on, but must not touch a lab that others are using. */
  const stopIfOver = () => {
    if (over) throw new Decided('this exercise is over')
  }

  /** The lab's index of the process that the exercise knows by `worker`. */
  const placeOf = (worker: number): number =>
    worker > lab.doors.length ? worker : ((worker + firstWorker - 2) % lab.doors.length) + 1

  const client = (
    { worker = 1 }: { worker?: number } = {},
    jar?: CookieJar,
    headers?: Record<string, string>,
  ): Client =>
    createClient(
      {
        number: ++clients,
        door: () => {
          stopIfOver()
          return (
            lab.doors[placeOf(worker) - 1] ??
            decide('unknown', `there is no server process ${worker}`)
          )
        },
        mount: `/run/${setup.id}`,
        watched,
        onExchange: (exchange) => {
          if (!over) transcript.push({ kind: 'exchange', ...exchange })
        },
        another: (where, itsJar, itsHeaders) => client({ worker, ...where }, itsJar, itsHeaders),
      },
      jar,
      headers,
    )

  const hands: Hands<string> = {
    client: (where) => client(where),
    knobs: setup.knobs,
    note: (text) => transcript.push({ kind: 'note', text }),
    assume(ok, because) {
      transcript.push({ kind: 'assume', ok, because })
      if (!ok) decide('unknown', because)
    },
    expect(ok, because) {
      transcript.push({ kind: 'expect', ok, because })
      lastSeen = because
      if (!ok) decide('breaks', because)
    },
    async waitMs(ms) {
      await sleep(Math.max(0, ms))
      stopIfOver()
    },
    restart: () => alone('all server processes are restarted', lab.restart),
    kill: (worker = 1) => {
      const place = placeOf(worker)
      return alone(`server process ${place} is killed`, () => lab.kill(place))
    },
  }

  /** To wait until the others are done is not the exercise's own time. */
  const alone = async (note: string, work: () => Promise<void>): Promise<void> => {
    stopIfOver()
    transcript.push({ kind: 'note', text: note })
    limit.pause()
    await turns.alone(note, work).catch((error: unknown) => {
      if (!(error instanceof PutOff)) throw error
      putOff = true
      const early = new Decided('put off')
      giveUp(early)
      throw early
    })
    limit.resume()
    await sleep(settleMs)
  }

  const beganMs = performance.now()
  const limit = limitTime(withinMs)
  try {
    await Promise.race([
      claim.exercise(hands),
      givenUp,
      limit.over.then(() => decide('unknown', `not finished after ${withinMs / 1000} s`)),
    ])
  } catch (error) {
    if (!(error instanceof Decided)) decided ??= { verdict: 'unknown', because: wordsOf(error) }
  } finally {
    over = true
    limit.pause()
  }
  decided ??= lastSeen
    ? { verdict: 'holds', because: lastSeen }
    : { verdict: 'unknown', because: 'the exercise checked nothing' }
  return {
    ...decided,
    ms: performance.now() - beganMs,
    transcript,
    ...(putOff ? { putOff } : {}),
  }
}

/** A limit on time that can be made to stand still. */
const limitTime = (ms: number) => {
  let leftMs = ms
  let sinceMs = 0
  let timer: NodeJS.Timeout | undefined
  let end = () => {}
  const over = new Promise<void>((resolve) => {
    end = resolve
  })
  const resume = () => {
    sinceMs = performance.now()
    timer = setTimeout(end, leftMs)
  }
  const pause = () => {
    clearTimeout(timer)
    leftMs -= performance.now() - sinceMs
  }
  resume()
  return { over, pause, resume }
}

const wordsOf = (error: unknown): string => {
  const { message, cause } = error as { message?: string; cause?: { message?: string } }
  return `the exercise failed: ${[message, cause?.message].filter(Boolean).join(': ')}`
}
