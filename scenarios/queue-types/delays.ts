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
 * A large file, and pings meanwhile; then as long without one. How long it
 * takes to read such a file is found out right here, for machines are not
 * equally fast: a process that reads it at once stops for as long. The
 * shortest time is what it takes at least. The longest is what it may take on
 * a busy machine.
 */
export const largeFile: Exercise = async (hands) => {
  const delays: number[] = []
  const quiet: number[] = []
  const reading: number[] = []
  await delayBy(hands, 10)
  for (let round = 0; round < rounds; round++) {
    reading.push(...readingTimesMs(), ...readingTimesMs())
    const { delayMs, tookMs } = await delayBy(hands, largest)
    delays.push(delayMs)
    quiet.push(await slowestPing(hands, hands.waitMs(tookMs)))
    if (delayMs < Math.min(...reading) / 3) break
  }
  const [delayMs, quietMs] = [Math.min(...delays), Math.max(...quiet)]
  const [leastMs, mostMs] = [Math.min(...reading), Math.max(...reading)]
  const seen =
    `while a file of ${largest} bookings is imported others wait for ` +
    `${delayMs} ms at most, without one for ${quietMs} ms; to read it takes ` +
    `${Math.round(leastMs)} to ${Math.round(mostMs)} ms`
  const isDelayed = delayMs > mostMs / 2 && delayMs > 3 * quietMs
  hands.assume(isDelayed || delayMs < leastMs / 3, seen)
  hands.expect(!isDelayed, seen)
}

const largest = 80_000

/** How long it takes to read the largest file, by all of it and by a part. */
const readingTimesMs = (): number[] =>
  [1, 16].map((part) => {
    const file = fileFor('a', largest / part)
    const beganMs = performance.now()
    parse(file, { columns: true })
    return (performance.now() - beganMs) * part
  })

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
