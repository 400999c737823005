// Who may ask the lab, and how a refusal leaves the connection: a page of another site may not, a
// command line and a link may.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type Server,
  request as send,
} from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { ownHost } from '#core/http/guard'
import { type Lab, startLab } from '#core/lab/lab'
import { launchBrowser } from '../browser.ts'
import { fixtures, type Started, sendRaw, startSeesaw } from '../seesaw.ts'

const setup = '/run/session-vs-token/server-session'
const signIn = JSON.stringify({ name: 'ada', password: 'correct horse' })

interface Heard {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** One request, as it is written; rejects where no answer comes within 5 s. */
const ask = (
  url: string,
  { body, ...options }: Parameters<typeof send>[1] & { body?: string | Buffer } = {},
): Promise<Heard> =>
  new Promise((resolve, reject) => {
    const asked = send(url, { timeout: 5_000, ...options }, async (answer) => {
      let text = ''
      for await (const piece of answer.setEncoding('utf8')) text += piece
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text })
    })
    asked.once('timeout', () => asked.destroy(new Error('no answer')))
    asked.once('error', reject)
    asked.end(body)
  })

const codeOf = ({ text }: Heard): string | undefined =>
  text.startsWith('{') ? JSON.parse(text).code : undefined

describe('the guard of the lab', function () {
  this.timeout(60_000)
  let lab: Lab
  before(async () => {
    lab = await startLab({ only: ['session-vs-token'] })
  })
  after(() => lab?.stop())
  const addresses = () => [lab.url, ...lab.doors]

  for (const headers of [
    { host: 'evil.example' },
    { host: 'evil.localhost:3001' },
    { host: '127.0.0.1.evil.example' },
    { host: 'localhost@evil.example' },
  ])
    it(`refuses the host ${headers.host} (DNS rebinding), at the port and at a door`, async () => {
      for (const address of addresses())
        for (const path of [`${setup}/me`, '/nothing']) {
          const heard = await ask(`${address}${path}`, { headers })
          assert.deepEqual([heard.status, codeOf(heard)], [403, 'HOST_REFUSED'])
        }
    })

  for (const headers of [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:3000' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
  ] as Record<string, string>[])
    it(`refuses what a page sent with ${JSON.stringify(headers)}`, async () => {
      for (const address of addresses())
        for (const method of ['GET', 'POST', 'OPTIONS', 'HEAD']) {
          const heard = await ask(`${address}${setup}/sign-in`, { method, headers })
          assert.equal(heard.status, 403, method)
          if (method !== 'HEAD') assert.equal(codeOf(heard), 'ORIGIN_REFUSED')
        }
    })

  it('refuses a form that another site sends, though it looks like a link', async () => {
    const headers = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'content-type': 'application/x-www-form-urlencoded',
    }
    const body = 'name=ada&password=correct+horse'
    const heard = await ask(`${lab.url}${setup}/sign-in`, { method: 'POST', headers, body })
    assert.equal(codeOf(heard), 'ORIGIN_REFUSED')
    assert.equal(heard.headers['set-cookie'], undefined)
  })

  for (const headers of [
    {},
    { host: 'localhost:8080' },
    { host: '127.0.0.2' },
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  ] as Record<string, string>[])
    it(`lets in who comes with ${JSON.stringify(headers)}`, async () => {
      for (const address of addresses()) {
        const heard = await ask(`${address}${setup}/me`, { headers })
        assert.equal(heard.status, 401)
        assert.notEqual(codeOf(heard), 'ORIGIN_REFUSED')
      }
    })

  it("lets a page of the lab's own write", async () => {
    const headers = {
      origin: lab.url,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/json',
    }
    const heard = await ask(`${lab.url}${setup}/sign-in`, { method: 'POST', headers, body: signIn })
    assert.equal(heard.status, 200)
  })

  it("lets a page of the lab's own send a form that keeps its address to itself", async () => {
    const headers = {
      origin: 'null',
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/json',
    }
    const heard = await ask(`${lab.url}${setup}/sign-in`, { method: 'POST', headers, body: signIn })
    assert.equal(heard.status, 200)
  })

  it('takes any address of the machine where it listens for others, and no name of others', () => {
    const isOurs = ownHost('0.0.0.0')
    assert(isOurs('192.0.2.7:3001') && isOurs('[2001:db8::1]:3001') && isOurs('localhost'))
    assert(!isOurs('evil.example') && !isOurs('evil.example:3001'))
    assert(ownHost('box.example')('box.example:3001'))
    assert(!ownHost('127.0.0.1')('192.0.2.7:3001'))
  })
})

describe('a link to a variant that is unsafe on purpose', function () {
  this.timeout(30_000)
  it('is refused where another site has it, and works where a person types it', async () => {
    const lab = await startLab({ scenariosFolder: fixtures, only: ['unsafe'] })
    try {
      const { setup: live } = await lab.toggle('unsafe', null)
      const link = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
      const open = (site: string) =>
        ask(`${lab.url}/run/${live}/`, { headers: { ...link, 'sec-fetch-site': site } })
      assert.equal(codeOf(await open('cross-site')), 'ORIGIN_REFUSED')
      assert.notEqual((await open('none')).status, 403)
      assert.notEqual((await ask(`${lab.url}/run/${live}/`)).status, 403)
    } finally {
      await lab.stop()
    }
  })
})

describe('a refusal in the middle of a body', function () {
  this.timeout(60_000)
  let started: Started
  before(async () => {
    started = await startSeesaw()
  })
  after(() => started?.stop())

  const targets = (): [string, string][] => [
    [`${started.labUrl}${setup}/sign-in`, 'the lab'],
    [`${started.url}/api/toggle`, 'control'],
  ]

  /** Sends a chunked body and two small ones after it on one connection; returns the statuses. */
  const inARow = async (url: string, bytes: number, headers: Record<string, string> = {}) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const post = (size: number) =>
      ask(url, {
        agent,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked', ...headers },
        body: `"${'x'.repeat(size)}"`,
      })
    try {
      return [(await post(bytes)).status, (await post(10)).status, (await post(10)).status]
    } finally {
      agent.destroy()
    }
  }

  it('leaves a connection on which the next request is answered', async () => {
    for (const [url, whose] of targets())
      assert.deepEqual(await inARow(url, 2e6), [413, 400, 400], whose)
  })

  it('does so, too, where nothing of the body was read', async () => {
    for (const [url, whose] of targets()) {
      const foreign = { origin: 'http://evil.example' }
      assert.deepEqual(await inARow(url, 2e6, foreign), [403, 403, 403], whose)
      const unknown = { 'content-encoding': 'zstd9' }
      assert.deepEqual(await inARow(url, 2e6, unknown), [415, 415, 415], whose)
    }
  })

  it('does so, too, where the body is packed, in chunks or with a length', async () => {
    const body = gzipSync(randomBytes(2e6).toString('base64'))
    for (const [url, whose] of targets())
      for (const length of [
        { 'content-length': body.length },
        { 'transfer-encoding': 'chunked' },
      ]) {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        const headers = {
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          ...length,
        }
        const beganMs = performance.now()
        const packed = await ask(url, { agent, method: 'POST', headers, body })
        const next = await ask(url, { agent, method: 'GET' })
        agent.destroy()
        assert.deepEqual([packed.status, next.status], [413, 405], whose)
        assert(performance.now() - beganMs < 4_000, 'the next one did not have to wait')
      }
  })

  it('cuts a body that does not end', async () => {
    const { port } = new URL(started.labUrl)
    const socket = connect(Number(port), '127.0.0.1')
    socket.setMaxListeners(0)
    socket.on('error', () => {}).resume()
    socket.write(
      `POST ${setup}/sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
        'Transfer-Encoding: chunked\r\n\r\n',
    )
    const piece = `100000\r\n${'x'.repeat(1 << 20)}\r\n`
    let sent = 0
    while (!socket.destroyed && sent < 200) {
      sent++
      if (!socket.write(piece))
        await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve))
    }
    assert(socket.destroyed, `${sent} MB were taken`)
  })

  it('unpacks gzip however it is spelled', async () => {
    for (const coding of ['gzip', 'GZIP', 'x-gzip', ' GZip']) {
      const heard = await ask(`${started.labUrl}${setup}/sign-in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': coding },
        body: gzipSync(signIn),
      })
      assert.equal(heard.status, 200, coding)
    }
  })

  it('answers targets in absolute form, as a proxy is asked', async () => {
    for (const [base, path, status] of [
      [started.labUrl, `${setup}/me`, 401],
      [started.url, '/api/scenarios', 200],
    ] as const) {
      const { host } = new URL(base)
      const target = `http://${host}${path}`
      const seen = await sendRaw(base, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      assert.match(seen, new RegExp(`^HTTP/1.1 ${status} `), target)
      const evil = `GET http://evil.example${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
      assert.match(await sendRaw(base, evil), /HOST_REFUSED/)
    }
  })
})

describe("another site's page, in a browser", function () {
  this.timeout(60_000)
  let browser: Browser
  let lab: Lab
  let site: Server
  before(async function () {
    browser = await launchBrowser(this)
    lab = await startLab({ only: ['session-vs-token'] })
    site = createServer((_, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(`<title>another site</title><a href="${lab.url}${setup}/me">a link</a>
        <form method="post" action="${lab.url}${setup}/sign-in">
          <input name="name" value="ada"><input name="password" value="correct horse">
          <button>send</button></form>`)
    })
    site.listen(0, '127.0.0.1')
    await once(site, 'listening')
  })
  after(async () => {
    await browser?.close()
    site?.close().closeAllConnections()
    await lab?.stop()
  })

  for (const host of ['127.0.0.1', 'evil.localhost'])
    it(`of ${host} cannot send a form or a request, and may have a link`, async () => {
      const page = await browser.newPage()
      await page.goto(`http://${host}:${(site.address() as AddressInfo).port}/`)
      const url = JSON.stringify(`${lab.url}${setup}/sign-in`)
      // What comes back cannot be read by that page, so the lab is asked what it set.
      const answers: number[] = []
      page.on('response', (answer) => answers.push(answer.status()))
      await page.evaluate(
        `fetch(${url}, { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'name=ada&password=correct horse',
           headers: { 'content-type': 'application/x-www-form-urlencoded' } }).then(() => 0, () => 0)`,
      )
      const [answer] = await Promise.all([page.waitForNavigation(), page.click('button')])
      assert.equal(answer?.status(), 403)
      assert.equal((await page.context().cookies()).length, 0)
      assert(answers.length > 0 && answers.every((status) => status === 403), answers.join())
      await page.goBack()
      const [followed] = await Promise.all([page.waitForNavigation(), page.click('a')])
      assert.equal(followed?.status(), 401)
      await page.close()
    })
})

describe('the end of a lab', function () {
  this.timeout(60_000)
  it('lets requests end that came by its port, and says that the connection closes', async () => {
    const lab = await startLab({ only: ['cache-strategies'] })
    const slow = `${lab.url}/run/cache-strategies/none~dbDelayMs=200/products/1`
    const agent = new Agent({ keepAlive: true })
    try {
      for (const end of [() => lab.restart(), () => lab.stop()]) {
        await ask(slow, { agent })
        const asked = Array.from({ length: 8 }, () => ask(slow, { agent }))
        await sleep(100)
        const ending = end()
        for (const heard of await Promise.all(asked)) {
          assert.equal(heard.status, 200)
          assert.equal(heard.headers.connection, 'close')
        }
        await ending
      }
    } finally {
      agent.destroy()
      await lab.stop().catch(() => {})
    }
  })
})
