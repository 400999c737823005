// The code that the page shows: whether it is all of it, what stands beside what, and that nobody gets
// at another file that way.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Koa from 'koa'
import { home, scenarioIds } from '#core/course/find'
import { answerProblems, refuseRoute } from '#core/http/problems'
import { type Block, toBlocks } from '../../core/source/blocks.ts'
import { diffLines, type MarkedToken } from '../../core/source/diff.ts'
import { highlight, type Line } from '../../core/source/highlight.ts'
import { type Diff, type Source, type Sources, sourceRoutes } from '../../core/source/routes.ts'
import { tempFolder } from '../seesaw.ts'

const textOf = (line: readonly MarkedToken[]) => line.map(([, text]) => text).join('')
const blocksOf = async (text: string): Promise<Block[]> => toBlocks(await highlight(text))

describe('a source as prose and code', () => {
  it('takes the comment before a block for its prose, whole paragraphs of it', async () => {
    const [first, second] = await blocksOf(
      '// One thought, which goes\n// on here.\n//\n// Another.\n\nconst a = 1\n\n// Then:\nconst b = 2',
    )
    assert.equal(first?.prose, 'One thought, which goes on here.\n\nAnother.')
    assert.deepEqual([first?.fromLine, first?.code.map(textOf)], [6, ['const a = 1']])
    assert.deepEqual([second?.prose, second?.fromLine], ['Then:', 9])
  })

  it('reads docstrings, keeps lists, and leaves what stands behind code where it is', async () => {
    const [only, ...others] = await blocksOf(
      '/**\n * Does it:\n * - once\n * - twice\n */\nconst a = 1 // so\nconst b = `\n  // no comment`',
    )
    assert.deepEqual(others, [])
    assert.equal(only?.prose, 'Does it:\n- once\n- twice')
    assert.deepEqual(only?.code.map(textOf), [
      'const a = 1 // so',
      'const b = `',
      '  // no comment`',
    ])
  })

  it('names what words are, in a few classes', async () => {
    const [line] = await highlight("export const go = async (n: number) => run('x', 12) // so")
    const has = (name: string, text: string) =>
      line?.some(([is, word]) => is === name && word.includes(text))
    assert(has('keyword', 'export') && has('function', 'go') && has('type', 'number'))
    assert(has('string', "'x'") && has('number', '12') && has('comment', '// so'))
  })

  it('leaves out not a line of any scenario', async () => {
    for (const id of scenarioIds()) {
      const file = join(home, 'scenarios', id, 'scenario.ts')
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
      const left = new Set(lines.keys())
      for (const { code, fromLine } of await blocksOf(lines.join('\n')))
        for (const [i, line] of code.entries()) {
          assert.equal(textOf(line), lines[fromLine + i - 1], `${file}:${fromLine + i}`)
          left.delete(fromLine + i - 1)
        }
      for (const i of left) assert.match(lines[i] ?? '', /^\s*($|\/\/|\/?\*)/, `${file}:${i + 1}`)
    }
  })
})

describe('the difference between two sources', () => {
  const compare = async (a: string, b: string) => diffLines(await highlight(a), await highlight(b))
  const marks = (lines: readonly MarkedToken[][]) =>
    lines.flatMap((line) => line.flatMap(([, text, changed]) => (changed ? [text] : [])))

  it('gives both sides back, line by line, whatever they are', async () => {
    const before = readFileSync(join(home, 'core', 'lab', 'lab.ts'), 'utf8')
    const after = readFileSync(join(home, 'core', 'lab', 'team.ts'), 'utf8')
    const hunks = await compare(before, after)
    const joined = (side: 'a' | 'b') => hunks.flatMap((hunk) => hunk[side].lines.map(textOf))
    assert.equal(joined('a').join('\n'), before)
    assert.equal(joined('b').join('\n'), after)
    for (const { kind, a, b } of hunks)
      if (kind === 'same') assert.deepEqual(a.lines.map(textOf), b.lines.map(textOf))
  })

  it('marks the words by which two lines differ, and no others', async () => {
    const [same, changed] = await compare(
      "const a = 1\nawait cache.set('key', value)",
      "const a = 1\nawait cache.set('name', value)",
    )
    assert.equal(same?.kind, 'same')
    assert.deepEqual(marks(changed?.a.lines ?? []), ['key'])
    assert.deepEqual(marks(changed?.b.lines ?? []), ['name'])
  })

  it('marks no word where hardly any is the same', async () => {
    const [only] = await compare('one two three four', 'five six seven eight')
    assert.deepEqual(marks([...(only?.a.lines ?? []), ...(only?.b.lines ?? [])]), [])
  })
})

describe('two sources that have next to nothing in common', () => {
  it('are taken for two texts before anybody waits for it', () => {
    const lines = (name: string): Line[] =>
      Array.from({ length: 20_000 }, (_, i) => [['plain', `${name} ${i}`]])
    const hunks = diffLines(lines('left'), lines('right'))
    assert.deepEqual(
      hunks.map(({ a, b }) => [a.lines.length, b.lines.length]),
      [[20_000, 20_000]],
    )
  })
})

describe('GET /api/source', () => {
  let server: Server
  const serve = async (folder?: string) => {
    const app = new Koa()
    answerProblems(app)
    app.use(sourceRoutes(folder).routes()).use(refuseRoute)
    server?.close()
    server = createServer(app.callback()).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
  }
  before(() => serve())
  after(() => server?.close())

  /** The answer to a path exactly as written, which fetch would tidy up. */
  const get = <T>(path: string) =>
    new Promise<{ status: number; text: string; json: T }>((resolve, reject) => {
      const { port } = server.address() as AddressInfo
      request({ host: '127.0.0.1', port, path, agent: false }, async (answer) => {
        let text = ''
        for await (const piece of answer) text += piece
        resolve({ status: answer.statusCode ?? 0, text, json: JSON.parse(text) })
      })
        .on('error', reject)
        .end()
    })

  it('lists the files of the variants in their order, then what they share', async () => {
    const { json } = await get<Sources>('/api/source/rate-limits')
    assert.equal(json.files[0]?.file, 'variants/fixed-window.ts')
    assert.deepEqual(json.files[0]?.variants, ['fixed-window'])
    assert.deepEqual(
      json.files.filter(({ variants }) => variants.length === 0).map(({ file }) => file),
      ['shared.ts', 'judge.ts', 'exercises.ts', 'scenario.ts'],
    )
  })

  it('finds a file by its name and by the variant in it, and says where it lies', async () => {
    const [byName, byVariant] = await Promise.all(
      ['variants/gcra.ts', 'gcra'].map((name) => get<Source>(`/api/source/rate-limits/${name}`)),
    )
    assert.deepEqual(byName?.json, byVariant?.json)
    assert.match(byName?.json.path ?? '', /scenarios\/rate-limits\/variants\/gcra\.ts$/)
    const code = byName?.json.blocks.flatMap((block): Line[] => block.code) ?? []
    assert(code.some((line) => textOf(line).includes('export const gcra')))
  })

  it('compares two variants', async () => {
    const { json } = await get<Diff>('/api/diff/rate-limits/gcra/token-bucket')
    assert(json.added > 0 && json.removed > 0)
    assert.match(json.b.path, /token-bucket\.ts$/)
  })

  it('lets nobody out of the folder of a scenario', async () => {
    const paths = [
      '/api/source/rate-limits/../../package.json',
      '/api/source/rate-limits/..%2f..%2fpackage.json',
      '/api/source/rate-limits/variants/..%2f..%2f..%2f..%2fpackage.json',
      '/api/source/rate-limits/shared.ts%00',
      '/api/source/..%2fcore/lab',
      '/api/source/%2e%2e/lab',
      '/api/source/rate-limits/__proto__',
      '/api/source/rate-limits/README.md',
      '/api/diff/rate-limits/gcra/..%2f..%2fpackage.json',
      '/api/diff/..%2fscenarios%2frate-limits/gcra/gcra',
    ]
    for (const path of paths) {
      const { status, text } = await get(path)
      assert(status === 404 || status === 400, `${path} answered ${status}`)
      assert.doesNotMatch(text, /devDependencies|startLab/, path)
    }
  })

  it('does not follow a link that leads out of a scenario', async () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'leaky', 'variants'), { recursive: true })
    writeFileSync(
      join(folder, 'leaky', 'scenario.ts'),
      "export default { variants: { out: { title: '', idea: '', needs: [] } }, claims: {} }",
    )
    for (const link of ['variants/out.ts', 'other.ts'])
      symlinkSync(join(home, 'package.json'), join(folder, 'leaky', link))
    await serve(folder)
    // The variant stands in scenario.ts, for all that can be told.
    assert.equal((await get<Source>('/api/source/leaky/out')).json.file, 'scenario.ts')
    for (const name of ['variants/out.ts', 'other.ts', 'out'])
      assert.doesNotMatch((await get(`/api/source/leaky/${name}`)).text, /devDependencies/)
  })
})
