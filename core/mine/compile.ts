// From what a learner typed to a file that runs from anywhere: types taken off, and every import
// spelled as the address that it has where the original lies.
import { pathToFileURL } from 'node:url'
import type { Message, Plugin } from 'esbuild'
import type { MineProblem } from '../course/mine.ts'

export interface CompileOptions {
  /** The folder that imports are relative to: that of the variant it is based on. */
  relativeTo: string
  /** Where the result is to lie. */
  file: string
}

/** The name of the text in traces of errors. */
export const textName = 'variant.ts'

/** Returns JavaScript with a source map in it, or what is wrong with the text. */
export const compile = async (
  text: string,
  { relativeTo, file }: CompileOptions,
): Promise<{ code: string } | { problem: MineProblem }> => {
  const { build } = await import('esbuild')
  try {
    const { outputFiles } = await build({
      stdin: { contents: text, loader: 'ts', sourcefile: textName, resolveDir: relativeTo },
      outfile: file,
      write: false,
      // Bundled only so that imports are resolved: every one of them stays outside.
      bundle: true,
      plugins: [outside],
      treeShaking: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      // As Node resolves packages, so that both get the same copy of one.
      conditions: [],
      mainFields: ['main'],
      sourcemap: 'inline',
      tsconfigRaw: {},
      logLevel: 'silent',
    })
    return { code: outputFiles[0]?.text ?? '' }
  } catch (error) {
    const [first] = (error as { errors?: Message[] }).errors ?? []
    if (!first) throw error
    const { text: message, location } = first
    if (!location) return { problem: { message } }
    return { problem: { message, line: location.line, column: location.column + 1 } }
  }
}

const own = {}

/** Leaves everything that is imported where it is, under its full address. */
const outside: Plugin = {
  name: 'outside',
  setup(build) {
    build.onResolve({ filter: /.*/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind === 'entry-point' || pluginData === own) return undefined
      const found = await build.resolve(path, { kind, resolveDir, pluginData: own })
      if (found.errors.length > 0) return { errors: found.errors.map(({ text }) => ({ text })) }
      return { path: found.external ? found.path : pathToFileURL(found.path).href, external: true }
    })
  },
}
