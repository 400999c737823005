// Other requests while an import is under way: how long does the slowest of
// them wait? Pings go out one after another from before the import is sent
// until it has ended, so what stops the process stops one of them for as long.
// A busy machine can only add to that: the least of several rounds counts.
import { parse } from 'csv-parse/sync'
import type { Client, Exercise, Hands } from '#core/scenario'
import { ended, fileFor, isAccepted, submit, told, warmUp } from './sending.ts'

const rounds = 3

/** An import that asks elsewhere for `checkMs`, and pings meanwhile. */
export const whileItWaits: Exercise<'checkMs'> = async (hands) => {
  const { checkMs } = hands.knobs
  const delays: number[] = []
  const quiet: number[] = []
  await warmUp(hands.client())
  for (let round = 0; round < rounds; round++) {
    quiet.push(await slowestPing(hands, hands.waitMs(checkMs)))
    const { delayMs, tookMs } = await delayBy(hands, 1)
    hands.assume(tookMs >= checkMs - 10, `the import takes ${tookMs} ms`)
    delays.push(delayMs)
    // One that is stopped for all of `checkMs` shows it in every round.
    if (delayMs < checkMs / 2) break
  }
  const delayMs = Math.min(...delays)
  const seen =
    `while an import waits for ${checkMs} ms others wait for ${delayMs} ms ` +
    `at most, without one for ${Math.max(...quiet)} ms`
  const isDelayed = delayMs >= checkMs / 2
  hands.assume(!isDelayed || Math.max(...quiet) < checkMs / 4, seen)
  hands.expect(!isDelayed, seen)
}

/**
 * A small and a large file by turns, and pings meanwhile. How long it takes to
 * read the large one is found out right here, for machines are not equally
 * fast: a process that reads it at once stops for at least as long.
 */
export const largeFile: Exercise = async (hands) => {
  const [few, many] = [10, 80_000]
  const small: number[] = []
  const large: number[] = []
  const reading: number[] = []
  await delayBy(hands, few)
  for (let round = 0; round < rounds; round++) {
    reading.push(readingMs(many / 16) * 16)
    small.push((await delayBy(hands, few)).delayMs)
    large.push((await delayBy(hands, many)).delayMs)
    if ((large.at(-1) as number) < Math.min(...reading) / 4) break
  }
  const [least, most] = [Math.min(...small), Math.min(...large)]
  const readMs = Math.round(Math.min(...reading))
  const seen =
    `a file of ${few} bookings delays others by ${least} ms, one of ${many} ` +
    `by ${most} ms; to read it takes ${readMs} ms`
  const isDelayed = most > readMs * 0.75 && most > 4 * least
  hands.assume(isDelayed || most < readMs / 3, seen)
  hands.expect(!isDelayed, seen)
}

/** The least of several short ones, for the machine may be busy meanwhile. */
const readingMs = (rows: number): number => {
  const file = fileFor('a', rows)
  const all = Array.from({ length: 10 }, () => {
    const beganMs = performance.now()
    parse(file, { columns: true })
    return performance.now() - beganMs
  })
  return Math.min(...all)
}

/** How long the slowest ping took while a file was imported, and the import. */
const delayBy = async (hands: Hands, rows: number) => {
  const me = hands.client()
  const beganMs = Date.now()
  const importing = submit(me, fileFor('a', rows)).then(async (sent) => {
    hands.assume(isAccepted(sent), `a file is answered ${told(sent)}`)
    const state = await ended(hands, me, sent, 20_000)
    hands.assume(state === 'done', `a file of ${rows} bookings is ${state}`)
  })
  const delayMs = await slowestPing(hands, importing)
  return { delayMs, tookMs: Date.now() - beganMs }
}

const slowestPing = async (hands: Hands, during: Promise<void>) => {
  const other: Client = hands.client()
  let over = false
  const ending = during.finally(() => {
    over = true
  })
  ending.catch(() => {})
  let slowestMs = 0
  while (!over) {
    const { sentAtMs, doneAtMs } = await other.get('/ping')
    slowestMs = Math.max(slowestMs, doneAtMs - sentAtMs)
    await hands.waitMs(2)
  }
  await ending
  return slowestMs
}
