// `npm run shots`: every screen of the page at three sizes, light and dark, as pictures to be looked
// at. First it makes a learner's history, a call, its duel and a proof, so that screens are full.
import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { home } from '#core/course/find'
import { useBrowser } from './browser.ts'
import { type Started, startSeesaw, until } from './seesaw.ts'

const folder = join(home, 'shots')
const sizes = [
  [1366, 768],
  [1920, 1080],
  [390, 844],
] as const

interface Screen {
  name: string
  path: string
  /** What a visitor does before looking. */
  prepare?(page: Page): Promise<unknown>
}

const sides = 'a=server-session@memory&b=signed-token'
const workbench = '/s/session-vs-token'

const screens: Screen[] = [
  { name: 'home', path: '/' },
  { name: 'predict', path: `${workbench}/predict?${sides}` },
  { name: 'run', path: `${workbench}/run?${sides}&run=RUN` },
  { name: 'code', path: `${workbench}/investigate?${sides}&view=code` },
  { name: 'diff', path: `${workbench}/investigate?${sides}&view=code&diff=1` },
  {
    name: 'request',
    path: `${workbench}/investigate?${sides}&view=request`,
    prepare: (page) => page.getByRole('button', { name: 'Send to both' }).click(),
  },
  { name: 'claims', path: `${workbench}/investigate?${sides}&view=claims` },
  {
    name: 'attack',
    path: `${workbench}/investigate?${sides}&view=claims&claim=stolen-copy&cell=signed-token`,
  },
  { name: 'modify', path: `${workbench}/modify?${sides}` },
  { name: 'make', path: `${workbench}/make?${sides}` },
  { name: 'present', path: `${workbench}/predict?${sides}&present=1` },
  { name: 'record', path: '/record' },
  { name: 'machine', path: '/machine' },
]

describe('pictures of the page', function () {
  this.timeout(180_000)
  const { open } = useBrowser()
  let seesaw: Started
  let run = ''

  before(async () => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    seesaw = await startSeesaw()
    run = await makeHistory()
  })
  after(() => seesaw?.stop())

  const ask = async <T>(path: string, body?: unknown): Promise<T> => {
    const sent =
      body === undefined
        ? {}
        : {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          }
    const response = await fetch(seesaw.url + path, sent)
    assert(response.ok, `${path} answered ${response.status}: ${await response.clone().text()}`)
    return (await response.json()) as T
  }

  /** A call, the duel that answers it, and a proof; returns the duel's id. */
  const makeHistory = async (): Promise<string> => {
    const [a, b] = ['session-vs-token/server-session@memory', 'session-vs-token/signed-token']
    const call = {
      scenario: 'session-vs-token',
      a,
      b,
      metric: 'throughput',
      call: 'b',
      factor: 1.5,
    }
    const { id } = await ask<{ id: string }>('/api/predictions', {
      ...call,
      confidence: 70,
      why: 'No store to ask.',
    })
    const duel = await ask<{ id: string }>('/api/bench', { target: [a, b], preset: 'duel' })
    await fetch(`${seesaw.url}/api/predictions/${id}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ run: duel.id }),
    })
    await until(async () => !(await ask<{ running: unknown }>('/api/bench')).running, 120_000)
    await ask('/api/prove', { targets: ['session-vs-token'], backends: ['memory'] })
    return duel.id
  }

  for (const { name, path, prepare } of screens)
    for (const [width, height] of sizes)
      for (const colorScheme of ['light', 'dark'] as const)
        it(`${name}-${width}-${colorScheme}`, async () => {
          const address = seesaw.url + path.replace('RUN', run)
          const page = await open(address, { viewport: { width, height }, colorScheme })
          await prepare?.(page)
          // Nothing says that a picture is complete: events never end.
          await page.waitForTimeout(2_000)
          const file = join(folder, `${name}-${width}-${colorScheme}.png`)
          await page.screenshot({ path: file, fullPage: true })
        })
})
