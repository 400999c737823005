// The judge of the load, about answers made by hand: honest ones, wrong ones, and too many.
import assert from 'node:assert/strict'
import { type Lab, startLab } from '#core/lab/lab'
import { get, judged, judgeOf, seen } from '../../test/judging.ts'

describe('the judge of rate-limits', () => {
  const visit = get('/', { 'x-api-key': 'flood' })
  const refusal = {
    title: 'Quota exceeded',
    detail: 'The limit is 2 in 1000 ms.',
    retryAfterMs: 100,
  }

  it('calls an admission right, a refusal refused, and anything else wrong', async () => {
    const judge = await judgeOf('rate-limits', 'flood')
    const says = (status: number, body: unknown) => judge(seen(visit, status, body))
    assert.equal(says(200, { remaining: 9 }), 'right')
    assert.equal(says(200, { remaining: 0, delayMs: 120 }), 'right')
    assert.equal(says(429, refusal), 'refused')
    assert.equal(says(429, { ...refusal, retryAfterMs: 0 }), 'wrong')
    assert.equal(says(429, { ...refusal, detail: 'No.' }), 'wrong')
    assert.equal(says(429, 'Too Many Requests'), 'wrong')
    assert.equal(says(200, { remaining: -1 }), 'wrong')
    assert.equal(says(200, { remaining: 2 }), 'wrong')
    assert.equal(says(200, {}), 'wrong')
    assert.equal(says(500, { remaining: 1 }), 'wrong')
  })

  it('calls an admission over where a whole limit came before it in less than a window', async () => {
    const judge = await judgeOf('rate-limits', 'flood')
    const admitted = { remaining: 0 }
    assert.equal(judge(seen(visit, 429, refusal, 0)), 'refused')
    assert.equal(judge(seen(visit, 200, admitted, 1000)), 'right')
    assert.equal(judge(seen(visit, 200, admitted, 1001)), 'right')
    assert.equal(judge(seen(visit, 200, admitted, 1990, 1998)), 'over')
    assert.equal(judge(seen(visit, 200, admitted, 2400)), 'right')
    assert.equal(judge(seen(visit, 200, admitted, 2401)), 'over')
    const another = get('/', { 'x-api-key': 'another' })
    assert.equal(judge(seen(another, 200, admitted, 2402)), 'right')
  })

  it('does not call over what may have been decided a window apart', async () => {
    const judge = await judgeOf('rate-limits', 'flood')
    judge(seen(visit, 429, refusal, 0))
    judge(seen(visit, 200, { remaining: 1 }, 1000, 1500))
    judge(seen(visit, 200, { remaining: 0 }, 1000, 1500))
    assert.equal(judge(seen(visit, 200, { remaining: 1 }, 1400, 2000)), 'right')
  })
})

describe('the judge of rate-limits, of real servers', function () {
  this.timeout(60_000)
  let pair: Lab
  before(async () => {
    pair = await startLab({ workers: 2 })
  })
  after(async () => {
    await pair.stop()
  })

  it('sees two processes over the limit that count for themselves, and not over as one', async () => {
    const words = (backend: string) =>
      judged(pair, `rate-limits/sliding-log@${backend}~windowMs=200`, 'flood', 1500)
    assert(((await words('memory')).over ?? 0) > 0)
    const shared = await words('sqlite')
    assert.equal(shared.over, undefined)
    assert((shared.refused ?? 0) > 0)
  })
})
