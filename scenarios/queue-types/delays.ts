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
    quiet.push((await slowestPing(hands, hands.waitMs(checkMs))).delayMs)
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
 * takes to read such a file at the least is found out right here, for machines
 * are not equally fast: a process that reads it at once stops for as long,
 * every time. So one round without such a stop clears it. A busy machine may
 * stop pings as well, and an import makes it busier: three rounds blame the
 * file only where it is quiet otherwise, and elsewhere ten have to.
 */
export const largeFile: Exercise = async (hands) => {
  const untilMs = Date.now() + 20_000
  const stops: number[] = []
  const quiet: number[] = []
  let leastMs = Number.POSITIVE_INFINITY
  const seen = () =>
    `while a file of ${largest} bookings is imported others wait for ` +
    `${Math.min(...stops)} to ${Math.max(...stops)} ms in ${stops.length} ` +
    `tries, without one for ${Math.min(...quiet)} to ${Math.max(...quiet)} ` +
    `ms; to read it takes ${Math.round(leastMs)} ms`
  await delayBy(hands, 10)
  do {
    for (let i = 0; i < 3; i++) leastMs = Math.min(leastMs, ...readingTimesMs())
    const { delayMs, blindMs, tookMs } = await delayBy(hands, largest)
    stops.push(delayMs)
    quiet.push((await slowestPing(hands, hands.waitMs(tookMs))).delayMs)
    // Where no ping was under way there may have been a stop that none saw.
    if (delayMs < leastMs / 2 && blindMs < leastMs / 3)
      return hands.expect(true, seen())
    const [stopMs, noiseMs] = [Math.min(...stops), Math.max(...quiet)]
    const isPlain =
      stops.length >= 3 && stopMs > 1.25 * leastMs && noiseMs < leastMs / 4
    const noisy = quiet.filter((pingMs) => pingMs > leastMs / 2).length
    const isLikely =
      stops.length >= 10 && stopMs > leastMs && noisy <= stops.length / 2
    if (isPlain || isLikely) return hands.expect(false, seen())
  } while (Date.now() < untilMs)
  hands.assume(false, seen())
}

const largest = 80_000

/**
 * How long it takes to read the largest file, by all of it and by a part: the
 * processor's time, which does not grow where others want the processor, too.
 */
const readingTimesMs = (): number[] =>
  [1, 16].map((part) => {
    const file = fileFor('a', largest / part)
    const began = process.cpuUsage()
    parse(file, { columns: true })
    const { user, system } = process.cpuUsage(began)
    return ((user + system) / 1000) * part
  })

/** Pings while a file is imported, and how long the import took. */
const delayBy = async (hands: Hands, rows: number) => {
  const me = hands.client()
  const beganMs = Date.now()
  const importing = submit(me, fileFor('a', rows)).then(async (sent) => {
    hands.assume(isAccepted(sent), `a file is answered ${told(sent)}`)
    const state = await ended(hands, me, sent, 20_000)
    hands.assume(state === 'done', `a file of ${rows} bookings is ${state}`)
  })
  const pings = await slowestPing(hands, importing)
  return { ...pings, tookMs: Date.now() - beganMs }
}

/** How long the slowest took, and how long none was under way at the most. */
const slowestPing = async (hands: Hands, during: Promise<void>) => {
  const other: Client = hands.client()
  let over = false
  const ending = during.finally(() => {
    over = true
  })
  ending.catch(() => {})
  let delayMs = 0
  let blindMs = 0
  let lastMs = Date.now()
  while (!over) {
    const { sentAtMs, doneAtMs } = await other.get('/ping')
    blindMs = Math.max(blindMs, sentAtMs - lastMs)
    delayMs = Math.max(delayMs, doneAtMs - sentAtMs)
    lastMs = doneAtMs
    await hands.waitMs(2)
  }
  blindMs = Math.max(blindMs, Date.now() - lastMs)
  await ending
  return { delayMs, blindMs }
}
