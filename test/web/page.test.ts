// The frame of the page, in a real browser: what every screen stands in, what a link restores, and
// what nobody can make it do. The screens have tests of their own, page-*.test.ts.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import type { Catalogue } from '#core/course/catalogue'
import { hostileScenarios, seriousFindings, useBrowser, widthOf } from '../browser.ts'
import { copyWith, type Started, startSeesaw } from '../seesaw.ts'

let hostile: Started
let real: Started

before(async function () {
  this.timeout(60_000)
  ;[hostile, real] = await Promise.all([
    startSeesaw({ root: copyWith(hostileScenarios) }),
    startSeesaw(),
  ])
})

after(() => Promise.all([hostile, real].map((seesaw) => seesaw?.stop())))

/** The answer to a path exactly as written, which fetch would tidy up. */
const getRaw = (path: string, host?: string) =>
  new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    const { port } = new URL(hostile.url)
    const headers = host ? { host } : {}
    request({ host: '127.0.0.1', port, path, headers, agent: false }, async (answer) => {
      let text = ''
      for await (const piece of answer) text += piece
      resolve({ status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', text })
    })
      .on('error', reject)
      .end()
  })

/** What the page begins with, by address. */
const filesOf = async (url: string) => {
  const text = await (await fetch(url)).text()
  return [...text.matchAll(/"(\/page\/[^"]+)"/g)].map(([, path = '']) => path)
}

describe("the page's files", () => {
  it('forbid everything that does not come from the page itself', async () => {
    for (const path of ['/', '/s/hostile/run', ...(await filesOf(hostile.url)), '/icon.svg']) {
      const { status, headers } = await fetch(hostile.url + path)
      assert.equal(status, 200, path)
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /^default-src 'none'; script-src 'self' 'nonce-[\w+/=]{24}'; /)
      assert.match(policy, /frame-ancestors 'none'; base-uri 'none'; form-action 'none'/)
      assert.match(policy, /require-trusted-types-for 'script'; trusted-types 'none'/)
      assert.doesNotMatch(policy, /unsafe|\*|data:/)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('referrer-policy'), 'no-referrer')
    }
  })

  it('carry another nonce with every answer', async () => {
    const nonces = await Promise.all(
      [1, 2].map(async () => /nonce="([^"]+)"/.exec(await (await fetch(real.url)).text())?.[1]),
    )
    assert(nonces[0])
    assert.notEqual(nonces[0], nonces[1])
  })

  it('take no more than 150 KB, packed, before anything else is opened', async () => {
    const bodies = await Promise.all(
      (await filesOf(real.url)).map(async (path) =>
        Buffer.from(await (await fetch(real.url + path)).arrayBuffer()),
      ),
    )
    assert.equal(bodies.length, 2)
    const packed = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0)
    assert(packed <= 150_000, `${packed} bytes`)
  })

  it('answer on localhost as on 127.0.0.1, and on no other name', async () => {
    const { port } = new URL(hostile.url)
    assert.equal((await getRaw('/', `localhost:${port}`)).status, 200)
    assert.equal((await getRaw('/', `127.0.0.1:${port}`)).status, 200)
    assert.equal((await getRaw('/', `evil.example:${port}`)).status, 403)
  })

  it('let nobody out of their folder', async () => {
    const paths = [
      '/page/../index.html',
      '/page/..%2findex.html',
      '/page/%2e%2e/%2e%2e/package.json',
      '/page/main.tsx',
      '/page/__proto__',
      '/main.tsx',
      '/tsconfig.json',
      '/../package.json',
    ]
    for (const path of paths) {
      const { status, type, text } = await getRaw(path)
      assert(status === 404 || status === 400, `${path} answered ${status}`)
      assert.match(type, /^application\/problem\+json/, path)
      assert.doesNotMatch(text, /dependencies|compilerOptions|import /, path)
    }
  })
})

describe('the page', function () {
  this.timeout(60_000)
  const { open } = useBrowser()
  let page: Page

  const catalogue = async (url: string) =>
    (await (await fetch(`${url}/api/catalogue`)).json()) as Catalogue

  it('shows every scenario under its question, at an address of its own', async () => {
    page = await open(real.url)
    for (const { id, question, variants } of (await catalogue(real.url)).scenarios) {
      await page.goto(`${real.url}/s/${id}`)
      await page.getByRole('heading', { name: question, level: 1 }).waitFor()
      assert.equal(await page.title(), `${question} · Seesaw`)
      const options = page.getByLabel('Variant A').locator('option')
      assert.equal(await options.count(), variants.length)
    }
  })

  it('restores from its address which two are compared, on what, and with which knobs', async () => {
    page = await open(
      `${real.url}/s/rate-limits/investigate?a=gcra@sqlite~limit=5&b=sliding-log&view=request`,
    )
    const side = (name: string) => page.getByRole('group', { name: `Side ${name}` })
    await side('A').waitFor()
    assert.equal(await page.getByLabel('Variant A').inputValue(), 'gcra')
    assert.equal(await page.getByLabel('Variant B').inputValue(), 'sliding-log')
    assert.equal(await side('A').getByLabel('limiter').inputValue(), 'sqlite')
    assert.equal(await side('B').getByLabel('limiter').inputValue(), 'memory')
    assert.equal(await side('A').getByLabel('limit requests').inputValue(), '5')
    assert.equal(await side('B').getByLabel('limit requests').inputValue(), '10')
    for (const name of ['Investigate', 'One request, both ways'])
      assert.equal(
        await page.getByRole('link', { name, exact: true }).getAttribute('aria-current'),
        'page',
      )
  })

  it('writes every choice into its address, and a link keeps them', async () => {
    page = await open(`${real.url}/s/rate-limits/investigate`)
    const side = page.getByRole('group', { name: 'Side B' })
    await page.getByLabel('Variant B').selectOption('gcra')
    await side.getByLabel('limiter').selectOption('sqlite')
    await side.getByLabel('limit requests').fill('7')
    await side.getByLabel('limit requests').press('Enter')
    await page.waitForURL('**/investigate?b=gcra@sqlite~limit=7')
    await page.getByRole('link', { name: 'Modify' }).click()
    await page.waitForURL('**/s/rate-limits/modify?b=gcra@sqlite~limit=7')
    await page.reload()
    assert.equal(await page.getByLabel('Variant B').inputValue(), 'gcra')
    await page.goBack()
    await page.getByRole('link', { name: 'The code that runs' }).waitFor()
  })

  it('says in words what is wrong with an address', async () => {
    page = await open(`${real.url}/s/rate-limits/run?a=gcar`)
    await page.getByRole('alert').getByText("No variant of rate-limits 'gcar'").waitFor()
    await page.getByRole('button', { name: 'Begin with the first two' }).click()
    await page.getByLabel('Variant A').waitFor()
    await page.goto(`${real.url}/s/nothing-like-it`)
    await page.getByText("There is no scenario 'nothing-like-it'.").waitFor()
    await page.goto(`${real.url}/s/rate-limits/investigate?a=gcra~limit=0`)
    await page.getByText('is a whole number from 1 to').waitFor()
  })

  it('refuses a knob out of its range where it is typed', async () => {
    page = await open(`${real.url}/s/rate-limits/investigate`)
    const knob = page.getByRole('group', { name: 'Side A' }).getByLabel('limit requests')
    await knob.fill('0')
    await knob.press('Enter')
    await page.getByRole('alert').getByText('a whole number from 1 to').waitFor()
    assert.doesNotMatch(page.url(), /limit=/)
  })

  it('shows hostile words as words', async () => {
    page = await open(`${hostile.url}/s/hostile/investigate`)
    const heading = page.getByRole('heading', { level: 1 })
    await heading.waitFor()
    assert.match((await heading.textContent()) ?? '', /^<img src=x/)
    assert.match((await page.title()) ?? '', /^<img src=x/)
    assert.equal(await page.evaluate('window.hit'), undefined)
    assert.equal(await page.locator('main img, main script, iframe').count(), 0)
    assert.doesNotMatch((await page.locator('body').textContent()) ?? '', /\u202e/)
    const targets = await page.evaluate<string[]>('[...document.links].map(({ href }) => href)')
    for (const target of targets) assert.match(target, /^http:\/\/(localhost|127\.0\.0\.1):/)
    assert.equal(await widthOf(page), 1366)
  })

  it('says that the server is gone, and goes on by itself when it is back', async () => {
    const gone = await startSeesaw()
    page = await open(`${gone.url}/s/rate-limits/investigate?a=gcra`)
    await page.getByLabel('Variant A').waitFor()
    gone.child.kill('SIGKILL')
    await gone.ended
    await page.getByText('Seesaw does not answer.', { exact: true }).waitFor()
    assert.equal(await page.getByLabel('Variant A').inputValue(), 'gcra')
    const { port } = new URL(gone.url)
    const back = await startSeesaw({ data: gone.data, words: ['--port', port] })
    await page.getByText('Seesaw does not answer.', { exact: true }).waitFor({ state: 'detached' })
    await back.stop()
  })

  it('can be used by the keyboard alone', async () => {
    page = await open(`${real.url}/s/rate-limits/investigate`)
    await page.getByLabel('Variant A').waitFor()
    const focused = () =>
      page.evaluate<string>('document.activeElement.closest("label")?.textContent ?? ""')
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate('document.activeElement.className'), 'skip')
    for (let i = 0; i < 20 && !(await focused()).startsWith('Variant B'); i++)
      await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowDown')
    await page.waitForURL(/b=/)
    assert.match(await focused(), /^Variant B/)
  })

  for (const [width, height] of [
    [390, 844],
    [683, 384],
    [1366, 768],
    [1920, 1080],
  ] as const)
    it(`fits ${width} pixels without scrolling sideways`, async () => {
      page = await open(`${real.url}/s/rate-limits/investigate`, { viewport: { width, height } })
      await page.getByLabel('Variant A').waitFor()
      assert.equal(await widthOf(page), width)
    })

  it('keeps its shape with words of forty letters', async () => {
    page = await open(`${real.url}/s/rate-limits/predict`, {
      viewport: { width: 390, height: 844 },
    })
    await page.getByLabel('Variant A').waitFor()
    await page.evaluate(`for (const one of document.querySelectorAll('h1, p, button, .tabs a'))
      one.textContent = 'Anfragebegrenzungsalgorithmenvergleichsmessung'`)
    assert.equal(await widthOf(page), 390)
  })

  for (const colorScheme of ['light', 'dark'] as const)
    it(`keeps nobody out, by axe's rules, in ${colorScheme}`, async () => {
      page = await open(`${hostile.url}/s/hostile/investigate`, { colorScheme, bypassCSP: true })
      await page.getByLabel('Variant A').waitFor()
      assert.deepEqual(await seriousFindings(page), [])
    })
})
