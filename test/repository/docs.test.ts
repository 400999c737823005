// The commands in the documents do what they say: each is run as it is printed, against a Seesaw on
// ports of its own. Proofs are looked up and not run, for test/core/claims.test.ts runs them all; of what
// would be measured the plan is made.
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { listScenarios } from '#core/course/catalogue'
import { backendNames, home, loadConfig, loadScenario, scenarioIds } from '#core/course/find'
import { findTargets } from '#core/proof/targets'
import { microNames } from '../../bench/micro/harness/run.ts'
import { makePlan } from '../../bench/plan/plan.ts'
import { readPlan } from '../../bench/plan/plan-file.ts'

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(home, 'docs'), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => `docs/${name}`),
  ...scenarioIds().map((id) => `scenarios/${id}/README.md`),
].filter((file) => existsSync(join(home, file)))

/** The command lines in the code blocks of a document, without those that are mere patterns. */
const commandsIn = (file: string): string[] =>
  readFileSync(join(home, file), 'utf8')
    .split('\n')
    .map((line) => /^(?: {4}|\$ |)((?:npx (?:seesaw|autocannon)|curl) .*)$/.exec(line)?.[1] ?? '')
    .filter((line) => line && !/[<…]/.test(line) && !line.startsWith("curl -i -H 'cookie: sid="))
    .map((line) => line.replace(/\s+#.*$/, ''))

const commands = [...new Set(documents.flatMap(commandsIn))]

describe('the documents', () => {
  it('have commands', () => assert(commands.length > 10))

  for (const file of documents)
    it(`${file} links to files that are there`, () => {
      const text = readFileSync(join(home, file), 'utf8')
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g))
        assert(existsSync(resolve(home, dirname(file), target)), `${file}: ${target}`)
    })

  it('README.md names every scenario with its question, in course order', async () => {
    const rows = readFileSync(join(home, 'README.md'), 'utf8').matchAll(
      /^\| \[([\w-]+)\]\(scenarios\/[\w-]+\/README\.md\) \| ([^|]*) \|/gm,
    )
    const { scenarios } = await listScenarios(await loadConfig())
    assert.deepEqual(
      [...rows].map(([, id, question]) => ({ id, question })),
      scenarios.map(({ id, question }) => ({ id, question })),
    )
  })

  it('scenarios.config.ts lists each scenario in the chapter that it is written for', async () => {
    for (const { id, chapter } of (await listScenarios(await loadConfig())).scenarios)
      if (chapter !== 'drafts') assert.equal(chapter, (await loadScenario(id)).chapter, id)
  })

  for (const command of commands.filter((line) => line.startsWith('npx seesaw prove')))
    it(`${command} proves something`, async () => {
      const { targets, backends } = proofOf(command)
      assert((await findTargets({ targets, ...(backends ? { backends } : {}) })).length > 0)
    })
})

describe('measurements in the documents', () => {
  for (const command of commands.filter((line) => line.startsWith('npx seesaw bench')))
    it(`${command} measures something`, async () => {
      const { values, positionals } = parseArgs({
        args: command.split(' ').slice(3),
        allowPositionals: true,
        options: Object.fromEntries(
          ['variants', 'backends', 'preset', 'plan', 'rate', 'json', 'html', 'md', 'seed', 'fault']
            .concat(['resume', 'metric', 'workload', 'blocks', 'load'])
            .map((name) => [name, { type: 'string' as const }]),
        ),
      })
      const [first = '', second = ''] = positionals
      if (first === 'micro') return void assert(second === '' || microNames.includes(second))
      if (['report', 'compare'].includes(first) || values.resume) return
      const listed = (name: 'variants' | 'backends') => {
        const text = values[name]
        return text === undefined ? {} : { [name]: String(text).split(',') }
      }
      if (first === 'capacity') return void (await makePlan({ targets: [second, second] }))
      const written = values.plan === undefined ? { targets: [] } : readPlan(String(values.plan))
      const targets = positionals.length > 0 ? positionals : written.targets
      await makePlan({ ...written, targets, ...listed('variants'), ...listed('backends') })
    })
})

describe('commands in the documents, with Seesaw running', function () {
  this.timeout(120_000)
  const folder = mkdtempSync(join(tmpdir(), 'seesaw-docs-'))
  const config = join(folder, 'scenarios.config.ts')
  let ports: number[] = []
  let started: ChildProcess

  before(async () => {
    ports = [await freePort(), await freePort()]
    const text = readFileSync(join(home, 'scenarios.config.ts'), 'utf8')
      .replace('./core/config.ts', join(home, 'core', 'config.ts'))
      .replace('control: 3000, lab: 3001', `control: ${ports[0]}, lab: ${ports[1]}`)
    writeFileSync(config, text)
    started = spawn(process.execPath, [join(home, 'core', 'seesaw.mjs'), 'start'], {
      env: { ...process.env, SEESAW_CONFIG: config },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let printed = ''
    for await (const piece of started.stdout ?? []) {
      printed += piece
      if (printed.includes('the data')) break
    }
    started.stdout?.resume()
  })

  after(async () => {
    const ended = new Promise((resolve) => started.once('exit', resolve))
    started.kill('SIGINT')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })

  for (const command of commands.filter((line) => !/^npx seesaw (prove|bench)/.test(line)))
    it(command, async function () {
      const { stdout, code } = await run(command)
      // What this machine does not have cannot be shown here.
      if (code === 3) this.skip()
      // An exercise that ends otherwise than declared is a matter for test/core/claims.test.ts.
      assert(code === 0 || (code === 1 && / try /.test(command)), `ended with ${code}`)
      assert(stdout.length > 0, 'printed nothing')
    })

  const run = async (command: string): Promise<{ stdout: string; code: number }> => {
    const line = command
      .replaceAll('localhost:3000', `localhost:${ports[0]}`)
      .replaceAll('127.0.0.1:3001', `127.0.0.1:${ports[1]}`)
      .replace(/^npx seesaw/, `'${process.execPath}' core/seesaw.mjs`)
      .replace(/^curl/, 'curl --fail')
      .replace(/^npx autocannon/, 'node_modules/.bin/autocannon')
      .replace(/ -d \d+/, ' -d 1')
      .concat(' 2>&1')
    const env = { ...process.env, SEESAW_CONFIG: config }
    return promisify(execFile)('sh', ['-c', line], { cwd: home, env }).then(
      ({ stdout }) => ({ stdout, code: 0 }),
      ({ stdout, code }: { stdout: string; code: number }) => ({ stdout, code }),
    )
  }
})

const proofOf = (command: string) => {
  const words = command.split(' ').slice(3)
  const at = words.indexOf('--backends')
  const names = at < 0 ? undefined : words[at + 1]
  const targets = at < 0 ? words : words.slice(0, at)
  assert(
    names === undefined ||
      names === 'all' ||
      names.split(',').every((n) => backendNames.includes(n)),
  )
  return { targets, backends: names === 'all' ? ('all' as const) : names?.split(',') }
}

const freePort = (): Promise<number> =>
  new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => done(port))
    })
  })
