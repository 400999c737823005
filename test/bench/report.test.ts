// The report of a measurement: what it says on a page, in Markdown and on a terminal, that it needs
// nothing but itself, and that it is made from a stored file without a change.
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { home } from '#core/course/find'
import { SeesawError } from '#core/errors'
import { metricFacts, metrics } from '#core/measurement/metrics'
import type { Measurement } from '#core/measurement/run'
import { capacityChart } from '../../bench/report/capacity-curve.ts'
import { readMeasurement, reportFile, writeAside } from '../../bench/report/file.ts'
import { type Extras, toHtml as makeHtml } from '../../bench/report/html.ts'
import { lookOf } from '../../bench/report/looks.ts'
import { toMarkdown } from '../../bench/report/markdown.ts'
import { linear, logarithmic } from '../../bench/report/scale.ts'
import { jsonSchema } from '../../bench/report/schema.ts'
import { sentenceAlone } from '../../bench/report/summary.ts'
import { toTerminal } from '../../bench/report/terminal.ts'
import { bound, change, number, shorten, wrap } from '../../bench/report/text.ts'
import { plain } from '../../core/plain.ts'
import { launchBrowser } from '../browser.ts'
import { analysed, changed, type Made, measurementOf, variants } from '../measurements.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const pair = analysed(measurementOf())
const five = analysed(measurementOf({ contenders: 5, primary: 'cpu' }))
const closed = analysed(measurementOf({ load: 'closed', primary: 'throughput' }))
const invalid = analysed(
  changed(measurementOf(), (copy) => {
    copy.proof = { ok: false, verdicts: 18, wrong: ['session-vs-token/signed-token stolen-copy'] }
    copy.finishedAt = null
    copy.plan.blocks = 20
  }),
)
const unmeasured = analysed(
  changed(measurementOf({ blocks: 1 }), (copy) => {
    copy.blocks = []
    copy.finishedAt = null
  }),
)

const pages = new Map<Measurement, string>()
/** Made once for each measurement, as it is the same for ever. */
const toHtml = (measurement: Measurement, extras?: Extras): string => {
  const known = extras ? undefined : pages.get(measurement)
  const html = known ?? makeHtml(measurement, extras)
  if (!extras) pages.set(measurement, html)
  return html
}

/** Whatever could break out of a text, in whatever language it lands. */
const hostile = `<img src=x onerror="window.hit=1"></style><script>window.hit=1</script>\u202e\u001b[31m"'\`|*_[a](javascript:hit)`
const attacked = analysed(
  changed(measurementOf({ blocks: 6 }), (copy) => {
    copy.plan.question += hostile
    copy.plan.says += hostile
    copy.command += hostile
    copy.machine.cpu += hostile
    copy.machine.backends.redis!.via += hostile
    for (const contender of copy.plan.contenders) contender.title += hostile
    for (const { judged } of copy.blocks.flatMap(({ slots }) => slots)) judged[hostile] = 1
    copy.timelines = [timelineOf(0)]
    copy.timelines[0]!.faults[0]!.backend += hostile
  }),
)

const faulty = changed(pair, (copy) => {
  copy.timelines = [timelineOf(0), timelineOf(1)]
})

function timelineOf(contender: number): Measurement['timelines'][number] {
  const isDown = (i: number) => i >= 20 && i < 41
  return {
    contender,
    ratePerSecond: 300,
    bucketMs: 500,
    faults: [
      { atMs: 10_000, do: 'kill', backend: 'redis' },
      { atMs: 20_000, do: 'heal', backend: 'redis' },
    ],
    buckets: Array.from({ length: 60 }, (_, i) => ({
      offered: 150,
      right: isDown(i) ? 10 : 150,
      other: isDown(i) ? 140 : 0,
      medianMs: i === 21 ? null : isDown(i) ? 40 : 1.2,
      maxMs: isDown(i) ? 900 : 6,
    })),
  }
}

const capacity = capacityChart({
  name: 'A',
  title: 'server-session',
  look: lookOf(pair, 0),
  steps: [500, 1000, 2000, 2800, 3000].map((offeredPerSecond, i) => ({
    offeredPerSecond,
    answeredPerSecond: Math.min(2900, offeredPerSecond),
    p50Ms: 1 + i * i,
    p95Ms: 3 + i ** 4,
    requests: 10_000,
  })),
  knee: 3,
})

describe('a report as one page', () => {
  it('says of many pairs that intervals are Bonferroni’s and p values Holm’s, and of one pair nothing', () => {
    for (const text of [textOf(toHtml(five)), toTerminal(five)]) assert.match(text, /Bonferroni/)
    assert.match(textOf(toHtml(five)), /p values (are )?corrected by Holm/)
    for (const text of [textOf(toHtml(pair)), toTerminal(pair)])
      assert.doesNotMatch(text, /Bonferroni/)
  })

  it('begins with the verdict of the question in words', () => {
    const html = toHtml(pair)
    const text = textOf(html)
    const [primary] = pair.verdicts
    assert.equal(primary?.exploratory, false)
    const said = text.indexOf(bound(sentenceAlone(primary!)))
    assert(said > 0 && said < 1200, `${said}`)
    assert(html.indexOf('class="verdict') < html.indexOf('<figure'))
  })

  it('has every verdict in words, the primary ones first', () => {
    for (const measurement of [pair, five, closed, invalid]) {
      const text = textOf(toHtml(measurement))
      for (const verdict of measurement.verdicts) {
        const sentence = bound(sentenceAlone(verdict))
        assert(text.includes(sentence), sentence)
      }
    }
  })

  it('has its parts in the order in which they are read', () => {
    const html = toHtml(faulty, { capacity: [capacity] })
    const order = [
      'id="verdicts"',
      'id="forest"',
      'id="costs"',
      'id="latency-curve"',
      'id="capacity-A"',
      'id="slope"',
      'id="timeline-0"',
      'id="validity"',
      'id="environment"',
    ].map((part) => html.indexOf(part))
    assert(!order.includes(-1), order.join())
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    )
  })

  it('leaves out what was not measured, and says so of latency', () => {
    const html = toHtml(closed)
    assert.doesNotMatch(html, /id="latency-curve"|id="timeline|id="capacity/)
    assert.match(html, /no latency is shown/)
  })

  it('says once that the question has no answer, and then what can be told', () => {
    const late = analysed(
      changed(measurementOf({ contenders: 5, primary: 'p99' }), (copy) => {
        for (const block of copy.blocks) block.steal = 0.03
      }),
    )
    for (const text of [textOf(toHtml(late)), toTerminal(late), toMarkdown(late)]) {
      const oneLine = text.replace(/\s+/g, ' ')
      assert.equal(oneLine.match(/Latency p\d+ can be told of none of them/g)?.length, 1)
      assert.match(oneLine, /was not the question, but can be told:.* CPU time per request/)
    }
    assert.doesNotMatch(toTerminal(late), /Invalid: /)
    assert.match(toTerminal(late), /B against A/)
    assert.doesNotMatch(toTerminal(five), /was not the question/)
  })

  it('says first why a measurement is not valid, and draws no number of it', () => {
    const html = toHtml(invalid)
    const text = textOf(html)
    assert.match(text, /Not valid: .*did not come out as declared.* spoils everything/)
    assert.match(text, /was interrupted: 12 of 20 blocks/)
    assert(html.indexOf('class="warnings"') < html.indexOf('class="verdict'))
    for (const id of ['latency-curve', 'slope'])
      assert.match(
        html,
        new RegExp(`id="${id}">\\s*<figcaption><h3>[^<]*<span class="tag spoilt">`),
      )
    assert.doesNotMatch(text, /B is above A|B is below A/)
    assert.match(text, /CPU time ✗/)
    assert.match(toTerminal(invalid), /CPU time ✗, ms/)
    assert.doesNotMatch(
      html.slice(html.indexOf('id="forest"'), html.indexOf('id="costs"')),
      /class="interval"/,
    )
  })

  it('says after the answer what is not valid beside it', () => {
    const beside = analysed(
      changed(measurementOf({ primary: 'cpu' }), (copy) => {
        for (const block of copy.blocks) block.steal = 0.03
      }),
    )
    const html = toHtml(beside)
    assert.doesNotMatch(html, /class="warnings"/)
    for (const text of [textOf(html), toTerminal(beside), toMarkdown(beside)])
      assert.match(
        text.replace(/\s+/g, ' '),
        /The answer stands; not valid is only Latency p99, Latency p95, Latency p90, Latency p50: other machines/,
      )
    assert.match(textOf(html), /p50, intended sending ✗/)
    assert.doesNotMatch(textOf(html), /CPU time ✗|the client’s lag ✗/)
  })

  it('counts a gate that had nothing to go by neither as passed nor as failed', () => {
    const unread = analysed(
      changed(measurementOf(), (copy) => {
        for (const block of copy.blocks) block.steal = null
      }),
    )
    const passed = unread.gates.length - 2
    const says = `${passed} of ${unread.gates.length} gates are passed, 2 could not be checked.`
    for (const text of [textOf(toHtml(unread)), toTerminal(unread), toMarkdown(unread)])
      assert(text.includes(says), says)
    assert.match(textOf(toHtml(unread)), /\? not checked: steal/)
    assert.match(toTerminal(pair), /All \d+ gates are passed\./)
  })

  it('names a direction block by block only where there is one', () => {
    const [one] = variants as [Made]
    const alike = analysed(measurementOf({ contenders: [one, { ...one }], primary: 'cpu' }))
    const direction = /B is (above|below) A in \d+ of 12 blocks/
    assert.match(textOf(toHtml(pair)), direction)
    assert.doesNotMatch(textOf(toHtml(alike)), direction)
    assert.match(textOf(toHtml(alike)), /12 blocks, which show no direction/)
  })

  it('says how the curve over the rate comes here, unless it is here', () => {
    assert.match(textOf(toHtml(pair)), /npx seesaw bench capacity session-vs-token\/server-session/)
    assert.doesNotMatch(textOf(toHtml(pair, { capacity: [capacity] })), /npx seesaw bench capacity/)
  })

  it('is there for a measurement that was stopped before its first block', () => {
    assert.match(toHtml(unmeasured), /0 of 1 blocks were measured/)
    assert.match(toMarkdown(unmeasured), /0 of 1 blocks/)
    assert.match(toTerminal(unmeasured), /0 of 1 blocks/)
  })

  it('gives every chart a title, a description and a table of its numbers', () => {
    const html = toHtml(faulty, { capacity: [capacity] })
    const figures = html.split('<figure').slice(1)
    assert(figures.length >= 7, `${figures.length}`)
    for (const figure of figures) {
      assert.match(
        figure,
        /<svg [^>]*role="img"[^>]*><title [^>]*>[^<]{3,}<\/title><desc [^>]*>[^<]{10,}<\/desc>/,
      )
      assert.match(figure, /<details><summary>.*<table>[\s\S]*<td/)
    }
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    assert.deepEqual(ids, [...new Set(ids)])
  })

  it('draws no place that is no number', () => {
    for (const measurement of [pair, five, closed, invalid, unmeasured, faulty, attacked])
      assert.doesNotMatch(
        toHtml(measurement, { capacity: [capacity] }),
        /="[^"]*(NaN|Infinity|undefined)[^"]*"/,
      )
  })

  it('is smaller than 400 KB', () => {
    for (const measurement of [pair, five, faulty]) assert(toHtml(measurement).length < 400_000)
  })

  it('tells contenders apart by shape and dash, not by colour alone', () => {
    const eight = analysed(
      measurementOf({
        blocks: 6,
        contenders: Array.from({ length: 8 }, (_, i) => ({
          setup: `session-vs-token/server-session~n=${i + 1}`,
          title: `number ${i}`,
          cost: 1 + i / 10,
          calls: 1,
          bytes: 100,
        })),
      }),
    )
    const looks = Array.from({ length: 8 }, (_, i) => lookOf(eight, i))
    assert.equal(new Set(looks.map(({ shape }) => shape)).size, 8)
    assert.equal(new Set(looks.map(({ dash }) => dash)).size, 8)
    assert.equal(new Set(looks.map((look) => look.class)).size, 8)
    assert(toHtml(eight).length < 500_000)
  })

  it("shows this machine's noise: each contender against itself", () => {
    assert.match(textOf(toHtml(pair)), /Each against itself[\s\S]*server-session[\s\S]*%, /)
  })

  it('forbids everything that it does not bring along', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(toHtml(pair))?.[1]
    assert.match(
      policy ?? '',
      /^default-src 'none'; style-src 'sha256-[^']+'; img-src data:; base-uri 'none'; form-action 'none'$/,
    )
    assert.doesNotMatch(
      toHtml(pair),
      /<script|style="| on\w+=|https?:(?!\/\/www\.w3\.org\/2000\/svg)/,
    )
  })

  it('has words for every metric', () => {
    assert.deepEqual(Object.keys(metricFacts).sort(), [...metrics].sort())
  })
})

describe('a report in Markdown', () => {
  it('has the verdicts, the costs and the command', () => {
    const text = toMarkdown(pair)
    assert.match(text, /^# Where does the server keep who is signed in\?\n/)
    assert.match(text, /\*\*signed-token is slower than server-session by .*\*\*/)
    assert.match(text, /\n\| CPU time \| ms\/request \| [\d.]+<br>/)
    assert.match(text, /```sh\nseesaw bench session-vs-token --seed 1\n```/)
  })

  it('shows hostile words as words', () => {
    const text = toMarkdown(attacked)
    const outside = text.replace(/^(`{3,})sh\n[\s\S]*?\n\1$/gm, '').replace(/(`+) .*? \1/g, '')
    assert.doesNotMatch(outside, /(?<!\\)<(?!br>)/)
    assert.doesNotMatch(outside, /(?<!\\)\[a\]/)
    const cellsOf = (line: string) => line.split(/(?<!\\)\|/).length
    for (const table of text.split('\n\n').filter((part) => part.startsWith('|')))
      assert.equal(new Set(table.split('\n').map(cellsOf)).size, 1, table)
    assert(!text.includes('\u202e') && !text.includes('\u001b'))
  })
})

describe('a report on a terminal', () => {
  it('begins with the question, who is compared, and the verdict', () => {
    const lines = toTerminal(pair).split('\n')
    assert.equal(lines[0], 'Where does the server keep who is signed in?')
    assert.match(lines[4] ?? '', /^■ signed-token is slower than server-session by /)
  })

  it('is at most 100 columns wide, and as narrow as the terminal', () => {
    for (const measurement of [pair, five, closed, invalid, faulty])
      for (const width of [72, 100, 300])
        for (const line of toTerminal(measurement, { width }).split('\n'))
          assert(line.length <= Math.min(100, width) || /^\S.*\d\]?$/.test(line), line)
  })

  it('has colours only if asked, and then the same words', () => {
    const coloured = toTerminal(pair, { colours: true })
    assert.match(plain(coloured), /\\u001b\[31m/)
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')
    assert.equal(coloured.replace(escapes, ''), toTerminal(pair))
  })

  it('lets nothing hostile through', () => {
    const text = toTerminal(attacked)
    assert(!text.includes('\u202e') && !text.includes('\u001b'))
  })
})

describe('the report of a stored measurement', () => {
  let folder: string
  let file: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'seesaw-report-'))
    file = join(folder, 'run.json')
    writeFileSync(file, JSON.stringify(pair))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('has the same verdicts to the bit', () => {
    const { measurement, differences } = readMeasurement(file)
    assert.deepEqual(measurement, pair)
    assert.deepEqual(differences, [])
  })

  it('is written where it was asked for, and nothing else is', async () => {
    const [html, md] = [join(folder, 'out.html'), join(folder, 'out.md')]
    await reportFile(file, { html, md })
    assert.equal(readFileSync(html, 'utf8'), toHtml(pair))
    assert.equal(readFileSync(md, 'utf8'), toMarkdown(pair))
    assert.deepEqual(readdirSync(folder).sort(), ['out.html', 'out.md', 'run.json'])
  })

  it('says so where the stored verdicts are others, and shows those that the data give', async () => {
    const forged = join(folder, 'forged.json')
    const html = join(folder, 'forged.html')
    writeFileSync(
      forged,
      JSON.stringify(
        changed(pair, ({ verdicts }) => {
          verdicts[0]!.sentence = 'signed-token is much faster'
        }),
      ),
    )
    const { differences, measurement } = await reportFile(forged, { html })
    assert.match(
      differences.join(),
      /^The verdicts that are stored .* stored was “signed-token is much faster”/,
    )
    assert.deepEqual(measurement.verdicts, pair.verdicts)
    assert(textOf(readFileSync(html, 'utf8')).includes('stored was “signed-token is much faster”'))
  })

  const refuses = (title: string, content: string | null, expected: RegExp) =>
    it(`refuses ${title}, in one sentence`, async () => {
      const broken = join(folder, 'broken.json')
      rmSync(broken, { force: true })
      if (content !== null) writeFileSync(broken, content)
      const out = join(folder, 'never.html')
      await assert.rejects(reportFile(broken, { html: out }), (error: SeesawError) => {
        assert.equal(error.code, 'MEASUREMENT_UNREADABLE')
        assert.match(error.message, expected)
        assert(!error.message.includes('\n'), error.message)
        return true
      })
      assert(!existsSync(out))
    })
  const broken = (change: (copy: Measurement) => void) => JSON.stringify(changed(pair, change))

  refuses('a file that is not there', null, /there is no such file/)
  refuses('what is no JSON', '{', /it is no JSON/)
  refuses('what is no measurement', '{"a":1}', /docs\/measurement\.schema\.json/)
  refuses(
    'a value of the wrong kind, and names its place',
    broken((copy) => {
      Object.assign(copy.plan, { workers: 'two' })
    }),
    /plan\.workers: /,
  )
  refuses(
    'a slot of nobody',
    broken(({ blocks }) => {
      blocks[0]!.slots[0]!.contender = 99
    }),
    /contender 99, and the plan has 3/,
  )
  refuses(
    'a histogram that is none',
    broken(({ blocks }) => {
      blocks[0]!.slots[0]!.latency = 'no histogram'
    }),
    /block 0 has a latency that is no histogram/,
  )

  it('keeps what was there, and leaves nothing behind, where it cannot be written', () => {
    if (process.getuid?.() === 0) {
      // Root may write everywhere but below a file.
      writeFileSync(join(folder, 'no-folder'), '')
      assert.throws(() => writeAside(join(folder, 'no-folder', 'out.html'), 'new'), refusedToWrite)
      return
    }
    const locked = join(folder, 'locked')
    mkdirSync(locked)
    writeFileSync(join(locked, 'out.html'), 'old')
    chmodSync(locked, 0o500)
    assert.throws(() => writeAside(join(locked, 'out.html'), 'new'), refusedToWrite)
    assert.equal(readFileSync(join(locked, 'out.html'), 'utf8'), 'old')
    assert.deepEqual(readdirSync(locked), ['out.html'])
    chmodSync(locked, 0o700)
  })

  it('keeps a folder that stands where the report should go, and leaves nothing behind', () => {
    const taken = join(folder, 'taken')
    mkdirSync(join(taken, 'inside'), { recursive: true })
    assert.throws(() => writeAside(taken, 'new'), refusedToWrite)
    assert.deepEqual(readdirSync(taken), ['inside'])
    assert(readdirSync(folder).every((name) => !name.endsWith('.new')))
  })

  const refusedToWrite = (error: unknown) =>
    error instanceof SeesawError &&
    error.code === 'FILE_NOT_WRITTEN' &&
    / cannot be written: [^\n]+\.$/.test(error.message)
})

describe('a published schema', () => {
  for (const name of ['measurement', 'capacity', 'micro'] as const)
    it(`is what measurements are held to: docs/${name}.schema.json`, () => {
      const stored = readFileSync(join(home, 'docs', `${name}.schema.json`), 'utf8')
      assert(stored === jsonSchema(name), 'write it anew: npx tsx bench/report/schema.ts')
    })
})

describe('numbers and words of a report', () => {
  it('have three digits that count', () => {
    assert.deepEqual([0, 0.000_123_4, 0.0456, 1.234, 12.34, 123.4, 12_345.6, -1.5].map(number), [
      '0',
      '0.000123',
      '0.0456',
      '1.23',
      '12.3',
      '123',
      '12,346',
      '−1.5',
    ])
  })

  it('tell a change in per cent, and from double or half on as a factor', () => {
    assert.deepEqual([1.123, 0.9, 1, 1.0004, 2.35, 0.25, 0].map(change), [
      '+12.3 %',
      '−10.0 %',
      '±0.0 %',
      '±0.0 %',
      '×2.35',
      '÷4',
      '−100 %',
    ])
  })

  it('are shortened and wrapped without losing the width', () => {
    assert.equal(shorten('abcdef', 4), 'abc…')
    for (const text of ['a bb ccc', 'x'.repeat(25), `a ${'x'.repeat(25)} b`, ''])
      for (const line of wrap(text, 10)) assert(line.length <= 10)
    assert.equal(
      wrap(`a ${'x'.repeat(25)} b`, 10)
        .join('')
        .replaceAll(' ', ''),
      `a${'x'.repeat(25)}b`,
    )
  })

  it('are put on axes with between two and ten labels', () => {
    for (const [low, high] of [
      [0.1, 0.2],
      [1, 1.02],
      [3, 700],
      [0.001, 90_000],
      [5, 5],
    ] as const)
      for (const scale of [linear([low, high], [0, 100]), logarithmic([low, high], [0, 100])]) {
        assert(
          scale.ticks.length >= 2 && scale.ticks.length <= 10,
          `${low} ${high}: ${scale.ticks}`,
        )
        for (const tick of scale.ticks) assert(scale(tick) > -1 && scale(tick) < 101)
      }
  })
})

// ---- in a real browser

describe('a report in a browser', function () {
  this.timeout(60_000)
  let browser: Browser
  let folder: string
  let offences: string[]

  before(async function () {
    browser = await launchBrowser(this)
    folder = mkdtempSync(join(tmpdir(), 'seesaw-report-'))
  })

  after(async () => {
    await browser?.close()
    if (folder) rmSync(folder, { recursive: true })
  })

  beforeEach(() => {
    offences = []
  })

  afterEach(async () => {
    await Promise.all(browser?.contexts().map((context) => context.close()) ?? [])
    assert.deepEqual(offences, [])
  })

  /** Opens the report as the file that it is, and notes whatever must not happen. */
  const open = async (html: string, options: Parameters<Browser['newPage']>[0] = {}) => {
    const file = join(folder, 'report.html')
    writeFileSync(file, html)
    const address = pathToFileURL(file).href
    const page = await browser.newPage({ viewport: { width: 1366, height: 768 }, ...options })
    page.on('console', (message) => offences.push(`console: ${message.text()}`))
    page.on('pageerror', (error) => offences.push(String(error)))
    page.on('dialog', (dialog) => offences.push(`dialog: ${dialog.message()}`))
    page.on('request', (request) => {
      if (request.url() !== address && !request.url().startsWith('data:'))
        offences.push(request.url())
    })
    await page.goto(address)
    return page
  }

  const widthOf = (page: Page) => page.evaluate('document.documentElement.scrollWidth')

  for (const colorScheme of ['light', 'dark'] as const)
    it(`keeps nobody out, by axe's rules, in ${colorScheme}`, async () => {
      for (const html of [
        toHtml(faulty, { capacity: [capacity] }),
        toHtml(five),
        toHtml(invalid),
      ]) {
        const page = await open(html, { colorScheme, reducedMotion: 'reduce', bypassCSP: true })
        await page.evaluate(
          'for (const one of document.querySelectorAll("details")) one.open = true',
        )
        await page.evaluate(axe)
        const { violations } = await page.evaluate<AxeResults>('axe.run()')
        const found = violations.flatMap(({ id, impact, nodes }) =>
          nodes.map(({ html }) => `${impact} ${id}: ${html}`),
        )
        assert.deepEqual(
          found.filter((line) => /^(serious|critical) /.test(line)),
          [],
        )
        await page.close()
      }
    })

  for (const width of [390, 768, 1366])
    it(`fits ${width} pixels without scrolling sideways`, async () => {
      for (const html of [toHtml(five), toHtml(attacked)]) {
        const page = await open(html, { viewport: { width, height: 768 } })
        assert.equal(await widthOf(page), width)
        const shown = await page.locator('#forest > svg:visible').count()
        assert.equal(shown, 1)
      }
    })

  it('shows everything where no script runs', async () => {
    const page = await open(toHtml(faulty), { javaScriptEnabled: false })
    for (const part of ['forest', 'latency-curve', 'slope', 'timeline-0', 'steadiness'])
      assert(await page.locator(`#${part} > svg.wide`).isVisible(), part)
    for (const kind of ['corrected', 'naive'])
      assert(await page.locator(`#latency-curve > svg.wide .${kind} .line`).first().isVisible())
    await page.getByText('The numbers of this chart').first().click()
    assert(await page.locator('#forest table').isVisible())
  })

  it('shows latency from the intended, from the actual sending, or both', async () => {
    const page = await open(toHtml(pair))
    const lines = (kind: string) =>
      page.locator(`#latency-curve > svg.wide .${kind} .line`).first().isVisible()
    assert.deepEqual([await lines('corrected'), await lines('naive')], [true, true])
    await page.getByLabel('the intended sending').check()
    assert.deepEqual([await lines('corrected'), await lines('naive')], [true, false])
    await page.getByLabel('the actual sending (naive)').check()
    assert.deepEqual([await lines('corrected'), await lines('naive')], [false, true])
    await page.emulateMedia({ media: 'print' })
    assert.deepEqual([await lines('corrected'), await lines('naive')], [true, true])
  })

  it('shows hostile words as words', async () => {
    const page = await open(toHtml(attacked))
    assert.equal(await page.evaluate('window.hit'), undefined)
    assert.equal(await page.locator('img, script, iframe, a').count(), 0)
    const text = (await page.locator('body').textContent()) ?? ''
    assert(text.includes('<img src=x onerror="window.hit=1"></style><script>'))
    assert(!text.includes('\u202e'))
    assert.equal(await page.locator('style').count(), 1)
  })

  it('prints on A4 with nothing cut and nothing folded', async () => {
    const page = await open(toHtml(five))
    await page.emulateMedia({ media: 'print' })
    // The width between the margins of A4 at 96 dots per inch.
    await page.setViewportSize({ width: 687, height: 1000 })
    assert.equal(await widthOf(page), 687)
    const cut = await page.evaluate<string[]>(`[...document.querySelectorAll('.scroll, svg.wide')]
      .filter((one) => one.getBoundingClientRect().right > 688 || one.scrollWidth > one.clientWidth + 1)
      .map((one) => one.outerHTML.slice(0, 120))`)
    assert.deepEqual(cut, [])
    for (const table of await page.locator('figure table').all()) assert(await table.isVisible())
    const pdf = await page.pdf({ preferCSSPageSize: true })
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-')
    assert.match(pdf.toString('latin1'), /\/MediaBox \[0 0 594\.9\d* 841\.9\d*\]/)
  })
})

/** The words of a page, without its tags. */
const textOf = (html: string): string =>
  html
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replace(/<[^>]+>/g, '')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
