// The judge of the load, about answers made by hand: honest ones, wrong ones and stale ones.
import assert from 'node:assert/strict'
import { type Lab, startLab } from '#core/lab/lab'
import type { Request, Seen } from '#core/scenario'
import { get, judged, judgeOf, seen, workloadOf } from '../../test/judging.ts'

describe('the judge of cache-strategies', () => {
  let changes: Request[]
  let judge: (seen: Seen) => string
  before(async () => {
    const { requests } = await workloadOf('cache-strategies', 'zipf')
    const all = requests(undefined as never)
    // Two changes of one product, to different prices.
    const [path] = all.flatMap(({ method, path }) => (method === 'PUT' ? [path] : []))
    changes = all.filter((request) => request.path === path)
    assert(changes.length >= 2)
  })
  beforeEach(async () => {
    judge = await judgeOf('cache-strategies', 'zipf')
  })

  const idOf = ({ path }: Request) => Number(path.split('/')[2])
  const centsOf = ({ body }: Request): number => Object(body).priceCents
  const product = (version: number, change: Request) => ({
    id: idOf(change),
    name: `Teapot no. ${idOf(change)}`,
    priceCents: centsOf(change),
    version,
  })
  const look = () => get(`/products/${idOf(changes[0]!)}`)

  it('calls right what has the right id and a price that it has had', () => {
    const [first] = changes as [Request]
    const asMade = { ...product(1, first), priceCents: 1000 + 10 * idOf(first) }
    assert.equal(judge(seen(look(), 200, asMade)), 'right')
    assert.equal(judge(seen(look(), 200, product(2, first))), 'right')
    assert.equal(judge(seen(first, 200, product(2, first))), 'right')
  })

  it('calls wrong another product, a price from nowhere, and what is no product', () => {
    const [first, second] = changes as [Request, Request]
    const honest = product(2, first)
    assert.equal(judge(seen(look(), 200, { ...honest, id: honest.id + 1 })), 'wrong')
    assert.equal(judge(seen(look(), 200, { ...honest, name: 'Teapot' })), 'wrong')
    assert.equal(judge(seen(look(), 200, { ...honest, priceCents: 1 })), 'wrong')
    assert.equal(judge(seen(look(), 200, { ...honest, version: 1 })), 'wrong')
    assert.equal(judge(seen(look(), 200, { ...honest, version: '2' })), 'wrong')
    assert.equal(judge(seen(first, 200, product(2, second))), 'wrong')
    assert.equal(judge(seen(look(), 404, honest)), 'wrong')
    assert.equal(judge(seen(look(), 200, 'null')), 'wrong')
    assert.equal(judge(seen(look(), 200, '{"id":')), 'wrong')
  })

  it('calls stale a price older than a change acknowledged before the look was sent', () => {
    const [first, second] = changes as [Request, Request]
    judge(seen(first, 200, product(2, first), 0, 10))
    judge(seen(second, 200, product(3, second), 20, 30))
    assert.equal(judge(seen(look(), 200, product(2, first), 30, 40)), 'stale')
    assert.equal(judge(seen(look(), 200, product(3, second), 30, 40)), 'right')
  })

  it('lets a look that was sent before the acknowledgement show either price', () => {
    const [first, second] = changes as [Request, Request]
    judge(seen(first, 200, product(2, first), 0, 10))
    judge(seen(second, 200, product(3, second), 20, 30))
    assert.equal(judge(seen(look(), 200, product(2, first), 29, 40)), 'right')
    assert.equal(judge(seen(look(), 200, product(3, second), 29, 40)), 'right')
  })

  it('lets a change that is still under way be seen', () => {
    const [first, second] = changes as [Request, Request]
    judge(seen(first, 200, product(2, first), 0, 10))
    assert.equal(judge(seen(look(), 200, product(3, second), 20, 25)), 'right')
    judge(seen(second, 200, product(3, second), 15, 30))
    assert.equal(judge(seen(look(), 200, product(2, first), 31, 35)), 'stale')
  })

  it('knows the newest change, in whatever order changes are acknowledged', () => {
    const [first, second] = changes as [Request, Request]
    judge(seen(second, 200, product(3, second), 0, 10))
    judge(seen(first, 200, product(2, first), 0, 11))
    assert.equal(judge(seen(look(), 200, product(2, first), 20)), 'stale')
    assert.equal(judge(seen(look(), 200, product(3, second), 20)), 'right')
  })
})

describe('the judge of cache-strategies, of real servers', function () {
  this.timeout(60_000)
  let lab: Lab
  let pair: Lab
  before(async () => {
    lab = await startLab()
    pair = await startLab({ workers: 2 })
  })
  after(async () => {
    await lab.stop()
    await pair.stop()
  })

  it('sees a cache stale that is told of no change, and none stale that keeps no copy', async () => {
    const words = (variant: string) => judged(lab, `cache-strategies/${variant}`, 'zipf', 600)
    assert(((await words('stale-while-revalidate')).stale ?? 0) > 0)
    for (const variant of ['none', 'read-through-stamped'])
      assert.deepEqual(Object.keys(await words(variant)), ['right'], variant)
  })

  it('sees two processes stale that keep a cache each, and not stale with one for both', async () => {
    const words = (backend: string) =>
      judged(pair, `cache-strategies/read-through-stamped@cache=${backend}`, 'zipf', 600)
    assert(((await words('memory')).stale ?? 0) > 0)
    assert.deepEqual(Object.keys(await words('sqlite')), ['right'])
  })
})
