// Who may import whom: the plan of the house as a table, and what keeps it.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { backendNames, home, scenarioIds } from '#core/load'

/** Which files may import what of Seesaw; npm packages and one's own folder are always allowed. */
const rules: { files: RegExp; may: RegExp; because: string }[] = [
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
    may: /^(core\/.*|bench\/command\.ts)$/,
    because: 'only the command line knows the harness, and loads it when it is asked for',
  },
  {
    files: /^core\/web\//,
    may: /^core\/setup\.ts$/,
    because:
      'the page talks to the API; the rest of core gives it types, and how setups are spelled',
  },
  { files: /^core\//, may: /^core\//, because: 'core finds everything else by folder' },
  {
    files: /^bench\//,
    may: /^(core\/(lab|setup|load|loopback-fetch|prove|errors)\.ts|adapters\/agenda-sqlite\/.*)$/,
    because: 'a benchmark measures what a visitor would meet',
  },
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
      if (!pattern.source.startsWith('^core\\/web') && !pattern.source.startsWith('^bench'))
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
        /^(scenarios\/[^/]+|adapters\/agenda-sqlite|core\/web|bench)\//.exec(file)?.[0] ??
        `${dirname(file)}/`
      for (const name of importsOf(file))
        assert(
          rule.may.test(name) || name.startsWith(own),
          `${file} imports ${name}, but ${rule.because}`,
        )
    })
  }

  it('leaves dynamic imports of found files to core/load.ts', () => {
    for (const file of files)
      if (file.endsWith('.ts') && file !== 'core/load.ts')
        assert.doesNotMatch(codeOf(file), /import\((?!['"])/, file)
  })

  it('asks what listens on this machine past whatever proxy the environment names', () => {
    for (const file of files.filter((name) => !name.startsWith('core/web/'))) {
      const code = codeOf(file)
      // A variant may have a function of its own by this name, which is not the one meant.
      if (file !== 'core/loopback-fetch.ts' && !/\b(const|function) fetch\b/.test(code))
        assert.doesNotMatch(
          code,
          /(?<![\w$.-])fetch\b|globalThis\.fetch|globalAgent/,
          `${file}: loopbackFetch of core/loopback-fetch.ts is meant`,
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
