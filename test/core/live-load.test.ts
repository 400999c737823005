// Load on a live address while it is toggled: that it is told, that it leaves measurements alone, and
// that it ends when it should, also when nobody is left to end it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import type { LoadView } from '../../core/traffic/live-load.ts'
import { type Started, startSeesaw, until } from '../seesaw.ts'

const scenario = 'session-vs-token'

describe('POST /api/load', function () {
  this.timeout(40_000)
  let seesaw: Started
  before(async () => {
    seesaw = await startSeesaw()
  })
  after(() => seesaw?.stop())
  afterEach(() => post('/api/load/stop'))

  const post = async (path: string, body: object = {}) => {
    const response = await fetch(seesaw.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, json: (await response.json()) as { code?: string } }
  }
  const view = async () => (await (await fetch(`${seesaw.url}/api/load`)).json()) as LoadView
  const answers = async (least: number) =>
    until(async () => (await view()).samples.length >= least, 15_000)

  it('tells what visitors get, through a toggle to a variant that does not know them', async () => {
    await post('/api/toggle', { scenario, variant: 'server-session' })
    assert.equal((await post('/api/load', { scenario, seconds: 60 })).status, 202)
    await answers(3)
    await post('/api/toggle', { scenario, variant: 'signed-token' })
    const toggledMs = Date.now()
    // Refused at first, then signed in anew.
    await until(async () => {
      const { samples } = await view()
      const refused = samples.findIndex((one) => one.atMs > toggledMs && one.not2xxPerSecond > 0)
      return refused >= 0 && samples.slice(refused).some((one) => one.not2xxPerSecond === 0)
    }, 15_000)
    const { load, samples, toggles } = await view()
    assert.equal(load?.setup, `${scenario}/server-session@memory`)
    assert.equal(toggles.at(-1)?.setup, `${scenario}/signed-token`)
    for (const { perSecond, p50Ms, p99Ms } of samples.filter((one) => one.perSecond > 0))
      assert((p50Ms ?? 0) > 0 && (p99Ms ?? 0) >= (p50Ms ?? 0), `${perSecond} ${p50Ms} ${p99Ms}`)
    await post('/api/load/stop')
    const ended = await view()
    assert.equal(ended.load?.running, false)
    assert((ended.load?.totals?.requests ?? 0) > 0)
    assert.equal(ended.load?.totals?.errors, 0)
  })

  it('is told to every page that is open', async () => {
    const gone = new AbortController()
    const events = await fetch(`${seesaw.url}/api/events`, { signal: gone.signal })
    await post('/api/load', { scenario, seconds: 2, connections: 1 })
    let text = ''
    for await (const piece of events.body ?? []) {
      text += Buffer.from(piece).toString()
      if (text.includes('"totals"')) break
    }
    gone.abort()
    const told = [...text.matchAll(/^data: (\{"type":"load".*)$/gm)].map(([, json = '']) =>
      JSON.parse(json),
    )
    assert(told.filter(({ sample }) => sample).length >= 3)
    assert.equal(told.at(-1).load.running, false)
  })

  it('runs alone: no second one, no proof and no measurement beside it', async () => {
    await post('/api/load', { scenario, seconds: 60, connections: 1 })
    for (const [path, body] of [
      ['/api/load', { scenario }],
      ['/api/bench', { target: scenario }],
      ['/api/prove', { targets: [scenario] }],
    ] as const) {
      const { status, json } = await post(path, body)
      assert.deepEqual([status, json.code], [409, 'BUSY'], path)
    }
  })

  it('refuses what it cannot do, and sends nothing', async () => {
    for (const wrong of [
      { scenario: 'nope' },
      { scenario, workload: 'nope' },
      { scenario, seconds: 0 },
      { scenario, seconds: 121 },
      { scenario, connections: 51 },
      { scenario, url: 'http://example.org' },
    ]) {
      const { status } = await post('/api/load', wrong)
      assert(status === 400 || status === 404, JSON.stringify(wrong))
    }
    assert.equal((await view()).load?.running ?? false, false)
  })

  it('ends when Seesaw is killed', async function () {
    if (process.platform === 'win32') this.skip()
    const killed = await startSeesaw()
    await fetch(`${killed.url}/api/load`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ scenario, seconds: 120 }),
    })
    const { pid } = killed.child
    const children = () =>
      execFileSync('ps', ['-eo', 'pid,ppid,args'])
        .toString()
        .split('\n')
        .filter((line) => line.includes('live-load-child'))
        .map((line) => line.trim().split(/\s+/).map(Number))
    let own = 0
    await until(() => {
      own = children().find(([, parent]) => parent === pid)?.[0] ?? 0
      return own > 0
    }, 10_000)
    killed.child.kill('SIGKILL')
    await until(() => !children().some(([child]) => child === own), 10_000)
  })
})
