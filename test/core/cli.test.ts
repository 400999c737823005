// The command line where nothing runs: help, mistakes, exit codes, and what --json prints.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { exitCodeOf } from '#core/errors'
import { analysed, measurementOf } from '../measurements.ts'
import { assertNoTrace, copyWith, fixtures, type Ran, seesaw, tempFolder } from '../seesaw.ts'

const commands = ['start', 'list', 'doctor', 'prove', 'try', 'toggle', 'reset', 'curl']

/** Holds that a command ended as one that says in one line what is wrong. */
const assertOneLine = ({ code, out, err }: Ran, exit: number, line: RegExp) => {
  assert.equal(code, exit, err)
  assert.equal(out, '')
  assert.match(err, line)
  assert.equal(err.trim().split('\n').length, 1, err)
  assertNoTrace(err.replaceAll(/\S+\.ts:\d+/g, ''))
}

const parsed = ({ out, err }: Ran) => {
  try {
    return JSON.parse(out)
  } catch {
    assert.fail(`no JSON: ${out}${err}`)
  }
}

describe('the command line', function () {
  this.timeout(120_000)

  // Every command takes a second to start, so those of a group run side by side.
  describe('helps', () => {
    const ran = new Map<string, Promise<Ran>>()
    before(() => {
      for (const words of [...commands.map((name) => `${name} --help`), '--help', '--version', ''])
        ran.set(words, seesaw(words.split(' ').filter(Boolean)))
    })
    for (const name of commands)
      it(`with ${name}`, async () => {
        const { code, out } = (await ran.get(`${name} --help`)) as Ran
        assert.equal(code, 0)
        assert.match(out, new RegExp(`^Usage: seesaw ${name} `))
      })
    it('with everything at once, by examples and exit codes', async () => {
      const { code, out } = (await ran.get('--help')) as Ran
      assert.equal(code, 0)
      for (const name of commands) assert.match(out, new RegExp(`^  ${name} `, 'm'))
      assert.match(out, /Exit codes: 0 good, 1 not as declared, 2 wrong use, 3 /)
    })
    it('whoever says nothing, with exit code 2', async () => {
      const { code, err } = (await ran.get('')) as Ran
      assert.equal(code, 2)
      assert.match(err, /^Usage: seesaw /)
    })
    it('whoever asks for the version', async () => {
      assert.match(((await ran.get('--version')) as Ran).out, /^\d+\.\d+\.\d+\n$/)
    })
  })

  describe('names what may have been meant', () => {
    const mistakes: [string, RegExp][] = [
      ['prov', /unknown command 'prov'\n\(Did you mean prove\?\)/],
      ['prove --backend memory', /unknown option '--backend'\n\(Did you mean --backends\?\)/],
      ['list --jsno', /\(Did you mean --json\?\)/],
      ['prove rate-limit', /No scenario 'rate-limit'\. Did you mean 'rate-limits'\?/],
      ['prove rate-limits/grca', /Did you mean 'gcra'\?/],
      ['prove rate-limits/gcra@reddis', /Did you mean 'redis'\?/],
      ['prove rate-limits --backends reddis', /Did you mean 'redis'\?/],
      ['prove rate-limits/gcra~limt=5', /Did you mean 'limit'\?/],
      ['try session-vs-token stolen-cpoy', /Did you mean 'stolen-copy'\?/],
    ]
    const ran = new Map<string, Promise<Ran>>()
    before(() => {
      for (const [words] of mistakes) ran.set(words, seesaw(words.split(' ')))
    })
    for (const [words, message] of mistakes)
      it(`by ${words}`, async () => {
        const { code, out, err } = (await ran.get(words)) as Ran
        assert.equal(code, 2)
        assert.equal(out, '')
        assert.match(err, message)
        assertNoTrace(err)
      })
  })

  describe('says in one line what is wrong', () => {
    const folder = tempFolder()
    const config = (name: string, text: string) => {
      const file = join(folder, name, 'scenarios.config.ts')
      mkdirSync(join(folder, name))
      writeFileSync(file, text)
      return { SEESAW_CONFIG: file }
    }
    const server = createServer((_, response) => response.end('<html>'))
    let port = 0
    before(async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      port = (server.address() as AddressInfo).port
    })
    after(() => server.close())
    const data = () => ['--data', tempFolder()]

    const mistakes: Record<string, () => [Promise<Ran>, number, RegExp]> = {
      'a number that is none': () => [
        seesaw(['start', '--port', 'http']),
        2,
        /'http' is no whole number from 0 to 65535/,
      ],
      'a port that there is not': () => [
        seesaw(['start', '--port', '70000']),
        2,
        /'70000' is no whole number/,
      ],
      'no process at all': () => [
        seesaw(['start', '--workers', '0']),
        2,
        /'0' is no whole number from 1 to 64/,
      ],
      'no backend at all': () => [seesaw(['prove', '--backends', ',']), 2, /Name at least one/],
      'a variant that needs what the backend cannot keep': () => [
        seesaw(['prove', 'rate-limits', '--backends', 'file']),
        2,
        /No variant of rate-limits can run on file\. \[ADAPTER_NOT_FOUND\]/,
      ],
      'control’s port that is taken': () => [
        seesaw(['start', '--port', String(port), ...data()]),
        2,
        new RegExp(`^seesaw: Port ${port} is in use.*another port with --port.*\\[PORT_IN_USE\\]`),
      ],
      'the lab’s port that is taken': () => [
        seesaw(['start', '--port', '0', '--lab-port', String(port), ...data()]),
        2,
        new RegExp(`^seesaw: Port ${port} is in use`),
      ],
      'a data folder that cannot be': () => [
        seesaw(['start', '--port', '0', '--data', '/dev/null/x']),
        2,
        /cannot be used .*\[DATA_FOLDER_UNUSABLE\]/,
      ],
      'a key that is damaged': () => {
        const broken = tempFolder()
        writeFileSync(join(broken, 'signing.key'), 'x')
        return [
          seesaw(['start', '--port', '0', '--data', broken]),
          2,
          /delete it.*\[DATA_CORRUPT\]/,
        ]
      },
      'a configuration with a mistake in its syntax': () => [
        seesaw(['list'], { env: config('syntax', 'export default {,}') }),
        2,
        /cannot be read: .*(ERROR: |Unexpected ).*\[CONFIG_INVALID\]/,
      ],
      'a configuration that exports nothing': () => [
        seesaw(['list'], { env: config('nothing', 'export const a = 1') }),
        2,
        /must export a configuration by default.*\[CONFIG_INVALID\]/,
      ],
      'a configuration with a misspelt key': () => [
        seesaw(['doctor'], { env: config('key', 'export default { chapters: {}, prots: {} }') }),
        2,
        /Did you mean 'ports'\?.*\[CONFIG_INVALID\]/,
      ],
      'a configuration that is not there': () => [
        seesaw(['list'], { env: { SEESAW_CONFIG: '/nowhere.ts' } }),
        2,
        /There is no configuration file/,
      ],
      'that nothing runs': () => [
        seesaw(['toggle', 'rate-limits', 'gcra', '--port', '1']),
        3,
        /No Seesaw answers on http:\/\/localhost:1; start one.*\[LAB_NOT_RUNNING\]/,
      ],
      'that something else runs there': () => [
        seesaw(['reset', '--port', String(port)]),
        3,
        /is no Seesaw.*\[LAB_NOT_RUNNING\]/,
      ],
      'that nothing is to be toggled': () => [
        seesaw(['toggle', 'rate-limits']),
        2,
        /Say what to change/,
      ],
      'two variants at once': () => [
        seesaw(['toggle', 'rate-limits', 'gcra', 'token-bucket']),
        2,
        /Two variants/,
      ],
      'a change and its reset at once': () => [
        seesaw(['toggle', 'rate-limits', 'gcra', '--reset']),
        2,
        /--reset takes no changes/,
      ],
      'a backend that is not available': () => [
        seesaw(['try', 'rate-limits/gcra@redis'], { env: { REDIS_URL: 'redis://127.0.0.1:1' } }),
        3,
        /Redis is not available here.*\[BACKEND_UNAVAILABLE\]/,
      ],
    }
    for (const [what, mistake] of Object.entries(mistakes))
      it(what, async () => {
        const [ran, exit, line] = mistake()
        assertOneLine(await ran, exit, line)
      })
  })

  describe('prints', () => {
    let list: Ran
    let doctor: Ran
    before(async () => {
      ;[list, doctor] = await Promise.all([
        seesaw(['list', '--json']),
        seesaw(['doctor', '--json']),
      ])
    })

    it('with list --json what there is, in this shape', () => {
      const { scenarios, broken } = parsed(list)
      assert.deepEqual(broken, [])
      for (const scenario of scenarios) {
        assert.deepEqual(Object.keys(scenario), [
          'id',
          'title',
          'question',
          'chapter',
          'primary',
          'variants',
          'claims',
          'setups',
        ])
        for (const variant of scenario.variants)
          assert.deepEqual(Object.keys(variant), ['id', 'title', 'idea', 'safe', 'needs', 'knobs'])
        for (const claim of scenario.claims) assert.deepEqual(Object.keys(claim), ['id', 'says'])
        assert(scenario.setups.every((setup: unknown) => typeof setup === 'string'))
      }
      const ids = scenarios.map(({ id }: { id: string }) => id)
      assert.equal(ids[0], 'session-vs-token', 'in course order')
      assert(ids.includes('rate-limits'))
    })

    it('with doctor --json what can be used here, in this shape', () => {
      const { node, backends } = parsed(doctor)
      assert.equal(node, process.version)
      for (const backend of backends) {
        assert.deepEqual(Object.keys(backend), [
          'name',
          'status',
          'via',
          'version',
          'reason',
          'remedy',
        ])
        assert(['ready', 'startable', 'unavailable'].includes(backend.status))
        assert.equal(backend.reason === '', backend.status === 'ready')
      }
      const names = backends.map(({ name }: { name: string }) => name)
      for (const name of ['memory', 'sqlite', 'redis']) assert(names.includes(name))
    })
  })

  describe('compares two runs', () => {
    const folder = tempFolder()
    const runs = [1, 2].map((seed) => join(folder, `run-${seed}.json`)) as [string, string]
    before(() => {
      for (const [i, file] of runs.entries())
        writeFileSync(
          file,
          JSON.stringify(analysed(measurementOf({ primary: 'cpu', seed: i + 1 }))),
        )
    })

    for (const words of [['--json'], ['--json', '-'], ['--json=-']])
      it(`as JSON and nothing else, with ${words.join(' ')}`, async () => {
        const ran = await seesaw(['bench', 'compare', ...runs, ...words])
        const { comparable, exitCode, verdicts } = parsed(ran)
        assert.deepEqual([comparable, exitCode, ran.code, ran.err], [true, 0, 0, ''])
        assert(verdicts.length > 0)
      })

    it('in words, and as JSON in the file that is named', async () => {
      const file = join(folder, 'comparison.json')
      const { code, out } = await seesaw(['bench', 'compare', ...runs, '--json', file])
      assert.equal(code, 0)
      assert.match(out, /^CPU per request of 2 setups: /)
      assert.equal(JSON.parse(readFileSync(file, 'utf8')).comparable, true)
    })
  })

  describe('proves and tries', () => {
    let root: string
    before(() => {
      root = copyWith(fixtures)
    })
    const here = (...words: string[]) => seesaw(words, { root })

    it('with exit code 0 and JSON of this shape where all is as declared', async () => {
      const ran = await here('prove', 'misbehaving', '--backends', 'memory', '--json')
      assert.equal(ran.code, 0, ran.err)
      const { ok, verdicts, skipped } = parsed(ran)
      assert.equal(ok, true)
      assert.deepEqual(skipped, [])
      assert.equal(verdicts.length, 6)
      for (const verdict of verdicts) {
        const { setup, claim, declared, verdict: seen, because, ms } = verdict
        for (const text of [setup, claim, because]) assert.equal(typeof text, 'string')
        assert(['holds', 'breaks'].includes(declared))
        assert.equal(seen, declared)
        assert.equal(typeof ms, 'number')
      }
      // What a scenario throws is printed by its server process, between two lines of ours perhaps.
      for (let i = 1; i <= 6; i++)
        assert.match(
          ran.err,
          new RegExp(`^${i}/6 misbehaving/.*: (holds|breaks) \\(\\d+ ms\\)$`, 'm'),
        )
    })

    it('with exit code 1 and the transcript where a verdict is wrong', async () => {
      const { code, out } = await here('prove', 'awkward/plain', '--workers', '3')
      assert.equal(code, 1)
      assert.match(
        out,
        /✗ breaks +It answers 418\.\n +it answered 200\n +declared: holds\. What happened on awkward\/plain:\n +client 1 → GET \/\n +← 200 in \d+ ms/,
      )
      assert.match(out, /· asked once\\u001b\[2J/, 'control characters are shown, not obeyed')
      assert.match(out, /✗ unknown +The machine is fast enough\./)
      assert.match(
        out,
        /\d+ verdicts, \d+ not as declared, 0 setups skipped\. Not as declared\.\n$/,
      )
    })

    it('with exit code 3 where a backend that was named is not available', async () => {
      const { code, out, err } = await seesaw(
        ['prove', 'misbehaving/remembering@redis', '--json'],
        {
          root,
          env: { REDIS_URL: 'redis://127.0.0.1:1' },
        },
      )
      assert.equal(code, 3, err)
      assert.equal(JSON.parse(out).skipped[0].setup, 'misbehaving/remembering@redis')
      assert.match(err, /\[BACKEND_UNAVAILABLE\]\n$/)
    })

    it('with "Nothing was proved" where no setup can run here, and exit code 3', async () => {
      const gone = { root, env: { REDIS_URL: 'redis://127.0.0.1:1' } }
      const target = 'misbehaving/remembering@redis'
      const [named, all, json] = await Promise.all([
        seesaw(['prove', target], gone),
        seesaw(['prove', target, '--backends', 'all'], gone),
        seesaw(['prove', target, '--backends', 'all', '--json'], gone),
      ])
      for (const { code, out, err } of [named, all]) {
        assert.equal(code, 3, err)
        assert.match(
          out,
          /\n0 verdicts, .* 1 setups skipped\. Nothing was proved\. No setup can run here\. /,
        )
        assert.doesNotMatch(out, /came out as declared/)
        assert.match(err, /\[BACKEND_UNAVAILABLE\]\n$/)
      }
      assert.equal(json.code, 3, json.err)
      assert.equal(JSON.parse(json.out).ok, false)
    })

    it('with "Nothing was proved" where there are no claims, and exit code 2', async () => {
      const { code, out, err } = await here('prove', 'unsafe')
      assert.equal(code, 2, err)
      assert.match(out, /\n0 verdicts, .* Nothing was proved\. There are no claims\. /)
      assert.match(err, /Nothing was proved: unsafe has no claims; .* \[WRONG_USE\]\n$/)
    })

    it('with what could be proved where only a part can run here', async () => {
      const { code, out } = await seesaw(['prove', 'misbehaving', '--backends', 'memory,redis'], {
        root,
        env: { REDIS_URL: 'redis://127.0.0.1:1' },
      })
      assert.equal(code, 3)
      assert.match(out, /Every claim that could be proved came out as declared\.\n$/)
    })

    it('one exercise with its whole conversation', async () => {
      const [text, json] = await Promise.all([
        here('try', 'misbehaving/remembering@memory'),
        here('try', 'awkward/plain', 'wrongly-declared', '--json'),
      ])
      assert.equal(text.code, 0, text.err)
      assert.match(
        text.out,
        /client 1 → GET \/\n[\s\S]*← 200[\s\S]*cache\.get on memory, [\d.]+ ms\n +cache\.set on memory/,
      )
      assert.match(text.out, /\nholds, as declared: answered 200 /)
      assert.equal(json.code, 1, json.err)
      const { setup, exercise, declared, verdict, conversation } = parsed(json)
      assert.deepEqual(
        [setup, exercise, declared, verdict],
        ['awkward/plain', 'wrongly-declared', 'holds', 'breaks'],
      )
      assert.equal(conversation.length, 3)
    })

    it('nothing of a scenario that is broken, and the others', async () => {
      mkdirSync(join(root, 'scenarios', 'broken'))
      writeFileSync(join(root, 'scenarios', 'broken', 'scenario.ts'), 'export default {')
      const [list, broken] = await Promise.all([here('list', '--json'), here('prove', 'broken')])
      assert.deepEqual(
        parsed(list).broken.map(({ id }: { id: string }) => id),
        ['broken'],
      )
      assert.equal(parsed(list).scenarios.length, 4)
      assertOneLine(
        broken,
        exitCodeOf('SCENARIO_BROKEN'),
        /broken\/scenario\.ts cannot be loaded: ./,
      )
    })
  })
})
