// A learner's own version of a variant: kept, tried, served, proved and measured beside the others,
// whatever is in it.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { home, scenarioIds } from '#core/course/find'
import { makePlan } from '../../bench/plan/plan.ts'
import type { MineShown } from '../../core/mine/shelf.ts'
import {
  problemIn,
  type Started,
  seesaw,
  spawnSeesaw,
  startSeesaw,
  tempFolder,
  until,
} from '../seesaw.ts'

const variantsFolder = join(home, 'scenarios', 'rate-limits', 'variants')
const gcra = readFileSync(join(variantsFolder, 'gcra.ts'), 'utf8')
/** Half as many requests as gcra lets in: it breaks what gcra keeps. */
const slower = gcra.replace('const pace = windowMs\n', 'const pace = windowMs * 2\n')
assert.notEqual(slower, gcra)

describe('a variant of one’s own', function () {
  this.timeout(60_000)
  const data = tempFolder()
  let seesawRuns: Started
  before(async () => {
    seesawRuns = await startSeesaw({ data, words: ['--workers', '2'] })
  })
  after(() => seesawRuns.stop())

  const ask = (method: string, path = '', body?: object) =>
    fetch(`${seesawRuns.url}/api/mine${path}`, {
      method,
      ...(body
        ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
        : {}),
    })
  const read = async (answer: Promise<Response>) => {
    const response = await answer
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return JSON.parse(text) as MineShown
  }
  const save = (text: string, more: object = {}) =>
    read(ask('PUT', '/rate-limits', { basedOn: 'gcra', text, ...more }))
  const visit = (path = 'mine/') =>
    fetch(`${seesawRuns.labUrl}/run/rate-limits/${path}`, { headers: { connection: 'close' } })
  const limitOf = async (path?: string) => (await visit(path)).headers.get('ratelimit-policy')

  it('is not there before somebody has made it', async () => {
    const shown = await read(ask('GET', '/rate-limits'))
    assert.equal(shown.saved, null)
    assert.equal(shown.originals.find(({ id }) => id === 'gcra')?.text, gcra)
    assert.equal((await problemIn(await visit())).code, 'VARIANT_NOT_FOUND')
    assert(!existsSync(join(data, 'mine')))
  })

  it('is served by every process as soon as it is saved, with the knobs and backends it asks for', async () => {
    const { saved } = await save(gcra)
    assert.equal(saved?.setup, 'rate-limits/mine')
    for (let i = 0; i < 4; i++) assert.equal(await limitOf('mine~limit=7/'), '"default";q=7;w=1')
    assert.equal((await visit('mine@sqlite/')).status, 200)
  })

  it('is listed with the others, from whom it comes and as safe as that one', async () => {
    const answer = await fetch(`${seesawRuns.url}/api/catalogue`)
    const { scenarios } = (await answer.json()) as { scenarios: Listed[] }
    const listed = scenarios.find(({ id }) => id === 'rate-limits')
    const variant = listed?.variants.find(({ id }) => id === 'mine')
    assert.deepEqual(
      [variant?.title, variant?.safe, variant?.needs],
      ['Mine (from GCRA)', true, ['limiter']],
    )
    assert.equal(listed?.mine?.basedOn, 'gcra')
    assert(listed?.setups.includes('rate-limits/mine@memory'))
  })
  interface Listed {
    id: string
    variants: { id: string; title: string; safe: boolean; needs: string[] }[]
    setups: string[]
    mine?: { basedOn: string }
  }

  it('is replaced by the next version while others are under load, and none of their requests is lost', async () => {
    const counts = { sent: 0, good: 0 }
    let over = false
    const load = async () => {
      while (!over) {
        counts.sent++
        if ((await visit('fixed-window~limit=1000/')).status < 500) counts.good++
      }
    }
    const own = async () => {
      while (!over) assert.equal((await visit('mine~limit=1000/')).status, 200)
    }
    const loads = [load(), load(), own()]
    try {
      for (const word of ['first', 'second']) {
        await save(
          gcra.replace(
            "router.get('/',",
            `router.get('/${word}', (ctx) => {\n      ctx.body = '${word}'\n    })\n    router.get('/',`,
          ),
        )
        for (let i = 0; i < 4; i++) assert.equal(await (await visit(`mine/${word}`)).text(), word)
      }
    } finally {
      over = true
      await Promise.all(loads)
    }
    assert.equal((await visit('mine/first')).status, 404)
    assert(counts.sent > 20)
    assert.equal(counts.good, counts.sent)
  })

  it('is not given what the version before it has stored', async () => {
    const count = async () =>
      ((await (await visit('mine@sqlite~windowMs=60000/')).json()) as { remaining: number })
        .remaining
    await save(gcra)
    assert.deepEqual([await count(), await count()], [9, 8])
    await save(`${gcra}\n`)
    assert.equal(await count(), 9)
  })

  const lineOf = (part: string) => gcra.slice(0, gcra.indexOf(part)).split('\n').length

  const wrong: [string, string, RegExp, number | undefined][] = [
    [
      'has a mistake',
      gcra.replace('const pace = windowMs', 'const pace = ;'),
      /Unexpected ";"/,
      lineOf('const pace = windowMs'),
    ],
    [
      'imports what is not there',
      gcra.replace('../shared.ts', '../shard.ts'),
      /resolve "..\/shard.ts"/,
      lineOf('../shared.ts'),
    ],
    [
      'throws while it is loaded',
      `${gcra}\nthrow new TypeError('no')\n`,
      /TypeError: no/,
      gcra.split('\n').length + 1,
    ],
    [
      'throws while it is mounted',
      gcra.replace('const cells =', 'null.it\n    const cells ='),
      /of null/,
      lineOf('const cells ='),
    ],
    ['ends the process', `${gcra}\nprocess.exit(0)\n`, /ended the process/, undefined],
    ['has nothing in it', '', /export default defineVariant/, undefined],
    [
      'never ends to mount',
      gcra.replace('const cells =', 'while (true) {}\n    const cells ='),
      /within 5 s/,
      undefined,
    ],
  ]
  for (const [what, text, message, line] of wrong)
    it(`that ${what} is kept and told of, and harms nobody`, async () => {
      const { saved } = await save(text)
      assert.equal(saved?.text, text)
      assert.equal(saved?.setup, null)
      assert.match(saved?.problem?.message ?? '', message)
      assert.equal(saved?.problem?.line, line)
      const problem = await problemIn(await visit())
      assert.equal(problem.code, 'SCENARIO_BROKEN')
      assert.match(problem.detail, message)
      assert.equal((await visit('gcra/')).status, 200)
    })

  it('that does not run is listed with the reason, and nothing else is missing from the list', async () => {
    const answer = await fetch(`${seesawRuns.url}/api/catalogue`)
    const { scenarios, broken } = (await answer.json()) as {
      scenarios: { id: string; mine?: { problem?: { message: string } } }[]
      broken: unknown[]
    }
    assert.deepEqual(broken, [])
    assert.deepEqual(scenarios.map(({ id }) => id).sort(), scenarioIds())
    const listed = scenarios.find(({ id }) => id === 'rate-limits')
    assert.match(listed?.mine?.problem?.message ?? '', /within 5 s/)
  })

  const prove = async (claims: string[]) => {
    const words = ['prove', 'rate-limits/mine@memory', '--claims', claims.join(','), '--json']
    const { out, err } = await seesaw([...words, '--data', data])
    assert(out, err)
    return (JSON.parse(out) as { verdicts: { declared: string; verdict: string }[] }).verdicts.map(
      ({ declared, verdict }) => [declared, verdict],
    )
  }

  it('keeps what its original keeps, where nothing was changed that matters', async () => {
    await save(gcra)
    assert.deepEqual(
      await prove(['no-double-burst', 'never-over-the-limit', 'one-limit-for-all-processes']),
      [
        ['holds', 'holds'],
        ['breaks', 'breaks'],
        ['breaks', 'breaks'],
      ],
    )
  })

  it('is seen to break what its original keeps, where something was', async () => {
    await save(slower)
    const answer = await fetch(`${seesawRuns.url}/api/try`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ setup: 'rate-limits/mine@memory', exercise: 'burst-then-pace' }),
    })
    const { declared, verdict } = (await answer.json()) as { declared: string; verdict: string }
    assert.deepEqual([declared, verdict], ['holds', 'breaks'])
  })

  it('can be measured against its original', async () => {
    const answer = await fetch(`${seesawRuns.url}/api/bench`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ target: ['rate-limits/gcra@memory', 'rate-limits/mine@memory'] }),
    })
    const { id, code } = (await answer.json()) as { id: string; code?: string }
    assert.equal(answer.status, 202, code)
    await fetch(`${seesawRuns.url}/api/bench/${id}/cancel`, { method: 'POST' })
  })

  it('is named in a measurement by the version that was measured', async () => {
    const { saved } = await save(slower)
    process.env.SEESAW_MINE = join(data, 'mine')
    try {
      const { plan } = await makePlan({ targets: ['rate-limits/gcra', 'rate-limits/mine'] })
      const titles = plan.contenders.map(({ title }) => title)
      assert.deepEqual(titles.slice(0, 2), ['gcra', `mine (${saved?.version.slice(0, 6)})`])
    } finally {
      delete process.env.SEESAW_MINE
    }
  })

  it('may be what live serves, until it is thrown away', async () => {
    const toggle = { scenario: 'rate-limits', variant: 'mine', knobs: { limit: 3 } }
    await fetch(`${seesawRuns.url}/api/toggle`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(toggle),
    })
    assert.equal(await limitOf('live/'), '"default";q=3;w=1')
    await save(gcra)
    assert.equal(await limitOf('live/'), '"default";q=3;w=1')
    await read(ask('DELETE', '/rate-limits'))
    assert.equal(await limitOf('live/'), '"default";q=10;w=1')
  })

  it('that was reset is gone, and can be restored', async () => {
    assert.equal((await problemIn(await visit())).code, 'VARIANT_NOT_FOUND')
    assert.equal((await problemIn(await ask('GET', '/rate-limits/export'))).code, 'MINE_NOT_FOUND')
    const { saved } = await read(ask('POST', '/rate-limits/restore'))
    assert.equal(saved?.text, gcra)
    assert.equal((await visit()).status, 200)
  })

  it('is exported as it was typed', async () => {
    await save(`// “ümlaut”\r\n${gcra}`)
    const answer = await ask('GET', '/rate-limits/export')
    assert.match(
      answer.headers.get('content-disposition') ?? '',
      /attachment; filename="mine-rate-limits.ts"/,
    )
    assert.equal(await answer.text(), `// “ümlaut”\r\n${gcra}`)
  })

  it('is not overwritten by what was made from an older one', async () => {
    const first = await save(gcra)
    await save(slower, { over: first.saved?.savedAt })
    const body = { basedOn: 'gcra', text: gcra, over: first.saved?.savedAt }
    const answer = await ask('PUT', '/rate-limits', body)
    assert.equal(answer.status, 409)
    assert.equal((await problemIn(answer)).code, 'SAVED_ELSEWHERE')
    assert.equal((await read(ask('GET', '/rate-limits'))).saved?.text, slower)
  })

  it('is thrown away once where two ask for it at the same time', async () => {
    const { saved } = await read(ask('GET', '/rate-limits'))
    const text = `${gcra}// thrown away\n`
    const saving = save(text)
    // Requests overtake each other: both are to come after the save, and before it has ended.
    await until(async () => (await read(ask('GET', '/rate-limits'))).saved?.text === text, 10_000)
    const answers = await Promise.all([1, 2].map(() => ask('DELETE', '/rate-limits')))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 404])
    await saving
    await save(saved?.text ?? '')
  })

  it('is refused where its scenario or its original is not there, or where it is too long', async () => {
    for (const [path, body, code] of [
      ['/nowhere', { basedOn: 'gcra', text: gcra }, 'SCENARIO_NOT_FOUND'],
      ['/..%2F..%2Fetc', { basedOn: 'gcra', text: gcra }, 'SCENARIO_NOT_FOUND'],
      ['/rate-limits', { basedOn: 'gcrab', text: gcra }, 'VARIANT_NOT_FOUND'],
      ['/rate-limits', { basedOn: 'mine', text: gcra }, 'VARIANT_NOT_FOUND'],
      ['/rate-limits', { basedOn: 'gcra', text: 'x'.repeat(256 * 1024 + 1) }, 'BODY_INVALID'],
      ['/rate-limits', { basedOn: 'gcra' }, 'BODY_INVALID'],
    ] as const)
      assert.equal((await problemIn(await ask('PUT', path, body))).code, code)
  })

  it('survives the end of Seesaw, also by kill -9', async () => {
    await save(slower)
    seesawRuns.child.kill('SIGKILL')
    await seesawRuns.ended
    seesawRuns = await startSeesaw({ data })
    assert.equal((await visit()).status, 200)
    const { saved } = await read(ask('GET', '/rate-limits'))
    assert.equal(saved?.text, slower)
    assert.equal(saved?.setup, 'rate-limits/mine')
  })

  it('lies in the data folder alone', () => {
    assert.equal(readFileSync(join(variantsFolder, 'gcra.ts'), 'utf8'), gcra)
    assert(!readdirSync(variantsFolder).includes('mine.ts'))
    const file = join(data, 'mine', 'rate-limits', 'variant.ts')
    assert.equal(readFileSync(file, 'utf8'), slower)
    assert.equal(statSync(file).mode & 0o077, 0)
  })
})

describe('a lab that other machines can reach', function () {
  this.timeout(30_000)

  it('keeps a variant of one’s own and does not run it', async () => {
    const words = ['--port', '0', '--lab-port', '0', '--data', tempFolder(), '--host', '0.0.0.0']
    const open = spawnSeesaw(['start', ...words, '--expose-unsafe-variants'])
    try {
      await until(() => /the data /.test(open.out()), 20_000)
      const url = /http:\/\/localhost:\d+/.exec(open.out())?.[0]
      const answer = await fetch(`${url}/api/mine/rate-limits`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ basedOn: 'gcra', text: gcra }),
      })
      assert.equal(answer.status, 403)
      assert.equal((await problemIn(answer)).code, 'UNSAFE_BIND_REFUSED')
      const shown = (await (await fetch(`${url}/api/mine/rate-limits`)).json()) as MineShown
      assert.match(shown.refused ?? '', /0\.0\.0\.0/)
    } finally {
      open.child.kill('SIGTERM')
      await open.ended
    }
  })
})
