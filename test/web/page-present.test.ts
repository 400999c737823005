// The presenter's page, in a real browser: every key, and that none fires where somebody types.
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import type { Demo } from '#core/lesson/routes'
import { seriousFindings, useBrowser, widthOf } from '../browser.ts'
import { type Started, startSeesaw, until } from '../seesaw.ts'

let started: Started
let demo: Demo
const scenario = 'rate-limits'

before(async function () {
  this.timeout(60_000)
  started = await startSeesaw()
  demo = (await (await fetch(`${started.url}/api/demos/${scenario}`)).json()) as Demo
})
after(() => started?.stop())

/** The number, from 1, of the first step that shows this. */
const stepOf = (show: string): number => demo.steps.findIndex((step) => step.show === show) + 1
const present = (show = 'code') => {
  const { a, b } = demo.steps[stepOf(show) - 1] ?? assert.fail(show)
  const tab = { predict: 'predict', run: 'run', live: 'run' }[show] ?? 'investigate'
  const view = { live: '&view=live&live=1', request: '&view=request' }[show]
  const query = `a=${a}&b=${b}${view ?? ''}&present=${stepOf(show)}`
  return `${started.url}/s/${scenario}/${tab}?${query}`
}
const isAt = (page: Page, what: RegExp) => until(() => what.test(page.url()), 10_000)
const caption = (page: Page) => page.locator('.caption')

describe('presenting', function () {
  this.timeout(60_000)
  const { open } = useBrowser()

  it('begins at the lesson, and goes from step to step with what is said to each', async () => {
    const page = await open(`${started.url}/s/${scenario}/make`)
    await page.getByRole('link', { name: 'Present', exact: true }).click()
    for (const [index, { title, says }] of demo.steps.entries()) {
      await page.getByRole('heading', { name: title, level: 1 }).waitFor()
      await caption(page).getByText(says).waitFor()
      await page.getByText(`${index + 1} of ${demo.steps.length}`).waitFor()
      if (index < demo.steps.length - 1) await page.keyboard.press(index % 2 ? ' ' : 'ArrowRight')
    }
    await page.keyboard.press('PageUp')
    await isAt(page, new RegExp(`present=${demo.steps.length - 1}$`))
    await page.goBack()
    await isAt(page, new RegExp(`present=${demo.steps.length}$`))
  })

  it('shows nothing that is smaller than 24 px', async () => {
    const page = await open(present())
    for (const { title } of demo.steps) {
      await page.getByRole('heading', { name: title, level: 1 }).waitFor()
      const small = await page.evaluate(`[...document.querySelectorAll('.present *')]
        .filter((one) => [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
        .filter((one) => one.getClientRects().length > 0 && !one.closest('.unseen'))
        .filter((one) => parseFloat(getComputedStyle(one).fontSize) < 23.9)
        .map((one) => one.outerHTML.slice(0, 100))`)
      assert.deepEqual(small, [], title)
      await page.keyboard.press('ArrowRight')
    }
  })

  it('has a key for each thing to do, and shows them', async () => {
    const page = await open(present())
    const stage = page.locator('.present')
    await page.locator('.source.side-a').waitFor()
    await caption(page).waitFor()
    await page.keyboard.press('v')
    await page.locator('.source.side-b').waitFor()
    assert.equal(await page.locator('.source.side-a').isVisible(), false)
    await page.keyboard.press('d')
    await page.locator('.diff').waitFor()
    await page.keyboard.press('d')
    await page.locator('.source.side-a').waitFor()
    await page.keyboard.press('c')
    await isAt(page, /only=1/)
    assert.equal(await caption(page).isVisible(), false)
    await page.keyboard.press('c')
    await caption(page).waitFor()
    await page.keyboard.press('s')
    await caption(page).waitFor({ state: 'hidden' })
    await page.keyboard.press('s')
    await page.keyboard.press('b')
    await isAt(page, /a=fixed-window@(?!memory)/)
    for (const key of ['.', 'k']) {
      await page.keyboard.press(key)
      await page.locator('.blank').waitFor()
      await page.keyboard.press('.')
      await page.locator('.blank').waitFor({ state: 'detached' })
    }
    const size = () => page.evaluate<string>('getComputedStyle(document.documentElement).fontSize')
    assert.equal(await size(), '24px')
    await page.keyboard.press('+')
    assert.equal(await size(), '28px')
    await page.keyboard.press('-')
    assert.equal(await size(), '24px')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await stage.waitFor({ state: 'detached' })
    assert.doesNotMatch(page.url(), /present=/)
    await page.getByRole('link', { name: 'Investigate' }).waitFor()
  })

  it('runs an attack on both with R, and says nothing of it before', async () => {
    // One that does not depend on time, which a busy machine cannot keep.
    const sides = 'a=signed-token&b=server-session'
    const page = await open(
      `${started.url}/s/session-vs-token/investigate?${sides}&view=claims&claim=stolen-copy&present=3`,
    )
    await page.getByText('Holds or breaks? Hands up.').first().waitFor()
    assert.equal(await page.getByText('as declared').count(), 0)
    await page.keyboard.press('r')
    const found = page.locator('.found .verdict strong')
    await until(async () => (await found.count()) === 2, 40_000)
    assert.deepEqual(
      (await found.allTextContents()).map((text) => text.slice(-6)),
      ['breaks', ' holds'],
    )
  })

  it('flips what is live with V, for everybody', async () => {
    const page = await open(present('live'))
    await caption(page).waitFor()
    await page.locator('.live-strip').waitFor()
    const live = async () =>
      ((await (await fetch(`${started.url}/api/state`)).json()) as { live: Record<string, string> })
        .live[scenario]
    const { a, b } = demo.steps[stepOf('live') - 1] ?? assert.fail()
    for (const rest of [a, b, a]) {
      await page.keyboard.press('v')
      await until(async () => (await live()) === `${scenario}/${rest}`, 10_000)
    }
  })

  it('leaves every key to whoever types in a field, and Space to a button', async () => {
    const page = await open(present('request'))
    const field = page.getByLabel('Path, within the setup')
    await field.fill('')
    await page.keyboard.type('/vbdck. rs?+-')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('PageDown')
    assert.equal(await field.inputValue(), '/vbdck. rs?+-')
    assert.match(page.url(), new RegExp(`present=${stepOf('request')}$`))
    assert.equal(await page.locator('.blank, dialog').count(), 0)
    await page.getByRole('button', { name: 'Keys' }).focus()
    await page.keyboard.press(' ')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
  })

  it('keeps the guess of the room from the question to the answer', async () => {
    const page = await open(present('predict'))
    await caption(page).waitFor()
    await page.getByRole('button', { name: 'no real difference' }).click()
    await page.keyboard.press('ArrowRight')
    await isAt(page, /guess=same/)
    await page.getByRole('button', { name: 'Measure' }).waitFor()
  })

  it('says of a recorded run that it is recorded, where and when', async function () {
    if (!demo.recorded) this.skip()
    const page = await open(present())
    await page.locator('.source').first().waitFor()
    await caption(page).waitFor()
    await page.keyboard.press('o')
    const tag = page.locator('.recorded .tag.recorded')
    await tag.waitFor()
    assert.match(
      (await tag.textContent()) ?? '',
      new RegExp(`recorded.*${demo.recorded.machine.cores} cores`),
    )
  })

  it('fits a projector at 200 %, and is read by a screen reader, in both themes', async () => {
    // 1366×768 at 200 %.
    const viewport = { width: 683, height: 384 }
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open(present(), { viewport, colorScheme, bypassCSP: true })
      for (const { title } of demo.steps) {
        await page.getByRole('heading', { name: title, level: 1 }).waitFor()
        assert.equal(await widthOf(page), 683, title)
        if (title === demo.steps[2]?.title || title === demo.steps[4]?.title)
          assert.deepEqual(await seriousFindings(page), [], title)
        await page.keyboard.press('ArrowRight')
      }
    }
  })
})
