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
  const changed = await change(hands, visitor, 9, { way: '/import' })
  const after = await look(visitor, 9)
  assumeFresh(hands, [before, after])
  expectNoOlder(hands, after, changed)
}

/** The same, and looks again when the copy is no longer fresh. */
export const freshAgain = async (hands: Timed) => {
  const visitor = await openShop(hands)
  const before = await look(visitor, 10)
  const changed = await change(hands, visitor, 10, { way: '/import' })
  const overMs = before.doneAtMs + ttlOf(hands) + clockMs
  await hands.waitMs(overMs - Date.now())
  expectNoOlder(hands, await look(visitor, 10), changed)
}

/** The same, and looks again when the copy may not even be served stale. */
export const staleAtMost = async (hands: Hands<'ttlMs' | 'staleMs'>) => {
  const visitor = await openShop(hands)
  const before = await look(visitor, 11)
  const changed = await change(hands, visitor, 11, { way: '/import' })
  const lifeMs = ttlOf(hands) + (hands.knobs.staleMs ?? 0)
  await hands.waitMs(before.doneAtMs + lifeMs + clockMs - Date.now())
  expectNoOlder(hands, await look(visitor, 11), changed)
}

/**
 * A slow reader puts an old price away after the change, and somebody looks.
 */
export const lateReader = async (hands: Meeting<'flushMs'>) => {
  const { knobs, waitMs } = hands
  const { dbDelayMs, flushMs } = knobs
  const { visitor, id, changed } = await meetLate(hands, [12, 13, 14])
  expectNoOlder(hands, await look(visitor, id), changed)

  // A change that waits in memory is seen there, for as long as it waits.
  if (flushMs === undefined) return
  const untilMs = changed.doneAtMs + flushMs + dbDelayMs + 1000
  while (Date.now() < untilMs) {
    expectNoOlder(hands, await look(visitor, id), changed)
    await waitMs(50)
  }
}

/**
 * The same, but nobody looks until the change is ttlMs old. What the cache
 * noted at the change may be over by then; what the slow reader put away is
 * not yet.
 */
export const longAfter = async (hands: Meeting<'ttlMs'>) => {
  const { knobs, assume, waitMs } = hands
  const { visitor, id, changed, late } = await meetLate(hands, [21, 22, 23])
  const written = await lookUntilNew(hands, visitor, id, changed, '/import')
  assume(!isOlder(written, changed), 'the change is in the database')
  const ttlMs = ttlOf(hands)
  await waitMs(changed.doneAtMs + ttlMs + clockMs - Date.now())
  const seen = await look(visitor, id)
  // A miss waited for the database after it had looked into the cache.
  const dbMs = isHit(seen) ? 0 : knobs.dbDelayMs
  const overMs = late.sentAtMs + knobs.dbDelayMs + ttlMs - clockMs
  assume(
    ttlMs === 0 || seen.doneAtMs - dbMs < overMs,
    'what the slow reader put away was not over yet',
  )
  expectNoOlder(hands, seen, changed)
}

/** After the change, somebody looks while the slow reader still reads. */
export const lateAnswer = async (hands: Meeting) => {
  const { next, changed } = await meetLate(hands, [24, 25, 26], look)
  if (next) expectNoOlder(hands, next, changed)
}

/**
 * Reads the old price while a change is on its way, and is done before the
 * database has the new one.
 */
export const earlyReader = async (
  hands: Hands<'dbDelayMs' | 'writeDelayMs'>,
) => {
  const { dbDelayMs, writeDelayMs } = hands.knobs
  const visitor = await openShop(hands)
  const changing = change(hands, visitor, 15)
  await hands.waitMs(writeDelayMs / 2)
  const early = await look(visitor, 15)
  const changed = await changing
  hands.assume(
    early.doneAtMs < changed.sentAtMs + dbDelayMs + writeDelayMs - 1,
    'the reader was done before the database had the change',
  )
  expectNoOlder(hands, await look(visitor, 15), changed)
}

/** Looks twice at a product whose time is over and whose price is another. */
export const renewed = async (hands: Timed) => {
  const visitor = await openShop(hands)
  const before = await look(visitor, 16)
  const changed = await change(hands, visitor, 16, { way: '/import' })
  await hands.waitMs(before.doneAtMs + ttlOf(hands) + clockMs - Date.now())
  const first = await look(visitor, 16)
  hands.expect(
    isOlder(first, changed),
    `the first look after ttlMs shows version ${first.json.version}`,
  )
  expectNoOlder(hands, await lookUntilNew(hands, visitor, 16, changed), changed)
}

/**
 * Changes a price, and looks into the database as another program does: at
 * once and later. A second change comes while the first one is written.
 */
export const inTheDatabase = async (
  hands: Hands<'flushMs' | 'dbDelayMs' | 'writeDelayMs'>,
) => {
  const { knobs, assume, expect, waitMs } = hands
  const visitor = await openShop(hands)
  const way = '/import'
  await look(visitor, 17)
  const first = await change(hands, visitor, 17)
  const atOnce = await look(visitor, 17, way)
  const isBehind = isOlder(atOnce, first)
  const { flushMs } = knobs
  const writeMs = knobs.dbDelayMs + knobs.writeDelayMs
  assume(
    isBehind || flushMs === undefined || elapsedMs(first, atOnce) < flushMs,
    `the database was asked within ${flushMs} ms`,
  )
  expect(
    isBehind,
    `with the answer, the database had version ${atOnce.json.version}`,
  )

  await waitMs(first.doneAtMs + flushMs + writeMs / 2 - Date.now())
  const second = await change(hands, visitor, 17)
  assume(
    second.sentAtMs > first.doneAtMs + flushMs &&
      elapsedMs(first, second) < flushMs + writeMs,
    'the second change came while the first one was written',
  )
  const later = await lookUntilNew(hands, visitor, 17, second, way)
  expectNoOlder(hands, later, second)
}

/**
 * Changes one price at two processes. The process with the later change
 * writes first, because it had something to write before.
 */
export const laterChange = async (hands: Hands<'ttlMs' | 'flushMs'>) => {
  const { knobs, assume, expect, waitMs } = hands
  const flushMs = knobs.flushMs ?? 0
  const way = '/import'
  const [here, there] = [await openShop(hands), await openShop(hands, 2)]
  await look(here, 18)
  await look(there, 18)
  await look(there, 19)
  const begun = await change(hands, there, 19)
  await waitMs(flushMs / 2)
  const older = await change(hands, here, 18, { priceCents: 1111 })
  await waitMs(clockMs)
  const newer = await change(hands, there, 18, { priceCents: 2222 })
  assume(
    flushMs === 0 || elapsedMs(begun, newer) < flushMs,
    'both changes were made before the first one was written',
  )
  const isNewer = ({ json }: Answer) => json.priceCents === 2222
  // Both are written by then, or late.
  await waitMs(older.doneAtMs + 2 * flushMs + clockMs - Date.now())
  const seen = await lookUntil(hands, here, 18, way, isNewer)
  expect(
    isNewer(seen),
    `the database has ${seen.json.priceCents}; the later change was to 2222`,
  )
}

/** Changes the price of a product that nobody has looked at. */
export const coldChange = async (hands: Hands) => {
  const visitor = await openShop(hands)
  const calls = databaseCalls([await change(hands, visitor, 20)])
  hands.expect(calls === 0, `database calls that it waited for: ${calls}`)
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

type Meeting<Names extends string = never> = Hands<'dbDelayMs' | Names>

/**
 * While a change is on its way, somebody reads the old price from the database
 * and is so slow that the change is done and told before they put it away.
 * `meanwhile` comes in between. They meet over one of three products.
 */
const meetLate = async (
  hands: Meeting,
  [id, ...others]: [number, ...number[]],
  meanwhile?: typeof look,
) => {
  const { knobs, assume, note, waitMs } = hands
  const { dbDelayMs } = knobs
  const visitor = await openShop(hands)

  // A read takes at least the delay, so nothing is put away before that. They
  // meet as they should unless this machine is very busy.
  const meet = async (id: number) => {
    const changing = change(hands, visitor, id)
    await waitMs(dbDelayMs / 2)
    const reading = look(visitor, id)
    const changed = await changing
    const next = await meanwhile?.(visitor, id)
    const late = await reading
    const toldMs = next?.sentAtMs ?? changed.doneAtMs
    const isLate = toldMs < late.sentAtMs + dbDelayMs - 1
    const metAsPlanned = isOlder(late, changed) && isLate
    return { visitor, id, changed, next, late, metAsPlanned }
  }
  let met = await meet(id)
  for (const another of others) {
    if (met.metAsPlanned) break
    note('they missed each other, so two others meet over another product')
    met = await meet(another)
  }
  const because = 'the old price was read, and put away after the change'
  assume(met.metAsPlanned, because)
  return met
}

const look = (visitor: Client, id: number, way = '') =>
  visitor.get(`${way}/products/${id}`)

/** Looks again and again until `isSeen`, or for ten seconds. */
const lookUntil = async (
  { waitMs }: Hands,
  visitor: Client,
  id: number,
  way: string,
  isSeen: (seen: Answer) => boolean,
) => {
  const endMs = Date.now() + 10_000
  for (;;) {
    const seen = await look(visitor, id, way)
    if (isSeen(seen) || Date.now() > endMs) return seen
    await waitMs(50)
  }
}

const lookUntilNew = (
  hands: Hands,
  visitor: Client,
  id: number,
  changed: Answer,
  way = '',
) => lookUntil(hands, visitor, id, way, (seen) => !isOlder(seen, changed))

const change = async (
  { assume }: Hands,
  visitor: Client,
  id: number,
  { way = '', priceCents = 4200 } = {},
) => {
  const answer = await visitor.send({
    method: 'PUT',
    path: `${way}/products/${id}/price`,
    body: { priceCents },
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

const isOlder = (seen: Answer, changed: Answer): boolean =>
  seen.json.version < changed.json.version

/** From when the first one was sent to when the last one was answered. */
const elapsedMs = (first: Answer, last: Answer): number =>
  last.doneAtMs - first.sentAtMs

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
