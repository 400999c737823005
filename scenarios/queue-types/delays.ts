// Other requests while an import is under way: how long does the slowest of
// them wait? Pings go out one after another from before the import is sent until
// it has ended, so whatever stops the process stops one of them for as long. A
// busy machine can only add to that: the least of several rounds is the truest.
import type { Client, Exercise, Hands } from '#core/scenario'
import {
  ended,
  fileFor,
  isAccepted,
  newAccount,
  submit,
  told,
  warmUp,
} from './sending.ts'

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
    `while an import waits for ${checkMs} ms others wait for ${delayMs} ms at ` +
    `most, without one for ${Math.max(...quiet)} ms`
  const isDelayed = delayMs >= checkMs / 2
  hands.assume(!isDelayed || Math.max(...quiet) < checkMs / 4, seen)
  hands.expect(!isDelayed, seen)
}

/** A small and a large file by turns, and pings meanwhile. */
export const largeFile: Exercise = async (hands) => {
  const [few, many] = [10, 60_000]
  const small: number[] = []
  const large: { delayMs: number; tookMs: number }[] = []
  await delayBy(hands, few)
  for (let round = 0; round < rounds; round++) {
    small.push((await delayBy(hands, few)).delayMs)
    large.push(await delayBy(hands, many))
  }
  const [least, most] = [
    Math.min(...small),
    Math.min(...large.map(({ delayMs }) => delayMs)),
  ]
  // Of the time that the import took itself, for machines are not equally fast.
  const share = Math.min(
    ...large.map(({ delayMs, tookMs }) => delayMs / tookMs),
  )
  const seen =
    `a file of ${few} bookings delays others by ${least} ms, one of ${many} ` +
    `by ${most} ms, ${Math.round(100 * share)} % of the time that it takes`
  const isDelayed = share > 0.2 && most > 4 * least
  hands.assume(isDelayed || share < 0.1, seen)
  hands.expect(!isDelayed, seen)
}

/** How long the slowest ping took while a file was imported, and the import. */
const delayBy = async (hands: Hands, rows: number) => {
  const me = hands.client()
  const beganMs = Date.now()
  const importing = submit(me, fileFor(newAccount(), rows)).then(
    async (sent) => {
      hands.assume(isAccepted(sent), `a file is answered ${told(sent)}`)
      const state = await ended(hands, me, sent)
      hands.assume(state === 'done', `a file of ${rows} bookings is ${state}`)
    },
  )
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
