// The load client against real servers: what it counts, what it finds, and what it survives.
import assert from 'node:assert/strict'
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { home } from '#core/course/find'
import type { SliceResult } from '../../bench/client/calls.ts'
import { type LoadClient, startClient } from '../../bench/client/start.ts'
import { type Reference, startReference } from '../../bench/run/reference.ts'
import { SeesawError } from '../../core/errors.ts'
import { isAlive, until } from '../seesaw.ts'

const folder = join(home, 'test', 'fixtures', 'load')

interface Seen {
  requests: number
  special: number
  connections: number
  open: number
  log: string[]
}
interface LoadServer {
  url: string
  child: ChildProcess
  seen(): Promise<Seen>
}

const servers: ChildProcess[] = []
const startServer = async (does: { every?: number; does?: string } = {}): Promise<LoadServer> => {
  const child = fork(join(folder, 'server.mjs'), [JSON.stringify(does)], { execArgv: [] })
  servers.push(child)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    url: `http://127.0.0.1:${port}`,
    child,
    async seen() {
      child.send('read')
      const [seen] = (await once(child, 'message')) as [Seen]
      return seen
    },
  }
}

describe('the load client', () => {
  let client: LoadClient
  before(async () => {
    client = await startClient()
  })
  after(() => client.stop())
  afterEach(() => {
    for (const server of servers.splice(0)) server.kill()
  })

  let lastId = 0
  /** Opens a target of its own for a test. */
  const open = async (
    url: string,
    { workload = '', connections = 10, timeoutMs = 2_000, setup = 'echo/plain' } = {},
  ): Promise<number> => {
    const id = ++lastId
    const of = { id, url, workload, connections, timeoutMs, scenariosFolder: folder }
    await client.ask('open', { ...of, setup: workload === '' ? '' : setup })
    return id
  }
  const closed = (id: number, ms: number) => client.ask('closedSlice', { id, ms })
  const scheduled = (id: number, ms: number, ratePerSecond: number, seed = 1) =>
    client.ask('openSlice', { id, ms, ratePerSecond, arrivals: 'poisson', seed })
  /** Both load models, of about as many requests. */
  const models = {
    closed: (id: number) => closed(id, 400),
    open: (id: number) => scheduled(id, 500, 800),
  }
  const histogram = (text: string) => decodeFromCompressedBase64(text)
  const sum = (counts: Record<string, number>) =>
    Object.values(counts).reduce((all, count) => all + count, 0)

  const isComplete = (result: SliceResult) => {
    assert.equal(result.sent, result.answered + result.failed + result.timedOut)
    assert.equal(result.offered, result.sent)
    assert.equal(sum(result.judged), result.answered)
    assert.equal(sum(result.statuses), result.answered)
    assert.equal(histogram(result.latency).totalCount, result.sent)
    assert.equal(histogram(result.service).totalCount, result.sent)
  }

  for (const [name, run] of Object.entries(models))
    describe(`under a load of the ${name} model`, () => {
      it('counts what the server counts, slice by slice', async () => {
        const server = await startServer()
        const id = await open(server.url)
        let sent = 0
        for (let i = 0; i < 3; i++) {
          const result = await run(id)
          isComplete(result)
          assert.equal(result.answered, result.sent, result.firstTrouble)
          assert.deepEqual(result.judged, { right: result.sent })
          assert.equal(result.firstTrouble, '')
          assert(result.seconds >= 0.2 && result.cpuMs > 0 && result.busy > 0)
          sent += result.sent
          assert.equal((await server.seen()).requests, sent)
        }
      })

      it('counts the bytes of whole messages', async () => {
        const server = await startServer()
        const id = await open(server.url)
        const result = await run(id)
        const { log } = await server.seen()
        const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
        assert.equal(result.receivedBytes, result.sent * answer.length)
        const host = `Host: ${new URL(server.url).host}\r\n`
        assert.equal(result.sentBytes, result.sent * (log[0]!.length + host.length))
      })

      it('sends nothing between slices, and keeps its connections', async () => {
        const server = await startServer()
        const id = await open(server.url)
        await run(id)
        await run(id)
        const before = await server.seen()
        await sleep(300)
        const after = await server.seen()
        assert.equal(after.requests, before.requests)
        assert.equal(after.connections, before.connections)
        assert.equal(after.open, before.open)
      })

      for (const does of ['drop', 'reset', 'half'])
        it(`counts a request as failed when its connection ends: ${does}`, async () => {
          const server = await startServer({ every: 50, does })
          const id = await open(server.url)
          const result = await run(id)
          const seen = await server.seen()
          isComplete(result)
          assert.equal(result.sent, seen.requests)
          assert.equal(result.failed, seen.special)
          assert(result.failed > 0)
          assert.match(result.firstTrouble, /^GET \/: the connection (broke|ended)/)
          // Whatever the broken connection left behind is not taken for an answer.
          const again = await run(id)
          isComplete(again)
          assert.equal(again.judged.right, again.answered)
        })

      it('counts what is not HTTP as failed, and goes on', async () => {
        const server = await startServer({ every: 50, does: 'garbage' })
        const id = await open(server.url)
        const result = await run(id)
        const seen = await server.seen()
        isComplete(result)
        assert.equal(result.sent, seen.requests)
        assert.equal(result.failed, seen.special)
        assert(result.failed > 0 && result.answered > 0)
      })

      it('gives up after the time limit and keeps the wait in the distribution', async () => {
        const server = await startServer({ every: 40, does: 'hang' })
        const id = await open(server.url, { timeoutMs: 1_000 })
        const result = await run(id)
        const seen = await server.seen()
        isComplete(result)
        assert.equal(result.sent, seen.requests)
        assert.equal(result.timedOut, seen.special)
        assert(result.timedOut > 0)
        assert.match(result.firstTrouble, /^GET \/: no answer within \d+ ms$/)
        const latency = histogram(result.latency)
        assert(latency.maxValue >= 999_000, `${latency.maxValue} µs`)
        const share = 100 - (100 * result.timedOut) / result.sent
        assert(latency.getValueAtPercentile(share + 0.01) >= 999_000)
      })

      it('waits for nobody for longer than the time limit', async () => {
        const server = await startServer({ every: 1, does: 'hang' })
        const id = await open(server.url, { timeoutMs: 200 })
        const result = await run(id)
        isComplete(result)
        assert.equal(result.timedOut, result.sent)
        assert(result.seconds < 5, `${result.seconds} s`)
      })

      for (const does of ['closing', 'without-length', 'chunked'])
        it(`takes any whole answer for one: ${does}`, async () => {
          const server = await startServer({ every: 20, does })
          const id = await open(server.url, { workload: 'judged' })
          const result = await run(id)
          const seen = await server.seen()
          isComplete(result)
          assert(seen.special > 0)
          assert.deepEqual(result.judged, { right: seen.requests }, result.firstTrouble)
        })

      it('does not fall over answers that nobody asked for', async () => {
        const server = await startServer({ every: 50, does: 'twice' })
        const id = await open(server.url)
        isComplete(await run(id))
        isComplete(await run(id))
      })

      it('counts every attempt as failed when the server is gone', async () => {
        const server = await startServer()
        const id = await open(server.url)
        await run(id)
        server.child.kill('SIGKILL')
        await once(server.child, 'exit')
        const result = await run(id)
        isComplete(result)
        assert(result.failed > 0)
        assert.equal(result.answered, 0)
        assert.match(result.firstTrouble, /ECONNREFUSED|ended|broke/)
      })

      it('finds one wrong answer', async () => {
        const server = await startServer({ every: 50, does: 'wrong' })
        const id = await open(server.url, { workload: 'judged' })
        const result = await run(id)
        const { special } = await server.seen()
        assert(special > 0)
        assert.equal(result.judged.wrong, special)
        assert.equal(result.firstTrouble, 'GET /run/echo/plain/: answered 200 OK ko')
      })

      it('takes any 2xx for right without a judge, and nothing else', async () => {
        const server = await startServer({ every: 50, does: 'failing' })
        const id = await open(server.url)
        const result = await run(id)
        assert.equal(result.judged.wrong, (await server.seen()).special)
        assert.equal(result.statuses['500'], result.judged.wrong)
        assert.equal(result.firstTrouble, 'GET /: answered 500 Internal Server Error oops')
      })

      it('hands a judge whole letters', async () => {
        const server = await startServer({ every: 1, does: 'letters' })
        const id = await open(server.url, { workload: 'letters', connections: 2 })
        const result = await (name === 'open' ? scheduled(id, 400, 50) : closed(id, 300))
        assert(result.sent > 0)
        assert.deepEqual(result.judged, { right: result.sent }, result.firstTrouble.slice(0, 80))
      })

      it('calls every answer wrong when the judge throws', async () => {
        const server = await startServer()
        const id = await open(server.url, { workload: 'broken' })
        const result = await run(id)
        assert.deepEqual(result.judged, { wrong: result.sent })
        assert.match(result.firstTrouble, /the judge failed: Error: no idea/)
      })

      it('sends two contenders the same bytes in the same order', async () => {
        const server = await startServer()
        const sent: string[][] = []
        for (const setup of ['echo/plain', 'echo/other']) {
          const id = await open(server.url, { workload: 'mixed', connections: 1, setup })
          await (name === 'open' ? scheduled(id, 600, 30, 7) : closed(id, 500))
          const { log } = await server.seen()
          // Over several connections they may overtake each other.
          if (name === 'open') log.sort()
          sent.push(log.map((text) => text.replaceAll(setup, 'echo/either')))
          await client.ask('close', id)
        }
        const [a = [], b = []] = sent
        const both = Math.min(a.length, b.length)
        assert(both > 10, `${a.length} and ${b.length}`)
        assert.deepEqual(a.slice(0, both), b.slice(0, both))
        if (name === 'open') assert.equal(a.length, b.length)
        const third = a.find((text) => text.includes('/either/3?')) ?? ''
        assert.match(third, /^POST \/run\/echo\/either\/3\?q=%C3%BC HTTP\/1.1\r\n/)
        assert.match(third, /authorization: Bearer ada\r\n/i)
        assert.match(third, /content-type: application\/json\r\n/i)
        assert.match(third, /\r\n\r\n\{"i":3,"text":"..?"\}$/)
        if (name === 'closed')
          assert.deepEqual(
            a.slice(0, 8).map((text) => text.split(/[/? ]/)[5]),
            ['1', '2', '3', '4', '5', '6', '7', '1'],
          )
      })
    })

  it('finds one wrong answer in 10,000', async () => {
    const server = await startServer({ every: 10_000, does: 'wrong' })
    const id = await open(server.url, { workload: 'judged' })
    let [sent, wrong] = [0, 0]
    while (sent < 10_000) {
      const result = await closed(id, 200)
      sent += result.sent
      wrong += result.judged.wrong ?? 0
    }
    assert.equal(wrong, Math.floor(sent / 10_000))
  })

  it('draws the requests of all connections from one sequence', async () => {
    const server = await startServer()
    const id = await open(server.url, { workload: 'mixed', connections: 7 })
    const { sent } = await closed(id, 200)
    const counts = new Map<string, number>()
    for (const text of (await server.seen()).log.slice(0, sent)) {
      const [line = ''] = text.split('\r\n')
      counts.set(line, (counts.get(line) ?? 0) + 1)
    }
    assert.equal(counts.size, 7)
    // Of seven kinds in turn, no two can be further apart than by one.
    assert(Math.max(...counts.values()) - Math.min(...counts.values()) <= 1)
  })

  it('keeps one judge for all slices of a target, and a new one for the next', async () => {
    const server = await startServer()
    const id = await open(server.url, { workload: 'judged' })
    await closed(id, 50)
    await client.ask('open', {
      id,
      setup: 'echo/plain',
      url: server.url,
      workload: 'judged',
      connections: 1,
      timeoutMs: 1_000,
      scenariosFolder: folder,
    })
    assert.equal((await scheduled(id, 100, 100)).judged.wrong, undefined)
  })

  it('shows that it is overloaded', async () => {
    const server = await startServer()
    const id = await open(server.url, { workload: 'slow' })
    const result = await scheduled(id, 500, 1_000)
    isComplete(result)
    // Half a second's requests take longer than 0.62 s: the last are answered 0.12 s after they were due,
    // whether they were sent late or their answers lay waiting.
    assert(result.answered / result.seconds < 800)
    assert(histogram(result.latency).getValueAtPercentile(99) > 100_000)
    assert(result.busy > 0.7)
  })

  it('has no more under way than it may, and counts as offered what it holds back', async () => {
    const server = await startServer({ every: 1, does: 'hang' })
    const id = await open(server.url, { timeoutMs: 1_000 })
    const slice = { id, ms: 200, ratePerSecond: 400, arrivals: 'even', seed: 1 } as const
    const result = await client.ask('openSlice', { ...slice, mostUnderWay: 5 })
    assert.deepEqual([result.offered, result.sent, result.timedOut], [80, 5, 5])
    assert.equal((await server.seen()).requests, 5)
  })

  it('measures an idle server in whole microseconds', async () => {
    const server = await startServer()
    const id = await open(server.url)
    await closed(id, 200)
    const { service } = await scheduled(id, 500, 200)
    const values = new Set<number>()
    for (const { countAddedInThisIterationStep, valueIteratedTo } of recorded(service))
      if (countAddedInThisIterationStep > 0) values.add(valueIteratedTo % 10)
    assert(values.size > 5, `last digits: ${[...values]}`)
  })

  for (const url of [
    'http://192.168.0.1:80',
    'http://example.com',
    'https://127.0.0.1:1',
    'http://127.0.0.1.example.com',
    'http://localhost@example.com',
    'nonsense',
  ])
    it(`refuses to load ${url}`, async () => {
      await assert.rejects(open(url), (error) => {
        assert(error instanceof SeesawError)
        assert.equal(error.code, 'WRONG_USE')
        assert(error.message.includes(url))
        return true
      })
    })

  it('says so when nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    server.close()
    await assert.rejects(open(`http://127.0.0.1:${port}`), { code: 'LAB_NOT_RUNNING' })
  })

  it('says so when a workload sends nothing', async () => {
    const server = await startServer()
    await assert.rejects(open(server.url, { workload: 'nothing' }), { code: 'WRONG_USE' })
  })
})

const recorded = (text: string) => {
  const histogram = decodeFromCompressedBase64(text) as unknown as {
    recordedValuesIterator: {
      reset(): void
      hasNext(): boolean
      next(): { countAddedInThisIterationStep: number; valueIteratedTo: number }
    }
  }
  const iterator = histogram.recordedValuesIterator
  iterator.reset()
  const all = []
  while (iterator.hasNext()) all.push({ ...iterator.next() })
  return all
}

describe('the bare server', () => {
  let reference: Reference
  before(async () => {
    reference = await startReference()
  })
  after(() => reference.stop())

  it('answers 200 and counts', async () => {
    const before = await reference.readMeter()
    const answer = await fetch(reference.url)
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), 'ok')
    const { requests, cpuMs, busyMs, rssBytes, gcMs } = await reference.readMeter()
    assert.equal(requests, before.requests + 1)
    assert(cpuMs > before.cpuMs && busyMs > before.busyMs && rssBytes > 1e6 && gcMs >= 0)
  })
})

describe('a load client and a bare server whose starter is killed', () => {
  it('end by themselves', async () => {
    const starter = spawn(process.execPath, ['--import', 'tsx', join(folder, 'starter.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(starter.stdout, 'data')) as [Buffer]
    const pids = JSON.parse(line.toString()) as number[]
    assert(pids.length === 2 && pids.every(isAlive))
    starter.kill('SIGKILL')
    await until(() => !pids.some(isAlive), 5_000)
  })
})
