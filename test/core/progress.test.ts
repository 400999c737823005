// What a learner said before they measured: kept before anything runs, told by what was measured, and
// never lost, whoever else writes and however Seesaw ends.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Call, Exported } from '#core/learner/shape'
import { openProgress, type ProgressView } from '#core/learner/store'
import { newId, openStore, type Ticket } from '#core/measurements/store'
import { analysed, changed, measurementOf, variants } from '../measurements.ts'
import { problemIn, type Started, seesaw, startSeesaw, tempFolder, until } from '../seesaw.ts'

const scenario = 'session-vs-token'
const [a, b] = variants.map(({ setup }) => setup) as [string, string]
const call: Call = {
  scenario,
  a,
  b,
  metric: 'throughput',
  call: 'a',
  factor: 2,
  why: 'fewer signatures',
  confidence: 80,
}

/** Lays down a measurement as `seesaw bench` leaves it; what is measured is that `a` answers more. */
const measured = (folder: string, change: Parameters<typeof changed>[1] = () => {}): Ticket => {
  const id = newId(Date.now())
  const store = openStore(join(folder, 'measurements'))
  const at = new Date().toISOString()
  const ticket: Ticket = {
    format: 1,
    id,
    command: 'seesaw bench',
    scenario,
    setups: [a, b],
    preset: 'quick',
    seed: 1,
    status: 'running',
    askedAt: at,
    startedAt: at,
    finishedAt: null,
    blocks: { done: 0, of: 12 },
    verdicts: [],
  }
  store.keep(ticket)
  const measurement = changed(analysed(measurementOf({ primary: 'throughput' })), change)
  writeFileSync(store.fileOf(id, '.json'), JSON.stringify(measurement))
  return ticket
}

const open = () => {
  const folder = tempFolder()
  return { folder, progress: openProgress(folder) }
}

describe('a call', () => {
  it('is on disk before it is answered, and waits for a measurement', async () => {
    const { folder, progress } = open()
    const { id } = progress.predict(call)
    const kept = JSON.parse(readFileSync(join(folder, 'progress.json'), 'utf8')) as Exported
    assert.deepEqual(
      kept.predictions.map((one) => one.id),
      [id],
    )
    const { score, scenarios } = await progress.read()
    assert.equal(score.open, 1)
    assert.equal(scenarios[scenario]?.state, 'predicted')
  })

  it('is told by the next measurement of the two, though nobody was there when it ended', async () => {
    const { folder, progress } = open()
    progress.predict(call)
    progress.began(measured(folder))
    const later = await openProgress(folder).read()
    assert.equal(later.predictions[0]?.score, 'right')
    const outcome = later.predictions[0]?.outcome
    assert(outcome?.ratio && outcome.low && outcome.high)
    assert(outcome.low <= outcome.ratio && outcome.ratio <= outcome.high && outcome.high < 1)
    assert.match(outcome.sentence, /^signed-token is slower than server-session by /)
    assert.equal(later.scenarios[scenario]?.state, 'run')
    assert.deepEqual(
      later.score.calibration.find(({ fromPercent }) => fromPercent === 80),
      { fromPercent: 80, toPercent: 89, calls: 1, right: 1 },
    )
  })

  it('means the same whichever of the two is measured first', async () => {
    const { folder, progress } = open()
    progress.predict({ ...call, a: b, b: a, call: 'a' })
    progress.began(measured(folder))
    const { predictions } = await progress.read()
    assert.equal(predictions[0]?.outcome?.verdict, 'b')
    assert.equal(predictions[0]?.score, 'wrong')
    assert((predictions[0]?.outcome?.low ?? 0) > 1)
  })

  it('is neither right nor wrong where it cannot be told, and may be measured again', async () => {
    const { folder, progress } = open()
    progress.predict({ ...call, call: 'same' })
    for (const verdict of ['undecided', 'invalid'] as const) {
      progress.began(
        measured(folder, (copy) => {
          for (const one of copy.verdicts) one.verdict = verdict
        }),
      )
      const { score, predictions } = await progress.read()
      assert.deepEqual([score.untold, score.right, score.wrong], [1, 0, 0])
      assert.equal(predictions[0]?.outcome?.verdict, verdict)
    }
    progress.began(measured(folder))
    assert.equal((await progress.read()).score.wrong, 1)
  })

  it('that was right or wrong stays so, whatever is measured afterwards', async () => {
    const { folder, progress } = open()
    const { id } = progress.predict(call)
    progress.began(measured(folder))
    const before = await progress.read()
    const again = measured(folder)
    progress.began(again)
    assert.deepEqual(await progress.read(), before)
    await assert.rejects(progress.link(id, again.id), { code: 'WRONG_USE' })
  })

  it('cannot be made after the measurement', async () => {
    const { folder, progress } = open()
    const early = measured(folder)
    await new Promise((resolve) => setTimeout(resolve, 5))
    const { id } = progress.predict(call)
    progress.began(early)
    assert.equal((await progress.read()).score.open, 1)
    await assert.rejects(progress.link(id, early.id), { code: 'WRONG_USE' })
  })

  it('waits on where its measurement was interrupted or is gone', async () => {
    const { folder, progress } = open()
    progress.predict(call)
    progress.began(
      measured(folder, (copy) => {
        copy.finishedAt = null
      }),
    )
    assert.equal((await progress.read()).score.open, 1)
    progress.began({ ...measured(folder), id: newId(Date.now() + 1_000) })
    assert.equal((await progress.read()).score.open, 1)
  })

  it('is replaced by another one as long as nothing was measured', async () => {
    const { progress } = open()
    progress.predict(call)
    progress.predict({ ...call, call: 'b' })
    progress.predict({ ...call, metric: 'p99' })
    const { predictions } = await progress.read()
    assert.deepEqual(
      predictions.map((one) => [one.metric, one.call]),
      [
        ['throughput', 'b'],
        ['p99', 'a'],
      ],
    )
  })
})

describe('the progress', () => {
  it('is forgotten for one scenario or for all, and brought back with what came since', async () => {
    const { progress } = open()
    progress.predict(call)
    progress.predict({ ...call, scenario: 'rate-limits', a: 'rate-limits/x', b: 'rate-limits/y' })
    progress.write(scenario, { explained: 'one lookup less' })
    assert.deepEqual(progress.reset(scenario).removed, { predictions: 1, scenarios: 1 })
    assert.deepEqual(Object.keys((await progress.read()).scenarios), ['rate-limits'])
    progress.write(scenario, { note: 'looked again' })
    progress.undo()
    const { predictions, scenarios } = await progress.read()
    assert.equal(predictions.length, 2)
    assert.equal(scenarios[scenario]?.note, 'looked again')
    assert.equal(scenarios[scenario]?.explained?.text, 'one lookup less')

    const { undo } = progress.reset()
    assert.deepEqual((await progress.read()).scenarios, {})
    assert.throws(() => progress.undo('another'), { code: 'UNDO_NOT_FOUND' })
    progress.undo(undo)
    assert.equal((await progress.read()).predictions.length, 2)
    assert.throws(() => progress.undo(undo), { code: 'UNDO_NOT_FOUND' })
  })

  it('that is forgotten twice, from two tabs, can still be brought back', async () => {
    const { progress } = open()
    progress.predict(call)
    progress.reset()
    progress.undo(progress.reset().undo)
    assert.equal((await progress.read()).predictions.length, 1)
  })

  it('is empty where nothing was ever kept, not even a folder', async () => {
    const { predictions, setAside } = await openProgress(join(tempFolder(), 'none')).read()
    assert.deepEqual([predictions, setAside], [[], []])
  })

  it('is exported and imported; what is there stays, and the import can be taken back', async () => {
    const one = open().progress
    one.predict(call)
    one.write(scenario, { note: 'from elsewhere' })
    const exported = await one.exportAll()
    const { progress } = open()
    progress.predict({ ...call, call: 'b' })
    progress.write(scenario, { explained: 'mine' })
    const before = await progress.read()
    assert.deepEqual(progress.importAll(exported).added, { predictions: 1, scenarios: 1 })
    assert.deepEqual(progress.importAll(exported).known, { predictions: 1, scenarios: 1 })
    assert.equal((await progress.read()).scenarios[scenario]?.note, 'from elsewhere')
    assert.equal((await progress.read()).scenarios[scenario]?.explained?.text, 'mine')
    progress.reset()
    progress.undo()
    const { predictions } = await progress.read()
    assert.equal(predictions.length, 2)

    const fresh = open().progress
    fresh.predict({ ...call, call: 'b' })
    fresh.write(scenario, { explained: 'mine' })
    fresh.importAll(exported)
    fresh.undo()
    const back = await fresh.read()
    assert.equal(back.predictions.length, before.predictions.length)
    assert.equal(back.scenarios[scenario]?.note, undefined)
  })

  it('is put aside where it cannot be read, and never written over', async () => {
    for (const text of ['{ "format": 1, "predic', '{"format": 2}', '[]', '']) {
      const folder = tempFolder()
      writeFileSync(join(folder, 'progress.json'), text)
      const progress = openProgress(folder)
      progress.predict(call)
      const { setAside, predictions } = await progress.read()
      assert.equal(predictions.length, 1)
      assert.equal(setAside.length, 1)
      assert.equal(readFileSync(join(folder, setAside[0] ?? ''), 'utf8'), text)
    }
  })

  it('takes no more than can be imported again', async () => {
    const { folder, progress } = open()
    const why = 'x'.repeat(2_000)
    let n = 0
    assert.throws(
      () => {
        const predictions = [...Array(500)].map((_, i) => ({
          ...call,
          why,
          id: `0000000${i}`,
          madeAt: '2026-01-01T00:00:00.000Z',
          run: null,
          outcome: null,
        }))
        progress.importAll({ kind: 'seesaw-progress', format: 1, predictions, scenarios: {} })
      },
      { code: 'PROGRESS_FULL' },
    )
    while (n++ < 3) progress.predict({ ...call, why, b: `${b}${n}` })
    assert.equal((await openProgress(folder).read()).predictions.length, 3)
  })

  it('says so where the folder cannot be written', () => {
    const folder = join(tempFolder(), 'file')
    writeFileSync(folder, '')
    assert.throws(() => openProgress(folder).predict(call), { code: 'DATA_FOLDER_UNUSABLE' })
  })
})

describe('the progress over HTTP and on the command line', function () {
  this.timeout(60_000)
  let started: Started
  let data: string

  const send = (method: string, path: string, body?: unknown) =>
    fetch(started.url + path, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
  const read = async () => (await (await send('GET', '/api/progress')).json()) as ProgressView
  const ours = {
    ...call,
    a: `${scenario}/server-session`,
    b: `${scenario}/signed-token`,
  }

  before(async () => {
    data = tempFolder()
    started = await startSeesaw({ data })
  })
  after(() => started?.stop())

  it('refuses a call that is none', async () => {
    const wrong: [object, string][] = [
      [{ ...ours, b: ours.a }, 'WRONG_USE'],
      [{ ...ours, b: `${ours.a}@memory` }, 'WRONG_USE'],
      [{ ...ours, b: 'rate-limits/gcra' }, 'WRONG_USE'],
      [{ ...ours, b: `${scenario}/nobody` }, 'VARIANT_NOT_FOUND'],
      [{ ...ours, a: 'no setup/of/any' }, 'SETUP_MALFORMED'],
      [{ ...ours, call: 'c' }, 'BODY_INVALID'],
      [{ ...ours, metric: 'beauty' }, 'BODY_INVALID'],
      [{ ...ours, factor: 0.5 }, 'BODY_INVALID'],
      [{ ...ours, confidence: 120 }, 'BODY_INVALID'],
      [{ ...ours, outcome: { verdict: 'a' } }, 'BODY_INVALID'],
    ]
    for (const [body, code] of wrong)
      assert.equal((await problemIn(await send('POST', '/api/predictions', body))).code, code)
    for (const [method, path, body, code] of [
      ['PATCH', '/api/predictions/nobody', { run: newId(0) }, 'MEASUREMENT_NOT_FOUND'],
      ['PATCH', '/api/predictions/nobody', { run: '../../etc/passwd' }, 'MEASUREMENT_NOT_FOUND'],
      ['PUT', '/api/progress/scenarios/constructor', { note: 'x' }, 'SCENARIO_NOT_FOUND'],
      ['PUT', '/api/progress/scenarios/..%2f..%2fetc', { note: 'x' }, 'SCENARIO_NOT_FOUND'],
      ['POST', '/api/progress/undo', { token: 'x' }, 'UNDO_NOT_FOUND'],
      ['POST', '/api/progress/import', { kind: 'seesaw-progress', format: 2 }, 'BODY_INVALID'],
    ] as const)
      assert.equal((await problemIn(await send(method, path, body))).code, code, path)
    assert.deepEqual((await read()).predictions, [])
  })

  it('keeps any words as words, and refuses a megabyte of them', async () => {
    const path = `/api/progress/scenarios/${scenario}`
    const note = '<img src=x onerror=alert(1)> \u202egnorw\u202c javascript:alert(1) \ud83d\ude00'
    assert.equal((await send('PUT', path, { note })).status, 200)
    assert.equal((await read()).scenarios[scenario]?.note, note)
    const large = await problemIn(await send('PUT', path, { note: 'x'.repeat(900_000) }))
    assert.equal(large.code, 'BODY_INVALID')
    const larger = await problemIn(await send('PUT', path, { note: 'x'.repeat(1_100_000) }))
    assert.equal(larger.code, 'BODY_TOO_LARGE')
    assert.equal((await read()).scenarios[scenario]?.note, note)
    await send('PUT', path, { note: null })
    assert.equal((await read()).scenarios[scenario]?.note, undefined)
  })

  it('loses nothing when two write at the same time', async () => {
    await Promise.all(
      [...Array(20)].map((_, i) =>
        i % 2
          ? send('POST', '/api/predictions', { ...ours, b: `${ours.b}~sessionTtlMs=${1_000 + i}` })
          : send('PUT', '/api/progress/scenarios/rate-limits', { note: String(i) }),
      ),
    )
    const { predictions, scenarios } = await read()
    assert(scenarios['rate-limits']?.note)
    assert.equal(new Set(predictions.map((one) => one.b)).size, 10)
    await send('POST', '/api/progress/reset', {})
  })

  it('tells every open page of a change', async () => {
    const stop = new AbortController()
    const events = await fetch(`${started.url}/api/events`, { signal: stop.signal })
    let heard = ''
    const listening = (async () => {
      for await (const piece of events.body ?? []) heard += Buffer.from(piece).toString()
    })().catch(() => {})
    await send('PUT', '/api/progress/scenarios/rate-limits', { explained: 'told' })
    await until(() => heard.includes('"type":"progress"') && heard.includes('"told"'), 5_000)
    stop.abort()
    await listening
  })

  it('survives a kill between the call and its result, and so does the link to the run', async () => {
    const made = await send('POST', '/api/predictions', ours)
    assert.equal(made.status, 201)
    const { id } = (await made.json()) as { id: string }
    const run = await send('POST', '/api/bench', { target: [ours.a, ours.b], preset: 'quick' })
    const { id: runId } = (await run.json()) as { id: string }
    await until(async () => (await read()).predictions.some((one) => one.run === runId), 10_000)
    started.child.kill('SIGKILL')
    await started.ended

    const told = await seesaw(['progress', '--json', '--data', data])
    assert.equal((JSON.parse(told.out) as ProgressView).predictions[0]?.id, id)
    started = await startSeesaw({ data })
    const [prediction] = (await read()).predictions
    assert.deepEqual([prediction?.id, prediction?.run, prediction?.score], [id, runId, 'open'])
  })

  it('is the same on the command line, with a Seesaw that runs and without', async () => {
    const tell = (...words: string[]) => seesaw(['progress', ...words, '--data', data])
    const file = join(tempFolder(), 'progress.json')
    assert.match((await tell('--export', file)).out, /^1 calls are in /)
    assert.match((await tell('--reset')).out, /1 calls forgotten/)
    assert.equal((await read()).predictions.length, 0)
    assert.match((await tell('--undo')).out, /reset is taken back/)
    assert.equal((await read()).predictions.length, 1)
    await started.stop()
    assert.match((await tell('--reset', scenario)).out, /1 calls forgotten/)
    assert.match((await tell('--import', file)).out, /1 calls added/)
    assert.match((await tell('--import', join(data, 'signing.key'))).err, /BODY_MALFORMED/)
    assert.match((await tell()).out, /0 right, 0 wrong, 0 could not be told, 1 not measured yet/)
  })

  it('leaves nothing beside its file but the lock', () => {
    assert.deepEqual(
      readdirSync(data).filter((name) => name.startsWith('progress')),
      ['progress.json', 'progress.lock'],
    )
  })
})
