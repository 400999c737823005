// Behind a company's proxy: HTTP_PROXY names one that Node is to use for everything. It cannot reach
// what listens on this machine, so nothing of ours may go there.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { home } from '#core/course/find'
import type { LoadView } from '#core/traffic/live-load'
import { type Started, seesaw, startSeesaw, until } from '../seesaw.ts'

const preload = pathToFileURL(join(home, 'test', 'fixtures', 'all-by-proxy.mjs')).href

describe('where HTTP_PROXY is set, and Node heeds it', function () {
  this.timeout(60_000)
  let proxy: Server
  const reached: string[] = []
  let env: Record<string, string>
  let started: Started

  before(async () => {
    proxy = createServer(({ method, url }, response) => {
      reached.push(`${method} ${url}`)
      response.writeHead(502).end()
    }).listen(0, '127.0.0.1')
    proxy.on('connect', ({ url }, socket) => {
      reached.push(`CONNECT ${url}`)
      socket.end('HTTP/1.1 502 No\r\n\r\n')
    })
    await once(proxy, 'listening')
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    env = {
      HTTP_PROXY: address,
      http_proxy: address,
      NO_PROXY: '',
      no_proxy: '',
      NODE_USE_ENV_PROXY: '1',
      NODE_OPTIONS: `--import ${preload}`,
    }
    started = await startSeesaw({ env })
  })
  after(async () => {
    await started?.stop()
    proxy?.close().closeAllConnections()
  })
  afterEach(() => reached.splice(0))

  it('does send by the proxy whatever does not say otherwise', async () => {
    const script = `fetch('${started.labUrl}').catch(() => {}).then(() => process.exit(0))`
    const child = spawn(process.execPath, ['-e', script], { env: { ...process.env, ...env } })
    await once(child, 'exit')
    assert.deepEqual(reached, [`CONNECT ${new URL(started.labUrl).host}`])
  })

  for (const words of [
    ['list'],
    ['doctor'],
    ['prove', 'session-vs-token/signed-token'],
    ['try', 'rate-limits/gcra'],
  ])
    it(`sends nothing of seesaw ${words.join(' ')} there`, async () => {
      const { code, err } = await seesaw([...words, '--json'], { env })
      assert.equal(code, 0, err)
      assert.deepEqual(reached, [])
    })

  it('sends nothing there of what asks a Seesaw that runs', async () => {
    const asking = ['--json', '--data', started.data]
    for (const words of [
      ['toggle', 'rate-limits', 'gcra'],
      ['curl', 'session-vs-token/server-session'],
      ['reset'],
    ]) {
      const { code, err } = await seesaw([...words, ...asking], { env })
      assert.equal(code, 0, `${words}: ${err}`)
    }
    assert.deepEqual(reached, [])
  })

  it('sends nothing of a load there, nor of a request to two setups', async () => {
    const post = async (path: string, body: unknown) => {
      const answer = await fetch(started.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      assert(answer.ok, await answer.clone().text())
      return answer.json()
    }
    await post('/api/load', { scenario: 'rate-limits', seconds: 1, connections: 2 })
    await post('/api/send', { setups: ['rate-limits/gcra', 'rate-limits/sliding-log'] })
    await until(async () => {
      const { load } = (await (await fetch(`${started.url}/api/load`)).json()) as LoadView
      return (load?.totals?.requests ?? 0) > 0
    }, 10_000)
    assert.deepEqual(reached, [])
  })
})
