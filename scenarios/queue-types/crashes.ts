// The process is killed at each step of an import. What was at that step when
// it died is then followed until it has ended: is it lost, there in part,
// booked once, or booked again? Loss and doubling are the two ways to be wrong,
// and each step has variants that go one way or the other.
import { randomUUID } from 'node:crypto'
import type { Answer, Client, Exercise, Hands } from '#core/scenario'
import {
  bookingsOf,
  ended,
  fileFor,
  isAccepted,
  look,
  newAccount,
  submit,
  told,
  warmUp,
} from './sending.ts'

/** Killed while the file is checked: nothing of it is booked yet. */
export const killedBeforeBooking: Exercise = (hands) =>
  killAt(hands, 'had booked nothing yet', ({ booked }) => booked === 0)

/**
 * Killed between the first rows and the commit. The file has more rows than one
 * statement takes, so that without a transaction a part of it is there.
 */
export const killedWhileBooking: Exercise = (hands) =>
  killAt(
    hands,
    'had begun to book',
    ({ booked, state }) => booked < longFile && state !== 'waiting',
    longFile,
  )

/** Killed after the commit, before anybody has heard of the end. */
export const killedAfterBooking: Exercise = (hands) =>
  killAt(
    hands,
    'had booked and not ended',
    ({ booked, state }) => booked > 0 && state !== 'done',
  )

const longFile = 501

/** What is found of an import right after the crash. */
interface Found {
  booked: number
  state: string
}

const killAt = async (
  hands: Hands,
  step: string,
  isAtStep: (found: Found) => boolean,
  rows = 1,
) => {
  const { client, assume, expect, note } = hands
  const me = client()
  const orders = await sendUntilKilled(hands, me, rows)
  const found = await Promise.all(orders.map((order) => findAfter(me, order)))
  const caught = orders.filter((_, i) => isAtStep(found[i] as Found))
  const seen = `${caught.length} of ${orders.length} ${step} when it was killed`
  note(seen)
  assume(caught.length > 0, seen)

  note('a client without an answer sends the same file with the same key again')
  for (const order of caught) {
    order.answer ??= await submit(me, fileFor(order.account, rows), order.key)
    const { answer } = order
    assume(isAccepted(answer), `a file is answered ${told(answer)}`)
    const state = await ended(hands, me, answer, 12_000)
    const { attempts = 1 } = await look(me, answer)
    assume(state !== '', 'what was interrupted has ended')
    // The machine was too busy: a lease ran out, where a crash was meant.
    assume(
      attempts <= 2,
      `an import that is ${state} took ${attempts} attempts`,
    )
  }
  const counts = await Promise.all(
    caught.map(({ account }) => bookingsOf(me, account)),
  )
  const count = (is: (count: number) => boolean) => counts.filter(is).length
  expect(
    counts.every((count) => count === rows),
    `${seen}: ${count((n) => n === 0)} are lost, ` +
      `${count((n) => n > 0 && n < rows)} are there in part, ` +
      `${count((n) => n > rows)} are doubled`,
  )
}

const findAfter = async (me: Client, { account, answer }: Order) => ({
  booked: await bookingsOf(me, account),
  state: answer ? (await look(me, answer)).state : 'unanswered',
})

interface Order {
  account: string
  key: string
  /** Undefined where the connection broke before there was one. */
  answer: Answer | undefined
}

/** So many are under way at any time. */
const atOnce = 3

/**
 * Keeps some files under way and kills the process meanwhile; returns those
 * that had not ended. The kill waits until no other exercise is under way, so
 * there is always an import that it can fall upon.
 */
const sendUntilKilled = async (
  hands: Hands,
  me: Client,
  rows: number,
): Promise<Order[]> => {
  // Nothing that was mounted before shall finish what is interrupted here.
  await hands.restart()
  await warmUp(me)
  const open = new Set<Order>()
  let over = false
  const send = async () => {
    while (!over) {
      const order: Order = {
        account: newAccount(),
        key: randomUUID(),
        answer: undefined,
      }
      open.add(order)
      const answer = await submit(me, fileFor(order.account, rows), order.key)
      order.answer = answer
      while (!over && (await look(me, answer)).state !== 'done')
        await hands.waitMs(20)
      if (!over) open.delete(order)
    }
  }
  const sending: Promise<void>[] = []
  // One after another, so that they are not all at the same step.
  for (let i = 0; i < atOnce; i++) {
    // The connection breaks when the process is killed.
    sending.push(send().catch(() => {}))
    await hands.waitMs(100)
  }
  await hands.waitMs(200)
  await hands.kill()
  over = true
  await Promise.all(sending)
  return [...open]
}
