// The duel: two contenders, one question, an answer in words within seconds. What it leaves out to be
// that quick it says, and what it cannot know it does not claim.
import assert from 'node:assert/strict'
import { type Measurement, measurementSchema } from '#core/measurement/run'
import type { Listed } from '#core/measurements/desk'
import { makePlan } from '../../bench/plan/plan.ts'
import { toHtml } from '../../bench/report/html.ts'
import { analyse } from '../../bench/verdict/analyse.ts'
import { measurementOf, variants } from '../measurements.ts'
import { type Started, startSeesaw } from '../seesaw.ts'

const two = ['rate-limits/fixed-window', 'rate-limits/gcra']

describe('a duel', function () {
  this.timeout(120_000)
  let started: Started
  const get = async <T>(path: string) => (await fetch(`${started.url}${path}`)).json() as Promise<T>

  before(async () => {
    started = await startSeesaw()
  })
  after(() => started?.stop())

  it('ends with a verdict in words, and says that no claim was proved', async () => {
    const told: Listed[] = []
    const listening = new AbortController()
    void listen(`${started.url}/api/events`, listening.signal, told)
    const answer = await fetch(`${started.url}/api/bench`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ target: two, preset: 'duel' }),
    })
    assert.equal(answer.status, 202)
    const { id } = (await answer.json()) as { id: string }
    const events = await (await fetch(`${started.url}/api/bench/${id}/events`)).text()
    assert.match(events, /"type":"slice".*"counts":false/)
    assert.match(events, /"type":"slice".*"counts":true/)
    assert.doesNotMatch(events, /"phase":"proving"/)

    const measured = measurementSchema.parse(await get<Measurement>(`/api/bench/${id}`))
    assert(measured.finishedAt)
    assert.deepEqual(measured.proof, { ok: false, verdicts: 0, wrong: [], skipped: true })
    assert.equal(measured.plan.blocks, 6)
    assert(measured.plan.contenders.every(({ reference }) => !reference))
    const [primary, ...others] = measured.verdicts.filter(({ exploratory }) => !exploratory)
    assert.deepEqual([primary?.metric, others.length], ['throughput', 0])
    assert(['slower', 'faster', 'same', 'undecided', 'invalid'].includes(primary?.verdict ?? ''))
    for (const { sentence } of measured.verdicts)
      assert.match(sentence, /quick look: claims not proved/)
    assert.deepEqual(analyse(measured).verdicts, measured.verdicts)

    const report = await (await fetch(`${started.url}/api/bench/${id}/report.html`)).text()
    assert.match(report, /A quick look: the claims of the contenders were not proved/)

    const brief = await get<Measurement>(`/api/bench/${id}?blocks=brief`)
    const [slot] = brief.blocks[0]?.slots ?? []
    assert(slot && slot.answered > 0 && slot.latency === undefined && slot.slices === undefined)
    assert.deepEqual(brief.verdicts, measured.verdicts)
    assert.equal((await fetch(`${started.url}/api/bench/${id}?blocks=none`)).status, 400)

    // Whoever looks at the list is told of each change.
    listening.abort()
    assert.deepEqual([told.at(-1)?.id, told.at(-1)?.status], [id, 'done'])
    assert(told.some(({ status, blocks }) => status === 'running' && blocks.done === 3))
  })

  for (const [what, options] of [
    ['more than two', { targets: ['rate-limits'] }],
    ['another load', { targets: two, load: 'open' }],
    ['faults', { targets: two, faults: [{ atMs: 0, do: 'kill', backend: 'redis' }] }],
  ] as const)
    it(`takes no ${what}`, async () => {
      const asked = { ...options, targets: [...options.targets], faults: [], preset: 'duel' }
      const faults = 'faults' in options ? [...options.faults] : []
      await assert.rejects(makePlan({ ...asked, faults } as never), { code: 'WRONG_USE' })
    })

  it('claims no difference that two processes of one program could show', () => {
    // 4 % apart and hardly any noise: fresh processes in every block would show it.
    const contenders = variants.slice(0, 2).map((one, i) => ({ ...one, cost: 1 + 0.04 * i }))
    const measured = measurementOf({
      contenders,
      blocks: 6,
      load: 'closed',
      primary: 'throughput',
      noise: 0.001,
      margin: 0.1,
    })
    const told = (plan: Measurement['plan']) => analyse({ ...measured, plan }).verdicts[0]
    const fresh = told({ ...measured.plan, margin: 0.01 })
    const same = told({ ...measured.plan, luck: 0.05 })
    assert.equal(fresh?.verdict, 'slower')
    assert.equal(same?.verdict, 'same')
    assert((same?.low ?? 1) < (fresh?.low ?? 0) / 1.04, 'the interval is wider')
    const narrow = told({ ...measured.plan, luck: 0.05, margin: 0.01 })
    assert.equal(narrow?.verdict, 'undecided')
    assert.match(toHtml({ ...measured, plan: { ...measured.plan, luck: 0.05 } }), /widened by 5/)
  })
})

/** Gathers what the page is told of measurements. */
const listen = async (address: string, signal: AbortSignal, told: Listed[]): Promise<void> => {
  try {
    const { body } = await fetch(address, { signal })
    let rest = ''
    for await (const piece of (body as ReadableStream<Uint8Array>).pipeThrough(
      new TextDecoderStream(),
    )) {
      const events = (rest + piece).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) {
        const found = /^data: (.*)$/m.exec(event)
        const { type, ticket } = JSON.parse(found?.[1] ?? '{}')
        if (type === 'measurements') told.push(ticket)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
