// Seesaw as it runs: the command line and the API say the same about it, what they print can be
// used as printed, choices outlive it, and it leaves nothing behind however it ends.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual, promisify } from 'node:util'
import autocannon from 'autocannon'
import { home } from '#core/course/find'
import { createServers } from '#core/lab/servers'
import type { Answer } from '#core/scenario'
import { requestsFor } from '#core/traffic/workload'
import {
  familyOf,
  isAlive,
  isOpen,
  problemIn,
  type Started,
  seesaw,
  spawnSeesaw,
  startSeesaw,
  tempFolder,
  until,
} from '../seesaw.ts'

const shell = (line: string) =>
  promisify(execFile)(
    'sh',
    ['-c', line.replace(/^npx autocannon -c 10 -d 5/, 'npx autocannon -c 2 -d 1')],
    {
      cwd: home,
      timeout: 60_000,
    },
  )

describe('a Seesaw that runs', function () {
  this.timeout(120_000)
  let started: Started
  const get = async (path: string) => (await fetch(`${started.url}${path}`)).json() as Promise<Body>
  const post = (path: string, body: unknown) =>
    fetch(`${started.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const postJson = async (path: string, body: unknown) =>
    (await (await post(path, body)).json()) as Body
  /** A command about this Seesaw, found by its data folder. */
  const tell = (...words: string[]) => seesaw([...words, '--data', started.data])

  before(async () => {
    started = await startSeesaw({ words: ['--workers', '2'] })
  })
  after(() => started?.stop())

  it('answers visitors who come before it is ready', async () => {
    const data = tempFolder()
    const port = await freePort()
    const early = spawnSeesaw(['start', '--port', String(port), '--lab-port', '0', '--data', data])
    await until(() => isOpen(`http://127.0.0.1:${port}`), 20_000)
    const answer = await fetch(`http://localhost:${port}/api/state`, {
      signal: AbortSignal.timeout(20_000),
    })
    assert.equal(answer.status, 200)
    early.child.kill('SIGTERM')
    assert.equal((await early.ended).code, 0)
  })

  it('keeps what others need to find it, for nobody else to read', () => {
    const file = join(started.data, 'running.json')
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).url, started.url)
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  it('tells its state', async () => {
    const { version, lab, live } = await get('/api/state')
    assert.match(version, /^\d+\.\d+\.\d+$/)
    assert.equal(lab.url, started.labUrl)
    assert.deepEqual(
      lab.workers.map(({ index }: Body) => index),
      [1, 2],
    )
    for (const { door, pid } of lab.workers) assert(isAlive(pid) && (await isOpen(door)))
    assert.equal(live['session-vs-token'], 'session-vs-token/server-session@memory')
  })

  it('lists the same over HTTP and on the command line', async () => {
    const list = await seesaw(['list', '--json'])
    assert.deepEqual(await get('/api/scenarios'), JSON.parse(list.out))
    // A server may answer one of them in time and the other not.
    await until(async () => {
      const doctor = await seesaw(['doctor', '--json'])
      return isDeepStrictEqual(await get('/api/doctor'), JSON.parse(doctor.out))
    }, 15_000)
  })

  it('toggles the same over HTTP and on the command line', async () => {
    const ran = await tell('toggle', 'rate-limits', 'gcra', 'limit=7', '--json')
    assert.equal(ran.code, 0, ran.err)
    const { ms: _, ...byCommand } = JSON.parse(ran.out)
    assert.equal(byCommand.setup, 'rate-limits/gcra@memory~limit=7')
    assert.equal((await get('/api/state')).live['rate-limits'], byCommand.setup)
    await postJson('/api/toggle', { scenario: 'rate-limits', reset: true })
    const { ms, ...byHttp } = await postJson('/api/toggle', {
      scenario: 'rate-limits',
      variant: 'gcra',
      knobs: { limit: 7 },
    })
    assert.deepEqual(byHttp, byCommand)
    assert.equal(typeof ms, 'number')
    const policy = (await fetch(byHttp.url)).headers.get('ratelimit-policy')
    assert.equal(policy, '"default";q=7;w=1')
    await postJson('/api/toggle', { scenario: 'rate-limits', reset: true })
  })

  it('refuses the same over HTTP and on the command line', async () => {
    const [byCommand, byHttp] = await Promise.all([
      tell('toggle', 'rate-limits', 'grca'),
      post('/api/toggle', { scenario: 'rate-limits', variant: 'grca' }).then(problemIn),
    ])
    assert.equal(byCommand.code, 2)
    assert.equal(byCommand.err, `seesaw: ${byHttp.detail} [${byHttp.code}]\n`)
    assert.match(byHttp.detail, /Did you mean 'gcra'/)
  })

  it('resets one setup, or all that are live', async () => {
    // No fixed window: one may end between two requests.
    const setup = 'rate-limits/gcra@memory~limit=1,windowMs=60000'
    const url = `${started.labUrl}/run/${setup}/`
    const worker = async () => {
      const { lab } = await get('/api/state')
      return `${lab.workers[0].door}/run/${setup}/`
    }
    const door = await worker()
    assert.deepEqual([(await fetch(door)).status, (await fetch(door)).status], [200, 429])
    const ran = await tell('reset', setup, '--json')
    assert.deepEqual(JSON.parse(ran.out), { reset: [setup] })
    assert.equal((await fetch(door)).status, 200)
    const all = await postJson('/api/reset', {})
    assert.deepEqual(all.reset.sort(), Object.values((await get('/api/state')).live).sort())
    assert(url)
  })

  it('proves over HTTP as on the command line', async () => {
    const { ok, verdicts, skipped } = await postJson('/api/prove', {
      targets: ['session-vs-token/signed-token'],
    })
    assert.equal(ok, true, JSON.stringify(verdicts))
    assert.deepEqual(skipped, [])
    for (const { declared, verdict, because, ms } of verdicts) {
      assert.equal(verdict, declared)
      assert.deepEqual([typeof because, typeof ms], ['string', 'number'])
    }
  })

  it('tries the same over HTTP and on the command line', async () => {
    const setup = 'session-vs-token/signed-token'
    const [byCommand, byHttp] = await Promise.all([
      seesaw(['try', setup, 'alg-none', '--json']),
      postJson('/api/try', { setup, exercise: 'alg-none' }),
    ])
    const tried = JSON.parse(byCommand.out)
    assert.deepEqual(Object.keys(byHttp), Object.keys(tried))
    for (const { verdict, declared } of [byHttp, tried])
      assert.deepEqual([verdict, declared], ['holds', 'holds'])
  })

  it('proves one thing at a time, and ends a proof that nobody waits for', async () => {
    const family = familyOf(started.child.pid as number).length
    const leave = new AbortController()
    const first = fetch(`${started.url}/api/prove`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ targets: ['rate-limits'], backends: ['memory'] }),
      signal: leave.signal,
    }).catch((error: Error) => error.name)
    await until(() => familyOf(started.child.pid as number).length > family + 1, 20_000)
    const problem = await problemIn(await post('/api/prove', { targets: ['rate-limits/gcra'] }))
    assert.equal(problem.code, 'BUSY')
    leave.abort()
    assert.equal(await first, 'AbortError')
    await until(() => familyOf(started.child.pid as number).length === family, 20_000)
  })

  for (const setup of [
    'rate-limits/gcra~limit=1000',
    'rate-limits/live',
    'session-vs-token',
    'session-vs-token/server-session@sqlite',
    'session-vs-token/signed-token',
    'session-vs-token/signed-cookie-session',
  ])
    it(`prints lines for ${setup} that can be used as printed`, async () => {
      const { code, out, err } = await tell('curl', setup)
      assert.equal(code, 0, err)
      const [curl = '', cannon = ''] = out.split('\n')
      assert.match(curl, /^curl -i /)
      assert.match((await shell(curl)).stdout, /^HTTP\/1\.1 200 OK/)
      assert.match(cannon, /^npx autocannon -c 10 -d 5 /)
      const { stderr } = await shell(cannon)
      assert.match(stderr, /requests in/)
      if (!setup.startsWith('rate-limits')) assert.doesNotMatch(stderr, /non 2xx/)
    })

  it('prints a few lines and no thousands', async () => {
    const { out, err } = await tell('curl', 'rate-limits', '--workload', 'crowd')
    assert(out.split('\n').length < 10)
    assert.match(err, /and \d+ requests like these/)
  })

  // The figure that matters in front of a class: nobody's request fails while a variant is flipped.
  for (const [scenario, flips] of Object.entries({
    'session-vs-token': ['signed-token', 'server-session'],
    'rate-limits': ['token-bucket', 'gcra'],
  }))
    it(`loses no request of ${scenario} while it is toggled under load`, async () => {
      for (const variant of flips) {
        await postJson('/api/toggle', { scenario, variant })
      }
      const { requests } = await requestsFor(`${scenario}/live`, started.labUrl)
      const load = autocannon({
        url: started.labUrl,
        connections: 8,
        duration: 3,
        requests: requests.slice(0, 50).map(({ method, url, headers }) => ({
          method: method as 'GET',
          path: new URL(url).pathname,
          headers,
        })),
      })
      let done = false
      const finished = load.then((result) => {
        done = true
        return result
      })
      let toggles = 0
      while (!done) {
        const variant = flips[toggles++ % 2]
        assert.equal((await post('/api/toggle', { scenario, variant })).status, 200)
        await sleep(50)
      }
      const result = await finished
      assert(toggles > 5 && result.requests.total > 100)
      assert.deepEqual([result.errors, result.timeouts, result['5xx']], [0, 0, 0])
      await postJson('/api/toggle', { scenario, reset: true })
    })
})

describe('the choices', function () {
  this.timeout(60_000)
  it('outlive a kill, and a choice that no longer exists is dropped', async () => {
    const data = tempFolder()
    const first = await startSeesaw({ data })
    const ran = await seesaw(['toggle', 'rate-limits', 'gcra', 'limit=7', '--data', data])
    assert.equal(ran.code, 0, ran.err)
    first.child.kill('SIGKILL')
    await first.ended
    const gone = await seesaw(['toggle', 'rate-limits', 'gcra', '--data', data])
    assert.equal(gone.code, 3)
    assert.match(gone.err, /\[LAB_NOT_RUNNING\]/)

    const file = join(data, 'choices.json')
    const choices = JSON.parse(readFileSync(file, 'utf8'))
    const stale = { backends: {}, knobs: {}, variant: 'gone' }
    writeFileSync(file, JSON.stringify({ ...choices, 'session-vs-token': stale, nowhere: stale }))
    const second = await startSeesaw({ data })
    const { live } = (await (await fetch(`${second.url}/api/state`)).json()) as Body
    assert.equal(live['rate-limits'], 'rate-limits/gcra@memory~limit=7')
    assert.equal(live['session-vs-token'], 'session-vs-token/server-session@memory')
    await second.stop()
    assert(!existsSync(join(data, 'running.json')))

    writeFileSync(file, 'no JSON')
    const third = await startSeesaw({ data })
    assert.match(third.err(), /choices\.json cannot be read; every scenario starts as by default\./)
    await third.stop()
  })
})

describe('nothing is left behind', function () {
  this.timeout(120_000)
  // A server that had to be started is part of it where one can be.
  let redis = ''
  before(async () => {
    const { REDIS_URL: _, ...rest } = process.env
    process.env = rest
    const report = (await createServers().doctor()).find(({ name }) => name === 'redis')
    redis = report?.status === 'startable' ? '@redis' : '@sqlite'
  })

  const leavesNothing = async (
    child: { pid?: number | undefined },
    temp: string,
    urls: string[],
  ) => {
    const family = familyOf(child.pid as number)
    return async () => {
      await until(() => !family.some(isAlive), 10_000)
      await until(() => !readdirSync(temp).some((name) => name.startsWith('seesaw-')), 5_000)
      for (const url of urls) assert(!(await isOpen(url)), url)
      return family.length
    }
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)
    it(`by start when it is ended by ${signal}`, async () => {
      const temp = tempFolder()
      const started = await startSeesaw({ words: ['--workers', '2'], env: { TMPDIR: temp } })
      const answer = await fetch(`${started.labUrl}/run/session-vs-token/server-session${redis}/me`)
      assert.equal(answer.status, 401)
      const check = await leavesNothing(started.child, temp, [started.url, started.labUrl])
      started.child.kill(signal)
      assert.equal((await started.ended).code, signal === 'SIGKILL' ? signal : 0)
      assert((await check()) >= (redis === '@redis' ? 5 : 3))
    })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const)
    it(`by prove when it is ended by ${signal}`, async () => {
      const temp = tempFolder()
      const proof = spawnSeesaw(['prove', `rate-limits/gcra${redis}`], { env: { TMPDIR: temp } })
      await until(() => proof.err().includes('1/'), 30_000)
      const check = await leavesNothing(proof.child, temp, [])
      proof.child.kill(signal)
      await proof.ended
      await check()
    })

  it('by a proof that start was asked for, when start is killed', async () => {
    const temp = tempFolder()
    const started = await startSeesaw({ env: { TMPDIR: temp } })
    const before = familyOf(started.child.pid as number).length
    void fetch(`${started.url}/api/prove`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ targets: ['rate-limits'], backends: ['memory'] }),
    }).catch(() => {})
    await until(() => familyOf(started.child.pid as number).length > before + 2, 20_000)
    const check = await leavesNothing(started.child, temp, [started.url, started.labUrl])
    started.child.kill('SIGKILL')
    await check()
  })
})

type Body = Answer['json']

const freePort = async (): Promise<number> => {
  const { createServer } = await import('node:net')
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
