// Comparing functions: what is claimed of made-up times, what the processes do, and that nothing
// wrong gets a number.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { home } from '#core/course/find'
import { asSeesawError, exitCodeOf } from '#core/errors'
import { type MicroMeasurement, microSchema } from '#core/measurement/micro'
import { analyseMicro, fewestBlocks } from '../../bench/micro/harness/analyse.ts'
import { startChild } from '../../bench/micro/harness/calls.ts'
import { randomOf } from '../../bench/micro/harness/comparison.ts'
import { loadComparison } from '../../bench/micro/harness/names.ts'
import { listMicro, microNames, runMicro } from '../../bench/micro/harness/run.ts'
import {
  microToHtml,
  microToMarkdown,
  microToTerminal,
  readMicro,
} from '../../bench/report/micro.ts'
import { seesaw } from '../seesaw.ts'

const rounds = 3

/**
 * A measurement of contenders that take so many nanoseconds in each block; `slow` is how much
 * slower each slice of a block is than the first one.
 */
const made = (
  times: number[][],
  { wrong = [] as number[], batch = 1000, slow = 0 } = {},
): MicroMeasurement => {
  const measurement: MicroMeasurement = {
    seesaw: '0.0.0',
    format: 1,
    kind: 'micro',
    startedAt: '2026-11-23T12:00:00.000Z',
    finishedAt: '2026-11-23T12:01:00.000Z',
    command: 'seesaw bench micro made-up',
    machine: {
      cpu: 'none',
      cores: 2,
      memoryBytes: 1,
      os: 'none',
      node: 'v20.0.0',
      v8: '',
      container: false,
      backends: {},
    },
    seed: 1,
    plan: {
      name: 'made-up',
      question: 'Which?',
      call: 'do it',
      contenders: times.map((_, i) => ({
        name: String.fromCharCode(65 + i),
        variant: `variant-${i}`,
        title: `variant ${i}`,
        wrong: wrong.includes(i) ? 'it returns 2 for 1.' : null,
        batch,
      })),
      preset: 'quick',
      blocks: times[0]!.length,
      rounds,
      sliceMs: 40,
      warmUpMs: 250,
      margin: 0.03,
      seed: 1,
    },
    blocks: times[0]!.map((_, index) => ({
      index,
      startedAt: '2026-11-23T12:00:00.000Z',
      seconds: 1,
      order: times.map((_, i) => i),
      steal: 0,
      slices: Array.from({ length: 2 * rounds }, (_, turn) =>
        times.map((ofBlocks, contender) => ({
          contender,
          half: turn % 2 === 0 ? ('forward' as const) : ('mirrored' as const),
          ns: ofBlocks[index]! * (1 + slow * turn),
          samples: 100,
          calls: 100 * batch,
          cpuNs: ofBlocks[index]!,
        })),
      ).flat(),
    })),
    gates: [],
    figures: [],
    groups: [],
    verdicts: [],
  }
  return { ...measurement, ...analyseMicro(measurement) }
}

const eight = (ns: number, spread = 0.001) =>
  Array.from({ length: 8 }, (_, i) => ns * (1 + spread * Math.sin(7 * i * ns)))

const codeOf = async (work: Promise<unknown>): Promise<{ code: string; message: string }> => {
  const error = await work.then(
    () => assert.fail('it succeeds'),
    (thrown: unknown) => asSeesawError(thrown),
  )
  assert.equal(exitCodeOf(error.code), 2)
  return error
}

describe('what is claimed of functions', () => {
  it('is that one is slower, with an interval around the truth', () => {
    const [verdict] = made([eight(100), eight(120)]).verdicts
    assert.equal(verdict?.verdict, 'slower')
    assert(verdict.low! < 1.2 && verdict.high! > 1.2, verdict.sentence)
    assert.match(verdict.sentence, /^variant 1 is slower than variant 0 by [\d.]+ % \[/)
  })

  it('is that they are the same where every block is within the margin', () => {
    const [verdict] = made([eight(100), eight(101)]).verdicts
    assert.equal(verdict?.verdict, 'same')
  })

  it('is nothing where blocks contradict each other', () => {
    const [verdict] = made([eight(100), [90, 112, 93, 108, 97, 115, 86, 104]]).verdicts
    assert.equal(verdict?.verdict, 'undecided')
  })

  it('is nothing where there are too few blocks for so many pairs', () => {
    const five = [100, 200, 300].map((ns) => eight(ns).slice(0, 5))
    for (const { verdict, p } of made(five).verdicts)
      assert.deepEqual({ verdict, p }, { verdict: 'undecided', p: null })
    assert.deepEqual([2, 3, 6].map(fewestBlocks), [6, 7, 10])
  })

  it('is mirrored where the two change places', () => {
    const one = made([eight(100), eight(130, 0.05)]).verdicts[0]!
    const other = made([eight(130, 0.05), eight(100)]).verdicts[0]!
    assert.equal(other.verdict, 'faster')
    assert(Math.abs(one.low! * other.high! - 1) < 1e-8)
    assert(Math.abs(one.ratio! * other.ratio! - 1) < 1e-8)
    assert.equal(one.p, other.p)
  })

  it('is not touched by what slows down a whole turn', () => {
    const calm = made([eight(100), eight(120)])
    const rough = structuredClone(calm)
    for (const { slices } of rough.blocks) for (const slice of slices.slice(4, 6)) slice.ns *= 3
    assert.equal(analyseMicro(rough).verdicts[0]?.ratio, calm.verdicts[0]?.ratio)
  })

  it('is the same again, to the bit, from what was stored', () => {
    const measurement = made([eight(100), eight(120), eight(120.1)])
    const stored = microSchema.parse(JSON.parse(JSON.stringify(measurement)))
    const { gates, figures, groups, verdicts } = stored
    assert.deepEqual(analyseMicro(stored), { gates, figures, groups, verdicts })
    assert.deepEqual(groups, [['A'], ['B', 'C']])
  })

  it('is no number of one that is wrong, and all the same of the others', () => {
    const { verdicts, figures } = made([eight(100), eight(120), eight(10)], { wrong: [2] })
    assert.deepEqual(
      verdicts.map(({ a, b, verdict, ratio }) => [a, b, verdict, ratio !== null]),
      [
        ['A', 'B', 'slower', true],
        ['A', 'C', 'invalid', false],
        ['B', 'C', 'invalid', false],
      ],
    )
    for (const { contender, median } of figures)
      assert.equal(median === null, contender === 'C', contender)
  })

  it('is invalid where samples are too short for the clock, or where it is still warming up', () => {
    const short = made([eight(100), eight(120)], { batch: 10 })
    const warming = made([eight(100), eight(120)], { slow: -0.01 })
    for (const [gate, { gates, verdicts }] of [
      ['sample length', short],
      ['warmed up', warming],
    ] as const) {
      assert.deepEqual(
        gates.filter(({ ok }) => !ok).map((one) => one.gate),
        [gate],
      )
      assert.equal(verdicts[0]?.verdict, 'invalid')
    }
  })

  it('is invalid of one that had to wait for a processor, and of no other', () => {
    const measurement = made([eight(100), eight(120), eight(140)])
    for (const { slices } of measurement.blocks)
      for (const slice of slices) if (slice.contender === 2) slice.cpuNs = slice.ns / 2
    assert.deepEqual(
      analyseMicro(measurement).verdicts.map(({ verdict }) => verdict),
      ['slower', 'invalid', 'invalid'],
    )
  })

  it('stands on the terminal before the figures', () => {
    const text = microToTerminal(made([eight(100), eight(120)]))
    assert(text.indexOf('is slower than') < text.indexOf('CPU time'), text)
    assert.match(text, /A {2}variant-0 +100 ns/)
    for (const line of text.split('\n')) assert(line.length <= 100, line)
  })
})

describe('comparisons of functions', () => {
  it('are the files of their folder', () => {
    const files = readdirSync(join(home, 'bench', 'micro')).filter((name) => name.endsWith('.ts'))
    assert.deepEqual(
      files.map((name) => name.slice(0, -'.ts'.length)),
      [...microNames].sort(),
    )
  })

  it('can be listed, each with a question and two variants or more', async () => {
    for (const { question, variants } of await listMicro()) {
      assert.match(question, /\?$/)
      assert(variants.length >= 2)
    }
  })

  for (const name of microNames)
    it(`have nothing wrong in ${name}, but what is wrong on purpose`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'seesaw-micro-test-'))
      const { variants } = await loadComparison(name)
      for (const [id, variant] of Object.entries(variants)) {
        const { inputs, call, isRight, check, close } = await variant.open({
          random: randomOf(1),
          folder,
        })
        const input = inputs[0] as never
        assert.equal(isRight((await call(input)) as never, input), id !== 'wrong', id)
        assert.equal(await check?.(), undefined, id)
        await close?.()
      }
      rmSync(folder, { recursive: true })
    })

  it('are refused by a name that does not exist, with the nearest one', async () => {
    const options = { seesaw: '', command: '' }
    const { code, message } = await codeOf(runMicro('hashin', options))
    assert.equal(code, 'COMPARISON_NOT_FOUND')
    assert.match(message, /Did you mean 'hashing'\?/)
    const wrong = await codeOf(runMicro('hashing', { ...options, variants: ['sha256', 'sha265'] }))
    assert.equal(wrong.code, 'VARIANT_NOT_FOUND')
    assert.match(wrong.message, /Did you mean 'sha256'\?/)
    const alone = await codeOf(runMicro('hashing', { ...options, variants: ['sha256'] }))
    assert.equal(alone.code, 'WRONG_USE')
  })

  it('get the same inputs from the same seed', () => {
    const texts = (seed: number) => Array.from({ length: 4 }, () => randomOf(seed).text(20))
    assert.deepEqual(texts(1), texts(1))
    assert.notDeepEqual(texts(1), texts(2))
  })
})

describe('a run of functions', function () {
  this.timeout(30_000)
  const options = { seed: 3, seesaw: '0.0.0', command: 'seesaw bench micro noise' }
  const { TMPDIR } = process.env
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'seesaw-micro-test-'))
    process.env.TMPDIR = folder
  })
  after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
    rmSync(folder, { recursive: true })
  })
  afterEach('nothing is left behind', () => {
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('seesaw-micro-')),
      [],
    )
  })

  it('gives each a slice in random order and another in the reverse', async () => {
    const variants = ['same', 'same-again', 'more']
    const measurement = await runMicro('noise', { ...options, variants, blocks: 1 })
    microSchema.parse(JSON.parse(JSON.stringify(measurement)))
    assert.notEqual(measurement.finishedAt, null)
    const [{ slices, order }] = measurement.blocks as [(typeof measurement.blocks)[0]]
    const turns = Array.from({ length: 2 * measurement.plan.rounds }, (_, turn) =>
      slices.slice(turn * 3, turn * 3 + 3).map(({ contender }) => contender),
    )
    assert.deepEqual(turns[0], order)
    for (let turn = 0; turn < turns.length; turn += 2)
      assert.deepEqual(turns[turn]?.toReversed(), turns[turn + 1])
    for (const { calls, samples, contender } of slices)
      assert.equal(calls, samples * measurement.plan.contenders[contender]!.batch)
  })

  it('can be asked for from any folder', async () => {
    const words = ['bench', 'micro', 'noise', '--variants', 'same,same-again', '--blocks', '1']
    const { code, out, err } = await seesaw(words, { cwd: folder, env: { TMPDIR: folder } })
    assert.equal(code, 0, err)
    assert.match(out, /quick: 1 block,\s+each in fresh processes/)
  })

  it('ends before the first block where only one is right', async () => {
    const measurement = await runMicro('noise', { ...options, variants: ['same', 'wrong'] })
    assert.deepEqual(measurement.blocks, [])
    assert.deepEqual(
      measurement.verdicts.map(({ verdict, ratio }) => [verdict, ratio]),
      [['invalid', null]],
    )
    assert.match(measurement.verdicts[0]!.sentence, /gives no right results: it returns/)
  })

  it('keeps what was measured where it is interrupted', async () => {
    const interrupted = new AbortController()
    const saved: number[] = []
    const measurement = await runMicro('noise', {
      ...options,
      variants: ['same', 'same-again'],
      signal: interrupted.signal,
      save: ({ blocks }) => saved.push(blocks.length),
      onProgress: (event) => {
        if (event.type === 'block') interrupted.abort()
      },
    })
    assert.equal(measurement.finishedAt, null)
    assert.equal(measurement.blocks.length, 1)
    assert.deepEqual(saved, [1])
    assert.match(microToTerminal(measurement), /Interrupted: 1 of 8 blocks/)
  })

  it('goes on where it was interrupted, with the same plan', async () => {
    const interrupted = new AbortController()
    const variants = ['same', 'same-again']
    const half = await runMicro('noise', {
      ...{ ...options, variants, blocks: 2, signal: interrupted.signal },
      onProgress: ({ type }) => type === 'block' && interrupted.abort(),
    })
    // As many calls to a sample as before, and not as many as would do now.
    for (const contender of half.plan.contenders) contender.batch += 7
    const before = structuredClone(half)
    const whole = await runMicro('noise', { ...options, seed: 77, resume: half })
    assert.notEqual(whole.finishedAt, null)
    assert.deepEqual([before.blocks.length, whole.blocks.length], [1, 2])
    assert.deepEqual(whole.blocks[0], before.blocks[0])
    assert.deepEqual([whole.plan, whole.seed], [before.plan, before.seed])
    assert.notDeepEqual(whole.blocks[1]?.startedAt, before.blocks[0]?.startedAt)
  })

  it('says to a person beforehand how long it takes, and to a program what there is afterwards', async () => {
    const words = ['bench', 'micro', 'noise', '--variants', 'same,same-again', '--blocks', '1']
    const { code, err } = await seesaw(words, { env: { TMPDIR: folder }, cwd: home })
    assert(code === 0 || code === 1, err)
    assert.match(
      err,
      / {2}B {2}.* \(same-again\)\n1 blocks, quick, seed \d+; about \d+ s\.\n[\s\S]*1 of 1 blocks/,
    )
    const file = join(folder, 'micro.json')
    const told = await seesaw([...words, '--json', file, '--progress', 'json'], {
      env: { TMPDIR: folder },
      cwd: home,
    })
    assert.equal(told.out, '')
    assert.deepEqual(
      told.err
        .trim()
        .split('\n')
        .slice(-2)
        .map((line) => JSON.parse(line)),
      [{ type: 'result', file }, { type: 'done' }],
    )
  })

  it('says what is wrong in one sentence where a process ends in between', async () => {
    const child = startChild(join(tmpdir(), 'seesaw-micro-none', 'A'))
    const asked = child.ask('slice', { ms: 60_000, batch: 1 })
    await child.end()
    await assert.rejects(asked, { code: 'WORKER_FAILED' })
    await assert.rejects(child.ask('slice', { ms: 1, batch: 1 }), { code: 'WORKER_FAILED' })
  })
})

describe('the report of a comparison of functions', () => {
  const measurement = made([eight(100), eight(120), eight(100.2)], { wrong: [] })

  it('has the same verdicts on the page, in Markdown and on the terminal', () => {
    const plainly = (text: string) =>
      text.replaceAll('\u00a0', ' ').replaceAll('\\', '').replace(/\s+/g, ' ')
    const terminal = plainly(microToTerminal(measurement, { width: 100 }))
    const html = plainly(microToHtml(measurement).replace(/<[^>]*>/g, ' '))
    const md = plainly(microToMarkdown(measurement))
    for (const { sentence } of measurement.verdicts) {
      const [claim = ''] = sentence.split(' (')
      for (const text of [terminal, html, md])
        assert(text.toLowerCase().includes(claim.toLowerCase()), `${claim} in ${text}`)
    }
    assert.match(html, /Seed 1/)
    assert.match(md, /seesaw bench micro made-up/)
  })

  it('asks no other place for anything', () => {
    assert.doesNotMatch(microToHtml(measurement), /(src|href)="(?!data:)|<script/)
  })

  it('says that it was interrupted, and what is wrong', () => {
    const half = made([eight(100), eight(120)], { wrong: [1] })
    half.finishedAt = null
    for (const text of [microToHtml(half), microToMarkdown(half), microToTerminal(half)]) {
      assert.match(text, /No number: variant 1 gives no right results/)
      assert.match(text, /Interrupted: 8 of 8 blocks/)
    }
  })

  it('is made from the stored file, analysed anew', () => {
    const folder = mkdtempSync(join(tmpdir(), 'seesaw-micro-report-'))
    const file = join(folder, 'micro.json')
    try {
      writeFileSync(file, JSON.stringify({ ...measurement, verdicts: [] }))
      assert.deepEqual(readMicro(file), measurement)
      writeFileSync(file, '{"kind":"micro"}')
      assert.throws(() => readMicro(file), { code: 'MEASUREMENT_UNREADABLE' })
      writeFileSync(file, '{"kind":"capacity"}')
      assert.equal(readMicro(file), undefined)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
