// `seesaw bench` as a person meets it: what is refused before anything is measured, what is kept when
// it is interrupted, and what is said when the ground gives way.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { home } from '#core/load'
import { type Measurement, measurementSchema, type Preset } from '../bench/measurement.ts'
import { makePlan } from '../bench/plan.ts'
import { ctrlC, familyOf, isAlive, seesaw, spawnSeesaw, tempFolder, until } from './seesaw.ts'

const steady = ['steady/plain', 'steady/plain']
const scenarios = ['--scenarios', join(home, 'bench', 'self-test', 'scenarios')]

/** Measurements take turns on a machine; those of this file wait for nobody else's. */
const apart = () => {
  const folder = join(tempFolder(), 'tmp')
  mkdirSync(folder)
  return { TMPDIR: folder }
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
    [['--resume', '/nowhere/run.json'], 'MEASUREMENT_UNREADABLE', /no such file/],
    [['rate-limits', '--json', '/nowhere/run.json'], 'FILE_NOT_WRITTEN', /no such/],
    [['report', '/nowhere/run.json'], 'MEASUREMENT_UNREADABLE', /no such file/],
    [['compare', 'package.json', 'package.json'], 'MEASUREMENT_UNREADABLE', /package\.json/],
    [['micro', 'hashign'], 'COMPARISON_NOT_FOUND', /hashing/],
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

describe('a plan', () => {
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
    assert.match(err, /1 of 2 blocks are kept in .*run\.json.*--resume/)
    const half = read(file)
    assert.deepEqual([half.finishedAt, half.blocks.length], [null, 1])

    const elsewhere = join(tempFolder(), 'elsewhere.json')
    const machine = { ...half.machine, cpu: 'Z80' }
    writeFileSync(elsewhere, JSON.stringify({ ...half, machine }))
    const stranger = await seesaw(['bench', '--resume', elsewhere, ...scenarios], { env })
    assert.equal(stranger.code, 2)
    assert.match(stranger.err, /begun on another machine \(Z80, /)

    const again = await seesaw(['bench', '--resume', file, ...scenarios], { env })
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

  it('says so when the back end dies in the middle, and keeps what there is', async function () {
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
