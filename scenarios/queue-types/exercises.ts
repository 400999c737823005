// Scripted clients: they send files, double-click, kill the server in the
// middle of it, and look into the ledger afterwards. All of it from outside,
// by the same addresses in every variant.
import { randomUUID } from 'node:crypto'
import type { Answer, Client, Exercise, Hands } from '#core/scenario'
import { fee, header } from './ledger.ts'

/** Sends a file and looks whether it is done when the answer comes. */
export const answerFirst: Exercise<'checkMs'> = async (hands) => {
  const { client, knobs, assume, expect } = hands
  const me = client()
  await warmUp(me)
  const sent = await submit(me, fileFor(newAccount()))
  assume(isAccepted(sent), `the file is answered ${told(sent)}`)
  const seen = await look(me, sent)
  assume(
    seen.doneAtMs - sent.sentAtMs < knobs.checkMs || seen.state === 'done',
    'it was looked at before the work can have ended',
  )
  expect(
    seen.state !== 'done',
    `after ${sent.doneAtMs - sent.sentAtMs} ms there is an answer, and the ` +
      `import is ${seen.state}`,
  )
}

/** Files keep coming until the process is killed. Are the accepted booked? */
export const killedAtWork: Exercise = async (hands) => {
  const { client, assume, expect, note } = hands
  const me = client()
  const orders = await sendUntilKilled(hands, me)
  const accepted = orders.filter(({ answer }) => answer)
  const unanswered = orders.length - accepted.length
  const atFirst = await Promise.all(
    accepted.map(({ account }) => bookingsOf(me, account)),
  )
  const unbooked = accepted.filter((_, i) => atFirst[i] === 0)
  note(
    `${accepted.length} were accepted before, ${unanswered} were cut off; ` +
      `${unbooked.length} of those accepted are not booked yet`,
  )
  assume(unbooked.length + unanswered > 0, 'the crash interrupted some import')

  for (const { account, answer } of unbooked) {
    const because = await until(hands, async () => {
      if ((await bookingsOf(me, account)) > 0) return 'booked'
      const { state } = await look(me, answer as Answer)
      return state === 'unknown' ? 'not booked, and nobody knows of it' : ''
    })
    expect(
      because === 'booked',
      `what was accepted before the crash is ${because || 'never booked'}`,
    )
  }
  expect(true, `all of the ${accepted.length} accepted files are booked`)
}

/** The same, but what is killed has booked already and has not ended yet. */
export const killedAfterBooking: Exercise = async (hands) => {
  const { client, assume, expect, note } = hands
  const me = client()
  const orders = await sendUntilKilled(hands, me)
  const seen = await Promise.all(
    orders.map(async ({ account, answer }) => ({
      booked: (await bookingsOf(me, account)) > 0,
      ended: answer ? (await look(me, answer)).state === 'done' : false,
    })),
  )
  const caught = seen.filter(({ booked, ended }) => booked && !ended).length
  assume(caught > 0, `${caught} had booked and not ended when the crash came`)

  note('who got no answer sends the same file with the same key again')
  for (const { account, key, answer } of orders) {
    const known = answer ?? (await submit(me, fileFor(account), key))
    const state = await until(hands, async () => {
      const { state } = await look(me, known)
      return state === 'waiting' || state === 'running' ? '' : state
    })
    expect(
      state === 'done',
      `an import that was interrupted is ${state || 'never done'}`,
    )
  }
  const counts = await Promise.all(
    orders.map(({ account }) => bookingsOf(me, account)),
  )
  const twice = counts.filter((count) => count > 1).length
  expect(
    twice === 0 && counts.every((count) => count === 1),
    `of ${orders.length} files, ${caught} of them interrupted, ${twice} are ` +
      'booked twice',
  )
}

/** Clicks twice at once, at two processes, and a third time when it is done. */
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
  for (const [i, me] of [here, there].entries())
    await ended(hands, me, both[i] as Answer)
  await ended(hands, here, await submit(here, file, key))
  const count = await bookingsOf(here, account)
  expect(count === 1, `after three clicks the file is booked ${times(count)}`)
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
  const { json } = await client({ worker }).get(`/${address}`)
  expect(
    json?.result?.bookings === 1,
    `there the import is ${state}, its result ${JSON.stringify(json?.result)}`,
  )
}

/** Sends a file that makes no sense. Does anybody get to see that? */
export const brokenFile: Exercise = async (hands) => {
  const { client, assume, expect, waitMs } = hands
  const me = client()
  const broken = await submit(me, `${header}\nada,"1`)
  if (!isAccepted(broken)) {
    expect(broken.status === 422, `whoever sent it is told ${told(broken)}`)
    return
  }
  // A file that comes later and is done sooner shows that there was time.
  const next = await submit(me, fileFor(newAccount()))
  const state = await ended(hands, me, next)
  assume(state === 'done', `the next file, a sound one, is ${state}`)
  const sinceMs = Date.now()
  for (;;) {
    const { state } = await look(me, broken)
    const { json } = await me.get('/imports')
    const listed = json?.failures?.length ?? 0
    const where = `its own state is '${state}', ${listed} failures are listed`
    if (state === 'failed' && listed > 0) return expect(true, where)
    if (Date.now() - sinceMs > 1000) return expect(false, where)
    await waitMs(20)
  }
}

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
  const untilMs = Date.now() + 6000
  let afterMs = sent.sentAtMs
  let state = ''
  while (state !== 'failed' && Date.now() < untilMs) {
    const seen = await look(me, sent)
    state = seen.state
    while (began.length < (seen.attempts ?? 0))
      began.push({ afterMs, beforeMs: seen.doneAtMs })
    afterMs = seen.sentAtMs
    await waitMs(10)
    if (seen.attempts === undefined) break
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

/** An import that asks elsewhere, and other requests meanwhile. */
export const whileItWaits: Exercise<'checkMs'> = async (hands) => {
  const { client, assume, expect, waitMs } = hands
  const me = client()
  await warmUp(me)
  const done = submit(me, fileFor(newAccount())).then(async (sent) => {
    await ended(hands, me, sent)
    return Date.now()
  })
  await waitMs(hands.knobs.checkMs / 5)
  const pings = [await me.get('/ping'), await me.get('/ping')]
  const doneAtMs = await done
  const [fastest = Number.NaN] = pings
    .map(({ sentAtMs, doneAtMs }) => doneAtMs - sentAtMs)
    .sort((a, b) => a - b)
  const sentMs = pings[0]?.sentAtMs ?? Number.NaN
  assume(sentMs < doneAtMs, 'the import was still under way')
  expect(
    pings.some((ping) => ping.doneAtMs < doneAtMs),
    `a ping took ${fastest} ms; the import took ${doneAtMs - sentMs} ms more`,
  )
}

/** Other requests while a small and while a large file is imported. */
export const largeFile: Exercise = async (hands) => {
  const [few, many] = [10, 60_000]
  const fewMs: number[] = []
  const manyMs: number[] = []
  await delayBy(hands, few)
  for (let round = 0; round < 3; round++) {
    fewMs.push(await delayBy(hands, few))
    manyMs.push(await delayBy(hands, many))
  }
  // A busy machine can only make it longer, so the least is the truest.
  const [least, most] = [Math.min(...fewMs), Math.min(...manyMs)]
  const seen =
    `a file of ${few} bookings delays others by ${least} ms, ` +
    `one of ${many} by ${most} ms`
  const longer = most > 2 * Math.max(least, 5)
  hands.assume(longer || least < 20, seen)
  hands.expect(!longer, seen)
}

/** Many files at once, each under way for a while after it is booked. */
export const manyAtOnce: Exercise<'reportMs'> = async (hands) => {
  const { client, knobs, assume, expect } = hands
  const me = client()
  await warmUp(me)
  const accounts = Array.from({ length: 12 }, newAccount)
  const sinceMs = Date.now()
  const sending = accounts.map((account) => submit(me, fileFor(account)))
  const all = Promise.all(sending)
  all.catch(() => {})
  const countBooked = async () => {
    const asked = accounts.map((account) => bookingsOf(me, account))
    return (await Promise.all(asked)).filter((count) => count > 0).length
  }
  await until(hands, async () => ((await countBooked()) > 0 ? 'begun' : ''))
  await hands.waitMs(knobs.reportMs / 3)
  const booked = await countBooked()
  const spentMs = Date.now() - sinceMs
  for (const answer of await all)
    assume(isAccepted(answer), `a file is answered ${told(answer)}`)

  // One at a time: every reportMs the next one can have had its turn. Half of
  // all is far from that and far from all at once.
  const half = accounts.length / 2
  const due = 1 + Math.floor(spentMs / knobs.reportMs)
  const seen =
    `after ${spentMs} ms ${booked} of ${accounts.length} are booked; ` +
    `one at a time it would be ${due}`
  assume(booked > 0 && due <= half / 2, seen)
  expect(booked <= half, seen)
}

/** Two processes run for a while. How often is the fee charged? */
export const feeOnce: Exercise<'feeEveryMs'> = async (hands) => {
  const { client, knobs, assume, expect, waitMs } = hands
  const everyMs = knobs.feeEveryMs
  const me = client()
  await Promise.all([warmUp(me), warmUp(client({ worker: 2 }))])
  const count = async () => {
    const answer = await me.get(`/accounts/${fee.account}`)
    return { ...answer, fees: Number(answer.json?.bookings) }
  }
  await until(hands, async () => ((await count()).fees > 0 ? 'charged' : ''))
  const before = await count()
  await waitMs(everyMs * 6)
  const after = await count()
  const fees = after.fees - before.fees
  const mostMs = after.doneAtMs - before.sentAtMs
  const leastMs = after.sentAtMs - before.doneAtMs
  const due = Math.floor(mostMs / everyMs) + 1
  const seen =
    `within ${mostMs} ms it was charged ${times(fees)}; ` +
    `${due} are the most that can be due`
  // Where it is not known when it was counted, twice as often looks like once.
  assume(fees >= due / 3 && mostMs - leastMs < everyMs, seen)
  expect(fees <= due, seen)
}

interface Order {
  account: string
  key: string
  /** Undefined where the connection broke before there was one. */
  answer: Answer | undefined
}

/**
 * Sends a file every 100 ms and kills the process meanwhile; returns what was
 * sent until then. The kill waits until no other exercise is under way, so
 * there is always an import that it can fall upon.
 */
const sendUntilKilled = async (hands: Hands, me: Client): Promise<Order[]> => {
  await warmUp(me)
  let over = false
  const killing = hands
    .waitMs(350)
    .then(() => hands.kill())
    .finally(() => {
      over = true
    })
  killing.catch(() => {})
  const orders: Promise<Order>[] = []
  while (!over) {
    const account = newAccount()
    const key = randomUUID()
    const order = submit(me, fileFor(account), key)
      .catch(() => {
        over = true
        return undefined
      })
      .then((answer) => ({ account, key, answer }))
    orders.push(order)
    await hands.waitMs(100)
  }
  await killing
  const sent = await Promise.all(orders)
  const refused = sent.find(({ answer }) => answer && !isAccepted(answer))
  hands.assume(!refused, `${sent.length} files are sent, all are accepted`)
  return sent
}

/** How long others have to wait at worst while a file is imported. */
const delayBy = async (hands: Hands, rows: number): Promise<number> => {
  const me = hands.client()
  const other = hands.client()
  let over = false
  const importing = submit(me, fileFor(newAccount(), rows))
    .then((sent) => ended(hands, me, sent))
    .finally(() => {
      over = true
    })
  importing.catch(() => {})
  let longestMs = 0
  while (!over) {
    const { sentAtMs, doneAtMs } = await other.get('/ping')
    longestMs = Math.max(longestMs, doneAtMs - sentAtMs)
  }
  const state = await importing
  hands.assume(state === 'done', `a file of ${rows} bookings is ${state}`)
  return longestMs
}

const newAccount = () => `a-${randomUUID().slice(0, 8)}`

/** A file with so many bookings of one cent, all on the same account. */
const fileFor = (account: string, rows = 1) =>
  [header, ...Array.from({ length: rows }, () => `${account},1`)].join('\n')

const submit = (me: Client, csv: string, key?: string): Promise<Answer> =>
  me.post('/imports', { csv }, key ? { 'idempotency-key': key } : {})

const isAccepted = ({ status }: Answer) => status === 201 || status === 202

/** What is known of an import. One that was done before the answer is done. */
const look = async (me: Client, sent: Answer) => {
  const address = sent.headers.get('location')
  if (sent.status === 201 || !address)
    return { ...sent, state: 'done', attempts: undefined }
  const answer = await me.get(`/${address}`)
  const state: string = answer.status === 404 ? 'unknown' : answer.json?.state
  return { ...answer, state, attempts: answer.json?.attempts as number }
}

/** Waits until an import has ended and returns its state. */
const ended = (hands: Hands, me: Client, sent: Answer): Promise<string> =>
  until(hands, async () => {
    const { state } = await look(me, sent)
    return state === 'waiting' || state === 'running' ? '' : state
  })

/** Asks again and again until there is a word, for 8 s at most. */
const until = async (
  hands: Hands,
  ask: () => Promise<string>,
): Promise<string> => {
  const untilMs = Date.now() + 8000
  for (;;) {
    const word = await ask()
    if (word || Date.now() > untilMs) return word
    await hands.waitMs(20)
  }
}

const bookingsOf = async (me: Client, account: string): Promise<number> =>
  Number((await me.get(`/accounts/${account}`)).json?.bookings)

/** The first request mounts the setup, which takes its time. */
const warmUp = (me: Client) => me.get('/ping')

const times = (count: number) => (count === 1 ? 'once' : `${count} times`)

const told = ({ status, json }: Answer) =>
  `${status}${json?.title ? ` ${json.title}` : ''}`
