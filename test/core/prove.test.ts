// The prover: every claim must come out as declared, in both directions; what cannot be told is
// `unknown`, and never passes.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, SeesawError } from '#core/errors'
import { type Outcome, PutOff } from '#core/proof/exercise'
import { type Concluded, type Lane, runLanes, takeTurns } from '#core/proof/lanes'
import { type Proof, prove } from '#core/proof/prove'
import { findTargets } from '#core/proof/targets'
import { trySetup } from '#core/proof/try'
import { fixtures } from '../seesaw.ts'

const lab = { scenariosFolder: fixtures }
const refusedAs = (code: ErrorCode, message: RegExp) => (error: unknown) => {
  assert(error instanceof SeesawError, String(error))
  assert.equal(error.code, code, error.message)
  assert.match(error.message, message)
  return true
}

describe('a proof', function () {
  this.timeout(120_000)
  let proof: Proof
  let hopeless: Proof
  const progress: string[] = []
  before(async () => {
    proof = await prove({
      targets: ['awkward'],
      backends: ['memory', 'sqlite'],
      onVerdict: ({ setup, claim }, done, all) => progress.push(`${done}/${all} ${setup} ${claim}`),
      lab,
    })
    hopeless = await prove({ targets: ['hopeless'], exerciseWithinMs: 1_000, lab })
  })
  const verdict = (claim: string, setup = 'awkward/plain') =>
    proof.verdicts.find((one) => one.claim === claim && one.setup === setup) ?? assert.fail(claim)
  const outcome = (claim: string, setup?: string) => {
    const { declared, verdict: seen, because } = verdict(claim, setup)
    return { declared, seen, because }
  }

  it('has one verdict for each claim on each setup, in their order', () => {
    assert.deepEqual(
      [...new Set(proof.verdicts.map(({ setup }) => setup))],
      ['awkward/plain', 'awkward/counting@memory', 'awkward/counting@sqlite'],
    )
    assert.equal(proof.verdicts.length, 3 * 8)
    assert.deepEqual(proof.skipped, [])
  })

  it('is not ok where one verdict is not as declared', () => assert.equal(proof.ok, false))

  it('tells of each verdict as it comes', () => {
    assert.equal(progress.length, 24)
    assert.match(progress.at(-1) ?? '', /^24\/24 awkward\//)
  })

  it('shows what happened where a verdict is not as declared, and only there', () => {
    const { transcript = [] } = verdict('wrongly-declared')
    assert.deepEqual(
      transcript.map(({ kind }) => kind),
      ['exchange', 'note', 'expect'],
    )
    for (const one of proof.verdicts)
      assert.equal(one.transcript !== undefined, one.verdict !== one.declared, one.claim)
  })

  it('says which line decided', () => {
    assert.deepEqual(outcome('wrongly-declared'), {
      declared: 'holds',
      seen: 'breaks',
      because: 'it answered 200',
    })
  })

  it('tries four times what it cannot tell, and then calls it unknown', () => {
    const { verdict: seen, because, tries } = verdict('never-sure')
    assert.deepEqual([seen, tries], ['unknown', 4])
    assert.match(because, /^too slow, \d+ times$/)
  })

  it('takes the first try that tells', async () => {
    // Alone: the exercise counts its tries, and those of another setup would come between.
    const alone = await prove({ targets: ['awkward/plain'], claims: ['sure-at-last'], lab })
    const [{ verdict: seen, tries } = assert.fail()] = alone.verdicts
    assert.equal(seen, 'holds')
    assert(tries <= 2)
  })

  for (const [claim, because] of Object.entries({
    throws: /^the exercise failed: no such luck$/,
    'throws-at-once': /^the exercise failed: not even a promise$/,
    'never-ends': /^not finished after 1 s$/,
    'checks-nothing': /^the exercise checked nothing$/,
    'asks-for-one-too-many': /^there is no server process 9$/,
  }))
    it(`calls it unknown where an exercise ${claim.replaceAll('-', ' ')}`, () => {
      const found = hopeless.verdicts.find((one) => one.claim === claim) ?? assert.fail(claim)
      assert.deepEqual([found.verdict, found.tries], ['unknown', 4])
      assert.match(found.because, because)
    })

  it('goes by the first check that failed, also where the exercise goes on', () => {
    assert.deepEqual(outcome('swallows'), {
      declared: 'breaks',
      seen: 'breaks',
      because: 'it was seen',
    })
  })

  it('starts as many processes as a claim needs', () =>
    assert.equal(outcome('needs-three').seen, 'holds'))

  it('turns the knobs that a claim asks for, where the variant has them', () => {
    assert.equal(outcome('turns-a-knob').seen, 'holds')
    assert.equal(verdict('turns-a-knob').ran, 'awkward/plain~size=7')
    assert.equal(verdict('turns-a-knob', 'awkward/counting@memory').ran, 'awkward/counting@memory')
  })

  it('turns them also where the setup names others', async () => {
    const { verdicts } = await prove({
      targets: ['awkward/plain~size=3'],
      claims: ['turns-a-knob'],
      lab,
    })
    const [{ verdict: seen, setup, ran } = assert.fail()] = verdicts
    assert.deepEqual([seen, setup, ran], ['holds', 'awkward/plain~size=3', 'awkward/plain~size=7'])
  })

  it('asks the backend where a claim depends on it, in both directions', () => {
    const [onMemory, onFile] = ['awkward/counting@memory', 'awkward/counting@sqlite'].map((setup) =>
      outcome('remembers', setup),
    )
    assert.deepEqual(onMemory, { declared: 'breaks', seen: 'breaks', because: 'visit 1' })
    assert.deepEqual(onFile, { declared: 'holds', seen: 'holds', because: 'visit 2' })
  })

  it('kills and restarts processes only while no other exercise is in the middle of something', () => {
    for (const one of proof.verdicts)
      if (['survives-a-kill', 'turns-a-knob', 'wrongly-declared'].includes(one.claim))
        assert.notEqual(one.verdict, 'unknown', `${one.setup} ${one.claim}: ${one.because}`)
  })
})

describe('what is to be proved', () => {
  for (const [targets, backends, code, message] of [
    [['awkwrd'], undefined, 'SCENARIO_NOT_FOUND', /Did you mean 'awkward'/],
    [['awkward/plan'], undefined, 'VARIANT_NOT_FOUND', /Did you mean 'plain'/],
    [['awkward/counting@reddis'], undefined, 'BACKEND_NOT_FOUND', /Did you mean 'redis'/],
    [['awkward/plain~size=99'], undefined, 'KNOB_OUT_OF_RANGE', /from 1 to 9/],
    [['awkward'], ['reddis'], 'BACKEND_NOT_FOUND', /Did you mean 'redis'/],
    [['awkward/counting'], [], 'ADAPTER_NOT_FOUND', /can run on no backend at all/],
    [['awk~ward~'], undefined, 'SETUP_MALFORMED', /is no setup/],
  ] as [string[], string[] | undefined, ErrorCode, RegExp][])
    it(`is refused as ${code}: ${targets} ${backends ?? ''}`, () =>
      assert.rejects(
        prove({ targets, lab, ...(backends ? { backends } : {}) }),
        refusedAs(code, message),
      ))
})

describe('a backend that cannot be used', () => {
  const before = process.env.REDIS_URL
  afterEach(() => {
    if (before === undefined) delete process.env.REDIS_URL
    else process.env.REDIS_URL = before
  })

  it('is skipped with the reason, not replaced', async () => {
    process.env.REDIS_URL = 'redis://127.0.0.1:1'
    const { verdicts, skipped } = await prove({ targets: ['awkward/counting@redis'], lab })
    assert.deepEqual(verdicts, [])
    assert.equal(skipped[0]?.setup, 'awkward/counting@redis')
    assert.match(
      skipped[0]?.reason ?? '',
      /Redis is not available here: .*127\.0\.0\.1:1.*unset REDIS_URL/,
    )
  })

  it('is refused where it is tried', async () => {
    process.env.REDIS_URL = 'redis://127.0.0.1:1'
    await assert.rejects(
      trySetup('awkward/counting@redis', 'remembers', lab),
      refusedAs('BACKEND_UNAVAILABLE', /Redis is not available here/),
    )
  })
})

describe('a trial', () => {
  it('shows the whole conversation, adapter calls included', async () => {
    const trial = await trySetup('awkward/counting@sqlite', 'remembers', lab)
    assert.deepEqual(
      [trial.setup, trial.exercise, trial.declared, trial.verdict, trial.because],
      ['awkward/counting@sqlite', 'remembers', 'holds', 'holds', 'visit 2'],
    )
    const [first] = trial.conversation
    assert(first?.kind === 'exchange')
    assert.equal(first.request.path, '/')
    assert.deepEqual(first.answer.body, { visits: 1 })
    assert.match(first.answer.headers['server-timing'] ?? '', /^cache\.get;.*cache\.set;/)
    assert.deepEqual(
      trial.conversation.map(({ kind }) => kind),
      ['exchange', 'note', 'exchange', 'expect'],
    )
  })

  it('of an exercise that there is not is refused', () =>
    assert.rejects(
      trySetup('awkward', 'remembrs', lab),
      refusedAs('EXERCISE_NOT_FOUND', /Did you mean 'remembers'/),
    ))

  it('of a scenario without claims is refused', () =>
    assert.rejects(trySetup('unsafe', undefined, lab), refusedAs('EXERCISE_NOT_FOUND', /none/)))
})

describe('turns', () => {
  it('let one be alone only when all others have ended or wait, and do once what several wait for', async () => {
    const turns = takeTurns()
    let inside = 0
    let most = 0
    let works = 0
    const alone = (what: string) =>
      turns.alone(what, async () => {
        works++
        most = Math.max(most, ++inside)
        await sleep(5)
        inside--
      })
    let busy = 0
    const exercise = (what?: string) =>
      turns.among(async () => {
        for (let i = 0; i < 5; i++) {
          busy++
          assert.equal(inside, 0, 'nobody is alone while this one is busy')
          await sleep(Math.random() * 4)
          assert.equal(inside, 0, 'nobody is alone while this one is busy')
          busy--
          if (what) await alone(what)
        }
      })
    await Promise.all(['restart', undefined, 'kill', undefined, 'kill', 'kill'].map(exercise))
    assert.equal(most, 1)
    assert(
      works >= 10 && works < 20,
      `what several wait for is done once for all, not ${works} times`,
    )
    assert.equal(busy, 0)
  })
})

describe('the targets of a proof', () => {
  it('leave as by default what none of the named backends can keep', async () => {
    const targets = await findTargets({
      targets: ['cache-strategies/cache-aside'],
      backends: ['redis'],
    })
    assert.deepEqual(
      targets.map(({ setup }) => setup.backends),
      [{ cache: 'redis', db: 'sqlite' }],
    )
  })
})

describe('the lanes of a proof', () => {
  const seen = (verdict: Outcome['verdict']): Outcome => ({
    verdict,
    because: '',
    ms: 0,
    transcript: [],
  })
  const lane = (setup: string, attempt: Lane['attempt'], more: Partial<Lane> = {}): Lane => ({
    setup,
    claim: 'any',
    alone: false,
    isAsDeclared: ({ verdict }) => verdict === 'holds',
    attempt,
    ...more,
  })
  const run = async (lanes: Lane[]) => {
    const concluded = new Map<Lane, Concluded>()
    await runLanes(lanes, { onConcluded: (lane, what) => concluded.set(lane, what) })
    return lanes.map((lane) => concluded.get(lane) ?? assert.fail(lane.setup))
  }

  it('run one by one on one setup, and side by side on others', async () => {
    const busy: string[] = []
    let most = 0
    const work = (setup: string) =>
      lane(setup, async () => {
        assert(!busy.includes(setup), `${setup} is busy`)
        busy.push(setup)
        most = Math.max(most, busy.length)
        await sleep(2)
        busy.splice(busy.indexOf(setup), 1)
        return seen('holds')
      })
    const all = Array.from({ length: 60 }, (_, i) => work(`setup ${i % 10}`))
    const concluded = await run(all)
    assert.equal(most, 10)
    assert(concluded.every(({ tries }) => tries === 1))
  })

  it('leave one alone that is judged by time, memory or processor', async () => {
    let busy = 0
    const work = (setup: string, alone: boolean) =>
      lane(
        setup,
        async () => {
          busy++
          if (alone) assert.equal(busy, 1)
          await sleep(2)
          if (alone) assert.equal(busy, 1)
          busy--
          return seen('holds')
        },
        { alone },
      )
    await run(Array.from({ length: 30 }, (_, i) => work(`setup ${i}`, i % 3 === 0)))
  })

  it('believe what is not as declared only when it was alone', async () => {
    let busy = 0
    const hurried = (setup: string) =>
      lane(setup, async () => {
        busy++
        await sleep(2)
        const wasAlone = busy === 1
        busy--
        return seen(wasAlone ? 'holds' : 'breaks')
      })
    const wrong = lane('wrong', async () => seen('breaks'))
    const concluded = await run([hurried('a'), hurried('b'), hurried('c'), wrong])
    assert.deepEqual(
      concluded.map(({ outcome }) => outcome.verdict),
      ['holds', 'holds', 'holds', 'breaks'],
    )
    assert.deepEqual(concluded.at(-1)?.tries, 2)
  })

  it('are fewer where too many outcomes are unknown', async () => {
    let busy = 0
    let mostLate = 0
    let done = 0
    const lanes = Array.from({ length: 200 }, (_, i) =>
      lane(`setup ${i}`, async () => {
        busy++
        if (done > 150) mostLate = Math.max(mostLate, busy)
        await sleep(1)
        const tooMany = busy > 6
        busy--
        done++
        return seen(tooMany ? 'unknown' : 'holds')
      }),
    )
    await run(lanes)
    assert(mostLate <= 6, `${mostLate} at once at the end`)
  })

  it('restart once for all that have come to that point, and for a claim known to restart at once', async () => {
    let restarts = 0
    let attempts = 0
    const lanes = Array.from({ length: 12 }, (_, i) =>
      lane(`setup ${i}`, async (turns) => {
        attempts++
        try {
          await turns.alone('restart', async () => {
            restarts++
            await sleep(5)
          })
        } catch (error) {
          assert(error instanceof PutOff)
          return { ...seen('unknown'), putOff: true }
        }
        return seen('holds')
      }),
    )
    const concluded = await run(lanes)
    assert.equal(restarts, 1)
    assert(attempts <= 24)
    assert(concluded.every(({ outcome, tries }) => outcome.verdict === 'holds' && tries === 1))
  })
})
