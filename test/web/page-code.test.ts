// Code, one request and the live address on the page, in a real browser.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { home } from '#core/course/find'
import { seriousFindings, useBrowser, widthOf } from '../browser.ts'
import { copyWith, type Started, startSeesaw } from '../seesaw.ts'

describe('the page, investigating', function () {
  this.timeout(90_000)
  const { open } = useBrowser()
  let real: Started
  let loud: Started
  before(async () => {
    ;[real, loud] = await Promise.all([
      startSeesaw(),
      startSeesaw({ root: copyWith(join(home, 'test', 'fixtures', 'answers')) }),
    ])
  })
  after(() => Promise.all([real, loud].map((seesaw) => seesaw?.stop())))

  const look = (seesaw: Started, path: string, options?: Parameters<typeof open>[1]) =>
    open(`${seesaw.url}/s/${path}`, options)
  const source = (page: Page, side: 'A' | 'B') =>
    page.getByRole('region', { name: `Source of ${side}` })
  const answer = (page: Page, side: 'A' | 'B') =>
    page.getByRole('region', { name: `Answer of ${side}` })

  it('shows the code of both, with what is said of it beside it', async () => {
    const page = await look(real, 'rate-limits/investigate?a=gcra&b=token-bucket&view=code')
    const a = source(page, 'A')
    await a.getByText('a token bucket kept as one number, the time by which').waitFor()
    const code = a.locator('pre').first()
    assert.match((await code.textContent()) ?? '', /^import \{ defineVariant \} from/)
    assert.equal(await code.locator('[data-n="4"]').count(), 1)
    await a.getByText('scenarios/rate-limits/variants/gcra.ts').waitFor()
    await source(page, 'B').getByText('token-bucket.ts').waitFor()
    // Left of it where there is room.
    await page.setViewportSize({ width: 1920, height: 1080 })
    const [prose, beside] = await Promise.all(
      [a.locator('.told').first(), code].map((part) => part.boundingBox()),
    )
    assert(prose && beside && prose.x + prose.width <= beside.x + 1)
  })

  it('shows what they do not have in common, also to whoever gets the link', async () => {
    const page = await look(
      real,
      'session-vs-token/investigate?a=signed-token&b=token-with-denylist&view=code',
    )
    await page.getByLabel('Show the difference').check()
    await page.waitForURL(/diff=1/)
    await page.reload()
    const diff = page.getByRole('region', { name: 'Difference between A and B' })
    await diff.getByText(/\d+ lines only in A, \d+ only in B/).waitFor()
    assert(await page.getByLabel('Show the difference').isChecked())
    assert((await diff.locator('del').count()) > 5)
    assert((await diff.locator('ins mark').count()) > 0)
    await page.getByRole('button', { name: 'people.ts' }).click()
    await page.getByRole('region', { name: 'people.ts' }).getByText('openPeople').first().waitFor()
    assert.match(page.url(), /file=people\.ts/)
  })

  it('sends one request to both and shows what each asked, and what it gave out', async () => {
    const page = await look(
      real,
      'session-vs-token/investigate?a=server-session@sqlite&b=signed-cookie-session&view=request',
    )
    await page.getByText('Both answered 200 with the same body.').waitFor()
    const a = answer(page, 'A')
    await a.getByText('1 × session.get on sqlite').waitFor()
    await answer(page, 'B').getByText('no call to a backend').waitFor()
    const bars = page.locator('.waterfall')
    await bars.getByText('session.touch').first().waitFor()
    await bars.getByText('The same as a table').click()
    assert.equal(await bars.locator('tbody tr').count(), 4)
    // What B gave out says who it is to everybody, and each attribute what it is for.
    const cookie = answer(page, 'B').locator('.cookie').last()
    await cookie.getByText('scripts on the page cannot read it').waitFor()
    await cookie.getByText('also sent over plain HTTP').waitFor()
    await cookie.getByText('signed, not encrypted').waitFor()
    await cookie.getByText('"name": "ada"').waitFor()
    // What prepared it can be sent by hand, and the address keeps it.
    await page.getByRole('button', { name: 'POST /sign-in' }).click()
    assert.match(await page.getByLabel('Body').inputValue(), /correct horse/)
    await page.getByRole('button', { name: 'Send to both' }).click()
    await a.getByText('1 × session.create on sqlite').waitFor()
    await page.reload()
    assert.equal(await page.getByLabel('Path, within the setup').inputValue(), '/sign-in')
    await page.getByRole('button', { name: 'Send to both' }).click()
    await a.getByText('1 × session.create on sqlite').waitFor()
  })

  it('copies what it sent as a command that does the same', async () => {
    const page = await look(real, 'session-vs-token/investigate?b=signed-token&view=request')
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await answer(page, 'B').getByRole('button', { name: 'Copy as curl' }).click()
    await answer(page, 'B').getByRole('button', { name: 'Copied' }).waitFor()
    const copied = await page.evaluate<string>('navigator.clipboard.readText()')
    assert.match(copied, /^curl -i -H 'authorization: Bearer ey[^']+' 'http:\/\/127\.0\.0\.1:\d+\//)
  })

  it('shows a refusal as an answer, and says what is wrong with what is no request', async () => {
    const page = await look(real, 'rate-limits/investigate?view=request')
    await page.getByText('Both answered').waitFor()
    await page.getByLabel('Path, within the setup').fill('/nowhere')
    await page.getByRole('button', { name: 'Send to both' }).click()
    await answer(page, 'A').getByText('404 Not Found').waitFor()
    // Open already: the workload sends a header.
    await page.getByLabel('Headers, one on each line').fill('content-length: 5')
    await page.getByRole('button', { name: 'Send to both' }).click()
    await page.getByRole('alert').getByText('is set by Seesaw').waitFor()
  })

  it('shows hostile answers as words', async () => {
    const page = await look(loud, 'shouting/investigate?view=request')
    const a = answer(page, 'A')
    await a.getByText('2 × cache.get on memory').waitFor()
    await a.getByText(/more headers/).click()
    await a.getByText('<img src=x onerror="window.hit = 1">', { exact: true }).waitFor()
    await a.getByText('The first 64 KB of 1000 KB came here.').waitFor()
    await a.getByText('a token (JWT), signed, not encrypted').first().waitFor()
    assert.equal(await page.evaluate('window.hit'), undefined)
    assert.equal(await page.locator('main img, main script, iframe').count(), 0)
    const text = (await page.locator('body').textContent()) ?? ''
    assert.doesNotMatch(text, /\u202e/)
    assert.match(text, /\\u202egnp\.exe/)
    assert(text.length < 100_000)
    assert.equal(await widthOf(page), 1366)
    await page.goto(`${loud.url}/s/shouting/investigate?view=code`)
    await page.getByText('Answers that try to become more than text').first().waitFor()
    assert.equal(await page.evaluate('window.hit'), undefined)
  })

  it('shows in the chart what a toggle under load does', async () => {
    const page = await look(
      real,
      'session-vs-token/run?a=server-session@memory&b=signed-token&live=1',
    )
    const strip = page.getByRole('region', { name: 'Live address' })
    await strip.getByRole('button', { name: 'Put A live' }).click()
    await strip.getByRole('button', { name: 'Start the load' }).click()
    await strip.getByText(/[\d,]+ answers per second, p99/).waitFor()
    await page.waitForTimeout(1_000)
    await strip.getByRole('button', { name: 'Put B live' }).click()
    const mark = strip.locator('.mark').last()
    await mark.getByText('B Signed token').waitFor()
    // The line goes on in the colour and the dashes of B, behind the mark.
    await strip.locator('polyline.side-a').first().waitFor({ state: 'attached' })
    await strip.locator('polyline.side-b').first().waitFor({ state: 'attached' })
    // A page that is opened later sees the same.
    await page.reload()
    await strip.locator('.mark').last().getByText('B Signed token').waitFor()
    await strip.getByRole('button', { name: 'Stop the load' }).click()
    await strip.getByText(/answers in [\d.]+ s, p99/).waitFor()
    await strip.getByText('The same as a table').click()
    assert((await strip.locator('tbody tr').count()) >= 2)
  })

  for (const [width, height] of [
    [390, 844],
    [683, 384],
    [1366, 768],
  ] as const)
    it(`fits ${width} pixels without scrolling sideways`, async () => {
      const viewport = { width, height }
      const page = await look(real, 'cache-strategies/investigate?view=code', { viewport })
      await source(page, 'A').locator('pre').first().waitFor()
      assert.equal(await widthOf(page), width)
      await page.goto(`${real.url}/s/cache-strategies/investigate?view=code&diff=1`)
      await page.locator('del').first().waitFor()
      assert.equal(await widthOf(page), width)
      await page.goto(`${real.url}/s/cache-strategies/investigate?view=request&live=1`)
      await answer(page, 'B').waitFor()
      assert.equal(await widthOf(page), width)
    })

  for (const colorScheme of ['light', 'dark'] as const)
    it(`keeps nobody out, by axe's rules, in ${colorScheme}`, async () => {
      const options = { colorScheme, bypassCSP: true }
      const base = 'session-vs-token/investigate?a=signed-token&b=token-with-denylist&live=1'
      const page = await look(real, `${base}&view=code`, options)
      await source(page, 'B').locator('pre').first().waitFor()
      assert.deepEqual(await seriousFindings(page), [])
      await page.goto(`${real.url}/s/${base}&view=code&diff=1`)
      await page.locator('del').first().waitFor()
      assert.deepEqual(await seriousFindings(page), [])
      await page.goto(`${real.url}/s/${base}&view=request`)
      await answer(page, 'B').waitFor()
      assert.deepEqual(await seriousFindings(page), [])
    })
})
