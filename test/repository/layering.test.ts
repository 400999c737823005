// Who may import whom: the plan of the house as a table, and what keeps it.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { backendNames, home, scenarioIds } from '#core/course/find'

// The rooms of core and bench, floor by floor. A room imports its own files, the ground, and what
// lies on the floors below it; rooms of one floor do not know each other.
const coreFloors = [
  ['files', 'http', 'measurement'],
  ['course'],
  ['processes', 'source'],
  ['lab'],
  ['proof'],
  ['traffic'],
  ['mine', 'measurements'],
  ['learner', 'lesson'],
  ['control'],
  ['commands'],
]

const benchFloors = [
  ['stats'],
  ['client', 'verdict'],
  ['plan'],
  ['run'],
  ['capacity', 'micro'],
  ['report'],
  ['compare', 'self-test'],
  ['command'],
  ['by-hand'],
]

interface Rule {
  files: RegExp
  may: RegExp
  because: string
}

/** The language that the whole house speaks, and what it needs itself. */
const ground = String.raw`core\/(scenario|adapter|config|errors|did-you-mean|plain|kinds\/\w+)\.ts`

const roomsOf = (place: string, floors: string[][], besides: string): Rule[] =>
  floors.flatMap((rooms, floor) => {
    const below = floors.slice(0, floor).flat().join('|') || '(?!)'
    return rooms.map((room) => ({
      files: new RegExp(String.raw`^${place}\/${room}\/`),
      may: new RegExp(String.raw`^(${besides}|${place}\/(${below})\/.*)$`),
      because: `${place}/${room} stands on the floors below it`,
    }))
  })

/** What a benchmark takes of core: what a visitor would meet, and what a measurement is. */
const measured =
  String.raw`core\/(errors|plain|measurement\/\w+|course\/(find|setup)|files\/kernel-lock|http\/loopback-fetch|` +
  String.raw`processes\/calls|lab\/(lab|meter|servers)|proof\/prove|traffic\/workload)\.ts`

/** Which files may import what of Seesaw; npm packages and one's own room are always allowed. */
const rules: Rule[] = [
  {
    files: /^scenarios\/[^/]+\//,
    may: /^core\/scenario\.ts$/,
    because: 'a scenario knows the words it is written in and nothing of the house',
  },
  {
    files: /^adapters\/agenda-sqlite\//,
    may: /^$/,
    because: 'it could be published by itself',
  },
  {
    files: /^adapters\/connections\//,
    may: /^core\/(adapter|kinds\/\w+)\.ts$/,
    because: 'a connection serves adapters, whoever uses them',
  },
  {
    files: /^adapters\//,
    may: /^(core\/(adapter|kinds\/\w+)\.ts|adapters\/(connections|agenda-sqlite)\/.*)$/,
    because: 'adapters of different kinds do not know each other',
  },
  {
    files: /^core\/cli\.ts$/,
    may: /^(core\/.*|bench\/command\/\w+\.ts)$/,
    because: 'only the command line knows the harness, and loads it when it is asked for',
  },
  {
    files: /^core\/web\//,
    may: /^core\/(course\/setup|measurement\/metrics|plain)\.ts$/,
    because:
      'the page talks to the API; the rest of core gives it types, and how setups are spelled and how text is made harmless',
  },
  ...roomsOf('core', coreFloors, ground),
  {
    files: /^core\/[^/]+$|^core\/kinds\//,
    may: new RegExp(`^(${ground}|core/cli\\.ts)$`),
    because: 'the ground carries the house, and knows nothing of it',
  },
  ...roomsOf('bench', benchFloors, String.raw`${measured}|adapters\/agenda-sqlite\/.*`),
]

const isTest = (file: string) => /\.test\.ts$/.test(file)
const files = ['scenarios', 'adapters', 'core', 'bench']
  .flatMap((folder) =>
    readdirSync(join(home, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
      join(folder, file).replaceAll('\\', '/'),
    ),
  )
  .filter((file) => /\.(tsx?|mjs)$/.test(file) && !isTest(file))
  .sort()

/** A file's text; of the page's without the types that it takes, for they cost nothing and tell no secret. */
const readTaken = (file: string): string => {
  const text = readFileSync(join(home, file), 'utf8')
  return file.startsWith('core/web/')
    ? text.replace(/^import type [\s\S]*? from '(\.\.\/)+[^']*'$/gm, '')
    : text
}

/** The files of Seesaw that `file` imports. */
const importsOf = (file: string): string[] =>
  [...readTaken(file).matchAll(/(?:from|import)\s*\(?\s*'([#.][^']*)'/g)]
    .map(([, name = '']) => {
      if (name === '#core/kinds') return 'core/kinds/index.ts'
      if (name.startsWith('#core/')) return `core/${name.slice('#core/'.length)}.ts`
      return relative(home, resolve(home, dirname(file), name)).replaceAll('\\', '/')
    })
    .filter((name) => !name.endsWith('package.json'))

/** The code of a file without its comments. */
const codeOf = (file: string): string =>
  readFileSync(join(home, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '')

describe('layering', () => {
  it('finds files to look at', () => {
    for (const { files: pattern } of rules)
      assert(
        files.some((file) => pattern.test(file)),
        `no file matches ${pattern}`,
      )
  })

  for (const file of files) {
    const rule = rules.find(({ files }) => files.test(file))
    it(`lets ${file} import only what it may`, () => {
      assert(rule, `no rule says what ${file} may import`)
      const own =
        /^((scenarios|core|bench)\/[^/]+|adapters\/agenda-sqlite)\//.exec(file)?.[0] ??
        `${dirname(file)}/`
      for (const name of importsOf(file))
        assert(
          rule.may.test(name) || name.startsWith(own),
          `${file} imports ${name}, but ${rule.because}`,
        )
    })
  }

  it('leaves dynamic imports of found files to core/course/find.ts', () => {
    for (const file of files)
      if (file.endsWith('.ts') && file !== 'core/course/find.ts')
        assert.doesNotMatch(codeOf(file), /import\(\s*(?!['"\s])/, file)
  })

  it('asks what listens on this machine past whatever proxy the environment names', () => {
    for (const file of files.filter((name) => !name.startsWith('core/web/'))) {
      const code = codeOf(file)
      // A variant may have a function of its own by this name, which is not the one meant.
      if (file !== 'core/http/loopback-fetch.ts' && !/\b(const|function) fetch\b/.test(code))
        assert.doesNotMatch(
          code,
          /(?<![\w$.-])fetch\b|globalThis\.fetch|globalAgent/,
          `${file}: loopbackFetch of core/http/loopback-fetch.ts is meant`,
        )
      // Nor by the agent that Node's own requests share.
      if (/import [^;]*\b(get|request)\b[^;]*? from 'node:https?'/.test(code))
        assert.match(code, /\bagent\b/, `${file}: name an agent of its own`)
    }
  })

  it('keeps the names of scenarios and backends out of core, but for what is the default', () => {
    const names = [...scenarioIds(), ...backendNames]
    // But for HTML's own word for a field that takes a file.
    const literal = new RegExp(`(?<!type=)['"\`](${names.join('|')})['"\`]`)
    for (const file of files)
      if (file.startsWith('core/') && file !== 'core/kinds/index.ts')
        assert.doesNotMatch(codeOf(file), literal, file)
  })

  it('lets variants be read to the end: at most 90 lines of 80 columns', () => {
    for (const file of files.filter((name) => name.startsWith('scenarios/'))) {
      const lines = readFileSync(join(home, file), 'utf8').trimEnd().split('\n')
      const tooWide = lines.findIndex((line) => line.length > 80)
      assert.equal(tooWide, -1, `${file}:${tooWide + 1} is wider than 80 columns`)
      if (file.includes('/variants/'))
        assert(lines.length <= 90, `${file} has ${lines.length} lines`)
    }
  })
})
