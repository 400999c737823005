// Making a variant one's own in a real browser: write, run, prove, measure, take it back.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { home, loadScenario } from '#core/course/find'
import { seriousFindings, useBrowser, widthOf } from '../browser.ts'
import { type Started, startSeesaw } from '../seesaw.ts'

const file = join(home, 'scenarios', 'rate-limits', 'variants', 'gcra.ts')
const original = readFileSync(file, 'utf8')

describe('the tab Modify', function () {
  this.timeout(90_000)
  const { open } = useBrowser()
  let seesaw: Started
  before(async () => {
    seesaw = await startSeesaw()
  })
  after(() => seesaw?.stop())

  const address = () => `${seesaw.url}/s/rate-limits/modify?a=gcra@memory&b=sliding-log@memory`
  const ask = async (method: string, path = '/api/mine/rate-limits') => {
    const answer = await fetch(seesaw.url + path, { method })
    return answer.ok ? ((await answer.json()) as { saved: { text: string } | null }) : undefined
  }
  const visit = async () => (await fetch(`${seesaw.labUrl}/run/rate-limits/mine/`)).status
  const line = (page: Page, text: string) => page.locator('.cm-line', { hasText: text }).first()
  /** Writes at the end of the line with this text. */
  const writeAfter = async (page: Page, text: string, more: string) => {
    await line(page, text).click()
    await page.keyboard.press('End')
    await page.keyboard.type(more)
  }
  /** A second tab of the same browser, which `open` gives a profile of its own. */
  const another = async (page: Page) => {
    const [tab] = await Promise.all([
      page.context().waitForEvent('page'),
      page.evaluate(`void open(location.href)`),
    ])
    await tab.waitForLoadState()
    return tab
  }
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
  const status = (page: Page) => page.locator('.state')
  const runs = (page: Page) =>
    status(page).filter({ hasText: 'Runs as mine' }).waitFor({ timeout: 30_000 })

  afterEach(() => ask('DELETE'))

  it('lets a learner change a line, see what it broke, measure it, and take it back', async () => {
    const page = await open(address())
    await line(page, 'const pace = windowMs').waitFor()
    assert.match(
      (await page.locator('.rights').textContent()) ?? '',
      /rights of Seesaw’s lab.*Paste nothing/,
    )
    assert(await button(page, 'Prove mine').isDisabled())

    await writeAfter(page, 'const pace = windowMs', ' * 2')
    assert.match((await status(page).textContent()) ?? '', /Not saved/)
    assert.equal(await page.locator('.cm-changed').count(), 1)
    await button(page, 'Save and run').click()
    await runs(page)
    assert.equal(await visit(), 200)

    await button(page, 'Prove mine').click()
    const broke = page.locator('.results.broke')
    await broke.waitFor({ timeout: 60_000 })
    assert.match(
      (await broke.textContent()) ?? '',
      /Your change broke this\s*A full burst is served at once/,
    )
    // All but the one that broke.
    const others = Object.keys((await loadScenario('rate-limits')).claims).length - 1
    const same = page.locator('.same').filter({ hasText: `${others} claims` })
    await same.waitFor({ timeout: 60_000 })

    await button(page, 'Prove again').waitFor({ timeout: 30_000 })
    await button(page, 'Measure against GCRA').click()
    await page.waitForURL(/\/s\/rate-limits\/run\?/)
    const { searchParams } = new URL(page.url())
    assert.deepEqual(
      ['a', 'b'].map((name) => searchParams.get(name)),
      ['gcra@memory', 'mine@memory'],
    )
    const run = searchParams.get('run')
    assert(run)
    await fetch(`${seesaw.url}/api/bench/${run}/cancel`, { method: 'POST' })

    await page.goto(address())
    await runs(page)
    await button(page, 'Reset').last().click()
    await status(page).filter({ hasText: 'The original' }).waitFor()
    assert.equal(await visit(), 404)
    await button(page, 'Undo').click()
    await runs(page)
    assert.equal(await visit(), 200)
    assert.equal(readFileSync(file, 'utf8'), original)
  })

  it('says what is wrong under the line where it is, and keeps it', async () => {
    const page = await open(address().replace('sliding-log', 'gcra'))
    await writeAfter(page, 'const pace = windowMs', ' * 2')
    await button(page, 'Save and run').click()
    await runs(page)
    // Also where it is one of the two sides, which it cannot be any more.
    await page.goto(address().replace('sliding-log', 'mine'))
    await writeAfter(page, 'const pace = windowMs', ' * ')
    await page.keyboard.press('Control+s')
    await page.locator('.cm-told').waitFor({ timeout: 30_000 })
    assert.match((await status(page).textContent()) ?? '', /Saved, but it does not run/)
    assert.match((await ask('GET'))?.saved?.text ?? '', /const pace = windowMs \* 2 \* \n/)
    assert.equal(await visit(), 500)
  })

  it('keeps every keystroke over a reload', async () => {
    const page = await open(address())
    await writeAfter(page, 'const pace = windowMs', ' // kept?')
    await page.reload()
    await line(page, '// kept?').waitFor()
    assert.match((await status(page).textContent()) ?? '', /Not saved/)
    assert.equal((await ask('GET'))?.saved, null)
  })

  it('shows what was saved in another tab, and overwrites it only when told to', async () => {
    const page = await open(address())
    const other = await another(page)
    await writeAfter(page, 'const pace = windowMs', ' * 3')
    await writeAfter(other, 'const pace = windowMs', ' * 4')
    await button(other, 'Save and run').click()
    await runs(other)
    const notice = page.locator('.notice', { hasText: 'Another version was saved' })
    await notice.waitFor()
    await button(page, 'Save and run').click()
    await notice.waitFor()
    assert.match((await ask('GET'))?.saved?.text ?? '', /windowMs \* 4/)
    await button(page, 'Save mine over it').click()
    await runs(page)
    assert.match((await ask('GET'))?.saved?.text ?? '', /windowMs \* 3/)
    await other.locator('.notice', { hasText: 'Another version was saved' }).waitFor()
    await button(other, 'Show that one').click()
    await line(other, '* 3').waitFor()
  })

  it('goes on after the server was killed, with nothing lost', async () => {
    const page = await open(address())
    await line(page, 'const pace').waitFor()
    const { data, url, child, ended } = seesaw
    child.kill('SIGKILL')
    await ended
    await writeAfter(page, 'const pace = windowMs', ' * 5')
    await button(page, 'Save and run').click()
    await page.locator('.notices .trouble').waitFor()
    const words = ['--port', new URL(url).port]
    seesaw = await startSeesaw({ data, words })
    await page.locator('.trouble.lost').waitFor({ state: 'detached', timeout: 20_000 })
    await button(page, 'Save and run').click()
    await runs(page)
  })

  it('can be left by keyboard', async () => {
    const page = await open(address())
    await line(page, 'const pace').click()
    await page.keyboard.press('Tab')
    assert(await page.evaluate(`document.activeElement.classList.contains('cm-content')`))
    await page.keyboard.press('Escape')
    assert.equal(await page.evaluate('document.activeElement.id'), 'mine-save')
  })

  for (const colorScheme of ['light', 'dark'] as const)
    it(`has nothing that axe calls serious, ${colorScheme}, and fits a phone`, async () => {
      const viewport = { width: 390, height: 844 }
      const page = await open(address(), { bypassCSP: true, colorScheme, viewport })
      await writeAfter(page, 'const pace = windowMs', ' * ')
      await page.keyboard.press('Control+s')
      await page.locator('.cm-told').waitFor({ timeout: 30_000 })
      assert.deepEqual(await seriousFindings(page), [])
      assert.equal(await widthOf(page), 390)
    })
})
