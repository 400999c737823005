// Scripted clients: people who look at products and change prices. How often
// the database was asked stands in Server-Timing, where everybody finds it who
// asks for a trace; which of two prices is newer, in the product's version.
// Each exercise has products of its own, so that none finds another's copies.
import type { Answer, Client, Hands } from '#core/scenario'
import { productCount } from './products.ts'

type Timed = Hands<'ttlMs'>

/** A hundred looks at one product, at first one, then eleven at a time. */
export const hotProduct = async (hands: Timed) => {
  const { assume, expect } = hands
  const visitor = await openShop(hands)
  const answers = [await look(visitor, 1)]
  for (let round = 0; round < 9; round++)
    answers.push(...(await crowd(11, () => look(visitor, 1))))
  assumeFresh(hands, answers)
  const hits = answers.filter(isHit).length
  const reads = databaseCalls(answers)
  assume(
    hits + reads === answers.length,
    `${hits} answers say that they are from the cache, ${reads} are not`,
  )
  expect(reads <= 1, `database reads for ${answers.length} looks: ${reads}`)
}

/** Twenty visitors at once want what is not in the cache. */
export const coldCrowd = async (hands: Hands) => {
  const { assume, expect } = hands
  const visitor = await openShop(hands)
  const answers = await crowd(20, () => look(visitor, 2))
  // Who found a copy came when the others had been answered.
  const missed = answers.filter((answer) => !isHit(answer))
  assume(missed.length > 1, `${missed.length} came before there was a copy`)
  const reads = databaseCalls(answers)
  expect(reads === 1, `database reads for ${missed.length} at once: ${reads}`)
}

/** Looks at a product whose time in the cache is just over. */
export const justOver = async (hands: Hands<'ttlMs' | 'dbDelayMs'>) => {
  const { knobs, assume, expect, waitMs } = hands
  const visitor = await openShop(hands)
  const first = await look(visitor, 3)
  await waitMs(first.doneAtMs + ttlOf(hands) + clockMs - Date.now())
  const second = await look(visitor, 3)
  const tookMs = second.doneAtMs - second.sentAtMs
  const waited = !isHit(second)
  // A timer may be a millisecond early, as the clock shows it.
  assume(
    waited === tookMs >= knobs.dbDelayMs - 1,
    `the answer took ${tookMs} ms and says ${statusOf(second)}`,
  )
  expect(!waited, `once the time was over, a look took ${tookMs} ms`)
}

/** Looks, changes the price, and looks again. */
export const ownChange = async (hands: Timed) => {
  const visitor = await openShop(hands)
  await look(visitor, 4)
  const changed = await change(hands, visitor, 4)
  expectNoOlder(hands, await look(visitor, 4), changed)
}

/** The same, but the price is changed at another process. */
export const changedElsewhere = async (hands: Timed) => {
  const here = await openShop(hands, 1)
  const there = await openShop(hands, 2)
  const before = await look(there, 5)
  const changed = await change(hands, here, 5)
  const after = await look(there, 5)
  assumeFresh(hands, [before, after])
  expectNoOlder(hands, after, changed)
}

/** Looks, changes the price, and counts what the next look costs. */
export const lookAfterChange = async (hands: Timed) => {
  const visitor = await openShop(hands)
  const before = await look(visitor, 6)
  const changed = await change(hands, visitor, 6)
  const after = await look(visitor, 6)
  assumeFresh(hands, [before, after])
  expectNoOlder(hands, after, changed)
  const reads = databaseCalls([after])
  hands.expect(reads === 0, `database reads for the next look: ${reads}`)
}

/** Changes one price ten times, and counts what that costs the database. */
export const tenChanges = async (hands: Timed) => {
  const visitor = await openShop(hands)
  const before = await look(visitor, 7)
  const answers: Answer[] = []
  for (let i = 0; i < 10; i++) answers.push(await change(hands, visitor, 7))
  assumeFresh(hands, [before, ...answers])
  const calls = databaseCalls(answers)
  hands.expect(
    calls === 0,
    `database calls that ten changes waited for: ${calls}`,
  )
}

/** Changes a price, kills the process that said so, and looks. */
export const changeThenCrash = async (hands: Timed) => {
  const visitor = await openShop(hands)
  const changed = await change(hands, visitor, 8)
  await hands.kill()
  // What is only in the cache is over by now.
  const overMs = changed.doneAtMs + ttlOf(hands) + clockMs
  await hands.waitMs(overMs - Date.now())
  expectNoOlder(hands, await look(visitor, 8), changed)
}

/** Another program changes the price in the database, past the cache. */
export const changedBehind = async (hands: Timed) => {
  const visitor = await openShop(hands)
  const before = await look(visitor, 9)
  const changed = await change(hands, visitor, 9, '/import')
  const after = await look(visitor, 9)
  assumeFresh(hands, [before, after])
  expectNoOlder(hands, after, changed)
}

/** The same, and looks again when the copy is no longer fresh. */
export const freshAgain = async (hands: Timed) => {
  const visitor = await openShop(hands)
  const before = await look(visitor, 10)
  const changed = await change(hands, visitor, 10, '/import')
  const overMs = before.doneAtMs + ttlOf(hands) + clockMs
  await hands.waitMs(overMs - Date.now())
  expectNoOlder(hands, await look(visitor, 10), changed)
}

/** The same, and looks again when the copy may not even be served stale. */
export const staleAtMost = async (hands: Hands<'ttlMs' | 'staleMs'>) => {
  const visitor = await openShop(hands)
  const before = await look(visitor, 11)
  const changed = await change(hands, visitor, 11, '/import')
  const lifeMs = ttlOf(hands) + (hands.knobs.staleMs ?? 0)
  await hands.waitMs(before.doneAtMs + lifeMs + clockMs - Date.now())
  expectNoOlder(hands, await look(visitor, 11), changed)
}

/** Somebody looks at a known price while a change of it is on its way. */
export const earlyReader = async (hands: Hands<'ttlMs' | 'dbDelayMs'>) => {
  const { knobs, assume, waitMs } = hands
  const visitor = await openShop(hands)
  const before = await look(visitor, 15)
  const changing = change(hands, visitor, 15)
  await waitMs(knobs.dbDelayMs / 2)
  const [during, changed] = await Promise.all([look(visitor, 15), changing])
  assume(
    during.sentAtMs - changed.sentAtMs < knobs.dbDelayMs,
    `a look began ${during.sentAtMs - changed.sentAtMs} ms after the change`,
  )
  const after = await look(visitor, 15)
  assumeFresh(hands, [before, after])
  expectNoOlder(hands, after, changed)
}

/**
 * While a change is on its way, somebody reads the old price from the database
 * and is so slow that the change is done and told before they put it away.
 */
export const lateReader = async (hands: Hands<'dbDelayMs' | 'flushMs'>) => {
  const { knobs, waitMs } = hands
  const { dbDelayMs, flushMs } = knobs
  const visitor = await openShop(hands)
  const { id, changed, looking } = await meetSlowReader(hands, visitor, 12)
  assumeOlder(hands, await looking, changed)
  expectNoOlder(hands, await look(visitor, id), changed)

  // A change that waits in memory is seen there, for as long as it waits.
  if (flushMs === undefined) return
  const untilMs = changed.doneAtMs + flushMs + dbDelayMs + 1000
  while (Date.now() < untilMs) {
    expectNoOlder(hands, await look(visitor, id), changed)
    await waitMs(50)
  }
}

/** The same, where a copy that was made at the change is over by then. */
export const veryLateReader = async (hands: Hands<'ttlMs' | 'dbDelayMs'>) => {
  const { dbDelayMs } = hands.knobs
  const visitor = await openShop(hands)
  const { id, changed, looking } = await meetSlowReader(hands, visitor, 16)
  const late = await looking
  assumeOlder(hands, late, changed)
  const after = await look(visitor, id)
  // Whoever went to the database had looked into the cache before.
  const lookedAtMs = after.doneAtMs - (isHit(after) ? 0 : dbDelayMs)
  const overAtMs = late.sentAtMs + dbDelayMs + ttlOf(hands) - clockMs
  hands.assume(
    ttlOf(hands) === 0 || lookedAtMs < overAtMs,
    'a copy that the slow reader had put away was not yet over',
  )
  expectNoOlder(hands, after, changed)
}

/** While the slow reader still reads, another looks who knows of the change. */
export const begunBefore = async (hands: Hands<'dbDelayMs'>) => {
  const visitor = await openShop(hands)
  const { id, changed, looking } = await meetSlowReader(hands, visitor, 19)
  const after = await look(visitor, id)
  const late = await looking
  assumeOlder(hands, late, changed)
  hands.assume(
    after.sentAtMs < late.sentAtMs + hands.knobs.dbDelayMs - 1,
    'the slow reader was still reading when another looked',
  )
  expectNoOlder(hands, after, changed)
}

/**
 * A change of a price, and a reader who began during it and is still reading
 * the old price when the change is acknowledged. A read takes at least the
 * delay, so they meet unless this machine is very busy; then two others try,
 * over the next product.
 */
const meetSlowReader = async (
  hands: Hands<'dbDelayMs'>,
  visitor: Client,
  firstId: number,
) => {
  const { knobs, assume, note, waitMs } = hands
  for (const id of [firstId, firstId + 1, firstId + 2]) {
    const changing = change(hands, visitor, id)
    await waitMs(knobs.dbDelayMs / 2)
    const sentAtMs = Date.now()
    const looking = look(visitor, id)
    const changed = await changing
    if (changed.doneAtMs < sentAtMs + knobs.dbDelayMs - 1)
      return { id, changed, looking }
    await looking
    note('they missed each other, so two others meet over another product')
  }
  assume(false, 'the old price was still being read when the change was done')
  throw new Error('an assumption that fails ends the exercise')
}

/** Looks when the time is over, and again until the new price is there. */
export const renewed = async (hands: Timed) => {
  const { expect, waitMs } = hands
  const visitor = await openShop(hands)
  const before = await look(visitor, 22)
  const changed = await change(hands, visitor, 22, '/import')
  await waitMs(before.doneAtMs + ttlOf(hands) + clockMs - Date.now())
  const untilMs = Date.now() + 10_000
  for (;;) {
    const seen = await look(visitor, 22)
    expect(isHit(seen), `a look is answered by the cache: ${statusOf(seen)}`)
    if (seen.json.version >= changed.json.version) return
    expect(Date.now() < untilMs, 'the new price is there within 10 s')
    await waitMs(50)
  }
}

/**
 * Changes a price, and once more while the first change may be on its way to
 * the database; then another program says what it finds there.
 */
export const inTheDatabase = async (hands: Hands<'dbDelayMs' | 'flushMs'>) => {
  const { knobs, expect, note, waitMs } = hands
  const visitor = await openShop(hands)
  const wayMs = (knobs.flushMs ?? 0) + knobs.dbDelayMs
  let seen = ''
  for (const [tries, id] of [23, 24, 25, 26].entries()) {
    await look(visitor, id)
    await change(hands, visitor, id)
    await waitMs(wayMs - knobs.dbDelayMs / 2)
    const changed = await change(hands, visitor, id)
    await waitMs(2 * wayMs + 500 + 1500 * tries)
    // It counts on from what is in the database.
    const next = await change(hands, visitor, id, '/import')
    seen =
      `version ${changed.json.version} was acknowledged, ` +
      `in the database was version ${next.json.version - 1}`
    if (next.json.version > changed.json.version) return expect(true, seen)
    note(`${seen}; once more, and with more patience`)
  }
  expect(false, seen)
}

/** Asks twice for the same products that do not exist. */
export const missingTwice = async (hands: Timed) => {
  const visitor = await openShop(hands)
  const first = await scan(hands, visitor, 1000)
  const second = await scan(hands, visitor, 1000)
  assumeFresh(hands, [...first, ...second])
  const reads = databaseCalls(second)
  hands.expect(reads === 0, `database reads the second time: ${reads}`)
}

/** Asks for one product after the other that does not exist. */
export const missingOnce = async (hands: Hands) => {
  const visitor = await openShop(hands)
  const reads = databaseCalls(await scan(hands, visitor, 2000))
  hands.expect(reads === 0, `database reads for the scan: ${reads}`)
}

/** How far the clocks of a process and of its backends may be apart. */
const clockMs = 30

/** A visitor of a shop that is open: the first look of all makes the tables. */
const openShop = async ({ client, assume }: Hands, worker = 1) => {
  const visitor = client({ worker })
  visitor.headers['x-seesaw-trace'] = '1'
  const { status } = await look(visitor, productCount)
  assume(status === 200, `the first look is answered ${status}`)
  return visitor
}

const look = (visitor: Client, id: number) => visitor.get(`/products/${id}`)

const change = async (
  { assume }: Hands,
  visitor: Client,
  id: number,
  way = '',
) => {
  const answer = await visitor.send({
    method: 'PUT',
    path: `${way}/products/${id}/price`,
    body: { priceCents: 4200 },
  })
  assume(answer.status === 200, `the change is answered ${answer.status}`)
  return answer
}

const scan = async ({ assume }: Hands, visitor: Client, fromId: number) => {
  const answers: Answer[] = []
  for (let i = 0; i < 10; i++) answers.push(await look(visitor, fromId + i))
  assume(
    answers.every(({ status }) => status === 404),
    `they are answered ${answers.map(({ status }) => status).join(' ')}`,
  )
  return answers
}

const crowd = (count: number, ask: () => Promise<Answer>) =>
  Promise.all(Array.from({ length: count }, ask))

const expectNoOlder = ({ expect }: Hands, seen: Answer, changed: Answer) =>
  expect(
    seen.json?.version >= changed.json.version,
    `seen was version ${seen.json?.version}; ` +
      `version ${changed.json.version} had been acknowledged`,
  )

/** What the slow reader has read is what was there before the change. */
const assumeOlder = ({ assume }: Hands, late: Answer, changed: Answer) =>
  assume(
    late.json.version < changed.json.version,
    `the slow reader read version ${late.json.version}; ` +
      `the change made version ${changed.json.version}`,
  )

/** Too late an answer says nothing about what a fresh copy is good for. */
const assumeFresh = (hands: Timed, answers: Answer[]) => {
  const fromMs = Math.min(...answers.map(({ sentAtMs }) => sentAtMs))
  const toMs = Math.max(...answers.map(({ doneAtMs }) => doneAtMs))
  const ttlMs = ttlOf(hands)
  hands.assume(
    ttlMs === 0 || toMs - fromMs < ttlMs,
    `all of it took ${toMs - fromMs} ms; a copy is fresh for ${ttlMs} ms`,
  )
}

/** Without a cache there is no such knob, and nothing to wait for. */
const ttlOf = ({ knobs }: Timed) => knobs.ttlMs ?? 0

/** How often these answers had to ask the database before they were sent. */
const databaseCalls = (answers: Answer[]) =>
  answers.reduce((sum, { headers }) => {
    const timing = headers.get('server-timing') ?? ''
    return sum + (timing.match(/\bdb\.\w+;/g)?.length ?? 0)
  }, 0)

// `products; hit` or `products; fwd=miss`, as RFC 9211 has it.
const statusOf = ({ headers }: Answer) => headers.get('cache-status') ?? ''
const isHit = (answer: Answer) => /; hit\b/.test(statusOf(answer))
