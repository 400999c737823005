// Many tabs of one browser: they share one stream of events, whichever of them is closed, hidden or
// stands still, for a browser opens no more than six connections to one server.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { createControl } from '#core/control/api'
import { loadConfig } from '#core/course/find'
import { createHub, type Hub } from '#core/http/events'
import { type Lab, startLab } from '#core/lab/lab'
import { type Desk, openDesk } from '#core/measurements/desk'
import { useBrowser } from '../browser.ts'
import { tempFolder, until } from '../seesaw.ts'

describe('the tabs of one browser', function () {
  this.timeout(120_000)
  const { open, openBeside } = useBrowser()
  let lab: Lab
  let server: Server
  let hub: Hub
  let desk: Desk
  let url: string
  /** How many streams are open at the server. */
  let streams = 0
  /** What was asked for, in order. */
  const asked: string[] = []

  before(async () => {
    const dataFolder = tempFolder()
    lab = await startLab({ workers: 1, dataFolder })
    // What is told here only is not overwritten by what is told every second.
    hub = { ...createHub(), whileFollowed: () => {} }
    desk = openDesk({
      folder: join(dataFolder, 'measurements'),
      defaults: {},
      environment: lab.environment,
      onChange: (ticket) => hub.publish('measurements', { ticket }),
      onEvent: (event) => hub.publish('measuring', event),
    })
    server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    url = `http://localhost:${port}`
    server.on('request', ({ url: path = '' }, response) => {
      asked.push(path)
      if (!/\/events\b/.test(path)) return
      streams++
      response.once('close', () => streams--)
    })
    const config = await loadConfig()
    server.on(
      'request',
      createControl({ lab, config, port, version: '0', dataFolder, desk, hub }).callback(),
    )
  })
  after(async () => {
    server?.close().closeAllConnections()
    await desk?.stop()
    await lab?.stop()
  })

  /** Opens so many tabs of one browser; the first one is there first, and leads. */
  const openTabs = async (count: number) => {
    const address = `${url}/machine`
    const leader = await open(address)
    await until(() => streams === 1, 5_000)
    const others: Page[] = []
    while (others.length < count - 1) others.push(await openBeside(leader, address))
    const tabs = [leader, ...others]
    // What is told from now on is not overwritten by what was asked for before.
    await hear(tabs, 'memory')
    return { leader, others, tabs }
  }

  /** Tells every tab at once of a backend that only the stream knows. */
  const tellOf = (name: string) =>
    hub.publish('doctor', {
      backends: [{ name, status: 'ready', via: '', version: '', reason: '', remedy: '' }],
    })
  const hear = (tabs: readonly Page[], name: string) =>
    Promise.all(tabs.map((tab) => tab.getByText(name, { exact: true }).first().waitFor()))

  // Headless, every tab counts as seen; what a page is told of it is all that it can know.
  const turn = (tab: Page, visibility: 'visible' | 'hidden') =>
    tab.evaluate(`Object.defineProperty(document, 'visibilityState',
        { configurable: true, get: () => '${visibility}' })
      document.dispatchEvent(new Event('visibilitychange'))`)

  it('follow a measurement by one connection, ten at a time, and the tenth can cancel it', async () => {
    const path = '/s/session-vs-token/run?a=server-session@memory&b=signed-token'
    const first = await open(url + path)
    await first.getByRole('button', { name: 'Measure A against B' }).click()
    await first.waitForURL(/run=\d{8}-/)
    const tabs = [first]
    while (tabs.length < 10) tabs.push(await openBeside(first, first.url()))
    for (const tab of tabs) await tab.locator('.live-chart canvas').first().waitFor()
    assert.equal(streams, 1)

    const last = tabs.at(-1) as Page
    const answer = last.waitForResponse((one) => one.url().endsWith('/cancel'))
    const beganMs = performance.now()
    await last.getByRole('button', { name: 'Cancel' }).click()
    assert.equal((await answer).status(), 200)
    const tookMs = performance.now() - beganMs
    assert(tookMs < 2_000, `${tookMs} ms`)
    for (const tab of tabs) await tab.locator('.live').waitFor({ state: 'detached' })
    assert.equal(streams, 1)
  })

  it('miss nothing when the one that listens is closed', async () => {
    const { leader, others, tabs } = await openTabs(4)
    tellOf('before')
    await hear(tabs, 'before')
    const readBefore = asked.filter((path) => path === '/api/catalogue').length
    const closedMs = performance.now()
    await leader.close()
    tellOf('meanwhile')
    await hear(others, 'meanwhile')
    // At once, and not because they have heard nothing for a while.
    const tookMs = performance.now() - closedMs
    assert(tookMs < 4_000, `${tookMs} ms`)
    assert.equal(streams, 1)
    assert.equal(asked.filter((path) => path === '/api/catalogue').length, readBefore)
  })

  it('let go when they are hidden, and catch up when they are seen again', async () => {
    const { leader, others, tabs } = await openTabs(3)
    tellOf('before')
    await hear(tabs, 'before')
    await turn(leader, 'hidden')
    tellOf('to those that are seen')
    await hear(others, 'to those that are seen')
    assert.equal(streams, 1)
    assert.equal(await leader.getByText('to those that are seen').count(), 0)

    for (const tab of others) await turn(tab, 'hidden')
    await until(() => streams === 0, 5_000)
    tellOf('while nobody looked')
    await turn(leader, 'visible')
    await hear([leader], 'while nobody looked')
  })

  it('read everything again where they were away for longer than the server remembers', async () => {
    const { leader: tab } = await openTabs(1)
    tellOf('before')
    await hear([tab], 'before')
    await turn(tab, 'hidden')
    await until(() => streams === 0, 5_000)
    for (let i = 0; i < 300; i++) tellOf(`number ${i}`)
    asked.length = 0
    await turn(tab, 'visible')
    await until(() => asked.includes('/api/catalogue') && asked.includes('/api/doctor'), 5_000)
  })

  it('take the lead from one that stands still', async () => {
    const { leader, others, tabs } = await openTabs(3)
    tellOf('before')
    await hear(tabs, 'before')
    const stands = leader.evaluate(`{ const untilMs = Date.now() + 15_000
      while (Date.now() < untilMs); }`)
    await sleep(10_000)
    tellOf('to those that go on')
    await hear(others, 'to those that go on')
    await stands
    await hear([leader], 'to those that go on')
    await until(() => streams === 1, 5_000)
  })
})
