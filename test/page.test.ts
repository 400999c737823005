// The page, in a real browser: what a visitor sees and does, and what nobody can make it do.
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { AxeResults } from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { createControl } from '#core/api'
import type { Catalogue } from '#core/catalogue'
import { checkConfig } from '#core/config'
import { type Lab, startLab } from '#core/lab'
import { adapterIndex, home, loadConfig } from '#core/load'
import type { Proof } from '#core/prove'

const hostileFolder = join(home, 'test', 'fixtures', 'page')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Site {
  url: string
  lab: Lab
  server: Server
}
const sites: Site[] = []

/** Serves control on a free port, in this process. */
const serve = async (lab: Lab, scenariosFolder?: string): Promise<Site> => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const config = scenariosFolder
    ? checkConfig({ chapters: {} }, 'test', adapterIndex)
    : await loadConfig()
  const folder = scenariosFolder ? { scenariosFolder } : {}
  server.on('request', createControl({ lab, config, port, version: '0', ...folder }).callback())
  const site = { url: `http://127.0.0.1:${port}`, lab, server }
  sites.push(site)
  return site
}

/** The answer to a path exactly as written, which fetch would tidy up. */
const getRaw = (site: Site, path: string) =>
  new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    const { port } = new URL(site.url)
    request({ host: '127.0.0.1', port, path, agent: false }, async (answer) => {
      let text = ''
      for await (const piece of answer) text += piece
      resolve({
        status: answer.statusCode ?? 0,
        type: answer.headers['content-type'] ?? '',
        text,
      })
    })
      .on('error', reject)
      .end()
  })

let hostile: Site
let real: Site

before(async function () {
  this.timeout(60_000)
  const [hostileLab, realLab] = await Promise.all([
    startLab({ scenariosFolder: hostileFolder }),
    startLab(),
  ])
  hostile = await serve(hostileLab, hostileFolder)
  real = await serve(realLab)
})

after(async () => {
  for (const { server } of sites) server.close().closeAllConnections()
  await Promise.all([hostile, real].map((site) => site?.lab.stop()))
})

describe("the page's files", () => {
  it('forbid everything that does not come from the page itself', async () => {
    for (const path of ['/', '/page.js', '/page.css', '/icon.svg', '/source/hostile/first']) {
      const { status, headers } = await fetch(hostile.url + path)
      assert.equal(status, 200, path)
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/)
      assert.match(policy, /frame-ancestors 'none'; base-uri 'none'; form-action 'none'/)
      assert.doesNotMatch(policy, /unsafe|\*|data:/)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('referrer-policy'), 'no-referrer')
    }
  })

  it('answer on localhost as on 127.0.0.1, and on no other name', async () => {
    const { port } = new URL(hostile.url)
    const statusFor = (host: string) =>
      new Promise((resolve) =>
        request({ host: '127.0.0.1', port, headers: { host }, agent: false }, (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        }).end(),
      )
    assert.equal(await statusFor(`localhost:${port}`), 200)
    assert.equal(await statusFor(`127.0.0.1:${port}`), 200)
    assert.equal(await statusFor(`evil.example:${port}`), 403)
  })

  it('show sources and lessons as plain text, even when they look like HTML', async () => {
    for (const path of ['/source/hostile/first', '/readme/hostile']) {
      const { status, type, text } = await getRaw(hostile, path)
      assert.equal(status, 200)
      assert.equal(type, 'text/plain; charset=utf-8')
      assert.match(text, /<script>/)
    }
    // A variant without a file of its own stands in scenario.ts.
    assert.match((await getRaw(hostile, '/source/hostile/second')).text, /defineScenario/)
  })

  it('let nobody out of the folder of scenarios', async () => {
    const paths = [
      '/source/hostile/../../../../package.json',
      '/source/hostile/..%2f..%2f..%2f..%2fpackage',
      '/source/hostile/first.ts%00',
      '/source/..%2fpage%2fhostile/first',
      '/source/%2e%2e/first',
      '/source/hostile/__proto__',
      '/readme/..%2f..%2f..',
      '/readme/..',
      '/../package.json',
      '/%2e%2e/%2e%2e/package.json',
      '/page.ts',
      '/tsconfig.json',
    ]
    for (const path of paths) {
      const { status, type, text } = await getRaw(hostile, path)
      assert(status === 404 || status === 400, `${path} answered ${status}`)
      assert.match(type, /^application\/problem\+json/, path)
      assert.doesNotMatch(text, /dependencies|compilerOptions/, path)
    }
  })

  it('do not follow a link that leads out of a scenario', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'seesaw-page-'))
    try {
      mkdirSync(join(folder, 'leaky', 'variants'), { recursive: true })
      writeFileSync(
        join(folder, 'leaky', 'scenario.ts'),
        "export default { variants: { out: { title: '', idea: '', needs: [] } }, claims: {} }",
      )
      symlinkSync(join(home, 'package.json'), join(folder, 'leaky', 'variants', 'out.ts'))
      symlinkSync(join(home, 'package.json'), join(folder, 'leaky', 'README.md'))
      const site = await serve(hostile.lab, folder)
      assert.doesNotMatch((await getRaw(site, '/source/leaky/out')).text, /dependencies/)
      assert.equal((await getRaw(site, '/readme/leaky')).status, 404)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

const findBrowser = (): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) =>
      ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)),
    )
    .find((file) => existsSync(file))

describe('the page', function () {
  this.timeout(90_000)
  let browser: Browser
  let page: Page
  /** Whatever must not happen, whoever causes it. */
  let offences: string[]

  before(async function () {
    const executablePath = findBrowser()
    if (!executablePath) {
      const required = (process.env.REQUIRE_BACKENDS ?? '').split(',').includes('chromium')
      assert(!required, 'REQUIRE_BACKENDS asks for chromium, and there is none in the PATH')
      // Mocha has no reason to give; whoever reads the output finds it here.
      console.log('    (skipped: no chromium or google-chrome in the PATH)')
      return this.skip()
    }
    const args = ['--disable-gpu', '--disable-quic', '--disable-background-networking']
    browser = await chromium.launch({ executablePath, args })
  })

  after(() => browser?.close())

  /** Opens a page that notes every console error, CSP report and request to elsewhere. */
  const open = async (address: string, options: Parameters<Browser['newPage']>[0] = {}) => {
    const opened = await browser.newPage({ viewport: { width: 1366, height: 768 }, ...options })
    // A refused request is the browser's own line; what the page makes of it is what counts.
    opened.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        offences.push(message.text())
    })
    opened.on('pageerror', (error) => offences.push(String(error)))
    opened.on('dialog', (dialog) => offences.push(`dialog: ${dialog.message()}`))
    opened.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(address).origin) offences.push(request.url())
    })
    // What runs in the page is written as text: the types of a browser are not those of a server.
    await opened.addInitScript(`addEventListener('securitypolicyviolation', (event) =>
      console.error('CSP: ' + event.violatedDirective + ' ' + event.blockedURI))`)
    await opened.goto(address)
    await opened.waitForSelector('#question')
    return opened
  }

  beforeEach(() => {
    offences = []
  })

  afterEach(async () => {
    await Promise.all(browser?.contexts().map((context) => context.close()) ?? [])
    assert.deepEqual(offences, [])
  })

  const widthOf = (page: Page) => page.evaluate('document.documentElement.scrollWidth')

  const serves = async (site: Site, scenario: string): Promise<unknown> =>
    (await fetch(`${site.lab.url}/run/${scenario}/live/`)).json()

  it('lists what the API lists, in course order, under its questions', async () => {
    const { scenarios } = (await (await fetch(`${real.url}/api/scenarios`)).json()) as Catalogue
    page = await open(real.url)
    const questions = await page.locator('nav li strong').allTextContents()
    assert.deepEqual(
      questions,
      scenarios.map(({ question }) => question),
    )
    for (const { id, question, variants, claims } of scenarios) {
      await page.getByRole('navigation').getByRole('link', { name: question }).click()
      await page.waitForURL(`**/#${id}`)
      await page.getByRole('heading', { name: question, level: 2 }).waitFor()
      assert.equal(await page.title(), `${question} · Seesaw`)
      assert.equal(await page.getByRole('radio').count(), variants.length)
      for (const { idea } of variants) assert(await page.getByText(idea).isVisible(), idea)
      for (const { says } of claims) assert(await page.getByText(says).first().isVisible(), says)
    }
  })

  it('opens the scenario that its address names', async () => {
    const { scenarios } = (await (await fetch(`${real.url}/api/scenarios`)).json()) as Catalogue
    const { id, question } = scenarios.at(-1)!
    page = await open(`${real.url}/#${id}`)
    assert.equal(await page.locator('#question').textContent(), question)
  })

  it('changes what the live address answers', async () => {
    await hostile.lab.toggle('hostile', null)
    page = await open(hostile.url)
    await page.getByRole('radio', { name: 'Second' }).check()
    await page.getByText('Live is now hostile/second').waitFor()
    assert.deepEqual(await serves(hostile, 'hostile'), { variant: 'second' })
    await page.getByRole('radio', { name: 'first' }).check()
    await page.getByLabel('size').fill('7')
    await page.getByLabel('size').press('Enter')
    await page.getByLabel('cache kept in').selectOption('sqlite')
    await page.getByText('Live is now hostile/first@sqlite~size=7').waitFor()
    assert.deepEqual(await serves(hostile, 'hostile'), { variant: 'first', size: 7 })
    await page.getByRole('button', { name: 'Back to the default' }).click()
    await page.getByText('Live is now hostile/first@memory,').waitFor()
    assert.deepEqual(await serves(hostile, 'hostile'), { variant: 'first', size: 1 })
  })

  it('can be used by the keyboard alone, and keeps the focus', async () => {
    await hostile.lab.toggle('hostile', null)
    page = await open(hostile.url)
    const focused = () => page.evaluate<string>('document.activeElement.value')
    for (let i = 0; i < 20 && (await focused()) !== 'first'; i++) await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowDown')
    await page.getByText('Live is now hostile/second').waitFor()
    assert.deepEqual(await serves(hostile, 'hostile'), { variant: 'second' })
    assert.equal(await focused(), 'second')
    await page.waitForResponse('**/api/state')
    assert.equal(await focused(), 'second')
    // A cell of the matrix: the arrows move, Enter opens what is behind it.
    const cells = page.locator('button.cell')
    await cells.first().focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await page.locator('.about').waitFor()
    assert.equal(await cells.nth(1).getAttribute('aria-expanded'), 'true')
  })

  it('follows a toggle that was made elsewhere', async () => {
    await hostile.lab.toggle('hostile', null)
    page = await open(hostile.url)
    await hostile.lab.toggle('hostile', { variant: 'second' })
    await page.locator('[value=second]:checked').waitFor()
  })

  it('says in words what the API refuses', async () => {
    await hostile.lab.toggle('hostile', null)
    page = await open(hostile.url)
    await page.getByLabel('size').fill('10')
    await page.getByLabel('size').press('Enter')
    await page.getByText('is a whole number from 1 to 9').waitFor()
    assert.deepEqual(await serves(hostile, 'hostile'), { variant: 'first', size: 1 })
  })

  it('shows hostile words as words', async () => {
    page = await open(hostile.url)
    assert.match((await page.locator('#question').textContent()) ?? '', /^<img src=x/)
    await page.getByText('The source that runs').click()
    await page.getByText("export const shown = '<img").waitFor()
    await page.locator('button.cell').first().click()
    assert.equal(await page.evaluate('window.hit'), undefined)
    assert.equal(await page.locator('img, body script, iframe').count(), 0)
    assert.doesNotMatch((await page.locator('body').textContent()) ?? '', /\u202e/)
    const targets = await page.evaluate<string[]>('[...document.links].map(({ href }) => href)')
    for (const target of targets) assert.match(target, /^http:\/\/127\.0\.0\.1:/)
    assert.equal(await widthOf(page), 1366)
  })

  it('tries a claim and shows the conversation with its adapter calls', async () => {
    page = await open(real.url)
    await page.locator('button.cell').first().click()
    await page.getByRole('button', { name: 'Try it' }).click()
    await page.locator('.conversation').waitFor({ timeout: 60_000 })
    const text = (await page.locator('.about').textContent()) ?? ''
    assert.match(text, /(GET|POST) \/\S* → \d{3}/)
    assert.match(text, /\w+\.\w+ on \w+, [\d.]+ ms/)
    assert.match(text, /as declared: /)
  })

  it('runs one proof at a time, says so, and can stop it', async () => {
    page = await open(real.url)
    await page.getByRole('button', { name: /^Prove \d+/ }).click()
    await page.getByText(/Proving for \d+ s/).waitFor()
    const other = await open(real.url)
    await other.getByRole('button', { name: /^Prove \d+/ }).click()
    await other.getByText('A proof is under way').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('Stopped before it had ended.').waitFor()
  })

  it('makes a verdict stand out that is not as declared', async () => {
    page = await open(hostile.url)
    const verdict = {
      claim: 'holds',
      says: '',
      because: '<b>because</b>',
      ms: 1,
      tries: 1,
    } as const
    const [first, second] = ['hostile/first@memory', 'hostile/second'] as const
    const proof: Proof = {
      ok: false,
      verdicts: [
        { ...verdict, setup: first, ran: first, declared: 'holds', verdict: 'breaks' },
        { ...verdict, setup: second, ran: second, declared: 'holds', verdict: 'holds' },
      ],
      skipped: [{ setup: 'hostile/first@sqlite', reason: 'not here today' }],
    }
    // No scenario of ours is wrong, so what the API would say is said for it.
    await page.route('**/api/prove', (route) => route.fulfill({ json: proof }))
    await page.getByRole('button', { name: /^Prove \d+/ }).click()
    await page.getByText('1 of 2 verdicts are not as declared').waitFor()
    await page.getByText('not here today').waitFor()
    assert.equal(await page.locator('.cell.wrong').count(), 1)
    await page.locator('.cell.wrong').click()
    await page.getByText('but declared: holds. <b>because</b>').waitFor()
  })

  it('copies a command', async () => {
    page = await open(hostile.url)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'Copy: npx seesaw prove hostile' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const copied = await page.evaluate('navigator.clipboard.readText()')
    assert.equal(copied, 'npx seesaw prove hostile')
  })

  it('says that the server is gone, and goes on by itself when it is back', async () => {
    const site = await serve(hostile.lab, hostileFolder)
    page = await open(site.url)
    const { port } = new URL(site.url)
    site.server.close().closeAllConnections()
    await page.getByRole('alert').getByText('Seesaw does not answer').waitFor()
    site.server.listen(Number(port), '127.0.0.1')
    await page.getByRole('alert').getByText('Seesaw does not answer').waitFor({ state: 'detached' })
  })

  for (const width of [390, 683, 1366, 1920])
    it(`fits ${width} pixels without scrolling sideways`, async () => {
      page = await open(real.url, { viewport: { width, height: 768 } })
      assert.equal(await widthOf(page), width)
    })

  for (const colorScheme of ['light', 'dark'] as const)
    it(`keeps nobody out, by axe's rules, in ${colorScheme}`, async () => {
      page = await open(hostile.url, { colorScheme, reducedMotion: 'reduce', bypassCSP: true })
      await page.locator('button.cell').first().click()
      await page.evaluate(axe)
      const { violations } = await page.evaluate<AxeResults>('axe.run()')
      const found = violations.flatMap(({ id, impact, nodes }) =>
        nodes.map(({ html }) => `${impact} ${id}: ${html}`),
      )
      assert.deepEqual(
        found.filter((line) => /^(serious|critical) /.test(line)),
        [],
      )
    })
})
