// What adapters do while their server is away. Each test has a server of its own, kills it, freezes
// it, and brings it back, while calls of every kind go on.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import type { Command, Opened, ServerBackend } from '#core/adapter'
import { adapterIndex, backendNames, loadAdapter, loadBackend } from '#core/course/find'
import { SeesawError } from '#core/errors'
import type { Kind } from '#core/kinds'
import { startLab } from '#core/lab/lab'

const tested = ['cache', 'session', 'limiter', 'queue'] as const

// A call has to end within 2 s for its request to be answered in time.
const endsWithinMs = 2000
const recoversWithinMs = 5000

const waitMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface TestServer {
  url: string
  /** Throws where it does not answer within 30 s. */
  start(): Promise<void>
  /** Sends a signal to the server and all of its processes. */
  signal(name: NodeJS.Signals): void
  killed(): Promise<void>
  remove(): Promise<void>
}

/** The program or command that starts a server; undefined where there is none. */
const findProgram = (name: string, backend: ServerBackend) => {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...(backend.folders?.() ?? [])]
  const binary = backend.binaries
    .flatMap((file) => folders.map((folder) => join(folder, file)))
    .find(isExecutable)
  // A command that starts a server on the port that it is given, where no program is installed:
  // SEESAW_TEST_MONGODB_COMMAND names the one that starts MongoDB's stand-in.
  const command = process.env[`SEESAW_TEST_${name.toUpperCase()}_COMMAND`]
  return binary ? { binary } : command ? { command: resolve(command) } : undefined
}

/** A server of the test's own on a free port, not yet started. */
const makeServer = async (
  program: NonNullable<ReturnType<typeof findProgram>>,
  backend: ServerBackend,
): Promise<TestServer> => {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'seesaw-outage-'))
  const launch =
    'binary' in program
      ? backend.launch({ binary: program.binary, folder, port })
      : { server: { file: program.command, args: [`${port}`] }, url: urlOn(backend, port) }
  for (const step of launch.before ?? []) {
    const { status, stderr } = spawnSync(step.file, step.args, settings(step, folder))
    assert.equal(status, 0, `${step.file}: ${stderr}`)
  }

  const { url, server } = launch
  let child: ChildProcess | undefined
  const isRunning = () => child && child.exitCode === null && child.signalCode === null
  const signal = (name: NodeJS.Signals) => {
    for (const pid of processesOf(child?.pid as number)) {
      try {
        process.kill(pid, name)
      } catch {
        // It ended by itself when its parent did.
      }
    }
  }
  process.once('exit', () => child?.kill('SIGKILL'))
  const killed = async () => {
    if (!child || !isRunning()) return
    const gone = once(child, 'exit')
    signal('SIGKILL')
    await gone
  }

  return {
    url,
    signal,
    killed,
    async start() {
      // Postgres refuses once or twice while processes of its killed predecessor still end.
      for (let attempt = 0; attempt < 10; attempt++) {
        child = spawn(server.file, server.args, { ...settings(server, folder), stdio: 'ignore' })
        if (await answers(backend, url, child)) return
        await waitMs(200)
      }
      assert.fail(`${server.file} does not start`)
    },
    async remove() {
      await killed()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A process and all that it started: those of Postgres are in no common group. */
const processesOf = (pid: number): number[] => {
  const table = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).stdout
  const parentOf = table.matchAll(/(\d+) +(\d+)/g)
  const children = [...parentOf].filter(([, , parent]) => Number(parent) === pid)
  return [pid, ...children.flatMap(([, child]) => processesOf(Number(child)))]
}

const answers = async (backend: ServerBackend, url: string, child: ChildProcess) => {
  const untilMs = Date.now() + 30_000
  while (child.exitCode === null && Date.now() < untilMs) {
    if (await backend.probe(url).catch(() => undefined)) return true
    await waitMs(50)
  }
  return false
}

const settings = ({ env, uid, gid }: Command, cwd: string) => ({
  cwd,
  encoding: 'utf8' as const,
  env: { ...process.env, ...env },
  ...(uid === undefined ? {} : { uid }),
  ...(gid === undefined ? {} : { gid }),
})

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const urlOn = (backend: ServerBackend, port: number): string => {
  const url = new URL(backend.defaultUrl)
  url.port = `${port}`
  return url.href
}

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

interface Call {
  what: string
  startedMs: number
  tookMs: number
  error: unknown
}

/** Calls the adapters over and over, from several sides at once, and notes how each call went. */
const makeLoad = (adapters: {
  cache: Opened<'cache'>
  session: Opened<'session'>
  limiter: Opened<'limiter'>
  queue: Opened<'queue'>
}) => {
  const calls: Call[] = []
  let going = true
  let count = 0

  const { cache, session, limiter, queue } = adapters
  const step = (state: number | undefined) => ({
    state: (state ?? 0) + 1,
    result: (state ?? 0) + 1,
  })
  const lua = { source: 'state = (state or 0) + 1\nreturn state, state', args: [] }
  const longTtl = { ttlMs: 60_000 }
  const rounds: Record<string, (side: number) => Promise<void>> = {
    cache: async (side) => {
      // A reply that went to the wrong call would bring another call's number.
      const value = ++count
      await cache.set(`key ${side}`, value)
      assert.equal(await cache.get(`key ${side}`), value)
    },
    session: async (side) => {
      await session.create(`id ${side}`, { userId: `user ${side}` }, longTtl)
      assert.deepEqual(await session.idsOf(`user ${side}`), [`id ${side}`])
    },
    queue: async (side) => {
      const id = await queue.add('work', side)
      assert.equal((await queue.find(id))?.name, 'work')
    },
    'queue, counts': async () => {
      assert((await queue.counts()).failed === 0)
    },
    'limiter, one key': async () => {
      assert.equal(typeof (await limiter.update('busy', step, longTtl)), 'number')
    },
    'limiter, in Lua': async (side) => {
      assert.equal(
        typeof (await limiter.update(`lua ${side}`, step, { ...longTtl, lua })),
        'number',
      )
    },
  }

  const goRound = async (what: string, side: number) => {
    while (going) {
      const startedMs = performance.now()
      const error = await rounds[what]?.(side).then(
        () => undefined,
        (error: unknown) => error,
      )
      calls.push({ what, startedMs, tookMs: performance.now() - startedMs, error })
      await waitMs(5)
    }
  }
  const sides = Object.keys(rounds).flatMap((what) =>
    [1, 2, 3, 4].map((side) => goRound(what, side)),
  )

  return {
    /** The calls since the last time that were started after `sinceMs`. */
    taken: (sinceMs: number) => calls.splice(0).filter(({ startedMs }) => startedMs > sinceMs),
    /** How long it takes from now until every kind of call succeeds. */
    async recoveredInMs(): Promise<number> {
      const fromMs = performance.now()
      const well = () =>
        Object.keys(rounds).every((what) => {
          const last = calls.filter((call) => call.what === what).slice(-4)
          return (
            last.length === 4 && last.every(({ startedMs, error }) => startedMs > fromMs && !error)
          )
        })
      while (!well() && performance.now() - fromMs < 4 * recoversWithinMs) await waitMs(20)
      return performance.now() - fromMs
    },
    async stop() {
      going = false
      await Promise.all(sides)
    },
  }
}

/** Holds that every call failed as it must, and in time. */
const assertUnreachable = (calls: Call[]) => {
  for (const { what, tookMs, error } of calls) {
    if (error === undefined) assert.fail(`${what}: a call succeeded`)
    if (!(error instanceof SeesawError)) throw error
    assert.equal(error.code, 'BACKEND_UNREACHABLE', `${what}: ${error.message}`)
    assert.match(error.message, /^\w+ at [\d.]+:\d+ does not answer: .+\.$/)
    assert(tookMs < endsWithinMs, `${what}: took ${Math.round(tookMs)} ms`)
  }
}

/** A scenario whose variant keeps asking its cache while it is mounted, until it is told to finish. */
const writeSlowScenario = async () => {
  const scenariosFolder = await mkdtemp(join(tmpdir(), 'seesaw-outage-'))
  const [begun, enough] = [join(scenariosFolder, 'begun'), join(scenariosFolder, 'enough')]
  await mkdir(join(scenariosFolder, 'slow'))
  await writeFile(join(scenariosFolder, 'package.json'), '{"type":"module"}')
  await writeFile(
    join(scenariosFolder, 'slow', 'scenario.ts'),
    `import { existsSync, writeFileSync } from 'node:fs'
    const mounting = {
      title: '', idea: '', needs: ['cache'],
      async mount(router, { cache }) {
        do {
          await cache.get('anything')
          writeFileSync(${JSON.stringify(begun)}, '')
          await new Promise((resolve) => setTimeout(resolve, 20))
        } while (!existsSync(${JSON.stringify(enough)}))
        router.get('/', (ctx) => { ctx.body = 'mounted' })
      },
    }
    export default {
      title: '', question: '', chapter: 'load', primary: 'cpu', claims: {}, variants: { mounting },
    }`,
  )
  return {
    scenariosFolder,
    begun: () => existsSync(begun),
    finish: () => writeFileSync(enough, ''),
    remove: () => rm(scenariosFolder, { recursive: true, force: true }),
  }
}

const testOutages = (
  name: string,
  backend: ServerBackend,
  program: NonNullable<ReturnType<typeof findProgram>>,
) => {
  describe(`adapters whose ${backend.title} goes away`, function () {
    this.timeout(60_000)
    const folder = tmpdir()
    let opened: { close(): Promise<void> }[] = []
    let server: TestServer
    let load: ReturnType<typeof makeLoad>
    let adapters: Awaited<ReturnType<typeof openAll>>

    const openAll = async () => {
      const place = { namespace: 'outage', folder, url: server.url, nowMs: Date.now }
      const open = async <K extends Kind>(kind: K) => {
        const adapter = await (await loadAdapter(kind, name)).open(place)
        opened.push(adapter)
        return adapter
      }
      return {
        cache: await open('cache'),
        session: await open('session'),
        limiter: await open('limiter'),
        queue: await open('queue'),
      }
    }

    const options = { concurrency: 2, attempts: 3, backoffMs: 50, withinMs: 1000 }
    /** A job that is added now is done by a worker of before. */
    const assertWorkerRecovered = async () => {
      const { queue } = adapters
      // Under a name of its own, for it must not wait for all that was added meanwhile.
      const id = await queue.add('last', 'last')
      const fromMs = performance.now()
      while ((await queue.find(id))?.state !== 'done') {
        assert(performance.now() - fromMs < recoversWithinMs, 'its worker does no more jobs')
        await waitMs(20)
      }
    }

    const assertAllWell = async () => {
      const sinceMs = performance.now()
      await waitMs(500)
      const failed = load.taken(sinceMs).filter(({ error }) => error)
      assert.deepEqual(failed, [])
    }

    before(async () => {
      server = await makeServer(program, backend)
      await server.start()
      adapters = await openAll()
      for (const name of ['work', 'last'])
        await adapters.queue.process(name, async ({ data }) => data, options)
      load = makeLoad(adapters)
    })

    beforeEach(async () => {
      await load.recoveredInMs()
      await assertAllWell()
    })

    after(async () => {
      await load?.stop()
      await Promise.all(opened.map((adapter) => adapter.close()))
      opened = []
      await server?.remove()
    })

    it('reject every call in time when it is killed, and recover when it is back', async () => {
      await server.killed()
      const killedMs = performance.now()
      await waitMs(2500)
      assertUnreachable(load.taken(killedMs))

      await server.start()
      const tookMs = await load.recoveredInMs()
      assert(tookMs < recoversWithinMs, `took ${Math.round(tookMs)} ms`)
      await assertWorkerRecovered()
    })

    it('reject every call in time while it is frozen, and recover afterwards', async () => {
      server.signal('SIGSTOP')
      await waitMs(50)
      const frozenMs = performance.now()
      await waitMs(4000)
      const calls = load.taken(frozenMs)
      server.signal('SIGCONT')
      assertUnreachable(calls)

      const tookMs = await load.recoveredInMs()
      assert(tookMs < recoversWithinMs, `took ${Math.round(tookMs)} ms`)
      // Late replies to what was given up must not be taken for replies to what was asked since.
      await assertAllWell()
      await assertWorkerRecovered()
    })

    it('answer 503 for a variant that was being mounted, and mount it when it is back', async () => {
      const { scenariosFolder, begun, finish, remove } = await writeSlowScenario()
      const address = process.env[backend.urlVariable]
      process.env[backend.urlVariable] = server.url
      const lab = await startLab({ scenariosFolder })
      try {
        const ask = () => fetch(`${lab.url}/run/slow/mounting@${name}/`)
        const asked = ask()
        while (!begun()) await waitMs(20)
        await server.killed()
        const answer = await asked
        assert.equal(answer.status, 503)
        assert.equal(((await answer.json()) as { code: string }).code, 'BACKEND_UNREACHABLE')

        finish()
        await server.start()
        await load.recoveredInMs()
        const again = await ask()
        assert.deepEqual([again.status, await again.text()], [200, 'mounted'])
      } finally {
        if (address === undefined) delete process.env[backend.urlVariable]
        else process.env[backend.urlVariable] = address
        await lab.stop()
        await remove()
      }
    })

    it('cannot be opened while it is away', async () => {
      await server.killed()
      for (const kind of tested) {
        const adapter = await loadAdapter(kind, name)
        const startedMs = performance.now()
        await assert.rejects(
          adapter.open({ namespace: 'outage', folder, url: server.url, nowMs: Date.now }),
          (error) => error instanceof SeesawError && error.code === 'BACKEND_UNREACHABLE',
        )
        assert(performance.now() - startedMs < endsWithinMs)
      }
      await assert.rejects(backend.probe(server.url), (error) => backend.isUnreachable(error))
      await server.start()
      await load.recoveredInMs()
    })
  })
}

for (const name of backendNames) {
  const backend = await loadBackend(name)
  if (!backend || !('launch' in backend)) continue
  if (!tested.every((kind) => adapterIndex[kind].includes(name))) continue
  const program = findProgram(name, backend)
  const missing = `there is no ${backend.binaries.join(' or ')} on this machine to kill`
  if (program) testOutages(name, backend, program)
  else if (process.env.REQUIRE_BACKENDS?.split(',').includes(name))
    it(`adapters whose ${backend.title} goes away can be tested`, () => assert.fail(missing))
  else it(`adapters whose ${backend.title} goes away: ${missing}`)
}
