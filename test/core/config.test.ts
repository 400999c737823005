// scenarios.config.ts: what it may say, and what is said about one that cannot be used.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { checkConfig, dataFolderOf } from '#core/config'
import { adapterIndex, loadConfig } from '#core/course/find'
import { SeesawError } from '#core/errors'
import { tempFolder } from '../seesaw.ts'

const check = (exported: unknown) => checkConfig(exported, 'c.ts', adapterIndex)
const refuses = (exported: unknown, ...messages: RegExp[]) =>
  assert.throws(
    () => check(exported),
    (error) => {
      assert(error instanceof SeesawError && error.code === 'CONFIG_INVALID')
      for (const message of messages) assert.match(error.message, message)
      assert.doesNotMatch(error.message, /\n/)
      return true
    },
  )

describe('the configuration', () => {
  it('needs no more than chapters', () => {
    assert.deepEqual(check({ chapters: { a: { title: 'A' } } }), {
      chapters: { a: { title: 'A', scenarios: [] } },
      backends: {},
      connections: {},
      ports: { control: 3000, lab: 3001 },
      workers: 1,
      dataFolder: '.seesaw',
    })
  })

  it('fills in the port that is not named', () => {
    assert.deepEqual(check({ chapters: {}, ports: { lab: 4001 } }).ports, {
      control: 3000,
      lab: 4001,
    })
  })

  const misspelt: [object, RegExp][] = [
    [{ chaptrs: {} }, /no setting 'chaptrs'\. Did you mean 'chapters'\?/],
    [{ backend: {} }, /no setting 'backend'\. Did you mean 'backends'\?/],
    [{ connection: {} }, /Did you mean 'connections'\?/],
    [{ port: {} }, /Did you mean 'ports'\?/],
    [{ worker: 1 }, /Did you mean 'workers'\?/],
    [{ datafolder: '' }, /Did you mean 'dataFolder'\?/],
    [{ ports: { contrl: 1 } }, /'ports': there is no setting 'contrl'\. Did you mean 'control'/],
    [
      { chapters: { load: { titel: 'x', title: 'x' } } },
      /'chapters\.load': there is no setting 'titel'\. Did you mean 'title'/,
    ],
    [{ backends: { sesion: 'redis' } }, /'backends': .*'sesion'\. Did you mean 'session'/],
    [{ backends: { session: 'reddis' } }, /No session adapter 'reddis'\. Did you mean 'redis'/],
    [
      { connections: { reddis: 'redis://x' } },
      /'connections': No backend 'reddis'\. Did you mean 'redis'/,
    ],
  ]
  for (const [part, message] of misspelt)
    it(`names what may be meant by ${JSON.stringify(part)}`, () =>
      refuses({ chapters: {}, ...part }, message))

  it('says everything that is wrong at once, in one line', () => {
    refuses({ chapters: {}, prts: {}, workers: 0 }, /'prts'/, /'workers'/)
  })

  for (const ports of [{ control: 0 }, { lab: 65_536 }, { control: 1.5 }, { control: '3000' }])
    it(`refuses the ports ${JSON.stringify(ports)}`, () =>
      refuses({ chapters: {}, ports }, /ports/))

  for (const exported of [undefined, null, 'text', [], () => {}])
    it(`must be an object, not ${String(exported) || '[]'}`, () =>
      refuses(exported, /must export a configuration by default/))
})

describe('the data folder', () => {
  const config = { ...check({ chapters: {} }), file: '/home/ada/seesaw/scenarios.config.ts' }

  it('is relative to the configuration', () => {
    assert.equal(dataFolderOf(config), '/home/ada/seesaw/.seesaw')
    assert.equal(dataFolderOf({ ...config, dataFolder: '/data' }), '/data')
  })

  it('is not inside an installed package', () => {
    const file = '/x/node_modules/seesaw/scenarios.config.ts'
    assert.equal(dataFolderOf({ ...config, file }), join(homedir(), '.seesaw'))
    assert.equal(dataFolderOf({ ...config, file, dataFolder: '/data' }), '/data')
  })
})

describe('a configuration file', () => {
  const folder = tempFolder()
  const before = process.env.SEESAW_CONFIG
  afterEach(() => {
    if (before === undefined) delete process.env.SEESAW_CONFIG
    else process.env.SEESAW_CONFIG = before
  })

  let count = 0
  const load = (text: string, packageJson?: string) => {
    const own = join(folder, `${count++}`)
    mkdirSync(own)
    if (packageJson) writeFileSync(join(own, 'package.json'), packageJson)
    const file = join(own, 'scenarios.config.ts')
    writeFileSync(file, text)
    process.env.SEESAW_CONFIG = file
    return loadConfig()
  }
  const good = 'export default { chapters: { a: { title: "A" satisfies string } } }'

  it('may lie anywhere', async () => {
    assert.deepEqual(Object.keys((await load(good)).chapters), ['a'])
  })
  it('may lie in an ECMAScript package', async () => {
    assert.deepEqual(Object.keys((await load(good, '{"type":"module"}')).chapters), ['a'])
  })
  it('may lie in a CommonJS package', async () => {
    assert.deepEqual(Object.keys((await load(good, '{"type":"commonjs"}')).chapters), ['a'])
  })

  const refuses = (text: string, message: RegExp) =>
    assert.rejects(load(text), (error) => {
      assert(error instanceof SeesawError && error.code === 'CONFIG_INVALID')
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /\n/)
      return true
    })

  // Newer versions of Node read it before esbuild does, and have other words for it.
  it('with a mistake in its syntax is refused, with what it is', () =>
    refuses('export default {\n  chapters: {,}\n}', /cannot be read: .*(ERROR: |Unexpected ).*,/))
  it('without a default export is refused', () =>
    refuses('export const config = {}', /must export a configuration by default/))
  it('that is empty is refused', () => refuses('', /chapters/))
  it('that throws is refused, with what it said', () =>
    refuses('throw new Error("no such luck")', /cannot be read: no such luck/))
  it('that imports what is not there is refused', () =>
    refuses('import "./gone.ts"\nexport default {}', /cannot be read: .*gone/))
  it('that is not there is refused', async () => {
    process.env.SEESAW_CONFIG = '/nowhere/scenarios.config.ts'
    await assert.rejects(loadConfig(), /There is no configuration file \/nowhere/)
  })
})
