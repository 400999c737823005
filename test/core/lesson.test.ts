// Lessons and demos: every README becomes blocks that can do nothing, and every step of a demo can
// be done, or is refused with its line.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { home, loadScenario, scenarioIds } from '#core/course/find'
import type { SeesawError } from '#core/errors'
import { type Block, type Inline, readBlocks } from '#core/lesson/blocks'
import { readDemo } from '#core/lesson/demo'
import { readDemoOf } from '#core/lesson/routes'

const inlinesOf = (block: Block): Inline[] => {
  switch (block.is) {
    case 'heading':
    case 'paragraph':
      return block.of.flatMap(flat)
    case 'list':
      return block.items.flat().flatMap(inlinesOf)
    case 'table':
      return [block.head, ...block.rows].flat(2).flatMap(flat)
    case 'quote':
      return block.of.flatMap(inlinesOf)
    default:
      return []
  }
}
const flat = (inline: Inline): Inline[] =>
  'of' in inline ? [inline, ...inline.of.flatMap(flat)] : [inline]

const wordsOf = (markdown: string) =>
  readBlocks(markdown, 'it')
    .flatMap(inlinesOf)
    .flatMap((one) => ('text' in one ? [one.text] : []))
    .join('')

describe('a lesson', () => {
  for (const id of scenarioIds())
    it(`of ${id} has a title, parts, a demo, and links that lead somewhere`, () => {
      const blocks = readBlocks(readFileSync(join(home, 'scenarios', id, 'README.md'), 'utf8'), id)
      assert.equal(blocks[0]?.is, 'heading')
      const headings = blocks.filter((block) => block.is === 'heading')
      assert.equal(headings.filter(({ level }) => level === 1).length, 1)
      assert.equal(new Set(headings.map((one) => one.id)).size, headings.length)
      assert(headings.length > 5)
      assert.equal(blocks.filter(({ is }) => is === 'demo').length, 1)
      assert(blocks.some(({ is }) => is === 'table') && blocks.some(({ is }) => is === 'code'))
      const targets = blocks
        .flatMap(inlinesOf)
        .flatMap((one) => (one.is === 'link' ? [one.to] : []))
      assert(targets.some((to) => 'file' in to))
      for (const to of targets)
        if ('scenario' in to) assert(scenarioIds().includes(to.scenario))
        else if ('href' in to) assert.match(to.href, /^https?:\/\//)
    })

  it('shows markup as the words that it is', () => {
    const hostile = 'Hello <img src=x onerror=alert(1)> <b>you</b>\n\n<script>alert(1)</script>\n'
    assert.equal(
      wordsOf(hostile).trim(),
      'Hello <img src=x onerror=alert(1)> <b>you</b><script>alert(1)</script>',
    )
  })

  it('leads nowhere but to the web, to its own files and to other lessons', () => {
    const links = (markdown: string) =>
      readBlocks(markdown, 'it')
        .flatMap(inlinesOf)
        .flatMap((one) => (one.is === 'link' ? [one.to] : []))
    assert.deepEqual(links('[x](https://a.example/b) [y](variants/a.ts) [z](../other/README.md)'), [
      { href: 'https://a.example/b' },
      { file: 'variants/a.ts' },
      { scenario: 'other' },
    ])
    for (const href of [
      'javascript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      '../../etc/passwd',
      '/etc/passwd',
      'variants/../../x.ts',
      '//evil.example',
      'vbscript:x',
    ])
      assert.deepEqual(links(`[x](${href})`), [], href)
    assert.match(wordsOf('[x](javascript:alert(1))'), /\[x\]\(javascript:alert\(1\)\)/)
  })

  it('shows no picture, wherever it lies', () =>
    assert.equal(wordsOf('![a](https://evil.example/a.png)'), '![a](https://evil.example/a.png)'))
})

describe('a demo', () => {
  for (const id of scenarioIds())
    it(`of ${id} takes three to five minutes and has a guess, a run, an attack and a why`, async () => {
      const { steps, recorded } = await readDemoOf(id)
      const seconds = steps.reduce((sum, step) => sum + step.seconds, 0)
      assert(seconds >= 180 && seconds <= 300, `${seconds} s`)
      const shown = steps.map(({ show }) => show)
      for (const view of ['predict', 'run', 'live', 'claim', 'diff'] as const)
        assert(shown.includes(view), `no step shows '${view}'`)
      assert(shown.indexOf('predict') < shown.indexOf('run'))
      const run = steps.find(({ show }) => show === 'run')
      const sides = recorded?.plan.contenders.map(({ setup }) => setup)
      assert.deepEqual(sides, [`${id}/${run?.a}`, `${id}/${run?.b}`], 'what was recorded')
      assert(JSON.stringify(recorded).length < 30_000)
    })

  it('shows in each claim of its steps what breaks on one side and holds on the other', async () => {
    for (const id of scenarioIds()) {
      const { openProofs } = await import('#core/proof/book')
      const { createHub } = await import('#core/http/events')
      const { declared } = await openProofs({ hub: createHub() }).list(id)
      for (const { claim, show, a, b } of (await readDemoOf(id)).steps)
        if (claim && show === 'claim') {
          const sides = [a, b].map((rest) => declared[`${id}/${rest}`]?.[claim])
          assert.deepEqual(sides.sort(), ['breaks', 'holds'], `${id}: ${claim} on ${a} and ${b}`)
        }
    }
  })

  const good = [
    'step: One',
    'for: 30 s',
    'say: Look,',
    '     and look again.',
    'a: fixed-window',
    'b: sliding-log~limit=3',
    'show: claim',
    'claim: no-double-burst',
  ]
  const read = async (lines: string[]) =>
    readDemo(
      ['# Title', '```demo', ...lines, '```'].join('\n'),
      'rate-limits',
      await loadScenario('rate-limits'),
    )

  it('goes on with the two sides of the step before, and with a line that is indented', async () => {
    const steps = await read([...good, '', 'step: Two', 'for: 5 s', 'say: And why.', 'show: diff'])
    assert.deepEqual(
      steps.map(({ says, a, b }) => ({ says, a, b })),
      ['Look, and look again.', 'And why.'].map((says) => ({
        says,
        a: 'fixed-window@memory',
        b: 'sliding-log@memory~limit=3',
      })),
    )
  })

  it('is refused with the line that is wrong, and told what there is instead', async () => {
    const wrong: [change: (lines: string[]) => string[], line: number, why: RegExp][] = [
      [(lines) => lines.with(6, 'show: clam'), 9, /no view 'clam'\. Did you mean 'claim'\?/],
      [(lines) => lines.with(7, 'claim: double'), 10, /no claim 'double'.*There are: no-double/],
      [(lines) => lines.with(4, 'a: fixed-windw'), 7, /Did you mean 'fixed-window'\?/],
      [(lines) => lines.with(5, 'b: gcra@reddis'), 8, /Did you mean 'redis'\?/],
      [(lines) => lines.with(5, 'b: gcra~limit=0'), 8, /limit=0: .* from 1 to/],
      [(lines) => lines.with(1, 'for: soon'), 4, /'soon' is no time. One looks like 30 s/],
      [(lines) => lines.with(6, 'show: live'), 10, /'claim' is for 'show: claim'/],
      [
        (lines) => lines.with(6, 'show: code').with(7, 'send: GET /'),
        10,
        /'send' is for 'show: request'/,
      ],
      [(lines) => lines.toSpliced(7, 1), 9, /needs a line claim:/],
      [(lines) => lines.toSpliced(4, 1), 3, /needs a line a:/],
      [(lines) => lines.toSpliced(2, 2), 3, /needs a line say:/],
      [(lines) => lines.toSpliced(0, 1), 3, /a step begins with 'step:/],
      [(lines) => [...lines, 'a: gcra'], 11, /'a' twice/],
      [(lines) => [...lines, 'shwo: code'], 11, /'shwo' is nothing.*Did you mean 'show'\?/],
    ]
    for (const [change, line, why] of wrong)
      await assert.rejects(read(change(good)), ({ code, message }: SeesawError) => {
        assert.equal(code, 'SCENARIO_BROKEN')
        assert.match(message, why)
        assert.match(message, new RegExp(`scenarios/rate-limits/README\\.md, line ${line}: `))
        return true
      })
  })
})
