// `seesaw bench` as a person meets it: what is refused before anything is measured, what is kept when
// it is interrupted, and what is said when the ground gives way.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { home } from '#core/course/find'
import { type Measurement, measurementSchema, type Preset } from '#core/measurement/run'
import { keeper } from '../../bench/command/keeper.ts'
import { takeTurn } from '../../bench/command/lock.ts'
import { type BenchOptions, refuseOtherLine, refuseUnused } from '../../bench/command/options.ts'
import { estimateSeconds, makePlan } from '../../bench/plan/plan.ts'
import { readPlan } from '../../bench/plan/plan-file.ts'
import { thisMachine } from '../../bench/run/machine.ts'
import { refuseOtherBackends } from '../../bench/run/run.ts'
import { selfTest } from '../../bench/self-test/self-test.ts'
import { analysed, changed, measurementOf } from '../measurements.ts'
import { ctrlC, familyOf, isAlive, seesaw, spawnSeesaw, tempFolder, until } from '../seesaw.ts'

const steady = ['steady/plain', 'steady/plain']
const scenariosFolder = join(home, 'bench', 'self-test', 'scenarios')
const scenarios = ['--scenarios', scenariosFolder]
/** A place that is not there, whatever else is on this machine; seen from `home`. */
const gone = 'no-such-folder/run.json'
const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
  version: string
}

/** Measurements take turns on a machine; those of this file wait for nobody else's. */
const apart = () => {
  const folder = join(tempFolder(), 'tmp')
  mkdirSync(folder)
  return { TMPDIR: folder }
}

/** A place apart in which somebody else is measuring. */
const turnOfAnother = async () => {
  const env = apart()
  const { TMPDIR: before } = process.env
  process.env.TMPDIR = env.TMPDIR
  try {
    return { env, turn: await takeTurn({ says: 'somebody else' }) }
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
}

const read = (file: string): Measurement =>
  measurementSchema.parse(JSON.parse(readFileSync(file, 'utf8')))

describe('seesaw bench refuses', () => {
  for (const [words, code, says] of [
    [[], 'WRONG_USE', /Name a scenario/],
    [['session-vs-tokn'], 'SCENARIO_NOT_FOUND', /session-vs-token/],
    [['rate-limits', '--variants', 'gcar'], 'VARIANT_NOT_FOUND', /gcra/],
    [['rate-limits', '--backends', 'reddis'], 'BACKEND_NOT_FOUND', /redis/],
    [['rate-limits', '--workload', 'flud'], 'EXERCISE_NOT_FOUND', /flood/],
    [['rate-limits', '--knob', 'limti=5'], 'KNOB_NOT_FOUND', /limit/],
    [['rate-limits/gcra'], 'WRONG_USE', /twice shows/],
    [['rate-limits/gcra', 'session-vs-token/signed-token'], 'WRONG_USE', /different questions/],
    [['--plan', 'no-such-plan'], 'WRONG_USE', /bench\/plans/],
    [['--resume', gone], 'MEASUREMENT_UNREADABLE', /no such file/],
    [['rate-limits', '--json', gone], 'FILE_NOT_WRITTEN', /no such/],
    [['report', gone], 'MEASUREMENT_UNREADABLE', /no such file/],
    [['compare', 'package.json', 'package.json'], 'MEASUREMENT_UNREADABLE', /package\.json/],
    [['micro', 'hashign'], 'COMPARISON_NOT_FOUND', /hashing/],
    [['rate-limits', '--json'], 'WRONG_USE', /--json run\.json/],
    [['rate-limits', '--metric', 'p99', '--load', 'closed'], 'WRONG_USE', /p99 cannot be told/],
    [
      ['capacity', 'rate-limits/gcra', '--backends', 'redis'],
      'WRONG_USE',
      /: --backends means nothing to capacity: name it in the setup, as in rate-limits\/gcra@redis\. /,
    ],
    [['micro', 'hashing', '--resume', 'run.json'], 'WRONG_USE', /run\.json is no comparison/],
    [['compare', 'a.json', 'b.json', '--preset', 'quick'], 'WRONG_USE', /--preset means nothing/],
  ] as const)
    it(`${['bench', ...words].join(' ')} with ${code}`, async () => {
      const { code: exit, out, err } = await seesaw(['bench', ...words], { cwd: home })
      assert.equal(exit, 2, err)
      assert.equal(out, '')
      assert.match(err, says)
      assert.match(err, new RegExp(`^seesaw: .* \\[${code}\\]\\n$`))
    })

  for (const [words, says] of [
    [['rate-limits', '--metric', 'speed'], /Allowed choices/],
    [['rate-limits', '--preset', 'fast'], /Allowed choices/],
    [['rate-limits', '--rate', '-5'], /no whole number/],
    [['rate-limits', '--rate', '0'], /no whole number/],
    [['rate-limits', '--fault', 'kill redis'], /no fault/],
    [['rate-limits', '--knob', 'limit'], /no name=value/],
  ] as const)
    it(`${['bench', ...words].join(' ')}`, async () => {
      const { code, err } = await seesaw(['bench', ...words])
      assert.equal(code, 2)
      assert.match(err, says)
      assert.doesNotMatch(err, /\n\s+at /)
    })
})

describe('an option that means nothing there', () => {
  for (const [use, options, says] of [
    [
      'measure',
      { quick: true },
      /^--quick means nothing to a measurement: it belongs to --self-test/,
    ],
    ['capacity', { preset: 'strict' }, /^--preset means nothing to capacity: say by --seconds/],
    [
      'capacity',
      { rate: 5 },
      /^--rate means nothing to capacity: a capacity finds its rates itself/,
    ],
    ['capacity', { variants: ['gcra'] }, /^--variants means nothing to capacity: name it in/],
    ['capacity', { fault: [] }, /^--fault means nothing to capacity: .* name two setups\.$/],
    [
      'micro',
      { backends: ['redis'] },
      /^--backends means nothing to functions: .* leave it out\.$/,
    ],
    ['micro', { knob: { a: '1' } }, /^--knob means nothing to functions/],
    ['report', { seed: 3 }, /^--seed means nothing to a report/],
    ['selfTest', { selfTest: true, md: 'x' }, /^--md means nothing beside --self-test/],
  ] as const)
    it(`is refused: ${Object.keys(options).at(-1)} of ${use}`, () => {
      assert.throws(() => refuseUnused(use, options as unknown as BenchOptions), {
        code: 'WRONG_USE',
        message: says,
      })
    })

  it('is not one that nobody has said, nor one that means something', () => {
    refuseUnused('capacity', { seconds: 3, json: 'x', ...({ backends: undefined } as object) })
    refuseUnused('selfTest', { selfTest: true, quick: true, json: 'x' })
    refuseUnused('measure', { preset: 'duel', knob: { a: '1' } }, ['rate-limits'])
  })

  it('is a target of a self-test', () => {
    assert.throws(
      () => refuseUnused('selfTest', {}, ['rate-limits']),
      /rate-limits means nothing beside/,
    )
  })

  it('is beside --resume what it was not begun with, and nothing else', () => {
    const begun = { command: 'npx seesaw bench rate-limits --variants gcra,gcra --seed 7' }
    const same = 'npx seesaw bench rate-limits --seed 7 --variants gcra,gcra'
    const more = { resume: 'x', progress: 'json', scenarios: 'y', html: 'z' } as const
    refuseOtherLine(begun, 'npx seesaw bench --seed 7', more)
    refuseOtherLine(begun, same, { ...more, seed: 7, variants: ['gcra', 'gcra'] }, ['rate-limits'])
    for (const [options, targets] of [
      [more, ['rate-limits']],
      [{ ...more, preset: 'standard' }, []],
    ] as [BenchOptions, string[]][])
      assert.throws(() => refuseOtherLine(begun, 'npx seesaw bench …', options, targets), {
        code: 'WRONG_USE',
        message: /goes on as it was planned: by npx seesaw bench rate-limits --variants gcra,gcra/,
      })
  })
})

describe('what was measured until something went wrong', () => {
  const said = async (work: () => void): Promise<string> => {
    const { write } = process.stderr
    let text = ''
    process.stderr.write = (piece) => {
      text += piece
      return true
    }
    try {
      work()
    } finally {
      process.stderr.write = write
    }
    return text
  }
  const of = (file: string | undefined, ownFile = 'nowhere') =>
    keeper<{ finishedAt: string | null; done: number }>({
      file,
      ownFile: () => ownFile,
      partOf: ({ done }) => (done > 0 ? `${done} of 6 blocks` : ''),
      goOn: (where) => `npx seesaw bench --resume ${where}`,
    })

  it('is said to be kept as far as it was written', async function () {
    if (!existsSync('/dev/full')) this.skip() // Only Linux has a disk that is always full.
    const folder = tempFolder()
    const file = join(folder, 'run.json')
    const kept = of(file)
    const measurement = { finishedAt: null, done: 1 }
    kept.keep(measurement)
    rmSync(file)
    symlinkSync('/dev/full', file)
    measurement.done = 2
    assert.throws(() => kept.keep(measurement), { code: 'FILE_NOT_WRITTEN' })
    assert.equal(
      await said(() => kept.tellFailed()),
      `1 of 6 blocks are kept in ${file}. To go on: npx seesaw bench --resume ${file}\n`,
    )
    const never = of('/dev/full')
    assert.throws(() => never.keep(measurement), { code: 'FILE_NOT_WRITTEN' })
    assert.equal(await said(() => never.tellFailed()), '')
  })

  it('goes to a file of its own where none was named, or is said to be lost, and no more', async () => {
    const own = join(tempFolder(), 'own.json')
    const kept = of(undefined, own)
    kept.keep({ finishedAt: null, done: 3 })
    assert(!existsSync(own))
    assert.match(await said(() => kept.tellFailed()), /^3 of 6 blocks are kept in .*own\.json\./)
    assert.deepEqual(JSON.parse(readFileSync(own, 'utf8')), { finishedAt: null, done: 3 })
    const lost = of(undefined, join(own, 'no folder', 'own.json'))
    lost.keep({ finishedAt: null, done: 3 })
    assert.match(await said(() => lost.tellFailed()), /^What was measured is lost: .*own\.json/)
  })

  it('takes the place of nothing that was there before, where it is nothing', async () => {
    const file = join(tempFolder(), 'run.json')
    writeFileSync(file, 'before')
    const kept = of(file)
    kept.keep({ finishedAt: null, done: 0 })
    assert.equal(readFileSync(file, 'utf8'), 'before')
    assert.match(await said(() => kept.tellInterrupted()), /nothing to keep/)
    kept.keep({ finishedAt: 'now', done: 0 })
    assert.notEqual(readFileSync(file, 'utf8'), 'before')
  })
})

describe('a plan', () => {
  it('asks what the load can tell where nobody has asked anything else, and says so', async () => {
    const targets = ['cache-strategies/none', 'cache-strategies/none']
    const both = await makePlan({ targets })
    assert.deepEqual([both.plan.primary, both.untold], ['p99', undefined])
    const closed = await makePlan({ targets, load: 'closed' })
    assert.deepEqual([closed.plan.primary, closed.untold], ['cpu', 'p99'])
    await assert.rejects(makePlan({ targets, metric: 'throughput', load: 'open' }), {
      code: 'WRONG_USE',
      message: /^throughput cannot be told of a load that is open/,
    })

    const { env, turn } = await turnOfAnother()
    const waiting = spawnSeesaw(['bench', ...targets, '--load', 'closed'], { env })
    await until(() => /Waiting/.test(waiting.err()), 20_000)
    waiting.child.kill('SIGTERM')
    await waiting.ended
    turn.release()
    assert.match(
      waiting.err(),
      /\nLatency p99 cannot be told of a load that is closed, so CPU per request is what the verdict is about\.\n/,
    )
  })

  it('has no schedule for a closed load, unless something is to fail', async () => {
    const targets = ['rate-limits/gcra', 'rate-limits/gcra']
    for (const asked of [
      { load: 'closed', ratePerSecond: 300 },
      { load: 'closed', arrivals: 'even' },
      { preset: 'duel', ratePerSecond: 300 },
    ] as const)
      await assert.rejects(makePlan({ targets, ...asked }), {
        code: 'WRONG_USE',
        message: /means nothing to a closed load/,
      })
    const redis = 'rate-limits/gcra@redis'
    const faults = [{ atMs: 1_000, do: 'kill' as const, backend: 'redis' }]
    await makePlan({ targets: [redis, redis], load: 'closed', ratePerSecond: 300, faults })
  })

  it('takes as long as is left of it, runs with faults included', async () => {
    const { plan } = await makePlan({ ...readPlan('redis-dies'), seed: 1 })
    const all = estimateSeconds(plan)
    const block = { ...measurementOf({ blocks: 1 }).blocks[0]!, seconds: 20 }
    const blocks = Array.from({ length: plan.blocks }, () => block)
    const half = estimateSeconds(plan, { blocks: blocks.slice(0, 3), timelines: [] })
    const watching = estimateSeconds(plan, { blocks, timelines: [] })
    // Two contenders are watched, each until ten seconds after the last fault.
    assert(watching > 60 && half > watching + 55 && all > half, `${all}, ${half}, ${watching}`)
    const timeline = { contender: 0 } as Measurement['timelines'][number]
    const last = estimateSeconds(plan, { blocks, timelines: [timeline] })
    assert(last > 30 && last < watching - 30, `${last}`)
  })

  it('takes longer where a percentile needs more requests than its preset has time for', async () => {
    const targets = ['rate-limits/gcra', 'rate-limits/gcra']
    const at = async (ratePerSecond: number) =>
      estimateSeconds((await makePlan({ targets, metric: 'p99', ratePerSecond })).plan)
    assert((await at(300)) > 1.3 * (await at(30_000)))
  })

  it('sets a variant that is named twice against itself', async () => {
    const variants = ['gcra', 'gcra']
    const { plan } = await makePlan({ targets: ['rate-limits'], variants })
    assert.deepEqual(
      plan.contenders.map(({ title }) => title),
      ['gcra@memory (A)', 'gcra@memory (B)', 'a bare HTTP server'],
    )
  })

  it('may measure some blocks again, but not so many that its duration is no longer true', async () => {
    const spare = async (preset: Preset) =>
      (await makePlan({ targets: ['rate-limits/gcra', 'rate-limits/gcra'], preset })).plan.spare
    assert.deepEqual(
      [await spare('duel'), await spare('quick'), await spare('standard'), await spare('publish')],
      [6, 1, 2, 8],
    )
  })

  it('has one contender of a variant that needs none of the backends that are named', async () => {
    const backends = ['memory', 'redis']
    const { plan } = await makePlan({ targets: ['session-vs-token'], backends })
    const tokens = plan.contenders.filter(({ setup }) => setup.includes('signed-token'))
    assert.equal(tokens.length, 1)
  })
})

describe('a measurement that goes on', () => {
  const begun = (change: (copy: Measurement) => void) => {
    const file = join(tempFolder(), 'run.json')
    const half = changed(measurementOf({ blocks: 6 }), (copy) => {
      copy.finishedAt = null
      copy.seesaw = version
      copy.blocks = copy.blocks.slice(0, 3)
      Object.assign(copy.machine, thisMachine())
      change(copy)
    })
    writeFileSync(file, JSON.stringify(analysed(half)))
    return file
  }

  it('does so in the version of Seesaw that began it', async () => {
    const file = begun((copy) => {
      copy.seesaw = '0.0.1'
    })
    const { code, err } = await seesaw(['bench', '--resume', file])
    assert.equal(code, 2)
    assert.match(err, /begun by Seesaw 0\.0\.1, and this is .*leave --resume out\. \[WRONG_USE\]/)
  })

  it('does so with the versions of the backends that began it', () => {
    const redis = (of: object) => ({
      backends: { redis: { version: '7.0.15', via: 'a program', standIn: false, ...of } },
    })
    refuseOtherBackends(redis({}), redis({ via: 'REDIS_URL' }))
    for (const other of [{ version: '8.0.1' }, { standIn: true }])
      assert.throws(() => refuseOtherBackends(redis({}), redis(other)), {
        code: 'WRONG_USE',
        message:
          /^It was begun with Redis 7\.0\.15, and here it is (8\.0\.1|7\.0\.15 \(a stand-in\)):/,
      })
  })
})

describe('a variant of one’s own', () => {
  it('is met where a plan names it, too', async () => {
    const folder = tempFolder()
    const config = join(folder, 'scenarios.config.ts')
    const text = readFileSync(join(home, 'scenarios.config.ts'), 'utf8')
    writeFileSync(config, text.replace('./core/config.ts', join(home, 'core', 'config.ts')))
    const mine = join(folder, '.seesaw', 'mine', 'rate-limits')
    const about = { idea: 'x', needs: ['limiter'] }
    const checked = { basedOn: 'gcra', savedAt: new Date().toISOString(), version: 'a'.repeat(16) }
    mkdirSync(mine, { recursive: true })
    writeFileSync(join(mine, 'checked.json'), JSON.stringify({ ...checked, about }))
    for (const plan of [
      { targets: ['rate-limits/gcra', 'rate-limits/mine'] },
      { targets: ['rate-limits'], variants: ['gcra', 'mine'] },
    ]) {
      const file = join(folder, 'plan.json')
      writeFileSync(file, JSON.stringify({ says: 'Is mine as quick?', ...plan }))
      const words = ['bench', '--plan', file, '--json', gone]
      const { err } = await seesaw(words, { cwd: home, env: { SEESAW_CONFIG: config } })
      // It has been found, for what is wrong is what is looked at next.
      assert.match(err, /\[FILE_NOT_WRITTEN\]/)
    }
  })
})

describe('seesaw bench --self-test', function () {
  this.timeout(60_000)
  const trialsIn = async (bad: string, without?: string): Promise<string> => {
    const file = join(tempFolder(), 'trials.json')
    const checks = await selfTest({ signal: AbortSignal.abort() })
    const trials = checks
      .filter(({ id }) => id !== without)
      .flatMap(({ id }) =>
        Array.from({ length: 20 }, () => ({
          ...{ check: id, atIso: '2026-11-23T12:00:00.000Z' },
          ...{ ok: id !== bad, figures: {} },
        })),
      )
    writeFileSync(file, JSON.stringify({ selfTest: 1, trials }))
    return file
  }

  it('ends with 1 where a check is not passed, and says for whom it waits', async () => {
    const { env, turn } = await turnOfAnother()
    const words = ['bench', '--self-test', '--quick', '--json', await trialsIn('stalls')]
    const waiting = spawnSeesaw(words, { env })
    await until(() => /Waiting: .*somebody else/.test(waiting.err()), 20_000)
    turn.release()
    const { code, out } = await waiting.ended
    assert.equal(code, 1)
    assert.match(out, /✗ a server that stops/)
    const well = await seesaw([...words.slice(0, -1), await trialsIn('')], { env })
    assert.equal(well.code, 0, well.err)
  })

  it('ends with 130 where it was interrupted, whatever has come out until then', async () => {
    const file = await trialsIn('stalls', 'overloaded-client')
    const words = ['bench', '--self-test', '--quick', '--json', file]
    const run = spawnSeesaw(words, { env: apart(), inTerminal: true })
    await until(() => /called invalid: 1 of 2/.test(run.err()), 20_000)
    ctrlC(run.child)
    assert.equal((await run.ended).code, 130, run.err())
  })
})

describe('seesaw bench', function () {
  this.timeout(180_000)

  it('keeps what was measured when it is interrupted, and goes on from there', async () => {
    const file = join(tempFolder(), 'run.json')
    const env = apart()
    const words = ['bench', ...steady, ...scenarios, '--load', 'closed', '--blocks', '2']
    const first = spawnSeesaw([...words, '--seed', '7', '--json', file], { env, inTerminal: true })
    await until(async () => existsSync(file) && /1 of 2 blocks/.test(first.err()), 120_000)
    ctrlC(first.child)
    const { code, err } = await first.ended
    assert.equal(code, 130, err)
    assert.match(err, /1 of 2 blocks are kept in .*run\.json\. To go on: npx seesaw bench --resume/)
    assert.match(err, /run\.json --scenarios /)
    const half = read(file)
    assert.deepEqual([half.finishedAt, half.blocks.length], [null, 1])

    const elsewhere = join(tempFolder(), 'elsewhere.json')
    const machine = { ...half.machine, cpu: 'Z80' }
    writeFileSync(elsewhere, JSON.stringify({ ...half, machine }))
    const stranger = await seesaw(['bench', '--resume', elsewhere, ...scenarios], { env })
    assert.equal(stranger.code, 2)
    assert.match(stranger.err, /begun on another machine \(Z80, /)

    // The line that it was begun with may stand beside it.
    const again = await seesaw([...words, '--resume', file], { env })
    const whole = read(file)
    assert.equal(whole.blocks.length, 2, again.err)
    assert(whole.finishedAt)
    assert.deepEqual([whole.seed, whole.calibration], [half.seed, half.calibration])
    assert.match(again.out, /Per contender, 2 blocks/)
    // Two blocks are too few for any claim.
    for (const { verdict } of whole.verdicts) assert(['undecided', 'invalid'].includes(verdict))

    const report = await seesaw(['bench', 'report', file])
    assert.equal(report.code, 0, report.err)
    const refused = await seesaw(['bench', '--resume', file, ...scenarios])
    assert.equal(refused.code, 2)
    assert.match(refused.err, /is finished/)
  })

  it('leaves no process and no half a file behind when it is killed', async () => {
    const file = join(tempFolder(), 'run.json')
    const words = ['bench', ...steady, ...scenarios, '--load', 'closed', '--blocks', '3']
    const run = spawnSeesaw([...words, '--json', file], { env: apart() })
    await until(async () => /1 of 3 blocks/.test(run.err()), 120_000)
    const family = familyOf(run.child.pid ?? 0)
    assert(family.length >= 4, `${family.length} processes`)
    run.child.kill('SIGKILL')
    await run.ended
    assert.equal(read(file).blocks.length, 1)
    await until(async () => family.every((pid) => !isAlive(pid)), 20_000)
  })

  it('says so when the backend dies in the middle, and keeps what there is', async function () {
    if (spawnSync('redis-server', ['--version']).error) {
      assert(!/redis/.test(process.env.REQUIRE_BACKENDS ?? ''), 'there is no redis-server')
      this.skip()
    }
    const port = await freePort()
    const redis = spawn('redis-server', ['--port', `${port}`, '--save', ''], { stdio: 'ignore' })
    try {
      const file = join(tempFolder(), 'run.json')
      const env = { ...apart(), REDIS_URL: `redis://127.0.0.1:${port}` }
      const setup = 'rate-limits/gcra@redis'
      const words = ['bench', setup, setup, '--load', 'closed', '--blocks', '2', '--json', file]
      const run = spawnSeesaw(words, { env })
      await until(async () => /1 of 2 blocks/.test(run.err()), 120_000)
      redis.kill('SIGKILL')
      const { code, err } = await run.ended
      assert.equal(code, 3, err)
      assert.match(err, /1 of 2 blocks are kept in/)
      assert.match(err.trimEnd().split('\n').at(-1) ?? '', /^seesaw: .* \[[A-Z_]+\]$/)
      assert.equal(read(file).blocks.length, 1)
    } finally {
      redis.kill('SIGKILL')
    }
  })

  it('takes a plan from a file, and says what is wrong with one', async () => {
    const file = join(tempFolder(), 'plan.json')
    writeFileSync(file, JSON.stringify({ says: 'x', targets: ['rate-limits'], presset: 'quick' }))
    const { code, err } = await seesaw(['bench', '--plan', file])
    assert.equal(code, 2)
    assert.match(err, /presset/)
  })
})

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  return port
}
