// Every workload has a judge, and each judge is right: about answers made by hand, honest, wrong and
// stale, and about those of real servers.
import assert from 'node:assert/strict'
import { adapterIndex, loadScenario, scenarioIds } from '#core/course/find'
import { setupsOf } from '#core/course/setup'
import { type Lab, startLab } from '#core/lab/lab'
import type { AnyScenario, Request, Seen, Workload } from '#core/scenario'
import { requestsFor } from '#core/traffic/workload'

const embedded = ['memory', 'file', 'sqlite']

const workloadOf = async (scenario: string, name: string): Promise<Workload> => {
  const found = (await loadScenario(scenario)).workloads?.[name]
  return found ?? assert.fail(`${scenario} has no workload ${name}`)
}
const judgeOf = async (scenario: string, name: string) =>
  (await workloadOf(scenario, name)).judge?.() ?? assert.fail(`${name} has no judge`)

const get = (path: string, headers: Record<string, string> = {}): Request => ({
  method: 'GET',
  path,
  headers,
})

/** An answer that was under way for a millisecond, or for as long as is said. */
const seen = (
  request: Request,
  status: number,
  body: unknown,
  sentMs = 0,
  doneMs = sentMs + 1,
): Seen => ({
  request,
  status,
  text: typeof body === 'string' ? body : JSON.stringify(body),
  sentMs,
  doneMs,
})

describe('the judge of session-vs-token/me', () => {
  it("calls Ada's page right, and anything else wrong", async () => {
    const judge = await judgeOf('session-vs-token', 'me')
    const says = (status: number, body: unknown) => judge(seen(get('/me'), status, body))
    assert.equal(says(200, { name: 'ada', role: 'editor' }), 'right')
    assert.equal(says(200, { name: 'ben', role: 'editor' }), 'wrong')
    assert.equal(says(200, { name: 'ada', role: 'admin' }), 'wrong')
    assert.equal(says(200, '{"name":"ada","role":"edi'), 'wrong')
    assert.equal(says(401, { name: 'ada', role: 'editor' }), 'wrong')
  })
})

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

describe('the judge of queue-types/imports', () => {
  const request = {
    method: 'POST',
    path: '/imports',
    body: { csv: 'account,cents\nada,1250\nben,-250' },
  }
  const done = { state: 'done', result: { bookings: 2, cents: 1000 } }

  it('calls right what is accepted under an id of its own, and what is done', async () => {
    const judge = await judgeOf('queue-types', 'imports')
    assert.equal(judge(seen(request, 202, { id: 'one' })), 'right')
    assert.equal(judge(seen(request, 202, { id: 'two' })), 'right')
    assert.equal(judge(seen(request, 201, done)), 'right')
  })

  it('calls wrong an id that was given out before, a wrong sum, and what is neither', async () => {
    const judge = await judgeOf('queue-types', 'imports')
    assert.equal(judge(seen(request, 202, { id: 'one' })), 'right')
    assert.equal(judge(seen(request, 202, { id: 'one' })), 'wrong')
    assert.equal(judge(seen(request, 202, { id: '' })), 'wrong')
    assert.equal(judge(seen(request, 202, {})), 'wrong')
    const short = { state: 'done', result: { bookings: 1, cents: 1250 } }
    assert.equal(judge(seen(request, 201, short)), 'wrong')
    assert.equal(judge(seen(request, 201, { ...done, state: 'running' })), 'wrong')
    assert.equal(judge(seen(request, 200, done)), 'wrong')
    assert.equal(judge(seen(request, 503, '')), 'wrong')
  })
})

describe('a judge of real servers', function () {
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

  /** Sends `count` requests, ten at a time, and returns how often the judge said what. */
  const judged = async (on: Lab, setup: string, name: string, count: number) => {
    await on.reset(setup)
    const { requests: ready } = await requestsFor(setup, on.url, name)
    const workload = await workloadOf(setup.split('/')[0]!, name)
    const requests = workload.requests(undefined as never)
    const judge = workload.judge?.() ?? assert.fail(`${name} has no judge`)
    const words: Record<string, number> = {}
    let next = 0
    const send = async () => {
      while (next < count) {
        const index = next++ % ready.length
        const { url, method, headers, body } = ready[index]!
        const sentMs = performance.now()
        const answer = await fetch(url, { method, headers, ...(body ? { body } : {}) })
        const text = await answer.text()
        const doneMs = performance.now()
        const { status } = answer
        const word = judge({ request: requests[index]!, status, text, sentMs, doneMs })
        assert.notEqual(word, 'wrong', `${setup}: ${method} ${url} gets ${status} ${text}`)
        words[word] = (words[word] ?? 0) + 1
      }
    }
    await Promise.all(Array.from({ length: 10 }, send))
    return words
  }

  for (const id of scenarioIds())
    it(`finds nothing wrong in any variant of ${id}`, async () => {
      const scenario: AnyScenario = await loadScenario(id)
      const setups = setupsOf(id, scenario, adapterIndex).filter(({ backends }) =>
        Object.values(backends).every((backend) => embedded.includes(backend)),
      )
      for (const setup of setups)
        for (const name of Object.keys(scenario.workloads ?? {})) {
          const words = await judged(lab, setup.id, name, 100)
          assert(Object.keys(words).length > 0, setup.id)
        }
    })

  it('sees a cache stale that is told of no change, and none stale that keeps no copy', async () => {
    const words = (variant: string) => judged(lab, `cache-strategies/${variant}`, 'zipf', 600)
    assert(((await words('stale-while-revalidate')).stale ?? 0) > 0)
    for (const variant of ['none', 'read-through'])
      assert.deepEqual(Object.keys(await words(variant)), ['right'], variant)
  })

  it('sees two processes stale that keep a cache each, and not stale with one for both', async () => {
    const words = (backend: string) =>
      judged(pair, `cache-strategies/read-through@cache=${backend}`, 'zipf', 600)
    assert(((await words('memory')).stale ?? 0) > 0)
    assert.deepEqual(Object.keys(await words('sqlite')), ['right'])
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
