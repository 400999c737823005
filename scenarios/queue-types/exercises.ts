// Scripted clients: they send files, double-click, and look into the ledger
// afterwards. All of it from outside, by the same addresses in every variant.
// Those that kill are in crashes.ts, those that time others in delays.ts.
import { randomUUID } from 'node:crypto'
import type { Answer, Client, Exercise, Hands } from '#core/scenario'
import { header } from './ledger.ts'
import {
  bookingsOf,
  ended,
  fileFor,
  isAccepted,
  look,
  newAccount,
  submit,
  times,
  told,
  until,
  warmUp,
} from './sending.ts'

/** Sends a file and looks whether it is done when the answer comes. */
export const answerFirst: Exercise<'checkMs'> = async (hands) => {
  const { client, assume, expect } = hands
  const me = client()
  await warmUp(me)
  const sent = await submit(me, fileFor(newAccount()))
  assume(isAccepted(sent), `the file is answered ${told(sent)}`)
  const { state } = await look(me, sent)
  const seen =
    `after ${sent.doneAtMs - sent.sentAtMs} ms there is an answer, and the ` +
    `import is ${state}`
  // On a busy machine the work may end between the answer and the look. An
  // answer that says itself that all is done leaves no doubt.
  assume(sent.status === 201 || state !== 'done', seen)
  expect(state !== 'done', seen)
}

/**
 * Clicks twice at once, at two processes, and a third time when it is done.
 * Then the same file is sent on purpose, under a key of its own.
 */
export const doubleClick: Exercise = async (hands) => {
  const { client, assume, expect } = hands
  const [here, there] = [client(), client({ worker: 2 })]
  await Promise.all([warmUp(here), warmUp(there)])
  const account = newAccount()
  const file = fileFor(account)
  const key = randomUUID()
  const both = await Promise.all([
    submit(here, file, key),
    submit(there, file, key),
  ])
  for (const answer of both)
    assume(isAccepted(answer), `a click is answered ${told(answer)}`)
  const end = async (me: Client, sent: Answer) =>
    assume((await ended(hands, me, sent)) !== '', 'an import has ended')
  for (const [i, me] of [here, there].entries())
    await end(me, both[i] as Answer)
  await end(here, await submit(here, file, key))
  const count = await bookingsOf(here, account)
  expect(count === 1, `after three clicks the file is booked ${times(count)}`)
  const another = await submit(here, file, randomUUID())
  assume(isAccepted(another), `the same file is answered ${told(another)}`)
  await end(here, another)
  const counted = await bookingsOf(here, account)
  expect(
    counted === 2,
    'after three clicks with one key and one with another the file is ' +
      `booked ${times(counted)}`,
  )
}

/** Asks for the result by the address that came with the answer. */
export const resultById: Exercise = (hands) => askForResult(hands, 1)

/** The same, at another process than the one that accepted the file. */
export const resultElsewhere: Exercise = (hands) => askForResult(hands, 2)

const askForResult = async (hands: Hands, worker: number) => {
  const { client, assume, expect } = hands
  const sent = await submit(client(), fileFor(newAccount()))
  assume(isAccepted(sent), `the file is answered ${told(sent)}`)
  const address = sent.headers.get('location')
  expect(address !== null, 'the answer names no address to ask later')
  const state = await ended(hands, client({ worker }), sent)
  assume(state !== '', 'the import has ended')
  const { json } = await client({ worker }).get(`/${address}`)
  expect(
    json?.result?.bookings === 1,
    `there the import is ${state}, its result ${JSON.stringify(json?.result)}`,
  )
}

/** Sends a file that makes no sense. Does anybody get to see that? */
export const brokenFile: Exercise = async (hands) => {
  const me = hands.client()
  const broken = await submit(me, nonsense)
  if (!isAccepted(broken)) return expectRefusal(hands, broken)
  const { state, listed } = await whatBecame(hands, me, broken)
  hands.expect(
    state === 'failed' && listed,
    `its own state is '${state}', and it is ${where(listed)}`,
  )
}

/**
 * Sends a file that fails at every attempt, a poison message, and sound ones
 * behind it. What was accepted is booked, or lies among the failed: is it?
 */
export const poison: Exercise<'attempts'> = async (hands) => {
  const me = hands.client()
  const broken = await submit(me, nonsense)
  if (!isAccepted(broken)) return expectRefusal(hands, broken)
  const { state, listed, attempts, error } = await whatBecame(hands, me, broken)
  hands.expect(
    state === 'failed' && listed && attempts === hands.knobs.attempts && error,
    `after ${attempts ?? 'no known'} attempts what cannot be booked is ` +
      `${state} and ${where(listed)}; its reason: ${error ?? 'none'}`,
  )
}

const where = (listed: boolean) =>
  listed ? 'among the failed' : 'not among the failed'

const nonsense = `${header}\nada,"1`

/** Nothing was promised to who is told so at once. */
const expectRefusal = ({ expect }: Hands, answer: Answer) =>
  expect(answer.status === 422, `its sender is told ${told(answer)}`)

/** Follows a file that fails until it has ended, or never will. */
const whatBecame = async (hands: Hands, me: Client, broken: Answer) => {
  // Sound files come later and are done sooner: there was time, however busy
  // the machine is.
  for (let i = 0; i < 3; i++) {
    const next = await submit(me, fileFor(newAccount()))
    const state = await ended(hands, me, next)
    hands.assume(state === 'done', `a sound file behind it is ${state}`)
  }
  // It may still pause between two attempts, where there are any.
  if ((await look(me, broken)).attempts !== undefined)
    hands.assume((await ended(hands, me, broken)) !== '', 'it has ended')
  const { state, attempts, json } = await look(me, broken)
  const failures = (await me.get('/imports')).json?.failures ?? []
  const listed = failures.some(({ id }: { id: string }) => id === json?.id)
  return { state, attempts, listed, error: json?.error as string | undefined }
}

const isOver = (state: string) => state === 'failed' || state === 'done'

/** Watches the attempts at a file that fails each time. */
export const watchRetries: Exercise = async (hands) => {
  const { client, assume, expect, waitMs } = hands
  const me = client()
  // A sound one goes first: what is timed later shall not be cold code.
  await ended(hands, me, await submit(me, fileFor(newAccount())))
  const sent = await submit(me, `${header}\nada,"1`)
  expect(isAccepted(sent), `it is tried once and answered ${told(sent)}`)

  // Each attempt began after the last look that did not show it, and before
  // the first that did.
  const began: { afterMs: number; beforeMs: number }[] = []
  const untilMs = Date.now() + 10_000
  let afterMs = sent.sentAtMs
  let state = ''
  while (!isOver(state) && Date.now() < untilMs) {
    const seen = await look(me, sent)
    state = seen.state
    while (began.length < (seen.attempts ?? 0))
      began.push({ afterMs, beforeMs: seen.doneAtMs })
    afterMs = seen.sentAtMs
    await waitMs(10)
    if (seen.attempts === undefined) break
    assume(Date.now() < untilMs, `after 10 s it is ${state}`)
  }
  const ends = `after ${began.length} attempts it is ${state}`
  expect(state === 'failed' && began.length === 3, ends)

  const [first, second] = began.slice(1).map((next, i) => ({
    leastMs: Math.max(0, next.afterMs - (began[i]?.beforeMs ?? 0)),
    mostMs: next.beforeMs - (began[i]?.afterMs ?? 0),
  })) as [Pause, Pause]
  const seen = [first, second]
    .map(({ leastMs, mostMs }) => `${leastMs}–${mostMs} ms`)
    .join(' and ')
  const isLonger = second.leastMs > first.mostMs
  assume(isLonger || second.mostMs < first.leastMs, `the pauses: ${seen}`)
  expect(isLonger, `there were pauses of ${seen}; ${ends}`)
}

interface Pause {
  leastMs: number
  mostMs: number
}

/** Two attempts at one file are under way side by side: the lease is short. */
export const lateAttempt: Exercise<'bookMs' | 'withinMs'> = async (hands) => {
  const { client, knobs, assume, expect, note } = hands
  const me = client()
  await warmUp(me)
  const account = newAccount()
  const sending = submit(me, fileFor(account))
  // Where somebody counts attempts, the second begins before the first books.
  const sent = await sending
  assume(isAccepted(sent), `the file is answered ${told(sent)}`)
  const second = await until(hands, async () => {
    const { attempts, state } = await look(me, sent)
    if (attempts === undefined) return 'never begins'
    if ((await bookingsOf(me, account)) > 0) return 'comes too late to tell'
    return attempts > 1 || state === 'failed' ? 'begins beside the first' : ''
  })
  note(
    `an attempt takes ${knobs.bookMs} ms, its lease ${knobs.withinMs} ms: ` +
      `a second one ${second || 'never begins'}`,
  )
  assume(/^(begins|never)/.test(second), `a second attempt ${second}`)
  await until(hands, async () =>
    (await bookingsOf(me, account)) > 0 ? 'booked' : '',
  )
  // What was begun before has been booked when a later file is.
  const later = newAccount()
  const next = await submit(me, fileFor(later))
  assume(isAccepted(next), `the next file is answered ${told(next)}`)
  const isBooked = await until(hands, async () =>
    (await bookingsOf(me, later)) > 0 ? 'booked' : '',
  )
  assume(isBooked !== '', 'a file that is sent later is booked')
  const { state, attempts = 1 } = await look(me, sent)
  const count = await bookingsOf(me, account)
  expect(
    count === 1,
    `after ${attempts === 1 ? 'one attempt' : `${attempts} attempts`} the ` +
      `import is ${state}, and booked ${times(count)}`,
  )
}

/**
 * Many files at one process: how many are under way at once? After a restart,
 * so that nothing that was mounted before takes any of them.
 */
export const oneAtATime: Exercise<'reportMs'> = async (hands) => {
  await hands.restart()
  const { least, most, seen } = await underWay(hands, 4)
  if (least > 1) hands.expect(false, seen)
  hands.assume(most === 1, seen)
  hands.expect(true, seen)
}

/** The same, while another process does the same work. */
export const twoAtATime: Exercise<'reportMs'> = async (hands) => {
  await hands.restart()
  await warmUp(hands.client({ worker: 2 }))
  const { least, most, seen } = await underWay(hands, 5)
  if (least > 2 || most < 2) hands.expect(false, seen)
  hands.assume(least === 2 && most === 2, seen)
  hands.expect(true, seen)
}

/**
 * Sends so many files and says how many were under way at once, at least and
 * at most. An import goes on for `reportMs` after it has booked, never for
 * less: who books within that time of another is under way beside it.
 */
const underWay = async (hands: Hands<'reportMs'>, files: number) => {
  const { reportMs } = hands.knobs
  const me = hands.client()
  await warmUp(me)
  const account = newAccount()
  const sending = Array.from({ length: files }, () =>
    submit(me, fileFor(account)),
  )
  const all = Promise.all(sending)
  all.catch(() => {})
  // Each was booked after the last look that did not show it, and before the
  // first that did.
  const booked: { afterMs: number; beforeMs: number }[] = []
  const untilMs = Date.now() + files * reportMs + 8000
  let afterMs = Date.now()
  while (booked.length < files && Date.now() < untilMs) {
    const look = await me.get(`/accounts/${account}`)
    const count = Number(look.json?.bookings)
    while (booked.length < count)
      booked.push({ afterMs, beforeMs: look.doneAtMs })
    afterMs = look.sentAtMs
    await hands.waitMs(10)
  }
  for (const answer of await all)
    hands.assume(isAccepted(answer), `a file is answered ${told(answer)}`)
  hands.assume(booked.length === files, `${booked.length} of ${files} booked`)

  // Slower than that no machine is for each of them: so half of it is enough
  // to say that one has waited for the other.
  const overlaps = (isSure: boolean) => (first: number, other: number) => {
    const [a, b] = [booked[first] as Span, booked[other] as Span]
    return isSure
      ? b.beforeMs < a.afterMs + reportMs - 10
      : b.afterMs < a.beforeMs + reportMs / 2
  }
  const most = (overlap: (first: number, other: number) => boolean) =>
    Math.max(
      ...booked.map(
        (_, i) => booked.filter((_, j) => j >= i && overlap(i, j)).length,
      ),
    )
  const [least, mostOf] = [most(overlaps(true)), most(overlaps(false))]
  const spanMs = (booked.at(-1) as Span).beforeMs - (booked[0] as Span).afterMs
  const seen =
    `${files} files were booked within ${spanMs} ms, ` +
    `${Math.max(least, mostOf)} under way at once`
  return { least, most: Math.max(least, mostOf), seen }
}

interface Span {
  afterMs: number
  beforeMs: number
}

/** Two processes run for some slots. How often is the fee of each charged? */
export const feeOnce: Exercise<'feeEveryMs'> = async (hands) => {
  const { client, knobs, assume, expect, waitMs } = hands
  const everyMs = knobs.feeEveryMs
  const [me, other] = [client(), client({ worker: 2 })]
  await Promise.all([warmUp(me), warmUp(other)])
  const first = Math.floor(Date.now() / everyMs) + 1
  const slots = [0, 1, 2].map((i) => first + i)
  const chargedFor = (slot: number) => bookingsOf(me, `fees-${slot}`)
  const charged = () => Promise.all(slots.map(chargedFor))
  await waitMs((first + slots.length) * everyMs - Date.now())
  // What belongs to these slots has been charged when a later one is.
  const later = await until(
    hands,
    async () => {
      if ((await charged()).some((count) => count > 1)) return 'too often'
      const next = Math.floor(Date.now() / everyMs)
      for (let slot = first + slots.length + 1; slot <= next; slot++)
        if ((await chargedFor(slot)) > 0) return 'charged'
      return ''
    },
    6 * everyMs + 4000,
  )
  // The other process has had its turn as well.
  await warmUp(other)
  const counts = await charged()
  const seen =
    `of ${slots.length} slots the fee was charged ` +
    counts.map(times).join(', ')
  expect(
    counts.every((count) => count <= 1),
    seen,
  )
  assume(later !== '' && counts.every((count) => count === 1), seen)
  expect(true, seen)
}
