// Scripted clients. Each sees the server from outside only: it knows when it
// sent a request and when it had the answer, so the decision fell in between.
// Where that is too wide to judge by, `assume` says so.
import { randomUUID } from 'node:crypto'
import type { Answer, Client, Hands } from '#core/scenario'

type Limits = Hands<'limit' | 'windowMs'>

/** Three bursts: just before an edge, just after it, and somewhat later. */
export const threeBursts = async (hands: Limits) => {
  const { knobs, assume, expect } = hands
  const { limit, windowMs } = knobs
  const me = await newcomer(hands)
  const edgeMs = nextEdgeMs(windowMs, windowMs * 0.2)
  const [before, after, late] = await Promise.all([
    burst(hands, me, limit, edgeMs - windowMs * 0.2),
    burst(hands, me, limit, edgeMs + windowMs * 0.02),
    burst(hands, me, limit, edgeMs + windowMs * 0.4),
  ])

  // A bit less than a window, so that a rounded millisecond decides nothing.
  const spanMs = windowMs * 0.95
  assume(
    decidedMs(before) < edgeMs &&
      sentMs(after) >= edgeMs &&
      decidedMs(late) - sentMs(before) < spanMs,
    `the three bursts fell where they should, within ${spanMs} ms`,
  )
  const most = mostServedWithin(spanMs, [...before, ...after, ...late])
  expect(
    most <= limit,
    `at most ${most} were served within ${spanMs} ms; ` +
      `the limit is ${limit} in ${windowMs} ms`,
  )
}

/** Spends the limit just before an edge and tries it again just after. */
export const burstAtTheEdge = async (hands: Limits) => {
  const { knobs, assume, expect } = hands
  const { limit, windowMs } = knobs
  const paceMs = windowMs / limit
  const me = await newcomer(hands)
  const edgeMs = nextEdgeMs(windowMs, paceMs * 0.4)
  const [before, after] = await Promise.all([
    burst(hands, me, limit, edgeMs - paceMs * 0.4),
    burst(hands, me, limit, edgeMs + paceMs * 0.05),
  ])

  // Within less than the pace nobody has earned even one further request.
  assume(
    decidedMs(before) < edgeMs &&
      sentMs(after) >= edgeMs &&
      decidedMs(after) - sentMs(before) < paceMs,
    `one burst fell before the edge, one after, both within ${paceMs} ms`,
  )
  const count = admitted([...before, ...after]).length
  expect(
    count <= limit,
    `${count} were admitted within ${paceMs} ms around the edge; ` +
      `the limit is ${limit} in ${windowMs} ms`,
  )
}

/**
 * Three full bursts, six tenths of a window apart: the first just before an
 * edge, the last just after the next one.
 */
export const burstsWithPauses = async (hands: Limits) => {
  const { knobs, assume, expect } = hands
  const { limit, windowMs } = knobs
  const me = await newcomer(hands)
  const edgeMs = nextEdgeMs(windowMs, windowMs * 0.1)
  const bursts = await Promise.all(
    [-0.1, 0.5, 1.1].map((windows) =>
      burst(hands, me, limit, edgeMs + windows * windowMs),
    ),
  )
  const [first, middle, last] = bursts as [Answer[], Answer[], Answer[]]
  const all = bursts.flat()
  const tookMs = decidedMs(all) - sentMs(all)
  assume(
    decidedMs(first) < edgeMs &&
      sentMs(middle) >= edgeMs &&
      decidedMs(middle) < edgeMs + windowMs &&
      sentMs(last) >= edgeMs + windowMs &&
      tookMs < 1.5 * windowMs,
    `the bursts fell into three windows, within ${1.5 * windowMs} ms`,
  )
  const count = admitted(all).length
  const most = limit + Math.floor((limit * tookMs) / windowMs)
  expect(
    count <= most,
    `${count} were admitted within ${tookMs} ms; a full burst and the pace ` +
      `of ${limit} in ${windowMs} ms make ${most}`,
  )
}

/** Says in each request that it comes from another address. */
export const forgedAddress = (hands: Limits) =>
  pretend(hands, (i) => ({
    'x-forwarded-for': `203.0.113.${i}`,
    'x-real-ip': `203.0.113.${i}`,
    forwarded: `for=203.0.113.${i}`,
  }))

/** Makes up another key for each request. */
export const madeUpKey = (hands: Limits) =>
  pretend(hands, () => ({ 'x-api-key': randomUUID() }))

/** Twice the limit at once, each under a name of its own. */
const pretend = async (
  hands: Limits,
  nameOf: (i: number) => Record<string, string>,
) => {
  const { knobs, assume, expect, waitMs } = hands
  const { limit, windowMs } = knobs
  await newcomer(hands)
  const leftMs = windowMs - (Date.now() % windowMs)
  if (leftMs < windowMs / limit) await waitMs(leftMs)
  const me = hands.client()
  const answers = await Promise.all(
    Array.from({ length: 2 * limit }, (_, i) => me.get('/', nameOf(i + 1))),
  )
  const tookMs = decidedMs(answers) - sentMs(answers)
  assume(
    tookMs < windowMs / limit &&
      !edgeBetween(sentMs(answers), decidedMs(answers), windowMs),
    `all fell into one window, before one more was earned: ${tookMs} ms`,
  )
  const count = admitted(answers).length
  assume(count > 0, 'some were admitted')
  expect(
    count <= limit,
    `${count} of ${answers.length} were admitted; the limit is ${limit}`,
  )
}

/** A full burst, then two requests at a time, one and two paces later. */
export const burstThenPace = async (hands: Limits) => {
  const { knobs, assume, expect } = hands
  const { limit, windowMs } = knobs
  const paceMs = windowMs / limit
  const me = await newcomer(hands)
  // From the start of a window, so that none begins meanwhile.
  const startMs = nextEdgeMs(windowMs) + windowMs * 0.02
  const [full, stallMs] = await watched(hands, () =>
    burst(hands, me, limit, startMs),
  )
  assume(admitted(full).length === limit, 'the burst was admitted')
  expect(
    mannerOf(hands, full, stallMs) === 'at once',
    `the answers to the burst came ${gapsMs(full).join(', ')} ms apart`,
  )

  for (const turn of [1, 2]) {
    const pair = await burst(
      hands,
      me,
      2,
      decidedMs(full) + paceMs * (turn + 0.1),
    )
    assume(
      sentMs(pair) >= decidedMs(full) + paceMs * turn &&
        decidedMs(pair) < sentMs(full) + paceMs * (turn + 1),
      `the pair was sent between pace ${turn} and pace ${turn + 1}`,
    )
    const count = admitted(pair).length
    expect(
      count === 1,
      `${turn} × ${paceMs} ms after the burst ${count} of 2 were admitted`,
    )
  }
}

/** Two full bursts with a window of silence between them. */
export const quietWindow = async (hands: Limits) => {
  const { knobs, assume, expect } = hands
  const { limit, windowMs } = knobs
  const me = await newcomer(hands)
  const edgeMs = nextEdgeMs(windowMs)
  const first = await burst(hands, me, limit, edgeMs + windowMs * 0.02)
  assume(admitted(first).length === limit, 'the first burst was admitted')
  const second = await burst(
    hands,
    me,
    limit,
    decidedMs(first) + windowMs * 1.05,
  )
  // Later than that, a limiter that knows two windows has forgotten as well.
  assume(
    decidedMs(second) < edgeMs + 2 * windowMs,
    'the second burst came before the next window ended',
  )
  const count = admitted(second).length
  expect(
    count === limit,
    `${count} of ${limit} were admitted after ${windowMs} ms of silence`,
  )
}

/** One burst, and a look at how the answers come in. */
export const oneBurst = async (hands: Limits) => {
  const { limit, windowMs } = hands.knobs
  const me = await newcomer(hands)
  const [answers, stallMs] = await watched(hands, () => burst(hands, me, limit))
  hands.assume(admitted(answers).length === limit, 'the burst was admitted')
  hands.expect(
    mannerOf(hands, answers, stallMs) === 'one by one',
    `the answers came ${gapsMs(answers).join(', ')} ms apart; ` +
      `${windowMs / limit} ms would be even`,
  )
}

/** The same client sends the full limit to each of two processes. */
export const twoProcesses = async (hands: Limits) => {
  const { knobs, assume, expect, waitMs } = hands
  const { limit, windowMs } = knobs
  const paceMs = windowMs / limit
  const here = await newcomer(hands, 1)
  const there = await newcomer(hands, 2)
  there.headers['x-api-key'] = here.headers['x-api-key'] ?? ''

  const leftMs = windowMs - (Date.now() % windowMs)
  if (leftMs < paceMs) await waitMs(leftMs)
  const answers = (
    await Promise.all([here, there].map((me) => burst(hands, me, limit)))
  ).flat()
  assume(
    decidedMs(answers) - sentMs(answers) < paceMs &&
      !edgeBetween(sentMs(answers), decidedMs(answers), windowMs),
    `all fell into the same window, within ${paceMs} ms`,
  )
  const count = admitted(answers).length
  expect(
    count === limit,
    `both processes together admitted ${count}; the limit is ${limit}`,
  )
}

/** Asks what the server remembers, before and after many requests. */
export const manyRequests = async (hands: Limits) => {
  const { knobs, assume, expect } = hands
  const rounds = 6
  const perRound = 10
  const me = await newcomer(hands)
  const before = await me.get('/state')
  for (let i = 0; i < rounds; i++) {
    const answers = await burst(hands, me, perRound)
    assume(admitted(answers).length === perRound, 'all were admitted')
  }
  const after = await me.get('/state')
  assume(
    after.doneAtMs - before.sentAtMs < knobs.windowMs,
    `all of it took less than a window, ${knobs.windowMs} ms`,
  )
  const sent = rounds * perRound
  const grownBytes = after.json.bytes - before.json.bytes
  expect(
    // The same numbers may take more digits.
    grownBytes < sent,
    `its state grew by ${grownBytes} bytes in ${sent} requests, ` +
      `from ${before.json.bytes} to ${after.json.bytes}`,
  )
}

/** Is refused, and comes again a second too early, and when it was told to. */
export const patientClient = async (hands: Limits) => {
  const { assume, expect, waitMs } = hands
  const me = await newcomer(hands)
  const refused = await refusal(hands, me)
  const retryAfter = refused.headers.get('retry-after') ?? ''
  expect(/^[1-9]\d*$/.test(retryAfter), `Retry-After is '${retryAfter}'`)
  if (Number(retryAfter) > 1) {
    const earlyMs = refused.sentAtMs + (Number(retryAfter) - 1) * 1000
    await waitMs(earlyMs - 100 - Date.now())
    const early = await me.get('/')
    assume(early.doneAtMs < earlyMs, 'the early knock came a second too early')
    expect(
      early.status === 429,
      `a second before ${retryAfter} s the answer was ${early.status}`,
    )
  }
  await waitMs(refused.doneAtMs + Number(retryAfter) * 1000 - Date.now())
  const { status } = await me.get('/')
  expect(status === 200, `after ${retryAfter} s the answer was ${status}`)
}

/** Is refused, and knocks again and again until `retryAfterMs` has passed. */
export const impatientClient = async (hands: Limits) => {
  const { assume, expect, waitMs } = hands
  const me = await newcomer(hands)
  const { json, sentAtMs, doneAtMs } = await refusal(hands, me)
  const opensAfterMs: number = json.retryAfterMs

  for (const part of [0, 0.2]) {
    await waitMs(sentAtMs + opensAfterMs * part - Date.now())
    const knock = await me.get('/')
    const inTime = knock.doneAtMs < sentAtMs + opensAfterMs
    assume(inTime, 'the knock came before the door was to open')
    expect(knock.status === 429, `an early knock was answered ${knock.status}`)
  }
  // A timer may fire a millisecond early.
  await waitMs(doneAtMs + opensAfterMs + 1 - Date.now())
  const { status } = await me.get('/')
  expect(status === 200, `after ${opensAfterMs} ms the answer was ${status}`)
}

/** Spends the limit and comes again after a restart of the server. */
export const afterRestart = async (hands: Limits) => {
  const { knobs, assume, expect, restart } = hands
  const me = await newcomer(hands)
  const spent = await burst(hands, me, knobs.limit)
  assume(admitted(spent).length === knobs.limit, 'the limit was spent')
  await restart()
  const again = await me.get('/')
  assume(
    !edgeBetween(sentMs(spent), again.doneAtMs, knobs.windowMs) &&
      again.doneAtMs - sentMs(spent) < knobs.windowMs / knobs.limit,
    'nobody would have earned a request meanwhile',
  )
  expect(
    again.status === 429,
    `after the restart the answer was ${again.status}`,
  )
}

/** A client that was never seen before. */
const newcomer = async ({ client, assume, note }: Limits, worker = 1) => {
  note('four others go first: what is timed later shall not be cold code')
  const others = Array.from({ length: 4 }, () => withOwnKey(client({ worker })))
  const answers = await Promise.all(others.map((other) => other.get('/')))
  assume(
    answers.every(({ status }) => status === 200),
    `others are answered ${answers.map(({ status }) => status).join(' ')}`,
  )
  return withOwnKey(client({ worker }))
}

const withOwnKey = (client: Client) => {
  client.headers['x-api-key'] = randomUUID()
  return client
}

/** Sends `count` requests together, at `atMs` or right away. */
const burst = async (
  { assume, waitMs }: Limits,
  me: Client,
  count: number,
  atMs = 0,
): Promise<Answer[]> => {
  await waitMs(atMs - Date.now())
  const answers = await Promise.all(
    Array.from({ length: count }, () => me.get('/')),
  )
  assume(
    answers.every(({ status }) => status === 200 || status === 429),
    `${count} together: ${answers.map(({ status }) => status).join(' ')}`,
  )
  return answers
}

/**
 * Sends one more than the limit and returns the answer that says no. At the
 * start of a window, or a new one might begin before there is anything to see.
 */
const refusal = async ({ knobs, waitMs }: Limits, me: Client) => {
  const { limit, windowMs } = knobs
  await waitMs(nextEdgeMs(windowMs) + windowMs * 0.02 - Date.now())
  return Promise.any(
    Array.from({ length: limit + 1 }, async () => {
      const answer = await me.get('/')
      if (answer.status === 429) return answer
      throw new Error(`${answer.status} where one of them should be refused`)
    }),
  )
}

const admitted = (answers: Answer[]) =>
  answers.filter(({ status }) => status === 200)

const sentMs = (answers: Answer[]) =>
  Math.min(...answers.map(({ sentAtMs }) => sentAtMs))

/** The time by which all were decided, though one may be kept waiting. */
const decidedMs = (answers: Answer[]) =>
  Math.max(
    ...answers.map(({ doneAtMs, json }) => doneAtMs - (json?.delayMs ?? 0)),
  )

/** The most requests of which all were certainly served within `spanMs`. */
const mostServedWithin = (spanMs: number, answers: Answer[]) => {
  const served = admitted(answers)
  return Math.max(
    ...served.map(
      ({ doneAtMs: endMs }) =>
        served.filter(
          ({ sentAtMs, doneAtMs }) =>
            sentAtMs > endMs - spanMs && doneAtMs <= endMs,
        ).length,
    ),
  )
}

/**
 * Does `work`, and finds out how long another client, who may have all that it
 * asks for, was kept waiting meanwhile at the most, or could not ask.
 */
const watched = async <Done>(hands: Limits, work: () => Promise<Done>) => {
  let over = false
  const working = work().finally(() => {
    over = true
  })
  working.catch(() => {})
  const other = hands.client()
  let stallMs = 0
  let lastMs = Date.now()
  while (!over) {
    const { doneAtMs } = await withOwnKey(other).get('/')
    stallMs = Math.max(stallMs, doneAtMs - lastMs)
    lastMs = doneAtMs
    await hands.waitMs(2)
  }
  stallMs = Math.max(stallMs, Date.now() - lastMs)
  return [await working, stallMs] as const
}

/** How a burst of the full limit was answered. */
const mannerOf = (
  { knobs, assume }: Limits,
  answers: Answer[],
  stallMs: number,
) => {
  const paceMs = knobs.windowMs / knobs.limit
  assume(
    stallMs < paceMs / 3,
    `nobody else waited for ${Math.round(paceMs / 3)} ms: at most ${stallMs}`,
  )
  const gaps = gapsMs(answers)
  const atOnce = gaps.reduce((sum, gap) => sum + gap, 0) < paceMs
  const oneByOne = gaps.every((gap) => gap > paceMs / 2)
  assume(
    atOnce !== oneByOne,
    `the answers came ${gaps.join(', ')} ms apart: at once, or one by one`,
  )
  return atOnce ? 'at once' : 'one by one'
}

const gapsMs = (answers: Answer[]) => {
  const times = answers.map(({ doneAtMs }) => doneAtMs).sort((a, b) => a - b)
  return times.slice(1).map((timeMs, i) => timeMs - (times[i] ?? timeMs))
}

/** The next edge of a fixed window that is at least `aheadMs` away. */
const nextEdgeMs = (windowMs: number, aheadMs = 0) =>
  Math.ceil((Date.now() + aheadMs) / windowMs) * windowMs

const edgeBetween = (fromMs: number, toMs: number, windowMs: number) =>
  Math.floor(fromMs / windowMs) !== Math.floor(toMs / windowMs)
