// What `npm pack` puts together, used as it would be after `npm install` in somebody's project.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { home } from '#core/course/find'
import { tempFolder } from '../seesaw.ts'

const run = promisify(execFile)

describe('the package', function () {
  this.timeout(60_000)
  const project = tempFolder()
  const modules = join(project, 'node_modules')
  const installed = join(modules, 'seesaw')
  let packed: string[]
  /** The command as npm puts it into a project. */
  const bin = join(modules, '.bin', 'seesaw')

  before(async () => {
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], {
      cwd: home,
    })
    const [{ filename, files }] = JSON.parse(stdout)
    packed = files.map(({ path }: { path: string }) => path)
    mkdirSync(join(modules, '.bin'), { recursive: true })
    await run('tar', ['xzf', join(project, filename), '-C', project])
    renameSync(join(project, 'package'), installed)
    // The packages that it depends on, and none that only its development needs.
    const { packages } = JSON.parse(readFileSync(join(home, 'package-lock.json'), 'utf8'))
    for (const [path, { dev }] of Object.entries<{ dev?: boolean }>(packages)) {
      const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1]
      if (!name || dev) continue
      mkdirSync(dirname(join(modules, name)), { recursive: true })
      symlinkSync(join(home, path), join(modules, name))
    }
    symlinkSync(join('..', 'seesaw', 'core', 'seesaw.mjs'), bin)
  })

  it('holds what is needed to run and to learn, and nothing else', () => {
    for (const file of [
      'package.json',
      'README.md',
      'LICENSE',
      'scenarios.config.ts',
      'core/seesaw.mjs',
      'core/files/keeper.mjs',
      'core/lab/worker.mjs',
      'core/web/index.html',
      'docs/errors.md',
      'scenarios/rate-limits/README.md',
      'scenarios/rate-limits/variants/gcra.ts',
      'adapters/session/redis.ts',
    ])
      assert(packed.includes(file), file)
    for (const file of packed) assert.doesNotMatch(file, /^(test|\.ci|\.seesaw|node_modules)\//)
  })

  it('lists its scenarios from any folder', async () => {
    const folder = join(project, 'src', 'deep')
    mkdirSync(folder, { recursive: true })
    const { stdout } = await run(bin, ['list', '--json'], { cwd: folder })
    const { scenarios, broken } = JSON.parse(stdout)
    assert.deepEqual(broken, [])
    assert(scenarios.some(({ id }: { id: string }) => id === 'rate-limits'))
  })

  it('proves a claim by processes of its own', async () => {
    const { stdout } = await run(
      bin,
      ['try', 'session-vs-token/signed-token', 'alg-none', '--json'],
      {
        cwd: project,
      },
    )
    assert.equal(JSON.parse(stdout).verdict, 'holds')
  })
})
