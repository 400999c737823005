// Claims in the page: proved, opened, tried and copied, in a real browser; the lesson, and the
// machine's screen.
import assert from 'node:assert/strict'
import type { Locator, Page } from 'playwright-core'
import type { Catalogue } from '#core/course/catalogue'
import type { BackendReport } from '#core/lab/servers'
import { hostileScenarios, seriousFindings, useBrowser, widthOf } from '../browser.ts'
import { copyWith, type Started, startSeesaw, until } from '../seesaw.ts'

let real: Started
let hostile: Started

before(async function () {
  this.timeout(60_000)
  ;[real, hostile] = await Promise.all([
    startSeesaw(),
    startSeesaw({ root: copyWith(hostileScenarios) }),
  ])
})
after(() => Promise.all([real, hostile].map((seesaw) => seesaw?.stop())))

const path = '/s/session-vs-token/investigate?view=claims'
const stolen = 'Signing out locks out a copy that was stolen before.'
const cellOf = (page: Page, claim: string, setup: string): Locator =>
  page.getByRole('button', { name: new RegExp(`: ${setup}: ${claim}`) })

describe('claims in the page', function () {
  this.timeout(60_000)
  const { open } = useBrowser()

  it('are proved by the row, shown as they come, and there again after a reload', async () => {
    const page = await open(real.url + path)
    await cellOf(page, stolen, 'Server session, memory').waitFor()
    await page.getByRole('button', { name: `Prove this row: ${stolen}` }).click()
    for (const [setup, verdict] of [
      ['Server session, memory', 'holds'],
      ['Signed token, needs nothing', 'breaks'],
    ] as const)
      await page
        .getByRole('button', { name: new RegExp(`^${verdict}\\s*: ${setup}: ${stolen}`) })
        .waitFor({ timeout: 30_000 })
    await page.getByRole('button', { name: /^Prove all/ }).waitFor({ timeout: 30_000 })
    await page.reload()
    await page
      .getByRole('button', {
        name: new RegExp(`^breaks\\s*: Signed token, needs nothing: ${stolen}`),
      })
      .waitFor()
  })

  it('show a proof that somebody else has asked for, in every window', async () => {
    const page = await open(real.url + path)
    await page.getByRole('button', { name: /^Prove all/ }).waitFor()
    const work = fetch(`${real.url}/api/prove`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ targets: ['session-vs-token/signed-token'], claims: ['busy-thief'] }),
    })
    await page.getByText('asked for in another window').waitFor()
    assert.equal((await work).status, 200)
    await page.getByRole('button', { name: /^Prove all/ }).waitFor()
    const cell = 'holds\\s*: Signed token, needs nothing: A stolen copy is dead'
    await page.getByRole('button', { name: new RegExp(`^${cell}`) }).waitFor()
  })

  it('open with their twin, and with the conversation, the line and curl', async () => {
    const page = await open(`${real.url}${path}&claim=stolen-copy&cell=signed-token`, {
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    await page.getByRole('heading', { name: stolen }).waitFor()
    await page.getByRole('button', { name: 'Try it on both' }).click()
    const token = page.getByRole('article', { name: 'Signed token, needs nothing' })
    const session = page.getByRole('article', { name: 'Server session, memory' })
    await token.getByText('this decided').waitFor({ timeout: 30_000 })
    await session.getByText('this decided').waitFor({ timeout: 30_000 })
    assert.match((await token.textContent()) ?? '', /✗ breaks as declared/)
    assert.match(
      (await token.textContent()) ?? '',
      /a copy, after its owner signed out, gets 200 as ada/,
    )
    assert.match((await session.textContent()) ?? '', /✓ holds as declared/)
    assert.match((await session.textContent()) ?? '', /session\.get on memory/)
    assert.match(
      (await session.textContent()) ?? '',
      /line \d+ in the code\s*await session\.delete/,
    )
    await token.getByRole('button', { name: 'Copy as curl' }).last().click()
    const curl = await page.evaluate<string>('navigator.clipboard.readText()')
    assert.match(
      curl,
      /^curl -i -H 'authorization: Bearer ey\S+' http:\/\/127\.0\.0\.1:\d+\/run\/session-vs-token\/signed-token\/me$/,
    )
    await token.getByRole('link', { name: /^line \d+ in the code/ }).click()
    await page.locator('.line.decides-it').first().waitFor()
    assert.match(
      (await page.locator('.line.decides-it').allTextContents()).join('\n'),
      /if \(await whoIs\(ctx\)\) ctx\.status = 204/,
    )
  })

  it('are reached by arrow keys, one cell of the whole by Tab', async () => {
    const page = await open(`${real.url}${path}&claim=every-device&cell=signed-token`)
    const everyDevice = '"Sign out everywhere" reaches every device.'
    const first = cellOf(page, everyDevice, 'Signed token, needs nothing')
    await first.waitFor()
    assert.equal(await page.locator('button.cell[tabindex="0"]').count(), 1)
    await first.focus()
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Enter')
    await until(() => /claim=busy-thief&cell=server-session/.test(page.url()), 5_000)
  })

  it('have columns for the backends that somebody chooses, which the address keeps', async () => {
    const page = await open(real.url + path)
    await page.getByRole('checkbox', { name: 'sqlite' }).check()
    await cellOf(page, stolen, 'Server session, sqlite').waitFor()
    assert.match(page.url(), /on=memory,sqlite/)
    await page.reload()
    await cellOf(page, stolen, 'Server session, sqlite').waitFor()
    assert.equal(await page.getByRole('checkbox', { name: 'sqlite' }).isChecked(), true)
  })

  it('show whatever a hostile answer says as text', async () => {
    const { claims } = ((await (await fetch(`${hostile.url}/api/catalogue`)).json()) as Catalogue)
      .scenarios[0]!
    const page = await open(
      `${hostile.url}/s/hostile/investigate?view=claims&claim=${claims[0]?.id}&cell=first`,
    )
    await page
      .getByRole('button', { name: /^Try it/ })
      .first()
      .click()
    await page.locator('.conversation').first().waitFor({ state: 'attached', timeout: 30_000 })
    assert.equal(await page.locator('main img, main script, main iframe').count(), 0)
    await page.getByRole('link', { name: 'Make', exact: true }).click()
    await page.locator('.lesson').getByText('<script>').first().waitFor()
    assert.equal(await page.locator('main img, main script, main iframe').count(), 0)
    assert.doesNotMatch((await page.locator('main').textContent()) ?? '', /\u202e/)
  })

  it('are read by a screen reader, in both themes, and fit a phone', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open(`${real.url}${path}&claim=stolen-copy&cell=signed-token`, {
        colorScheme,
        bypassCSP: true,
      })
      await page.getByRole('heading', { name: stolen }).waitFor()
      assert.deepEqual(await seriousFindings(page), [])
      await page.setViewportSize({ width: 390, height: 844 })
      assert.equal(await widthOf(page), 390)
    }
  })
})

describe('the lesson in the page', function () {
  this.timeout(60_000)
  const { open } = useBrowser()

  it('leads to claims, files, and out of the machine only in a window of its own', async () => {
    const page = await open(`${real.url}/s/session-vs-token/make`)
    const outside = page.locator('.lesson a[href^="http"]')
    await outside.first().waitFor()
    for (const link of await outside.all()) {
      assert.equal(await link.getAttribute('rel'), 'noreferrer')
      assert.equal(await link.getAttribute('target'), '_blank')
    }
    await page.getByRole('link', { name: 'Make your own' }).click()
    assert.match(page.url(), /part=make-your-own/)
    await page.locator('.lesson').getByRole('link', { name: 'stolen-copy' }).first().click()
    await page.getByRole('heading', { name: stolen }).waitFor()
  })

  it('is read by a screen reader, in both themes, and fits a phone', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open(`${real.url}/s/cache-strategies/make`, {
        colorScheme,
        bypassCSP: true,
      })
      await page.locator('.demo').waitFor()
      assert.deepEqual(await seriousFindings(page), [])
      await page.setViewportSize({ width: 390, height: 844 })
      assert.equal(await widthOf(page), 390)
    }
  })
})

describe('the machine in the page', function () {
  this.timeout(60_000)
  const { open } = useBrowser()

  it('says of each backend whether it is here, and what would change that', async () => {
    const page = await open(`${real.url}/machine`)
    const answer = await fetch(`${real.url}/api/doctor`)
    const { backends } = (await answer.json()) as { backends: BackendReport[] }
    for (const { name, remedy } of backends) {
      const item = page.locator('.backends li', { has: page.getByRole('heading', { name }) })
      await item.waitFor()
      if (remedy) assert((await item.textContent())?.includes(remedy))
    }
    await page.getByText(real.data).waitFor()
  })

  it('says that a process has died, and shows its successor', async () => {
    const page = await open(`${real.url}/machine`)
    const text = await page.getByText(/^pid \d+ ·/).textContent()
    process.kill(Number(/\d+/.exec(text ?? '')?.[0]), 'SIGKILL')
    await page.getByText(/this is its successor/).waitFor({ timeout: 20_000 })
  })

  it('is read by a screen reader, in both themes, and fits a phone', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open(`${real.url}/machine`, { colorScheme, bypassCSP: true })
      await page.getByText(real.data).waitFor()
      assert.deepEqual(await seriousFindings(page), [])
      await page.setViewportSize({ width: 390, height: 844 })
      assert.equal(await widthOf(page), 390)
    }
  })
})
