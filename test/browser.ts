// A real browser for the tests of the page. It notes whatever must never happen, in any test:
// an error on the console, a report of the content security policy, a request to another host.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import type { AxeResults } from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { home } from '#core/course/find'

/** Scenarios whose every word tries to become more than text. */
export const hostileScenarios = join(home, 'test', 'fixtures', 'page')

const names = ['chromium', 'chromium-browser', 'google-chrome']

const findBrowser = (): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((file) => existsSync(file))

/** Starts one. Skips the suite where there is none, unless REQUIRE_BACKENDS asks for it. */
export const launchBrowser = async (suite: Mocha.Context): Promise<Browser> => {
  const executablePath = findBrowser()
  if (!executablePath) {
    const required = (process.env.REQUIRE_BACKENDS ?? '').split(',').includes('chromium')
    assert(!required, 'REQUIRE_BACKENDS asks for chromium, and there is none in the PATH')
    // Mocha has no reason to give; whoever reads the output finds it here.
    console.log('    (skipped: no chromium or google-chrome in the PATH)')
    return suite.skip()
  }
  const args = ['--disable-gpu', '--disable-quic', '--disable-background-networking']
  return chromium.launch({ executablePath, args })
}

/**
 * Gives the suite that calls it a browser, and fails each of its tests in which something happened
 * that never may.
 */
export const useBrowser = () => {
  let browser: Browser | undefined
  let offences: string[] = []

  before(async function () {
    browser = await launchBrowser(this)
  })

  beforeEach(() => {
    offences = []
  })

  afterEach(async () => {
    await Promise.all(browser?.contexts().map((context) => context.close()) ?? [])
    assert.deepEqual(offences, [])
  })

  after(() => browser?.close())

  /** Opens `address` in a profile of its own, 1366×768 unless the options say otherwise. */
  const open = async (address: string, options: BrowserContextOptions = {}): Promise<Page> => {
    assert(browser)
    const viewport = { width: 1366, height: 768 }
    const profile = await browser.newContext({ viewport, ...options })
    return show(await profile.newPage(), address)
  }

  /** Opens `address` in another tab of the same profile. */
  const openBeside = async (page: Page, address: string): Promise<Page> =>
    show(await page.context().newPage(), address)

  const show = async (page: Page, address: string): Promise<Page> => {
    const { origin } = new URL(address)
    page.on('console', (message) => {
      // A refused request is the browser's own line; what the page makes of it is what counts.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        offences.push(message.text())
    })
    page.on('pageerror', (error) => offences.push(String(error)))
    page.on('dialog', (dialog) => offences.push(`dialog: ${dialog.message()}`))
    page.on('request', (request) => {
      if (!request.url().startsWith('blob:') && new URL(request.url()).origin !== origin)
        offences.push(request.url())
    })
    // What runs in the page is written as text: the types of a browser are not those of a server.
    await page.addInitScript(`addEventListener('securitypolicyviolation', (event) =>
      console.error('CSP: ' + event.violatedDirective + ' ' + event.blockedURI))`)
    await page.goto(address)
    return page
  }

  return { open, openBeside }
}

/** How wide the document is; more than the window means that it scrolls sideways. */
export const widthOf = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth')

let axe: string | undefined

/** What axe finds serious or worse. The page must have been opened with `bypassCSP: true`. */
export const seriousFindings = async (page: Page): Promise<string[]> => {
  axe ??= readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  await page.evaluate(axe)
  const { violations } = await page.evaluate<AxeResults>('axe.run()')
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, impact, nodes }) => nodes.map(({ html }) => `${impact} ${id}: ${html}`))
}
