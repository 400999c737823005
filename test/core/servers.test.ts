// Where servers come from, and that none is left behind: found by address, started, kept alive,
// stopped, and never silently replaced.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { home } from '#core/course/find'
import { SeesawError } from '#core/errors'
import { keepFolder } from '#core/files/throw-away'
import { type Lab, startLab } from '#core/lab/lab'
import { createServers } from '#core/lab/servers'
import { familyOf, fixtures, isAlive, isOpen, problemIn, tempFolder, until } from '../seesaw.ts'

const urlVariables = ['REDIS_URL', 'MONGODB_URL', 'POSTGRES_URL']
const inherited = Object.fromEntries(urlVariables.map((name) => [name, process.env[name]]))
const path = process.env.PATH
const restore = () => {
  process.env.PATH = path
  for (const name of urlVariables)
    if (inherited[name] === undefined) delete process.env[name]
    else process.env[name] = inherited[name]
}

describe('the doctor', () => {
  afterEach(restore)
  const report = async (options: Parameters<typeof createServers>[0], name: string) =>
    (await createServers(options).doctor()).find((one) => one.name === name) ?? assert.fail(name)

  it('finds what runs inside the process ready', async () => {
    for (const name of ['memory', 'file', 'sqlite']) {
      const { status, via, reason, remedy } = await report({}, name)
      assert.deepEqual([status, via, reason, remedy], ['ready', 'inside the process', '', ''])
    }
  })

  it('says that the address in the environment does not answer, and starts nothing instead', async () => {
    process.env.REDIS_URL = 'redis://127.0.0.1:1'
    const { status, via, reason, remedy } = await report({}, 'redis')
    assert.deepEqual([status, via], ['unavailable', 'REDIS_URL'])
    assert.match(reason, /Redis at 127\.0\.0\.1:1 does not answer/)
    assert.match(remedy, /unset REDIS_URL/)
  })

  it('says the same of an address in the configuration', async () => {
    delete process.env.REDIS_URL
    const { status, via } = await report({ urls: { redis: 'redis://127.0.0.1:1' } }, 'redis')
    assert.deepEqual([status, via], ['unavailable', 'scenarios.config.ts'])
  })

  it('shows no password', async () => {
    process.env.REDIS_URL = 'redis://ada:correct-horse@127.0.0.1:1'
    assert.doesNotMatch(JSON.stringify(await report({}, 'redis')), /horse/)
  })

  it('says what would make an address readable', async () => {
    process.env.REDIS_URL = 'over there'
    const { status, reason } = await report({}, 'redis')
    assert.equal(status, 'unavailable')
    assert.match(reason, /should look like redis:\/\//)
  })

  it('says how to get a server where none is installed and none may be started', async function () {
    delete process.env.REDIS_URL
    const { status, reason, remedy } = await report({ allowStart: false }, 'redis')
    if (status === 'ready') return this.skip() // a Redis answers on its usual port
    assert.equal(status, 'unavailable')
    assert.match(reason, /no server answers on 127\.0\.0\.1:6379/)
    assert.match(remedy, /REDIS_URL/)
  })
})

describe('a setup whose server is not there', () => {
  let lab: Lab
  let silent: Server
  const visitors = new Set<Socket>()
  before(async () => {
    silent = createServer((visitor) => visitors.add(visitor)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    process.env.REDIS_URL = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`
    lab = await startLab({ scenariosFolder: fixtures })
  })
  after(async () => {
    restore()
    await lab?.stop()
    silent.close()
    for (const visitor of visitors) visitor.destroy()
  })

  it('answers 503 within 2 s with the reason and the remedy', async () => {
    const ask = () => fetch(`${lab.url}/run/misbehaving/remembering@redis/`)
    // The first time it also has to load the driver; then a failure is remembered for 2 s.
    await ask()
    await sleep(2_100)
    const startedMs = performance.now()
    const answer = await ask()
    assert.equal(answer.status, 503)
    assert.equal(answer.headers.get('retry-after'), '1')
    const problem = await problemIn(answer)
    assert.equal(problem.code, 'BACKEND_UNAVAILABLE')
    assert.match(problem.detail, /Redis is not available here: .*To change that: .*REDIS_URL/)
    assert(performance.now() - startedMs < 2_000)
  })

  it('does not hold up others', async () => {
    const answer = await fetch(`${lab.url}/run/misbehaving/remembering@memory/`)
    assert.equal(answer.status, 200)
  })

  it('cannot be toggled to', async () => {
    const change = { variant: 'remembering', backends: { cache: 'redis' } }
    await assert.rejects(
      lab.toggle('misbehaving', change),
      (error) => error instanceof SeesawError && error.code === 'BACKEND_UNAVAILABLE',
    )
    assert.equal((await lab.live()).misbehaving, 'misbehaving/quiet')
  })
})

// A server that answers with its pid, in place of a database.
const pidServer = (port: number) => ({
  file: process.execPath,
  args: [
    '-e',
    `require('net').createServer((s) => s.end(String(process.pid))).listen(${port}, '127.0.0.1')`,
  ],
})
const freePort = async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  return port
}
const pidAt = (port: number) =>
  fetchText(port).then(
    (text) => Number(text),
    () => 0,
  )
const fetchText = async (port: number): Promise<string> => {
  const { connect } = await import('node:net')
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  let text = ''
  for await (const piece of socket) text += piece
  return text
}

describe('a server that is kept', () => {
  it('is started again when it dies, and gone with its folder after a stop', async () => {
    const port = await freePort()
    const kept = keepFolder('test', () => ({ server: pidServer(port) }))
    let failed = ''
    void kept.failed.then((why) => {
      failed = why
    })
    await until(async () => (await pidAt(port)) > 0, 10_000)
    const first = await pidAt(port)
    writeFileSync(join(kept.folder, 'data'), 'kept')
    // One that dies in its first second is given up.
    await sleep(1_100)
    process.kill(first, 'SIGKILL')
    await until(async () => ![0, first].includes(await pidAt(port)), 10_000)
    const second = await pidAt(port)
    assert(existsSync(join(kept.folder, 'data')), 'its folder is the same')
    await kept.stop()
    assert(!isAlive(second))
    assert(!existsSync(kept.folder))
    assert.equal(failed, '')
  })

  for (const [what, server, reason] of [
    [
      'ends at once',
      { file: process.execPath, args: ['-e', 'console.error("no room"); process.exit(3)'] },
      /ended with 3: no room/,
    ],
    ['does not exist', { file: '/nowhere/redis-server', args: [] }, /ENOENT/],
  ] as const)
    it(`is given up with the reason where it ${what}`, async () => {
      const kept = keepFolder('test', () => ({ server: { ...server, args: [...server.args] } }))
      assert.match(await kept.failed, reason)
      const startedMs = performance.now()
      await kept.stop()
      assert(performance.now() - startedMs < 3_000)
      assert(!existsSync(kept.folder))
    })

  it('is not started where a step before it fails', async () => {
    const port = await freePort()
    const step = {
      file: process.execPath,
      args: ['-e', 'console.error("bad disk"); process.exit(1)'],
    }
    const kept = keepFolder('test', () => ({ before: [step], server: pidServer(port) }))
    assert.match(await kept.failed, /ended with 1: bad disk/)
    await kept.stop()
    assert.equal(await pidAt(port), 0)
  })

  it('goes with a step before it that is under way', async () => {
    const step = { file: process.execPath, args: ['-e', 'setInterval(() => {}, 1e3)'] }
    const kept = keepFolder('test', () => ({ before: [step], server: pidServer(1) }))
    let steps: number[] = []
    await until(() => {
      steps = stepsOf(familyOf(process.pid))
      return steps.length > 0
    }, 10_000)
    await kept.stop()
    for (const pid of steps) assert(!isAlive(pid))
    assert(!existsSync(kept.folder))
  })

  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const)
    it(`goes with its folder when the one who asked for it is ended by ${signal}`, async () => {
      const port = await freePort()
      const { child, folder } = await parentOf(port)
      await until(async () => (await pidAt(port)) > 0, 10_000)
      const pids = familyOf(child.pid ?? 0)
      assert(pids.length >= 3, 'parent, keeper and server')
      child.kill(signal)
      await until(() => !existsSync(folder) && !pids.some(isAlive), 8_000)
      assert.equal(await pidAt(port), 0)
    })
})

/** Of these processes, those that run the endless step. */
const stepsOf = (pids: number[]): number[] =>
  pids.filter((pid) => commandOf(pid).includes('setInterval'))
const commandOf = (pid: number): string => {
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

/** A process of its own that keeps a server. */
const parentOf = async (port: number): Promise<{ child: ChildProcess; folder: string }> => {
  const program = `
    import { keepFolder } from ${JSON.stringify(join(home, 'core', 'files', 'throw-away.ts'))}
    const { folder } = keepFolder('test', () => (${JSON.stringify({ server: pidServer(port) })}))
    console.log(folder)
    setInterval(() => {}, 1000)`
  const file = join(tempFolder(), 'parent.mts')
  writeFileSync(file, program)
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    cwd: home,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [folder] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  assert(folder.startsWith(tmpdir()))
  return { child, folder }
}

describe('a server that is started for a setup', function () {
  this.timeout(60_000)
  let lab: Lab
  let family: number[] = []
  let servers: number[] = []
  before(async function () {
    delete process.env.REDIS_URL
    const redis = (await createServers().doctor()).find(({ name }) => name === 'redis')
    if (redis?.status !== 'startable') {
      const why = redis?.status === 'ready' ? `it is ${redis.via}` : redis?.reason
      assert(!process.env.REQUIRE_BACKENDS?.includes('redis') || redis?.status === 'ready', why)
      return this.skip() // no Redis that could be started here
    }
    lab = await startLab({ workers: 2, scenariosFolder: fixtures })
  })
  after(async () => {
    restore()
    await lab?.stop()
  })

  it('answers its first request, and is one for all processes', async () => {
    const visits = []
    for (const door of lab.doors) {
      const answer = await fetch(`${door}/run/misbehaving/remembering@redis/`)
      visits.push(((await answer.json()) as { visits: number }).visits)
    }
    assert.deepEqual(visits, [1, 2])
    family = familyOf(process.pid)
  })

  it('is shown by the doctor as started, and handed on to other processes', async () => {
    const redis = (await lab.doctor()).find(({ name }) => name === 'redis')
    assert.equal(redis?.status, 'ready')
    assert.match(redis?.via ?? '', /^started from \//)
    assert.match((await lab.environment()).REDIS_URL ?? '', /^redis:\/\/127\.0\.0\.1:\d+$/)
  })

  it('answers again within 5 s after it was killed', async () => {
    // Other tests of this run may have a Redis of their own.
    const { port } = new URL((await lab.environment()).REDIS_URL ?? '')
    servers = family.filter((pid) => commandOf(pid).includes(`redis-server 127.0.0.1:${port}`))
    assert.equal(servers.length, 1)
    await sleep(1_000)
    for (const pid of servers) process.kill(pid, 'SIGKILL')
    const ask = async () => (await fetch(`${lab.url}/run/misbehaving/remembering@redis/`)).status
    assert.equal(await ask(), 503)
    await until(async () => (await ask()) === 200, 5_000)
  })

  it('is gone with the lab', async () => {
    const url = (await lab.environment()).REDIS_URL ?? ''
    await lab.stop()
    assert(!(await isOpen(url)))
    for (const pid of servers) assert(!commandOf(pid).includes('redis-server'), `${pid}`)
  })
})
