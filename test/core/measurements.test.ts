// Measurements over HTTP: one at a time, followed live, kept, and never a way into the machine. What
// measures here is a program that speaks as the command does (test/fixtures/measuring); the last
// part runs the command itself.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createControl } from '#core/control/api'
import { home, loadConfig } from '#core/course/find'
import { answerClientErrors } from '#core/http/problems'
import { type Lab, startLab } from '#core/lab/lab'
import { measurementSchema } from '#core/measurement/run'
import { type Desk, type Listed, openDesk, type SoFar } from '#core/measurements/desk'
import { createLog, endEvent } from '#core/measurements/log'
import { startCommand } from '#core/processes/child-command'
import { familyOf, isAlive, problemIn, sendRaw, startSeesaw, tempFolder, until } from '../seesaw.ts'

const command = [process.execPath, join(home, 'test', 'fixtures', 'measuring', 'command.mjs')]

/** How the program of the fixture behaves, by seed. */
const seeds = {
  well: 1,
  fails: 2,
  crashes: 3,
  cannotBeStopped: 4,
  isKilled: 5,
  floods: 6,
  saysOddThings: 7,
  stopsAfterOneBlock: 8,
  waitsElsewhere: 9,
} as const

interface Answered {
  id: string
  status: string
  ahead: number
  events: string
}
interface List {
  running: Listed | null
  queued: Listed[]
  measurements: Listed[]
  total: number
  skipped: { file: string; because: string }[]
}

describe('measurements over HTTP', function () {
  this.timeout(60_000)
  let lab: Lab
  let server: Server
  let control: string
  let folder: string
  let desk: Desk

  const openControl = async () => {
    server = createServer({ requireHostHeader: false }).listen(0, '127.0.0.1')
    answerClientErrors(server)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    desk = openDesk({ folder, defaults: {}, environment: lab.environment, command })
    const config = await loadConfig()
    server.on('request', createControl({ lab, config, port, version: '0', desk }).callback())
    control = `http://localhost:${port}`
  }
  const closeControl = async () => {
    server.close().closeAllConnections()
    await desk.stop()
  }

  before(async () => {
    lab = await startLab({ workers: 1, dataFolder: tempFolder() })
    folder = join(tempFolder(), 'measurements')
    await openControl()
  })
  after(async () => {
    await closeControl()
    await lab?.stop()
  })
  // No test finds what another has left at work.
  afterEach(async () => {
    const { running, queued } = await list()
    for (const { id } of [...queued, ...(running ? [running] : [])]) await cancel(id)
    await until(async () => (await list()).running === null, 20_000)
  })

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${control}${path}`, { headers })
  const post = (path: string, body: unknown) =>
    fetch(`${control}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const order = (seed: number, more: object = {}) =>
    post('/api/bench', { target: 'rate-limits', seed, ...more })
  const begin = async (...order_: Parameters<typeof order>) => {
    const answer = await order(...order_)
    assert.equal(answer.status, 202, await answer.clone().text())
    return (await answer.json()) as Answered
  }
  const list = async (query = '') => (await (await get(`/api/bench${query}`)).json()) as List
  const find = async (id: string) => {
    const { measurements } = await list('?limit=200')
    return measurements.find((one) => one.id === id) ?? assert.fail(`no ${id}`)
  }
  const cancel = async (id: string) =>
    (await (await post(`/api/bench/${id}/cancel`, {})).json()) as Listed
  const ended = async (id: string) => {
    await until(async () => !['running', 'queued'].includes((await find(id)).status), 20_000)
    return find(id)
  }

  describe('one that goes well', () => {
    it('is started, followed to its end, kept and listed', async () => {
      const answer = await order(seeds.well)
      assert.equal(answer.status, 202)
      const { id, ...rest } = (await answer.json()) as Answered
      assert.match(id, /^\d{8}-\d{6}-\d{3}-[0-9a-f]{8}$/)
      assert.deepEqual(rest, { status: 'running', ahead: 0, events: `/api/bench/${id}/events` })
      assert.equal(answer.headers.get('location'), `/api/bench/${id}`)

      const events = parseEvents(await (await get(rest.events)).text())
      assert.deepEqual(
        events.map(({ data }) => data.type).filter((type) => type !== 'slice'),
        ['plan', 'phase', 'block', 'block', 'block', 'result', undefined],
      )
      assert.deepEqual(
        events.slice(0, -1).map((event) => event.id),
        events.slice(0, -1).map((_, i) => String(i + 1)),
      )
      const kept = events.find(({ data }) => data.type === 'result')
      assert.equal(kept?.data.file, `/api/bench/${id}`)
      const end = events.at(-1)
      assert.equal(end?.event, 'end')
      assert.equal(end.data.status, 'done')

      const listed = await find(id)
      assert.deepEqual(end.data, listed)
      assert.deepEqual(listed.verdicts, ['B is the same within ±3 % (seed 1).'])
      assert.deepEqual(listed.setups, [
        'rate-limits/fixed-window@memory',
        'rate-limits/gcra@memory',
      ])
      assert.deepEqual(listed.blocks, { done: 3, of: 3 })
      assert.equal(listed.command, 'npx seesaw bench rate-limits --preset=quick --seed=1')

      const result = await get(`/api/bench/${id}`)
      assert.match(result.headers.get('content-type') ?? '', /^application\/json/)
      const measurement = (await result.json()) as { seed: number; blocks: unknown[] }
      assert.deepEqual([measurement.seed, measurement.blocks.length], [1, 3])
    })

    it('tells what has happened so far, as its events do, and keeps no connection for it', async () => {
      const { id, events } = await begin(seeds.well)
      await ended(id)
      const soFar = async (query: string) => {
        const told = await get(`/api/bench/${id}/so-far${query}`)
        return (await told.json()) as SoFar
      }
      const told = parseEvents(await (await get(events)).text())
      const { events: whole, end } = await soFar('')
      assert.deepEqual(
        [...whole.map(({ number, event }) => [String(number), event]), ['end', end]],
        told.map(({ id, data }) => [id, data]),
      )
      assert.deepEqual((await soFar('?after=2')).events, whole.slice(2))
      assert.equal((await get(`/api/bench/${id}/so-far?after=x`)).status, 400)
      assert.equal((await get('/api/bench/nope/so-far')).status, 404)
      const { id: runs } = await begin(seeds.stopsAfterOneBlock)
      const { end: none } = (await (await get(`/api/bench/${runs}/so-far`)).json()) as SoFar
      assert.equal(none, null)
    })

    it('leaves files that nobody else can read', async () => {
      const { id } = await begin(seeds.well)
      await ended(id)
      assert.equal(statSync(folder).mode & 0o777, 0o700)
      assert.equal(statSync(join(folder, `${id}.ticket.json`)).mode & 0o777, 0o600)
      assert(!readdirSync(folder).some((name) => name.endsWith('.new')))
    })

    it('passes on every word that was asked for', async () => {
      const { id } = await begin(seeds.well, {
        target: ['rate-limits/gcra', 'rate-limits/gcra'],
        backends: ['memory', 'sqlite'],
        workers: 2,
        knobs: { limit: 7 },
        preset: 'strict',
        load: 'open',
        rate: 120,
        blocks: 2,
      })
      const { command, setups } = await ended(id)
      assert.equal(
        command,
        'npx seesaw bench rate-limits/gcra rate-limits/gcra --backends=memory,sqlite --workers=2 ' +
          '--knob=limit=7 --preset=strict --load=open --rate=120 --blocks=2 --seed=1',
      )
      assert(setups.length > 0)
    })

    it('passes on lines that it does not know, and drops what is no line of progress', async () => {
      const { id, events } = await begin(seeds.saysOddThings)
      const text = await (await get(events)).text()
      const seen = parseEvents(text)
      assert.deepEqual(seen.find(({ data }) => data.type === 'unheard of')?.data, {
        type: 'unheard of',
        text: 'a\n\ndata: b\r\rid: 7\u2028',
        deep: [{ er: null }],
      })
      assert.doesNotMatch(text, /somebody|xxxx/)
      assert.equal((await ended(id)).status, 'done')
    })
  })

  describe('a second one', () => {
    it('is queued, says so, and begins when the first has ended', async () => {
      const first = await begin(seeds.stopsAfterOneBlock)
      const second = await begin(seeds.well)
      const third = await begin(seeds.well)
      assert.deepEqual([second.status, second.ahead], ['queued', 1])
      assert.deepEqual([third.status, third.ahead], ['queued', 2])
      const { running, queued } = await list()
      assert.equal(running?.id, first.id)
      assert.deepEqual(
        queued.map(({ id, ahead }) => [id, ahead]),
        [
          [second.id, 1],
          [third.id, 2],
        ],
      )
      await cancel(first.id)
      const events = parseEvents(await (await get(third.events)).text())
      assert.deepEqual(
        events.flatMap(({ data }) => (data.type === 'queued' ? [data.ahead] : [])),
        [2, 1],
      )
      assert.match(String(events[0]?.data.behind), /^npx seesaw bench rate-limits /)
      assert.equal(events.at(-1)?.data.status, 'done')
      assert.equal((await find(second.id)).status, 'done')
      const starts = await Promise.all([second.id, third.id].map(find))
      assert((starts[1]?.startedAt ?? '') >= (starts[0]?.finishedAt ?? 'x'))
    })

    it('can be cancelled while it waits, and leaves nothing but its ticket', async () => {
      const first = await begin(seeds.stopsAfterOneBlock)
      const second = await begin(seeds.well)
      const third = await begin(seeds.well)
      assert.equal((await cancel(second.id)).status, 'interrupted')
      assert.equal((await find(third.id)).ahead, 1)
      const events = parseEvents(await (await get(second.events)).text())
      assert.equal(events.at(-1)?.data.status, 'interrupted')
      const problem = await problemIn(await get(`/api/bench/${second.id}`))
      assert.equal(problem.code, 'MEASUREMENT_NOT_FOUND')
      assert.match(problem.detail, /has no result: it is interrupted/)
      assert.equal((await find(first.id)).status, 'running')
    })

    it('is refused when eight wait already', async () => {
      await begin(seeds.stopsAfterOneBlock)
      for (let i = 0; i < 8; i++) await begin(seeds.well)
      const problem = await problemIn(await order(seeds.well))
      assert.deepEqual([problem.status, problem.code], [409, 'BUSY'])
      assert.match(problem.detail, /8 measurements are waiting already/)
    })

    it('of another terminal is waited for, and shown as queued meanwhile', async () => {
      const { id, events } = await begin(seeds.waitsElsewhere)
      await until(async () => (await find(id)).status === 'queued', 5_000)
      assert.equal((await list()).running?.id, id)
      const seen = parseEvents(await (await get(events)).text())
      assert.match(
        String(seen.find(({ data }) => data.type === 'queued')?.data.behind),
        /process 1/,
      )
      assert.equal(seen.at(-1)?.data.status, 'done')
    })
  })

  it('keeps proofs waiting, and waits for proofs, so that neither spoils the other', async () => {
    const { id } = await begin(seeds.stopsAfterOneBlock)
    const proof = await problemIn(await post('/api/prove', { targets: ['rate-limits/gcra'] }))
    assert.equal(proof.code, 'BUSY')
    await cancel(id)
    await ended(id)
    const leave = new AbortController()
    const proving = fetch(`${control}/api/prove`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"targets":["rate-limits/gcra"],"backends":["memory"]}',
      signal: leave.signal,
    }).catch(() => {})
    await until(async () => (await order(seeds.well)).status === 409, 5_000)
    leave.abort()
    await proving
    // Its command takes a moment to end.
    const proofs = async () => (await get('/api/proofs?scenario=rate-limits')).json()
    await until(async () => ((await proofs()) as { running: unknown }).running === null, 20_000)
  })

  describe('one that does not go well', () => {
    it('shows the error that the command ended with', async () => {
      const { id, events } = await begin(seeds.fails)
      const end = parseEvents(await (await get(events)).text()).at(-1)
      const error = { code: 'BACKEND_UNREACHABLE', detail: 'redis went away.' }
      assert.deepEqual([end?.data.status, end?.data.error], ['failed', error])
      assert.deepEqual((await find(id)).error, error)
    })

    for (const [seed, how] of [
      [seeds.crashes, '1'],
      [seeds.isKilled, 'SIGKILL'],
    ] as const)
      it(`tells nothing of the inside when the command ends by ${how}`, async () => {
        const { id, events } = await begin(seed)
        const text = await (await get(events)).text()
        assert.doesNotMatch(text, /\.mjs|at file/)
        const { status, error } = await find(id)
        assert.equal(status, 'failed')
        assert.deepEqual(error, {
          code: 'WORKER_FAILED',
          detail: `The process that did it ended early (${how}).`,
        })
      })

    it('is interrupted in good order, and keeps what was measured', async () => {
      const { id, events } = await begin(seeds.stopsAfterOneBlock)
      await until(async () => (await get(`/api/bench/${id}`)).status === 200, 5_000)
      await cancel(id)
      await cancel(id)
      const end = parseEvents(await (await get(events)).text()).at(-1)
      assert.equal(end?.data.status, 'interrupted')
      const listed = await find(id)
      assert.deepEqual(listed.blocks, { done: 1, of: 3 })
      assert.equal(listed.error, undefined)
      const { finishedAt } = (await (await get(`/api/bench/${id}`)).json()) as Listed
      assert.equal(finishedAt, null)
      // To cancel it once more changes nothing.
      assert.deepEqual(await cancel(id), listed)
    })

    it('is killed where it does not end in good order', async () => {
      const lines: string[] = []
      const running = startCommand(
        ['bench', '--seed=4', `--json=${join(tempFolder(), 'x.json')}`],
        { env: {}, command, onLine: (line) => lines.push(line) },
      )
      await until(() => lines.some((line) => line.includes('"block"')), 10_000)
      running.stop(300)
      assert.match((await running.ended)?.message ?? '', /SIGKILL/)
    })

    it('that cannot be started is failed, and the next one begins', async () => {
      const own = join(tempFolder(), 'measurements')
      const broken = openDesk({
        folder: own,
        defaults: {},
        environment: async () => ({}),
        command: ['/nowhere/at-all'],
      })
      for (let i = 0; i < 2; i++) await broken.start({ target: 'rate-limits', preset: 'quick' })
      await until(() => !broken.underWay(), 10_000)
      const { measurements } = await broken.list({ limit: 9, offset: 0 })
      assert.deepEqual(
        measurements.map(({ status, error }) => [status, error?.code]),
        [
          ['failed', 'WORKER_FAILED'],
          ['failed', 'WORKER_FAILED'],
        ],
      )
    })

    it('is refused where it cannot be kept', async () => {
      const file = join(tempFolder(), 'a file')
      writeFileSync(file, '')
      const broken = openDesk({
        folder: file,
        defaults: {},
        environment: async () => ({}),
        command,
      })
      await assert.rejects(broken.start({ target: 'rate-limits', preset: 'quick' }), {
        code: 'DATA_FOLDER_UNUSABLE',
      })
      assert.equal(broken.underWay(), false)
    })
  })

  describe('its events', () => {
    it('go on behind the last one that was seen', async () => {
      const { id, events } = await begin(seeds.well)
      await ended(id)
      const all = parseEvents(await (await get(events)).text())
      const later = parseEvents(await (await get(events, { 'last-event-id': '4' })).text())
      assert.deepEqual(later, all.slice(4))
      for (const odd of ['0', '-1', 'x', '99999999999999', '1e3', '4;5', '999999']) {
        const again = parseEvents(await (await get(events, { 'last-event-id': odd })).text())
        assert.deepEqual(again, all, odd)
      }
    })

    it('answer 204 to a browser that has seen the end, which then asks no more', async () => {
      const { id, events } = await begin(seeds.well)
      await ended(id)
      assert.equal((await get(events, { 'last-event-id': 'end' })).status, 204)
    })

    it('are few again for those who come late, however many there were', async () => {
      const { id, events } = await begin(seeds.floods)
      await ended(id)
      const seen = parseEvents(await (await get(events)).text())
      assert(seen.length < 4_100, `${seen.length}`)
      assert.deepEqual(seen[0]?.data.type, 'plan')
      assert.equal(seen.at(-1)?.event, 'end')
      const numbers = seen.slice(0, -1).map((event) => Number(event.id))
      assert.deepEqual(
        numbers,
        [...numbers].sort((a, b) => a - b),
      )
    })

    it('of one that ended long ago are only how it ended', async () => {
      const { id, events } = await begin(seeds.well)
      await ended(id)
      for (let i = 0; i < 4; i++) await ended((await begin(seeds.well)).id)
      assert.equal(
        await (await get(events)).text(),
        `id: end\nevent: end\ndata: ${JSON.stringify(await find(id))}\n\n`,
      )
    })

    it('come with headers that keep caches and other sites out', async () => {
      const { events } = await begin(seeds.well)
      const { headers } = await get(events)
      assert.equal(headers.get('content-type'), 'text/event-stream; charset=utf-8')
      assert.equal(headers.get('cache-control'), 'no-store')
      assert.equal(headers.get('access-control-allow-origin'), null)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
    })

    it('are followed by fifty readers and no more; one that leaves makes room', async () => {
      const { events } = await begin(seeds.stopsAfterOneBlock)
      const leave = new AbortController()
      const reading = await Promise.all(
        Array.from({ length: 50 }, () => fetch(`${control}${events}`, { signal: leave.signal })),
      )
      assert(reading.every(({ status }) => status === 200))
      assert.equal((await problemIn(await get(events))).code, 'BUSY')
      leave.abort()
      await Promise.allSettled(reading.map((answer) => answer.text()))
      await until(async () => {
        const answer = await get(events)
        await answer.body?.cancel()
        return answer.status === 200
      }, 5_000)
    })

    it('do not wait for a reader that does not read', async () => {
      const { port } = new URL(control)
      const first = await begin(seeds.stopsAfterOneBlock)
      const { id, events } = await begin(seeds.floods)
      const socket = connect(Number(port), '127.0.0.1')
      await once(socket, 'connect')
      socket.pause()
      socket.write(`GET ${events} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
      await sleep(100)
      await cancel(first.id)
      assert.equal((await ended(id)).status, 'done')
      socket.destroy()
    })
  })

  describe('reports', () => {
    it('are those that the command has written, and can do nothing on the page’s own ground', async () => {
      const { id } = await begin(seeds.well)
      await ended(id)
      const html = await get(`/api/bench/${id}/report.html`)
      assert.equal(html.headers.get('content-type'), 'text/html; charset=utf-8')
      const policy = html.headers.get('content-security-policy') ?? ''
      for (const part of ["default-src 'none'", "form-action 'none'", "base-uri 'none'", 'sandbox'])
        assert(policy.split('; ').includes(part), part)
      assert.doesNotMatch(policy, /script|allow/)
      // The script that the fixture puts in is sent as it is, and the policy keeps it from running.
      assert.match(await html.text(), /<script>/)
      const md = await get(`/api/bench/${id}/report.md`)
      assert.equal(md.headers.get('content-type'), 'text/markdown; charset=utf-8')
      assert.equal(await md.text(), '# 1')
    })

    it('that are missing, or older than the measurement, are made once for all who ask', async () => {
      const { id } = await begin(seeds.well)
      await ended(id)
      rmSync(join(folder, `${id}.html`))
      const texts = await Promise.all(
        [1, 2, 3].map(async () => (await get(`/api/bench/${id}/report.html`)).text()),
      )
      assert.deepEqual(new Set(texts), new Set(['<!doctype html><title>made again</title>']))
      await sleep(5)
      writeFileSync(join(folder, `${id}.json`), readFileSync(join(folder, `${id}.json`)))
      assert.equal(await (await get(`/api/bench/${id}/report.md`)).text(), '# made again')
    })

    it('are not made while something is measured', async () => {
      const { id } = await begin(seeds.well)
      await ended(id)
      rmSync(join(folder, `${id}.html`))
      await begin(seeds.stopsAfterOneBlock)
      const problem = await problemIn(await get(`/api/bench/${id}/report.html`))
      assert.equal(problem.code, 'BUSY')
      assert.equal((await get(`/api/bench/${id}/report.md`)).status, 200)
    })

    it('of nothing are refused', async () => {
      const { id } = await begin(seeds.fails)
      await ended(id)
      for (const format of ['html', 'md']) {
        const problem = await problemIn(await get(`/api/bench/${id}/report.${format}`))
        assert.equal(problem.code, 'MEASUREMENT_NOT_FOUND')
      }
      assert.equal((await get(`/api/bench/${id}/report.pdf`)).status, 404)
    })
  })

  describe('the list', () => {
    it('is newest first, in pages', async () => {
      const ids: string[] = []
      for (let i = 0; i < 3; i++) {
        const { id } = await begin(seeds.well)
        ids.unshift(id)
        await ended(id)
      }
      const { measurements, total } = await list('?limit=2')
      assert.deepEqual(
        measurements.map(({ id }) => id),
        ids.slice(0, 2),
      )
      assert(total >= 3)
      assert.equal((await list('?limit=1&offset=2')).measurements[0]?.id, ids[2])
      assert.deepEqual((await list(`?offset=${total}`)).measurements, [])
    })

    for (const query of [
      'limit=0',
      'limit=201',
      'limit=x',
      'limit=1&limit=2',
      'offset=-1',
      'a=1',
      '__proto__=1',
    ])
      it(`refuses ?${query}`, async () => {
        assert.equal((await problemIn(await get(`/api/bench?${query}`))).code, 'WRONG_USE')
      })
  })

  describe('what lies in the folder', () => {
    /** A desk over a folder as it may be found. */
    const found = async (prepare: (folder: string) => void) => {
      const own = join(tempFolder(), 'measurements')
      mkdirSync(own)
      prepare(own)
      const other = openDesk({ folder: own, defaults: {}, environment: async () => ({}), command })
      return { other, ...(await other.list({ limit: 50, offset: 0 })) }
    }
    const id = (n: number) => `20260102-030405-${String(n).padStart(3, '0')}-0123abcd`

    it('is all there after a restart, and can still be reported', async () => {
      const { id } = await begin(seeds.well)
      await ended(id)
      const before = await list('?limit=200')
      await closeControl()
      await openControl()
      assert.deepEqual(await list('?limit=200'), before)
      assert.equal((await get(`/api/bench/${id}`)).status, 200)
      assert.equal((await get(`/api/bench/${id}/report.html`)).status, 200)
    })

    it('is an interrupted measurement where Seesaw was killed, or a whole one', async () => {
      const { id: model } = await begin(seeds.well)
      await ended(model)
      const ticket = JSON.parse(readFileSync(join(folder, `${model}.ticket.json`), 'utf8'))
      const whole = JSON.parse(readFileSync(join(folder, `${model}.json`), 'utf8'))
      const partial = { ...whole, finishedAt: null, blocks: [{}], verdicts: [] }
      const left = { ...ticket, finishedAt: null, verdicts: [], blocks: { done: 0, of: 0 } }
      const { measurements } = await found((own) => {
        const write = (n: number, status: string, result?: object) => {
          const one = { ...left, id: id(n), status }
          writeFileSync(join(own, `${id(n)}.ticket.json`), JSON.stringify(one))
          if (result) writeFileSync(join(own, `${id(n)}.json`), JSON.stringify(result))
        }
        write(1, 'running', partial)
        write(2, 'running', whole)
        write(3, 'running')
        write(4, 'queued')
      })
      assert.deepEqual(
        measurements.map(({ id, status, blocks }) => [id, status, blocks.done]),
        [
          [id(4), 'interrupted', 0],
          [id(3), 'interrupted', 0],
          [id(2), 'done', 3],
          [id(1), 'interrupted', 1],
        ],
      )
    })

    it('and is not ours, or is damaged, is named and does no harm', async () => {
      const good = await begin(seeds.well)
      await ended(good.id)
      const ticket = readFileSync(join(folder, `${good.id}.ticket.json`), 'utf8')
      const { other, measurements, skipped } = await found((own) => {
        const file = (name: string, text: string) => writeFileSync(join(own, name), text)
        file(`${good.id}.ticket.json`, ticket)
        file('somebody.json', '{}')
        file('no-id.ticket.json', ticket)
        file(`${id(1)}.json`, '{"format":1}')
        file(`${id(2)}.ticket.json`, ticket.slice(0, 100))
        file(`${id(3)}.ticket.json`, ticket)
        file(`${id(4)}.ticket.json`, '[]')
        file(`${id(5)}.ticket.json`, ' '.repeat(300_000))
        mkdirSync(join(own, `${id(6)}.ticket.json`))
        symlinkSync('/etc/passwd', join(own, `${id(7)}.ticket.json`))
        execFileSync('sh', ['-c', 'mkfifo "$0"', join(own, `${id(8)}.ticket.json`)])
        file(`${id(9)}.ticket.json`, '{"__proto__":{"id":1}}')
        file(`${id(1)}.ticket.json.new`, '{')
        file('x'.repeat(250), '')
      })
      assert.deepEqual(
        measurements.map((one) => one.id),
        [good.id],
      )
      const names = skipped.map(({ file }) => file)
      for (let n = 2; n <= 9; n++) assert(names.includes(`${id(n)}.ticket.json`), `${n}`)
      for (const name of ['somebody.json', 'no-id.ticket.json', `${id(1)}.json`])
        assert(names.includes(name), name)
      for (let n = 2; n <= 9; n++)
        await assert.rejects(other.result(id(n)), (error: { code?: string }) =>
          ['DATA_CORRUPT', 'MEASUREMENT_NOT_FOUND'].includes(error.code ?? ''),
        )
    })

    it('and was damaged later is not sent', async () => {
      const { id } = await begin(seeds.well)
      await ended(id)
      const file = join(folder, `${id}.json`)
      const whole = readFileSync(file, 'utf8')
      for (const damage of [
        () => writeFileSync(file, whole.slice(0, -20)),
        () => writeFileSync(file, '{"format":2}'),
        () => {
          rmSync(file)
          symlinkSync('/etc/passwd', file)
        },
      ]) {
        damage()
        const problem = await problemIn(await get(`/api/bench/${id}`))
        assert.equal(problem.code, 'DATA_CORRUPT')
      }
      rmSync(file)
      assert.equal((await get(`/api/bench/${id}`)).status, 404)
      assert.equal((await find(id)).status, 'done')
    })

    it('is not reached by an id that is a path', async () => {
      writeFileSync(join(folder, '..', 'outside.json'), '{"format":1}')
      for (const odd of [
        '..%2foutside',
        '..%2Foutside.json',
        '%2e%2e%2foutside',
        '..',
        '%00',
        `${id(1)}%00`,
        `${id(1)}%2f..%2f..%2foutside`,
        `${id(1)}.json`,
        `${id(1)}%0a`,
        '__proto__',
        'constructor',
        'x'.repeat(5_000),
        '%',
        '%ff',
        '..\\outside',
        id(1),
      ])
        for (const [method, rest] of [
          ['GET', ''],
          ['GET', '/events'],
          ['GET', '/report.html'],
          ['GET', '/report.md'],
          ['POST', '/cancel'],
        ] as const) {
          // By hand, because fetch would tidy the path.
          const { port } = new URL(control)
          const received = await sendRaw(
            control,
            `${method} /api/bench/${odd}${rest} HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
          )
          assert.match(received, /^HTTP\/1\.1 40[45] /, `${method} ${odd}${rest}`)
          assert.match(
            received,
            /"code":"(MEASUREMENT_NOT_FOUND|ROUTE_NOT_FOUND|METHOD_NOT_ALLOWED)"/,
          )
          assert(received.length < 2_000)
        }
    })
  })

  describe('an order that is wrong', () => {
    for (const [body, code, message] of [
      [{ target: 'rate-limit' }, 'SCENARIO_NOT_FOUND', /Did you mean 'rate-limits'/],
      [{ target: 'micro' }, 'SCENARIO_NOT_FOUND', /micro/],
      [{ target: 'rate-limits/grca' }, 'VARIANT_NOT_FOUND', /Did you mean 'gcra'/],
      [{ target: 'rate-limits', variants: ['gcra', 'grca'] }, 'VARIANT_NOT_FOUND', /grca/],
      [{ target: 'rate-limits/gcra', variants: ['--help'] }, 'VARIANT_NOT_FOUND', /--help/],
      [{ target: 'rate-limits', variants: ['gcra,fixed-window'] }, 'VARIANT_NOT_FOUND', /gcra,/],
      [{ target: 'rate-limits', backends: ['reddis'] }, 'BACKEND_NOT_FOUND', /redis/],
      [{ target: 'rate-limits/gcra@reddis' }, 'BACKEND_NOT_FOUND', /redis/],
      [{ target: 'rate-limits/gcra@cache=redis' }, 'KIND_NOT_NEEDED', /limiter/],
      [{ target: 'rate-limits', workload: 'crowds' }, 'EXERCISE_NOT_FOUND', /crowd/],
      [{ target: 'rate-limits', workload: '--help' }, 'EXERCISE_NOT_FOUND', /--help/],
      [{ target: 'rate-limits', knobs: { limits: 5 } }, 'KNOB_NOT_FOUND', /limit/],
      [{ target: 'rate-limits', knobs: { limit: '5,windowMs=1' } }, 'KNOB_OUT_OF_RANGE', /limit/],
      [{ target: 'rate-limits', knobs: { limit: -5 } }, 'KNOB_OUT_OF_RANGE', /limit/],
      [{ target: ['rate-limits', 'session-vs-token'] }, 'WRONG_USE', /different questions/],
      [{ target: 'rate-limits/gcra' }, 'WRONG_USE', /nobody to be compared with/],
      [{ target: 'rate-limits', load: 'closed', rate: 300 }, 'WRONG_USE', /rate of 300/],
      [{ target: 'rate-limits', preset: 'duel', rate: 300 }, 'WRONG_USE', /rate of 300/],
      [
        { target: 'rate-limits', variants: ['gcra'] },
        'WRONG_USE',
        /rate-limits\/gcra@memory twice/,
      ],
      [{ target: '--json=/tmp/x' }, 'SETUP_MALFORMED', /./],
      [{ target: '--help' }, 'SCENARIO_NOT_FOUND', /--help/],
      [{ target: '../../etc' }, 'SETUP_MALFORMED', /is no setup/],
      [{ target: 'rate-limits\0' }, 'SCENARIO_NOT_FOUND', /./],
      [{ target: '' }, 'BODY_INVALID', /target/],
      [{ target: [] }, 'BODY_INVALID', /target/],
      [{ target: Array(17).fill('rate-limits') }, 'BODY_INVALID', /target/],
      [{}, 'BODY_INVALID', /target/],
      [{ target: 'rate-limits', targets: ['x'] }, 'BODY_INVALID', /targets/],
      [{ target: 'rate-limits', json: '/etc/passwd' }, 'BODY_INVALID', /json/],
      [{ target: 'rate-limits', preset: 'quickly' }, 'BODY_INVALID', /preset/],
      [{ target: 'rate-limits', load: 'ajar' }, 'BODY_INVALID', /load/],
      [{ target: 'rate-limits', rate: 0.5 }, 'BODY_INVALID', /rate/],
      [{ target: 'rate-limits', rate: 1e9 }, 'BODY_INVALID', /rate/],
      [{ target: 'rate-limits', rate: '100' }, 'BODY_INVALID', /rate/],
      [{ target: 'rate-limits', workers: 65 }, 'BODY_INVALID', /workers/],
      [{ target: 'rate-limits', workers: 1.5 }, 'BODY_INVALID', /workers/],
      [{ target: 'rate-limits', seed: -1 }, 'BODY_INVALID', /seed/],
      [{ target: 'rate-limits', seed: 2 ** 31 }, 'BODY_INVALID', /seed/],
      [{ target: 'rate-limits', blocks: 0 }, 'BODY_INVALID', /blocks/],
      [{ target: 'rate-limits', variants: [] }, 'BODY_INVALID', /variants/],
    ] as const)
      it(`is refused by ${code}: ${JSON.stringify(body).slice(0, 70)}`, async () => {
        const problem = await problemIn(await post('/api/bench', body))
        assert.equal(problem.code, code, problem.detail)
        assert.match(problem.detail, message)
        const { running, queued } = await list()
        assert.deepEqual([running, queued], [null, []])
      })

    it('is refused by the same words as on the command line', async () => {
      const problem = await problemIn(await post('/api/bench', { target: 'rate-limits/grca' }))
      const proof = await problemIn(await post('/api/prove', { targets: ['rate-limits/grca'] }))
      assert.deepEqual(problem, proof)
    })

    it('is refused from another host, another site, or as a form', async () => {
      const { port } = new URL(control)
      const send = (headers: string, path = '/api/bench', method = 'POST') =>
        sendRaw(
          control,
          `${method} ${path} HTTP/1.1\r\n${headers}Content-Length: 2\r\nConnection: close\r\n\r\n{}`,
        )
      const own = `Host: localhost:${port}\r\n`
      const json = 'Content-Type: application/json\r\n'
      for (const path of ['/api/bench', `/api/bench/${'x'}/cancel`]) {
        assert.match(await send(`Host: example.org\r\n${json}`, path), /HOST_REFUSED/)
        assert.match(
          await send(`${own}${json}Origin: https://example.org\r\n`, path),
          /ORIGIN_REFUSED/,
        )
        assert.match(await send(`${own}${json}Origin: null\r\n`, path), /ORIGIN_REFUSED/)
        assert.match(
          await send(`${own}${json}Sec-Fetch-Site: same-site\r\n`, path),
          /ORIGIN_REFUSED/,
        )
        assert.match(await send(`${own}Content-Type: text/plain\r\n`, path), /MEDIA_TYPE_REFUSED/)
      }
      for (const path of ['', '/x', '/x/events', '/x/report.html'])
        assert.match(
          await send('Host: example.org\r\n', `/api/bench${path}`, 'GET'),
          /HOST_REFUSED/,
        )
    })

    it('is refused by a method that its path does not take', async () => {
      for (const [method, path] of [
        ['PUT', ''],
        ['DELETE', ''],
        ['DELETE', '/x'],
        ['POST', '/x'],
        ['POST', '/x/events'],
        ['GET', '/x/cancel'],
        ['POST', '/x/report.html'],
      ] as const) {
        const answer = await fetch(`${control}/api/bench${path}`, { method })
        assert.equal((await problemIn(answer)).code, 'METHOD_NOT_ALLOWED', `${method} ${path}`)
      }
    })
  })
})

describe('the log of a measurement', () => {
  const forever = new AbortController().signal
  const textOf = async (events: AsyncIterable<string>) => {
    let text = ''
    for await (const piece of events) text += piece
    return text
  }

  it('sends what has been, what comes, and the end, once each and in order', async () => {
    const log = createLog()
    log.add({ type: 'plan' })
    const reading = textOf(log.follow(0, forever))
    await sleep(5)
    log.add({ type: 'block', done: 1 })
    log.end({ status: 'done' })
    log.add({ type: 'late' })
    log.end({ status: 'again' })
    assert.equal(
      await reading,
      'retry: 2000\n\nid: 1\ndata: {"type":"plan"}\n\nid: 2\ndata: {"type":"block","done":1}\n\n' +
        endEvent({ status: 'done' }),
    )
  })

  it('sends a comment while nothing happens, so that a dead connection is found', async () => {
    const log = createLog({ heartbeatMs: 10 })
    const events = log.follow(0, forever)
    await events.next()
    assert.equal((await events.next()).value, ': still here\n\n')
    await events.return(undefined)
  })

  it('ends for a reader that goes away, while nothing happens', async () => {
    const log = createLog()
    const leave = new AbortController()
    const reading = textOf(log.follow(0, leave.signal))
    await sleep(5)
    leave.abort()
    assert.equal(await reading, 'retry: 2000\n\n')
  })

  it('gives a reader that comes back late what is left, in order', async () => {
    const log = createLog({ mostKept: 100 })
    log.add({ type: 'plan' })
    const events = log.follow(0, forever)
    await events.next()
    assert.match((await events.next()).value ?? '', /"plan"/)
    for (let i = 0; i < 10_000; i++) log.add({ type: i % 100 ? 'slice' : 'block', i })
    log.end({})
    let text = ''
    for await (const piece of events) text += piece
    const numbers = parseEvents(text).map(({ id }) => id)
    assert(numbers.length <= 101, `${numbers.length}`)
    assert.deepEqual(numbers.slice(-2), ['10001', 'end'])
  })

  it('forgets slices before it forgets anything else', async () => {
    const log = createLog({ mostKept: 100 })
    for (let i = 0; i < 1_000; i++) log.add({ type: i % 20 ? 'slice' : 'block', i })
    log.end({})
    const kept = parseEvents(await textOf(log.follow(0, forever)))
    assert.equal(kept.filter(({ data }) => data.type === 'block').length, 50)
  })
})

describe('a command that runs for a while', function () {
  this.timeout(30_000)

  it('is told when the one who started it is killed', async () => {
    const temp = tempFolder()
    const words = ['bench', '--seed=8', `--json=${join(temp, 'x.json')}`]
    const text = `
      const { startCommand } = await import(${JSON.stringify(join(home, 'core', 'processes', 'child-command.ts'))})
      startCommand(${JSON.stringify(words)}, {
        env: {}, command: ${JSON.stringify(command)}, onLine: (line) => console.log(line),
      })`
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', text], {
      cwd: home,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    parent.stdout.setEncoding('utf8').on('data', (piece: string) => {
      out += piece
    })
    await until(() => out.includes('"block"'), 20_000)
    const family = familyOf(parent.pid as number)
    assert(family.length >= 2)
    parent.kill('SIGKILL')
    await until(() => !family.some(isAlive), 5_000)
    assert.equal(JSON.parse(readFileSync(join(temp, 'x.json'), 'utf8')).finishedAt, null)
  })
})

describe('the command itself, asked for over HTTP', function () {
  this.timeout(240_000)

  it('measures and reports; killed with the one who asked, it leaves what it had and no more', async () => {
    const temp = tempFolder()
    const started = await startSeesaw({ env: { TMPDIR: temp } })
    const get = (path: string) => fetch(`${started.url}/api/bench${path}`)
    const begin = async () => {
      const setup = 'session-vs-token/signed-token'
      const answer = await fetch(`${started.url}/api/bench`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ target: [setup, setup], load: 'closed', blocks: 1, seed: 7 }),
      })
      assert.equal(answer.status, 202, await answer.clone().text())
      return (await answer.json()) as Answered
    }
    const { id } = await begin()
    const events = parseEvents(await (await get(`/${id}/events`)).text())
    const types = new Set(events.map(({ data }) => data.type))
    for (const type of ['plan', 'phase', 'slice', 'block', 'result']) assert(types.has(type), type)
    const end = events.at(-1)?.data
    assert.equal(end?.status, 'done', JSON.stringify(end))
    assert.deepEqual([end.blocks, (end.verdicts as string[]).length], [{ done: 1, of: 1 }, 1])

    const measurement = measurementSchema.parse(await (await get(`/${id}`)).json())
    assert.deepEqual([measurement.seed, measurement.blocks.length], [7, 1])
    assert.match(await (await get(`/${id}/report.html`)).text(), /^<!doctype html>/)
    assert.match(await (await get(`/${id}/report.md`)).text(), /^# /)

    const second = await begin()
    for await (const piece of (await get(`/${second.id}/events`)).body ?? [])
      if (Buffer.from(piece).includes('"phase"')) break
    const family = familyOf(started.child.pid as number)
    started.child.kill('SIGKILL')
    await until(() => !family.some(isAlive), 20_000)
    await until(() => !readdirSync(temp).some((name) => name.startsWith('seesaw-')), 5_000)

    const again = await startSeesaw({ data: started.data, env: { TMPDIR: temp } })
    const list = (await (await fetch(`${again.url}/api/bench`)).json()) as List
    assert.deepEqual(
      list.measurements.map(({ id, status }) => [id, status]),
      [
        [second.id, 'interrupted'],
        [id, 'done'],
      ],
    )
    await again.stop()
  })
})

interface Seen {
  id: string | undefined
  event: string | undefined
  data: Record<string, unknown>
}

/** As a browser reads them: lines end at any of three ends, events at an empty line. */
const parseEvents = (text: string): Seen[] =>
  text.split(/\r\n\r\n|\n\n|\r\r/).flatMap((block) => {
    const fields = block.split(/\r\n|\n|\r/).flatMap((line) => {
      const [, name = '', value = ''] = /^(\w+): ?(.*)$/s.exec(line) ?? []
      return name ? [[name, value] as const] : []
    })
    const { id, event, data } = Object.fromEntries(fields)
    return data === undefined ? [] : [{ id, event, data: JSON.parse(data) }]
  })
