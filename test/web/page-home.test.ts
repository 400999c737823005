// The first screen, the catalogue, predictions and the record of calls, in a real browser.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { Catalogue } from '#core/course/catalogue'
import { home } from '#core/course/find'
import type { Exported } from '#core/learner/shape'
import type { ProgressView } from '#core/learner/store'
import type { Listed } from '#core/measurements/desk'
import { seriousFindings, useBrowser, widthOf } from '../browser.ts'
import { type Started, startSeesaw, tempFolder, until } from '../seesaw.ts'

describe('the first screens', function () {
  this.timeout(120_000)
  const { open } = useBrowser()
  let started: Started
  // Measurements of a machine take turns by a lock that lies there; those of other tests do not matter.
  let env: { TMPDIR: string }

  before(async () => {
    env = { TMPDIR: tempFolder() }
    started = await startSeesaw({ env })
  })
  after(() => started?.stop())

  const get = async <T>(path: string) => (await (await fetch(started.url + path)).json()) as T
  const post = (path: string, body: unknown) => send('POST', path, body)
  const send = async (method: string, path: string, body: unknown) => {
    const answer = await fetch(started.url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    assert(answer.ok, await answer.text())
  }
  const progress = () => get<ProgressView>('/api/progress')
  const measurements = () =>
    get<{ running: Listed | null; measurements: Listed[]; total: number }>('/api/bench')
  /** Until the call that was clicked is kept and the server has tied a measurement to it. */
  const untilRunning = () =>
    until(async () => Boolean((await progress()).predictions.at(-1)?.run), 20_000)
  const bet = (page: Page) => page.getByRole('region', { name: /^Which serves more requests/ })

  const call = (change: object = {}): Exported['predictions'][number] => ({
    id: 'imported1',
    scenario: 'session-vs-token',
    a: 'session-vs-token/server-session@memory',
    b: 'session-vs-token/signed-token',
    metric: 'cpu',
    call: 'b',
    factor: 2,
    why: '<img src=x onerror=alert(1)>\u202e',
    confidence: 80,
    madeAt: '2026-11-01T10:00:00.000Z',
    run: null,
    outcome: {
      verdict: 'a',
      ratio: 1.4,
      low: 1.3,
      high: 1.5,
      sentence: 'signed-token uses <b>more</b>',
      at: '2026-11-01T10:05:00.000Z',
    },
    ...change,
  })
  const history = (predictions = [call()]) =>
    post('/api/progress/import', {
      kind: 'seesaw-progress',
      format: 1,
      predictions,
      scenarios: {},
    })
  const forget = () => post('/api/progress/reset', {})

  it('need one click from the first visit to a verdict, through a reload in the middle', async () => {
    const free = (loadavg()[0] ?? 0) < cpus().length / 2
    const beganMs = Date.now()
    const page = await open(started.url)
    await bet(page).getByRole('button', { name: /^A / }).click()
    await untilRunning()
    const { predictions } = await progress()
    assert.equal(predictions.length, 1)
    assert.equal(predictions[0]?.call, 'a')
    const address = page.url()
    await page.reload()
    await page.getByText('Your call is kept').waitFor()
    await bet(page)
      .getByText(/You said /)
      .waitFor({ timeout: 90_000 })
    // Elsewhere than on a machine of its own nobody can say how long anything takes.
    if (free) assert(Date.now() - beganMs <= 30_000, `${Date.now() - beganMs} ms`)
    assert.equal(page.url(), address)
    assert.equal((await measurements()).total, 1)
    const [told] = (await progress()).predictions
    assert(told?.outcome)
    for (const name of ['See why', 'Measure longer', 'Change it'])
      await bet(page).getByRole('link', { name }).waitFor()
    if (told.score === 'right' || told.score === 'wrong') {
      await bet(page)
        .getByRole('link', { name: /\.ts, line \d+$/ })
        .first()
        .waitFor()
      await page.getByLabel('Explain it in your own words').fill('Less work per request.')
      await page.getByRole('button', { name: 'Keep it' }).click()
      await page.getByText('Kept on this machine.').waitFor()
      assert.equal((await progress()).scenarios[told.scenario]?.state, 'explained')
    }
  })

  it('keep a call though Seesaw is killed between the click and the result', async () => {
    await forget()
    const page = await open(`${started.url}/?duel=rate-limits`)
    await bet(page).getByRole('button', { name: 'No real difference' }).click()
    await untilRunning()
    started.child.kill('SIGKILL')
    await started.ended
    await page.getByText('Seesaw does not answer.').waitFor()
    const port = new URL(started.url).port
    started = await startSeesaw({ data: started.data, words: ['--port', port], env })
    // Nobody reloads.
    await page.getByText('Seesaw does not answer.').waitFor({ state: 'detached' })
    await page.getByText('Your call is kept: No real difference').waitFor()
    await bet(page).getByRole('button', { name: 'Measure again' }).waitFor()
    const [kept] = (await progress()).predictions
    assert.equal(kept?.call, 'same')
    assert.equal(kept?.score, 'open')
    await page.reload()
    await bet(page).getByRole('button', { name: 'Measure again' }).waitFor()
  })

  it('say kindly what could not be told, and what came out otherwise', async () => {
    await forget()
    const { scenarios } = await get<Catalogue>('/api/catalogue')
    const outcome = { ...call().outcome, sentence: 'x' }
    const said: [object, RegExp][] = [
      [{ outcome: { ...outcome, verdict: 'invalid' } }, /too busy just now to tell/],
      [{ outcome: { ...outcome, verdict: 'undecided' } }, /not enough to tell/],
      [{ outcome: { ...outcome, verdict: 'same' } }, /no difference that would matter/],
      [{ outcome: { ...outcome, verdict: 'a' } }, /Here it is Server session/],
      [{ outcome: { ...outcome, verdict: 'b' } }, /and so it is/],
    ]
    const run = (await measurements()).measurements.at(-1)?.id ?? null
    await history(
      said.map(([change], i) => call({ id: `imported${i}`, metric: 'throughput', run, ...change })),
    )
    const page = await open(started.url)
    for (const [i, [, words]] of said.entries()) {
      await page.goto(`${started.url}/?duel=session-vs-token&call=imported${i}`)
      await bet(page).getByText(words).waitFor()
    }
    for (const { duel, id } of scenarios)
      for (const [i, variant] of (duel?.between ?? []).entries()) {
        const file = join(home, 'scenarios', id, 'variants', `${variant}.ts`)
        assert(readFileSync(file, 'utf8').includes(duel?.lines[i] ?? '?'), `${file}: no such line`)
      }
  })

  it('find scenarios by words, chapter and state, and keep that in the address', async () => {
    await forget()
    await history()
    const page = await open(started.url)
    const cards = page.getByRole('region', { name: 'Everything to bet on' }).getByRole('article')
    const { scenarios } = await get<Catalogue>('/api/catalogue')
    await cards.first().waitFor()
    assert.equal(await cards.count(), scenarios.length)
    await page.getByLabel('Search').fill('token')
    await page.waitForURL('**/?q=token')
    await page.getByLabel('How far you are').selectOption('run')
    await page.waitForURL('**/?q=token&state=run')
    assert.equal(await cards.count(), 1)
    await page.reload()
    await cards.first().waitFor()
    assert.equal(await page.getByLabel('Search').inputValue(), 'token')
    assert.equal(await cards.count(), 1)
    await page.getByLabel('Search').fill('nothing is called like this')
    await page.getByRole('button', { name: 'Show all' }).click()
    await page.waitForURL(`${started.url}/`)
    assert.equal(await cards.count(), scenarios.length)
    await page.getByLabel('Chapter').selectOption('caching')
    await page.waitForURL('**/?chapter=caching')
    assert.equal(await cards.count(), 1)
    await cards.getByRole('link').click()
    await page.waitForURL('**/s/cache-strategies/predict')
  })

  it('take a prediction by keyboard alone, and keep it before the run begins', async () => {
    await forget()
    const page = await open(`${started.url}/s/session-vs-token/predict`)
    await page.getByRole('radio', { name: /Signed token/ }).focus()
    await page.keyboard.press('Space')
    await page.keyboard.press('Tab')
    const before = await page.getByLabel('By how much?').inputValue()
    await page.keyboard.press('PageUp')
    assert(Number(await page.getByLabel('By how much?').inputValue()) > Number(before))
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Tab')
    await page.keyboard.type('No store to ask.')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/run?**run=*')
    await untilRunning()
    const { running } = await measurements()
    const [kept] = (await progress()).predictions
    assert.deepEqual(
      [kept?.call, kept?.confidence, kept?.why, kept?.run],
      ['b', 75, 'No store to ask.', running?.id],
    )
    assert(kept && running && kept.madeAt <= running.askedAt)
    await post(`/api/bench/${running.id}/cancel`, {})
  })

  it('show earlier calls as text, whatever stands in them', async () => {
    await forget()
    await history()
    const page = await open(`${started.url}/record`)
    await page.getByText('<img src=x onerror=alert(1)>\\u202e').waitFor()
    await page.getByText('signed-token uses <b>more</b>').waitFor()
    await page.getByRole('row', { name: /80–89 % sure 0 of 1/ }).waitFor()
    assert.equal(await page.locator('main img, main b').count(), 0)
    await page.goto(`${started.url}/s/session-vs-token/predict`)
    await page.getByText('came out otherwise').waitFor()
  })

  it('forget and bring back, export and import', async () => {
    await forget()
    await history()
    const page = await open(`${started.url}/record`)
    const exported = await page.request.get(
      `${started.url}${await page.getByRole('link', { name: 'Export as JSON' }).getAttribute('href')}`,
    )
    assert.match(exported.headers()['content-disposition'] ?? '', /attachment; filename="seesaw-/)
    const file = join(tempFolder(), 'export.json')
    writeFileSync(file, await exported.body())

    await page.getByRole('button', { name: 'Reset' }).click()
    await page.getByText('1 calls forgotten.').waitFor()
    await page.getByRole('button', { name: 'Undo' }).press('Enter')
    await page.getByText('Everything is back.').waitFor()
    assert.equal((await progress()).predictions.length, 1)

    await forget()
    await page.getByText('You have made none yet.').waitFor()
    await page.getByLabel('Import an export').setInputFiles(file)
    await page.getByText('1 calls added, 0 were there already.').waitFor()
    writeFileSync(file, 'no JSON')
    await page.getByLabel('Import an export').setInputFiles(file)
    await page.getByText('it cannot be read as JSON').waitFor()
    assert.equal((await progress()).predictions.length, 1)
  })

  for (const colorScheme of ['light', 'dark'] as const)
    it(`have nothing serious for axe to find, ${colorScheme}`, async () => {
      await forget()
      await history()
      const page = await open(started.url, { colorScheme, bypassCSP: true })
      const look = async (path: string, ready: string) => {
        await page.goto(started.url + path)
        await page.getByText(ready).first().waitFor()
        assert.deepEqual(await seriousFindings(page), [], path)
      }
      await look('/', 'To come')
      // One that was measured, where the tests before have left a measurement.
      const run = (await measurements()).measurements.find(({ status }) => status === 'done')?.id
      if (run) {
        await history([call({ id: 'imported2', metric: 'throughput', run })])
        await look('/?duel=session-vs-token&call=imported2', 'You said')
      }
      const path = '/api/progress/scenarios/session-vs-token'
      await send('PUT', path, { explained: 'Less work.' })
      await look('/record', 'How sure, and how often right')
      await look('/s/session-vs-token/predict', 'Your earlier calls')
      await page.setViewportSize({ width: 390, height: 844 })
      for (const path of ['/', '/record', '/s/session-vs-token/predict']) {
        await page.goto(started.url + path)
        await page.getByRole('heading', { level: 1 }).waitFor()
        assert((await widthOf(page)) <= 390, `${path} scrolls sideways`)
      }
    })
})
