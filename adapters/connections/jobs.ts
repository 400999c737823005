// What all queues have in common: what they accept, how one attempt goes, and when the next is due.
import { inspect } from 'node:util'
import { SeesawError, wellFormed } from '#core/adapter'
import type { Json, RunningJob, Work, WorkOptions } from '#core/kinds'

/** Beyond this a payload belongs into a file, and its address into the queue. */
const mostBytes = 1_048_576
const longestName = 200
const longestReason = 1_000

/** How long running jobs have to end when their queue is closed. */
export const closeWithinMs = 1_000

/** What is further away than 24 days Node's timers take for now. */
export const longestTimerMs = 2 ** 31 - 1

/** How much longer than its attempt a lock lives, so that the end of one that took all of its time is still recorded. */
export const lockGraceMs = 300

/** Writes `data` as JSON text. Throws PAYLOAD_REFUSED for what is no JSON, too deep, or larger than 1 MB. */
export const payloadOf = (data: unknown): string => {
  const { json, problem } = written(data)
  if (json !== undefined) return json
  throw new SeesawError('PAYLOAD_REFUSED', `The queue cannot take this job: its data ${problem}.`)
}

const mostLevels = 1_000

const isDeeper = (data: unknown, levels: number): boolean =>
  typeof data === 'object' &&
  data !== null &&
  (levels === 0 || Object.values(data).some((inner) => isDeeper(inner, levels - 1)))

const written = (data: unknown): { json?: string; problem?: string } => {
  let json: string | undefined
  try {
    json = JSON.stringify(data)
  } catch (error) {
    // Cycles, BigInt, and what is nested too deeply for the stack.
    return { problem: `cannot be written as JSON (${reasonOf(error).split('\n')[0]})` }
  }
  if (json === undefined) return { problem: `is ${typeof data}, which JSON does not know` }
  // From Node 26 on JSON is written at any depth, but not every backend can read it.
  if (isDeeper(data, mostLevels))
    return { problem: `is nested more than ${mostLevels} levels deep` }
  const bytes = Buffer.byteLength(json)
  return bytes > mostBytes ? { problem: `has ${bytes} bytes; it may have ${mostBytes}` } : { json }
}

/**
 * Spells a job's name so that every backend can store it, and no plain object takes it for one of
 * its own; `asGiven` undoes it. Throws PAYLOAD_REFUSED for an empty or overlong one.
 */
export const spelledName = (name: string): string => {
  const spelt = wellFormed(name)
  if (spelt === '' || spelt.length > longestName)
    throw new SeesawError(
      'PAYLOAD_REFUSED',
      `A job's name has 1 to ${longestName} characters, not ${spelt.length}: '${spelt.slice(0, 40)}'.`,
    )
  const code = spelt.charCodeAt(0).toString(16).padStart(4, '0')
  return spelt in {} ? `\\u${code}${spelt.slice(1)}` : spelt
}

/**
 * Makes one attempt and returns the result as JSON text. Throws an Error that says why it failed,
 * whatever `work` threw; also when it does not end in time, though it cannot be stopped then.
 */
export const attempt = async (
  work: Work,
  job: Omit<RunningJob, 'data'> & { json: string },
  withinMs: number,
): Promise<string> => {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    const why = `It did not end within ${withinMs} ms.`
    timer = setTimeout(() => reject(new Error(why)), withinMs)
  })
  try {
    const { json, ...rest } = job
    const working = (async () => work({ ...rest, data: JSON.parse(json) as Json }))()
    // Nothing for null: a worker need not have a result.
    const result = (await Promise.race([working, tooLate])) ?? null
    const text = written(result)
    if (text.json === undefined) throw new Error(`Its result ${text.problem}.`)
    return text.json
  } catch (error) {
    throw new Error(reasonOf(error))
  } finally {
    clearTimeout(timer)
  }
}

/** How long to wait after the attempt of this number has failed; null if it was the last. */
export const backoffAfter = (attempt: number, options: WorkOptions): number | null =>
  attempt < options.attempts ? options.backoffMs * 2 ** (attempt - 1) : null

/** What was thrown, as text that every backend can store. */
export const reasonOf = (thrown: unknown): string => {
  const text = thrown instanceof Error ? messageOf(thrown) : `It threw ${inspect(thrown)}.`
  return text.slice(0, longestReason).replace(/[\0\ud800-\udfff]/gu, '\ufffd')
}

const messageOf = (error: Error): string =>
  typeof error.message === 'string' && error.message !== '' ? error.message : error.name

/** Why an attempt failed whose end nobody has seen. */
export const deathReason = 'Its process died, or was silent for too long.'

const sayAgainEveryMs = 1_000

/**
 * What a process has asked for and still wants: schedules. A store that was emptied or came back as a
 * new one has forgotten them, and each is said again within a second.
 */
export const keepWishes = () => {
  const wishes = new Map<string, () => Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let saying = false

  const sayAll = async (): Promise<void> => {
    if (saying) return
    saying = true
    // A store that is away is asked again in a second.
    for (const say of [...wishes.values()]) await say().catch(() => {})
    saying = false
  }

  return {
    /** `say` is called once a second from now on; it asks for what is not there. */
    keep(name: string, say: () => Promise<void>): void {
      wishes.set(name, say)
      timer ??= setInterval(() => void sayAll(), sayAgainEveryMs).unref()
    },
    forget(): void {
      clearInterval(timer)
      timer = undefined
      wishes.clear()
    },
  }
}

/** Resolves when all of `running` have ended, or after `closeWithinMs`. */
export const ended = async (running: Iterable<Promise<unknown>>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, closeWithinMs)
  })
  await Promise.race([Promise.allSettled(running), late])
  clearTimeout(timer)
}
