// A lab: processes that share a port, each with a door of its own, and what happens to them when
// scenarios misbehave.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, SeesawError } from '#core/errors'
import { openDataFolder } from '#core/files/data-folder'
import { type Lab, startLab } from '#core/lab/lab'
import { familyOf, fixtures, isAlive, isOpen, problemIn, tempFolder, until } from '../seesaw.ts'

const refusedAs = (code: ErrorCode, message: RegExp) => (error: unknown) => {
  assert(error instanceof SeesawError, String(error))
  assert.equal(error.code, code, error.message)
  assert.match(error.message, message)
  assert.doesNotMatch(error.message, /\n/)
  return true
}

// A fresh connection for each request: those of fetch would all stay with the same process.
const get = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { headers: { connection: 'close', ...headers } })
const json = async (url: string) =>
  (await (await get(url)).json()) as { pid: number; delayMs: number; visits: number }

describe('a lab of two processes', () => {
  let lab: Lab
  before(async () => {
    lab = await startLab({ workers: 2, scenariosFolder: fixtures })
  })
  after(() => lab.stop())
  const at = (path: string) => `${lab.url}/run/misbehaving/${path}`

  it('answers by both of them on the shared port', async () => {
    const seen = new Set<number>()
    for (let i = 0; i < 4; i++) seen.add((await json(at('quiet/'))).pid)
    assert.deepEqual([...seen].sort(), [...lab.pids()].sort())
  })

  it('answers by one and the same at its door, and says by which', async () => {
    const pids = lab.pids()
    for (const [i, door] of lab.doors.entries())
      for (let n = 0; n < 3; n++) {
        const answer = await get(`${door}/run/misbehaving/quiet/`)
        assert.equal(answer.headers.get('x-seesaw-worker'), String(i + 1))
        assert.equal(((await answer.json()) as { pid: number }).pid, pids[i])
      }
  })

  it('says by which process a request was refused, too', async () => {
    const answer = await get(`${lab.doors[1]}/run/nowhere/at/all`)
    assert.equal(answer.headers.get('x-seesaw-worker'), '2')
    assert.equal((await problemIn(answer)).code, 'SCENARIO_NOT_FOUND')
  })

  it('mounts a setup at its first request', async () => {
    const id = 'misbehaving/quiet~delayMs=1'
    const mounted = async () => (await lab.readMeter()).map(({ mounted }) => mounted.includes(id))
    assert.deepEqual(await mounted(), [false, false])
    await get(`${lab.doors[0]}/run/${id}/`)
    assert.deepEqual(await mounted(), [true, false])
  })

  it('mounts a setup once, however it is spelled', async () => {
    const [door] = lab.doors
    for (const spelled of [
      'remembering',
      'remembering@memory',
      'remembering@cache=memory',
      '%72emembering%40memory',
    ])
      await get(`${door}/run/misbehaving/${spelled}/`)
    const { visits } = await json(`${door}/run/misbehaving/remembering/`)
    assert.equal(visits, 5)
  })

  it('counts requests and adapter calls of each process', async () => {
    const [before] = await lab.readMeter()
    const name = 'cache.get@memory'
    for (let i = 0; i < 3; i++) await get(`${lab.doors[0]}/run/misbehaving/remembering@memory/`)
    const [after] = await lab.readMeter()
    assert(before && after)
    assert.equal(after.requests - before.requests, 3)
    assert.equal((after.calls[name]?.calls ?? 0) - (before.calls[name]?.calls ?? 0), 3)
  })

  it('reports adapter calls in Server-Timing to whoever asks, and to nobody else', async () => {
    const url = at('remembering@memory/')
    assert.equal((await get(url)).headers.get('server-timing'), null)
    const timing = (await get(url, { 'x-seesaw-trace': '1' })).headers.get('server-timing') ?? ''
    assert.match(
      timing,
      /^cache\.get;dur=[\d.]+;start=[\d.]+;desc="memory", cache\.set;.*, total;dur=[\d.]+$/,
    )
    assert.equal((await get(url)).headers.get('server-timing'), null)
  })

  it('reports in Server-Timing also where a scenario throws', async () => {
    const answer = await get(at('loud/throw'), { 'x-seesaw-trace': '1' })
    assert.equal(answer.status, 500)
    assert.match(answer.headers.get('server-timing') ?? '', /^total;dur=/)
  })

  it('tells nothing of what a scenario throws', async () => {
    const problem = await problemIn(await get(at('loud/throw')))
    assert.equal(problem.code, 'INTERNAL')
    assert.doesNotMatch(JSON.stringify(problem), /secret/)
  })

  it('gives cookies the path of their setup', async () => {
    for (const path of ['quiet', 'quiet~delayMs=0', 'live']) {
      const [cookie] = (await get(at(`${path}/cookie`))).headers.getSetCookie()
      assert.match(cookie ?? '', new RegExp(`^taste=sweet; path=/run/misbehaving/${path};`))
    }
  })

  it('keeps what one setup has stored from another', async () => {
    const [door] = lab.doors
    const file = `${door}/run/misbehaving/remembering@sqlite/`
    const before = await json(file)
    await get(`${door}/run/misbehaving/remembering@memory/`)
    await get(`${door}/run/misbehaving/remembering@memory/`)
    assert.equal((await json(file)).visits, before.visits + 1)
  })

  it('refuses what it does not serve, by code', async () => {
    for (const [path, status, code] of [
      ['/', 404, 'ROUTE_NOT_FOUND'],
      ['/run', 404, 'ROUTE_NOT_FOUND'],
      ['/run//', 404, 'ROUTE_NOT_FOUND'],
      ['/api/state', 404, 'ROUTE_NOT_FOUND'],
      ['/run/misbehavin/quiet/', 404, 'SCENARIO_NOT_FOUND'],
      ['/run/misbehavin/live/', 404, 'SCENARIO_NOT_FOUND'],
      ['/run/misbehaving/quite/', 404, 'VARIANT_NOT_FOUND'],
      ['/run/misbehaving/live@memory/', 404, 'VARIANT_NOT_FOUND'],
      ['/run/misbehaving/remembering@reddis/', 404, 'BACKEND_NOT_FOUND'],
      ['/run/misbehaving/remembering@session=redis/', 404, 'KIND_NOT_NEEDED'],
      ['/run/misbehaving/quiet~delay=1/', 404, 'KNOB_NOT_FOUND'],
      ['/run/misbehaving/quiet~delayMs=5001/', 400, 'KNOB_OUT_OF_RANGE'],
      ['/run/misbehaving/quiet~delayMs/', 400, 'SETUP_MALFORMED'],
      ['/run/misbehaving/quiet/nowhere', 404, 'ROUTE_NOT_FOUND'],
    ] as const) {
      const answer = await get(`${lab.url}${path}`)
      assert.equal(answer.status, status, path)
      assert.equal((await problemIn(answer)).code, code, path)
    }
  })
})

describe('a toggle', () => {
  let lab: Lab
  before(async () => {
    lab = await startLab({ workers: 2, scenariosFolder: fixtures })
  })
  after(() => lab.stop())
  afterEach(() => lab.toggle('misbehaving', null))
  const everywhere = (path: string) =>
    Promise.all(lab.doors.map((door) => json(`${door}/run/misbehaving/${path}`)))

  it('reaches every process before it returns', async () => {
    for (const delayMs of [1, 2, 3, 4, 5]) {
      await lab.toggle('misbehaving', { knobs: { delayMs: String(delayMs) } })
      for (const answer of await everywhere('live/')) assert.equal(answer.delayMs, delayMs)
    }
  })

  it('reaches live also where its address is spelled with percent signs', async () => {
    await everywhere('%6Cive/')
    await lab.toggle('misbehaving', { knobs: { delayMs: '7' } })
    for (const answer of await everywhere('%6Cive/')) assert.equal(answer.delayMs, 7)
  })

  it('leaves addresses that say everything alone', async () => {
    await lab.toggle('misbehaving', { variant: 'quiet', knobs: { delayMs: '7' } })
    for (const answer of await everywhere('quiet/')) assert.equal(answer.delayMs, 0)
  })

  it('of a backend moves the setups that name none, and no others', async () => {
    const stored = () => lab.readMeter().then(([meter]) => meter?.mounted ?? [])
    await lab.toggle('misbehaving', { variant: 'remembering', backends: { cache: 'sqlite' } })
    const before = await json(`${lab.doors[0]}/run/misbehaving/remembering@sqlite/`)
    const after = await json(`${lab.doors[0]}/run/misbehaving/remembering/`)
    assert.equal(after.visits, before.visits + 1)
    assert(!(await stored()).includes('misbehaving/remembering@memory'))
    await lab.toggle('misbehaving', null)
    assert.equal((await json(`${lab.doors[0]}/run/misbehaving/remembering/`)).visits, 1)
  })

  it('keeps a choice through a variant that has no use for it', async () => {
    await lab.toggle('misbehaving', { knobs: { delayMs: '9' } })
    await lab.toggle('misbehaving', { variant: 'loud' })
    assert.equal(
      (await lab.toggle('misbehaving', { variant: 'quiet' })).setup,
      'misbehaving/quiet~delayMs=9',
    )
  })

  it('that is set back serves the first variant as by default', async () => {
    await lab.toggle('misbehaving', { variant: 'remembering' })
    assert.equal((await lab.toggle('misbehaving', null)).setup, 'misbehaving/quiet')
    for (const answer of await everywhere('live/')) assert.equal(answer.delayMs, 0)
    assert.deepEqual(lab.choices(), {})
  })

  it('to what does not exist changes nothing', async () => {
    await lab.toggle('misbehaving', { knobs: { delayMs: '3' } })
    const before = { live: await lab.live(), choices: lab.choices() }
    for (const [change, code] of [
      [{ variant: 'quite' }, 'VARIANT_NOT_FOUND'],
      [{ variant: '' }, 'SETUP_MALFORMED'],
      [{ variant: 'quiet~delayMs=1' }, 'VARIANT_NOT_FOUND'],
      [{ variant: 'remembering', backends: { cache: 'reddis' } }, 'BACKEND_NOT_FOUND'],
      [{ variant: 'remembering', backends: { cache: 'memory~x=1' } }, 'KNOB_NOT_FOUND'],
      [{ backends: { cache: 'redis' } }, 'KIND_NOT_NEEDED'],
      [{ knobs: { delayMs: '9999' } }, 'KNOB_OUT_OF_RANGE'],
      [{ knobs: { delay: '1' } }, 'KNOB_NOT_FOUND'],
      [{ knobs: { delayMs: '1,delayMs=2' } }, 'SETUP_MALFORMED'],
    ] as const)
      await assert.rejects(lab.toggle('misbehaving', change), refusedAs(code, /./))
    await assert.rejects(lab.toggle('misbehavin', {}), refusedAs('SCENARIO_NOT_FOUND', /Did you/))
    assert.deepEqual({ live: await lab.live(), choices: lab.choices() }, before)
    for (const answer of await everywhere('live/')) assert.equal(answer.delayMs, 3)
  })

  it('among others leaves all processes with the same', async () => {
    const values = Array.from({ length: 20 }, (_, i) => String(i))
    await Promise.all(values.map((delayMs) => lab.toggle('misbehaving', { knobs: { delayMs } })))
    const [one, two] = await everywhere('live/')
    assert(one && two)
    assert.equal(one.delayMs, two.delayMs)
    assert.equal((await lab.live()).misbehaving, `misbehaving/quiet~delayMs=${one.delayMs}`)
  })

  it('holds for a process that is started later', async () => {
    await lab.toggle('misbehaving', { knobs: { delayMs: '4' } })
    await lab.kill(1)
    for (const answer of await everywhere('live/')) assert.equal(answer.delayMs, 4)
  })
})

describe('a reset', () => {
  let lab: Lab
  const folder = tempFolder()
  before(async () => {
    lab = await startLab({ workers: 2, scenariosFolder: fixtures, dataFolder: folder })
  })
  after(() => lab.stop())
  const visits = async (path: string, worker = 1) =>
    (await json(`${lab.doors[worker - 1]}/run/misbehaving/${path}/`)).visits

  it('empties its setup on every process', async () => {
    await visits('remembering@memory', 1)
    await visits('remembering@memory', 2)
    await lab.reset('misbehaving/remembering@memory')
    assert.deepEqual(
      [await visits('remembering@memory', 1), await visits('remembering@memory', 2)],
      [1, 1],
    )
  })

  it('leaves other setups alone', async () => {
    const before = await visits('remembering@sqlite')
    await visits('remembering@memory')
    await lab.reset('misbehaving/remembering@memory')
    assert.equal(await visits('remembering@sqlite'), before + 1)
    await lab.reset('misbehaving/remembering@sqlite')
    assert.equal(await visits('remembering@sqlite'), 1)
  })

  it('leaves the same setup of another lab on the same store alone', async () => {
    // Another key, another lab: on a shared server both would write side by side.
    const other = await startLab({ scenariosFolder: fixtures })
    const there = async () =>
      (await json(`${other.url}/run/misbehaving/remembering@sqlite/`)).visits
    await there()
    await lab.reset('misbehaving/remembering@sqlite')
    assert.equal(await there(), 2)
    await other.stop()
  })

  it('fails no request that is under way', async () => {
    let going = true
    const seen = new Map<number, number>()
    const ask = async (backend: string) => {
      while (going) {
        const { status } = await get(`${lab.url}/run/misbehaving/remembering@${backend}/`)
        seen.set(status, (seen.get(status) ?? 0) + 1)
      }
    }
    const asking = ['memory', 'sqlite', 'memory', 'sqlite'].map(ask)
    for (let i = 0; i < 5; i++) {
      await lab.reset('misbehaving/remembering@memory')
      await lab.reset('misbehaving/remembering@sqlite')
    }
    going = false
    await Promise.all(asking)
    assert.deepEqual([...seen.keys()], [200], JSON.stringify([...seen]))
  })
})

describe('the processes of a lab', function () {
  this.timeout(60_000)
  let lab: Lab
  before(async () => {
    lab = await startLab({ workers: 2, scenariosFolder: fixtures })
  })
  after(() => lab.stop())
  const pidAt = async (worker: number) =>
    (await json(`${lab.doors[worker - 1]}/run/misbehaving/quiet/`)).pid as number

  it('end only when a slow reader has all of a large answer, by the port and by a door', async () => {
    for (const where of [lab.url, lab.doors[0] ?? '']) {
      const { hostname, port } = new URL(where)
      const reader = connect(Number(port), hostname)
      let bytes = 0
      reader.on('data', (part) => {
        bytes += part.length
        reader.pause()
        setTimeout(() => reader.resume(), 1)
      })
      const ended = once(reader, 'close')
      reader.write(`GET /run/misbehaving/quiet/large HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
      await until(() => bytes > 100_000, 5_000)
      await lab.restart()
      await ended
      assert(bytes > 20_000_000, `${where}: ${bytes} bytes`)
    }
  })

  it('keep their doors over a restart and a kill', async () => {
    const doors = [...lab.doors]
    const before = [await pidAt(1), await pidAt(2)]
    await lab.restart()
    const between = [await pidAt(1), await pidAt(2)]
    await lab.kill(2)
    const after = [await pidAt(1), await pidAt(2)]
    assert.deepEqual(lab.doors, doors)
    assert(before.every((pid) => !between.includes(pid)))
    assert.equal(after[0], between[0])
    assert.notEqual(after[1], between[1])
  })

  it('let visitors wait while all of them are replaced', async () => {
    const restarting = lab.restart()
    await sleep(30)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => get(`${lab.url}/run/misbehaving/quiet/`)),
    )
    assert(answers.every(({ status }) => status === 200))
    await restarting
  })

  /** The other one goes on answering while this one is gone, and this one comes back. */
  const isReplacedAfter = async (path: string, withinMs: number) => {
    const [mine, other] = [await pidAt(1), await pidAt(2)]
    const asked = get(`${lab.doors[0]}/run/misbehaving/loud/${path}`).catch(() => {})
    let answered = 0
    await until(async () => {
      assert.equal(await pidAt(2), other)
      answered++
      const now = await Promise.race([pidAt(1).catch(() => mine), sleep(100, mine)])
      return now !== mine
    }, withinMs)
    await asked
    assert(answered > 0 && !isAlive(mine))
    const again = await get(`${lab.doors[0]}/run/misbehaving/loud/`)
    assert.equal(again.status, 200)
  }

  it('are replaced when a scenario crashes them', () => isReplacedAfter('crash', 10_000))
  it('are replaced when a scenario uses up their memory', () => isReplacedAfter('leak', 30_000))
  it('are replaced when a scenario keeps them busy', async () => {
    const replaced = isReplacedAfter('spin', 20_000)
    await sleep(300)
    // The state can be asked for meanwhile: whoever does not answer is left out.
    const startedMs = performance.now()
    assert.deepEqual(
      (await lab.readMeter()).map(({ index }) => index),
      [2],
    )
    assert(performance.now() - startedMs < 3_000)
    await replaced
  })

  it('can be toggled while one of them is being replaced', async () => {
    await get(`${lab.doors[0]}/run/misbehaving/loud/crash`).catch(() => {})
    await sleep(50)
    await lab.toggle('misbehaving', { knobs: { delayMs: '2' } })
    await until(async () => (await pidAt(1).catch(() => 0)) !== 0, 5_000)
    for (const door of lab.doors)
      assert.equal((await json(`${door}/run/misbehaving/live/`)).delayMs, 2)
  })

  it('are refused by an index that there is not', () =>
    assert.rejects(lab.kill(3), refusedAs('WRONG_USE', /no server process 3 of 2/)))

  it('are gone after a stop, and so are their ports', async () => {
    const short = await startLab({ workers: 2, scenariosFolder: fixtures })
    const pids = short.pids()
    // A restart that is under way must not outlive it.
    const restarting = short.restart().catch(() => {})
    await short.stop()
    await restarting
    for (const pid of [...pids, ...short.pids()]) assert(!isAlive(pid), `${pid}`)
    for (const url of [short.url, ...short.doors]) assert(!(await isOpen(url)), url)
  })
})

describe('a scenario that cannot be loaded', () => {
  const folder = tempFolder()
  const write = (id: string, text: string) => {
    mkdirSync(join(folder, id), { recursive: true })
    writeFileSync(join(folder, id, 'scenario.ts'), text)
  }
  let lab: Lab
  before(async () => {
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    write(
      'sound',
      `export default { title: '', question: '', chapter: 'load', primary: 'cpu', claims: {}, variants: {
        only: { title: '', idea: '', needs: [], mount(router) { router.get('/', (ctx) => { ctx.body = 'sound' }) } },
        mountless: { title: '', idea: '', needs: ['cache'], mount() { throw new Error('not today') } } } }`,
    )
    write('mistyped', 'export default {\n  title: ,\n}')
    write('throwing', 'throw new Error("at once")')
    write('empty', 'export {}')
    lab = await startLab({ scenariosFolder: folder })
  })
  after(() => lab.stop())

  it('does not stop the others', async () => {
    assert.equal(await (await get(`${lab.url}/run/sound/live/`)).text(), 'sound')
    assert.deepEqual(await lab.live(), { sound: 'sound/only' })
  })

  for (const [id, message] of Object.entries({
    mistyped: /scenario\.ts cannot be loaded: .*:2:\d+: ERROR: Unexpected ","/,
    throwing: /cannot be loaded: at once/,
    empty: /must export a scenario by default/,
  }))
    it(`answers with what is wrong: ${id}`, async () => {
      const problem = JSON.parse(await (await get(`${lab.url}/run/${id}/live/`)).text())
      assert.equal(problem.code, 'SCENARIO_BROKEN')
      assert.match(problem.detail, message)
    })

  it('answers with what a variant said that could not be mounted', async () => {
    const problem = await problemIn(await get(`${lab.url}/run/sound/mountless/`))
    assert.equal(problem.code, 'SCENARIO_BROKEN')
    assert.match(problem.detail, /sound\/mountless@memory cannot be mounted: not today/)
  })

  it('keeps nothing from being listed, and is listed as broken', async () => {
    const { listScenarios } = await import('#core/course/catalogue')
    const { loadConfig } = await import('#core/course/find')
    const { scenarios, broken } = await listScenarios(await loadConfig(), folder)
    assert.deepEqual(
      scenarios.map(({ id, chapter }) => [id, chapter]),
      [['sound', 'drafts']],
    )
    assert.deepEqual(broken.map(({ id }) => id).sort(), ['empty', 'mistyped', 'throwing'])
  })
})

describe('a data folder', () => {
  const start = (dataFolder: string) =>
    startLab({ dataFolder, scenariosFolder: fixtures, workers: 2 })

  it('is made, with a key in it that nobody else can read', () => {
    const folder = join(tempFolder(), 'deep', 'er')
    assert.equal(openDataFolder(folder).signingKey.length, 32)
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    assert.equal(statSync(join(folder, 'signing.key')).mode & 0o777, 0o600)
  })

  it('that was there keeps its mode', () => {
    const folder = tempFolder()
    chmodSync(folder, 0o755)
    openDataFolder(folder)
    assert.equal(statSync(folder).mode & 0o777, 0o755)
  })

  it('keeps its key, and no two have the same', () => {
    const [folder, other] = [tempFolder(), tempFolder()]
    assert.deepEqual(openDataFolder(folder), openDataFolder(folder))
    assert.notDeepEqual(openDataFolder(other).signingKey, openDataFolder(folder).signingKey)
    assert.notEqual(openDataFolder(other).prefix, openDataFolder(folder).prefix)
  })

  it('whose key is damaged is refused, with what to do', async () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'signing.key'), 'short')
    await assert.rejects(start(folder), refusedAs('DATA_CORRUPT', /5 bytes .* delete it/))
  })

  it('that cannot be made is refused, with what to do', () =>
    assert.rejects(
      start('/dev/null/data'),
      refusedAs('DATA_FOLDER_UNUSABLE', /\/dev\/null\/data cannot be used .* --data/),
    ))

  it('keeps what was stored and what was signed with its key over a restart of the lab', async () => {
    const folder = tempFolder()
    const signed = new Set<string>()
    for (const visits of [1, 2]) {
      const lab = await start(folder)
      try {
        const { visits: seen } = await json(`${lab.url}/run/misbehaving/remembering@sqlite/`)
        assert.equal(seen, visits)
        for (const door of lab.doors)
          signed.add(await (await get(`${door}/run/misbehaving/quiet/secret`)).text())
      } finally {
        await lab.stop()
      }
    }
    assert.equal(signed.size, 1)
  })

  it('whose database is damaged answers 503 with what to do, and the rest goes on', async () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'seesaw.sqlite'), 'this is no database'.repeat(100))
    const lab = await start(folder)
    try {
      const answer = await get(`${lab.url}/run/misbehaving/remembering@sqlite/`)
      assert.equal(answer.status, 503)
      const problem = await problemIn(answer)
      assert.equal(problem.code, 'DATA_CORRUPT')
      assert.match(problem.detail, /move it away or delete it/)
      assert.equal((await get(`${lab.url}/run/misbehaving/remembering@memory/`)).status, 200)
    } finally {
      await lab.stop()
    }
  })

  it('of a lab that names none is a throw-away one', async () => {
    const before = process.env.TMPDIR
    const folder = tempFolder()
    process.env.TMPDIR = folder
    const lab = await startLab({ scenariosFolder: fixtures })
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    const made = () => readdirSync(folder).filter((name) => name.startsWith('seesaw-'))
    const whileItRan = made()
    await lab.stop()
    assert.equal(whileItRan.length, 1)
    assert.deepEqual(made(), [])
  })
})

describe('a lab that others can reach', () => {
  const unsafe = { scenariosFolder: fixtures, only: ['unsafe'] }

  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org', '127.0.0.1.example.org'])
    it(`is refused on ${host} while an unsafe variant can run`, () =>
      assert.rejects(
        startLab({ ...unsafe, host }),
        refusedAs('UNSAFE_BIND_REFUSED', /unsafe\/open is unsafe on purpose.*--expose-unsafe/),
      ))

  it('may listen on any address of the machine itself', async () => {
    const lab = await startLab({ ...unsafe, host: '127.0.0.2' })
    assert.match(lab.url, /^http:\/\/127\.0\.0\.2:/)
    assert.equal((await get(`${lab.url}/run/unsafe/open/`)).status, 200)
    await lab.stop()
  })

  it('may listen where no unsafe variant can run, or where somebody says so in words', async () => {
    const labs = await Promise.all([
      startLab({ scenariosFolder: fixtures, only: ['misbehaving'], host: '0.0.0.0' }),
      startLab({ ...unsafe, host: '0.0.0.0', exposeUnsafeVariants: true }),
    ])
    await Promise.all(labs.map((lab) => lab.stop()))
  })

  it('cannot listen on an address that the machine does not have', () =>
    assert.rejects(
      startLab({ ...unsafe, host: '192.0.2.1', exposeUnsafeVariants: true }),
      refusedAs('WRONG_USE', /Cannot listen on 192\.0\.2\.1/),
    ))
})

describe('a port that is taken', () => {
  it('is named, and nothing is left running', async () => {
    const first = createServer().listen(0, '127.0.0.1')
    await once(first, 'listening')
    const { port } = first.address() as AddressInfo
    const before = familyOf(process.pid).length
    await assert.rejects(
      startLab({ scenariosFolder: fixtures, port }),
      refusedAs('PORT_IN_USE', new RegExp(`Port ${port} is in use`)),
    )
    assert.equal(familyOf(process.pid).length, before)
    first.close()
  })
})
