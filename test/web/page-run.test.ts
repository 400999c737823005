// The run tab in a real browser: what is measured is seen as it goes on, wherever it was started; and
// what came of it is said in words first, then drawn, then put into tables.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { home } from '#core/course/find'
import type { Measurement } from '#core/measurement/run'
import type { Listed } from '#core/measurements/desk'
import { estimateSeconds, makePlan } from '../../bench/plan/plan.ts'
import { presets } from '../../core/web/run/presets.ts'
import { seriousFindings, useBrowser, widthOf } from '../browser.ts'
import { analysed, changed, measurementOf } from '../measurements.ts'
import { type Started, startSeesaw, tempFolder } from '../seesaw.ts'

const [a, b] = ['session-vs-token/server-session@memory', 'session-vs-token/signed-token'] as const
const tab = '/s/session-vs-token/run?a=server-session@memory&b=signed-token'
const trick = '<img src=x onerror=alert(1)>\u202e'

const contenders = [a, b].map((setup, i) => ({
  setup,
  title: i ? `signed-token ${trick}` : 'server-session',
  cost: 1 + 0.5 * i,
  calls: i ? 0 : 2,
  bytes: 400,
}))

/** Less than six blocks claim nothing; and the host may have spoiled even those. */
const nothingClaimed = /^(No clear difference yet|This run cannot be trusted)\.$/

/** What lies in the data folder as if it had been measured, by what it is about. */
const stored: Record<string, Measurement> = {
  '20300102-030405-678-00000001': analysed(
    changed(measurementOf({ contenders, primary: 'p99' }), (one) => {
      // Later than any guess that a test makes.
      one.startedAt = '2030-01-02T03:04:05.678Z'
      const bucket = { offered: 75, right: 75, other: 0, medianMs: 2, maxMs: 9 }
      one.timelines = [0, 1].map((contender) => ({
        contender,
        ratePerSecond: 300,
        bucketMs: 250,
        faults: [
          { atMs: 2_000, do: 'kill', backend: 'redis' },
          { atMs: 4_000, do: 'heal', backend: 'redis' },
        ],
        buckets: Array.from({ length: 24 }, (_, i) =>
          contender === 0 && i >= 8 && i < 17 ? { ...bucket, right: 0, other: 75 } : bucket,
        ),
      }))
    }),
  ),
  '20300102-030405-678-00000002': analysed(
    changed(measurementOf({ contenders, primary: 'p99', seed: 2 }), (one) => {
      one.proof = { ok: false, verdicts: 18, wrong: ['something: denied, declared kept.'] }
    }),
  ),
  '20300102-030405-678-00000003': analysed(
    measurementOf({
      contenders: contenders.map(() => ({ ...contenders[0]!, title: 'server-session' })),
      load: 'closed',
      primary: 'throughput',
    }),
  ),
}
const [good, spoiled, twice] = Object.keys(stored) as [string, string, string]

const keep = (folder: string) => {
  mkdirSync(join(folder, 'measurements'), { recursive: true })
  for (const [id, measured] of Object.entries(stored)) {
    const ticket: Omit<Listed, 'ahead'> & { format: 1 } = {
      format: 1,
      id,
      command: measured.command,
      scenario: 'session-vs-token',
      setups: measured.plan.contenders.flatMap(({ setup }) => setup || []),
      preset: measured.plan.preset,
      seed: measured.seed,
      status: 'done',
      askedAt: measured.startedAt,
      startedAt: measured.startedAt,
      finishedAt: measured.finishedAt,
      blocks: { done: measured.blocks.length, of: measured.plan.blocks },
      verdicts: measured.verdicts.filter((one) => !one.exploratory).map((one) => one.sentence),
    }
    const file = join(folder, 'measurements', id)
    writeFileSync(`${file}.ticket.json`, JSON.stringify(ticket))
    writeFileSync(`${file}.json`, JSON.stringify(measured))
  }
}

describe('the run tab', function () {
  this.timeout(120_000)
  const { open } = useBrowser()
  let seesaw: Started

  before(async () => {
    const data = tempFolder()
    keep(data)
    seesaw = await startSeesaw({ data })
  })
  after(() => seesaw?.stop())

  const openRun = (run: string, options = {}) => open(`${seesaw.url}${tab}&run=${run}`, options)
  const textOf = async (one: Locator) => (await one.textContent()) ?? ''
  const headline = (page: Page) => page.locator('.findings .headline').first()

  it('says what came out first, then draws it, then lists what it costs', async () => {
    const made = await fetch(`${seesaw.url}/api/predictions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        scenario: 'session-vs-token',
        a,
        b,
        metric: 'p99',
        call: 'b',
        factor: 2,
      }),
    })
    assert.equal(made.status, 201)
    const page = await openRun(good)
    await headline(page).waitFor()
    assert.match(await textOf(headline(page)), /^Signed-token .*is slower than server-session by/)
    // What a title tries to be stays text.
    assert.match(await textOf(headline(page)), /<img src=x onerror=alert\(1\)>\\u202e/)
    const order = await page.evaluate(`[...document.querySelectorAll(
      '.findings .headline, .findings .forest, .findings .cost, .findings .gates')]
      .map((one) => one.classList[0])`)
    assert.deepEqual(order, ['headline', 'forest', 'cost', 'gates'])

    assert.equal(await page.locator('.forest line.guess').count(), 1)
    assert.match(await textOf(page.locator('.your-guess')), /drawn dashed: B, about 2 × better/)
    const table = page.locator('.forest table')
    assert(!(await table.isVisible()))
    await page.locator('.forest summary').click()
    const rows = await table.locator('tbody tr').allInnerTexts()
    assert.equal(rows.length, stored[good]?.verdicts.length)
    assert.match(rows[0] ?? '', /^Latency p99\s.*1\.[45]\d\d/s)

    assert.match(await textOf(page.locator('.cost')), /Bytes bytes\/request/)
    await page.locator('.gates summary').click()
    assert.match(await textOf(page.locator('.gates')), /The servers counted as many requests/)
    assert.match(await textOf(page.locator('.timeline .deeds').first()), /redis taken away, 2 s/)
    for (const [name, type] of [
      ['JSON', /json/],
      ['Markdown', /markdown/],
      ['Whole report', /html/],
    ] as const) {
      const path = await page.getByRole('link', { name, exact: true }).getAttribute('href')
      const answer = await fetch(seesaw.url + path)
      assert.match(answer.headers.get('content-type') ?? '', type)
      await answer.body?.cancel()
    }
  })

  it('draws nothing of a run that cannot be trusted, and says why', async () => {
    const page = await openRun(spoiled)
    await headline(page).waitFor()
    assert.equal(await textOf(headline(page)), 'This run cannot be trusted.')
    assert.match(await textOf(page.locator('.findings .rest')), /denied, declared kept/)
    assert.equal(await page.locator('.forest .interval').count(), 0)
    assert(await page.locator('.gates .failed').first().isVisible())
  })

  it('shows how small a difference this machine can tell', async () => {
    const page = await openRun(twice)
    const { low, high } = stored[twice]?.verdicts[0] ?? {}
    const percent = Number(((Math.max(high ?? 0, 1 / (low ?? 1)) - 1) * 100).toPrecision(3))
    const note = page.locator('.hint')
    await page.getByText('tells apart differences').waitFor()
    assert.match(await textOf(note), new RegExp(`above about ${percent} % of throughput`))
    assert.equal(await page.locator('.earlier li').count(), 3)
  })

  it('has nothing serious against its access in either theme, and fits a telephone', async () => {
    // Without motion: colours on their way from one theme to the other are nobody's contrast.
    const page = await openRun(good, { bypassCSP: true, reducedMotion: 'reduce' })
    await headline(page).waitFor()
    for (const one of await page.locator('.run-view summary').all()) await one.click()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      assert.deepEqual(await seriousFindings(page), [])
    }
    await page.setViewportSize({ width: 390, height: 844 })
    assert((await widthOf(page)) <= 390, 'it scrolls sideways')
  })

  it('shows a run live, also one that was started elsewhere, and keeps what there is when it is cancelled', async () => {
    const first = await open(seesaw.url + tab)
    await first.getByRole('button', { name: 'Measure A against B' }).click()
    await first.waitForURL(/run=\d{8}-/)
    const second = await open(`${seesaw.url}/s/session-vs-token/run`)
    for (const page of [first, second]) {
      await page.locator('.live progress').waitFor()
      await page.locator('.live-chart canvas').first().waitFor({ timeout: 60_000 })
    }
    assert.doesNotMatch(await textOf(first.locator('.live')), /\bp ?[=<]/)
    await second.getByText(/^[1-5] of 6 blocks$/).waitFor({ timeout: 60_000 })
    await second.getByRole('button', { name: 'Cancel' }).click()
    for (const page of [first, second]) {
      await page.getByText(/^It was ended early. Kept: [1-5] of 6 blocks.$/).waitFor()
      assert.match(await textOf(headline(page)), nothingClaimed)
    }
    await first.reload()
    await headline(first).waitFor()
    assert.match(await textOf(headline(first)), nothingClaimed)
  })

  it('tells how long it will take as the harness does', async () => {
    for (const { value, seconds } of presets) {
      const { plan } = await makePlan({
        targets: [a, b],
        preset: value,
        scenariosFolder: join(home, 'scenarios'),
      })
      assert(
        Math.abs(estimateSeconds(plan) / seconds - 1) < 0.03,
        `${value}: ${estimateSeconds(plan)}`,
      )
    }
  })
})
