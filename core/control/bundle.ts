// Bundles the page in memory: TypeScript and style sheets go in, what a browser reads comes out, and
// nothing is written anywhere. It is done at the first request, and again when a source has changed.
import { readdir, stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { home } from '../course/find.ts'
import { SeesawError } from '../errors.ts'

export interface PageFile {
  type: string
  body: Uint8Array
}

export interface Bundle {
  /** The names of the files that the page begins with. */
  script: string
  style: string
  /** By name. A name changes with its content, so it can be kept for ever. */
  files: ReadonlyMap<string, PageFile>
}

const folder = join(home, 'core', 'web')

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.woff2': 'font/woff2',
  '.svg': 'image/svg+xml',
}

/** Returns a function that gives the bundle. It throws PAGE_BROKEN where a source has a mistake. */
export const createBundle = (): (() => Promise<Bundle>) => {
  let built: Promise<Bundle> | undefined
  let builtFrom = ''
  return async () => {
    const sources = await describeSources()
    if (!built || sources !== builtFrom) {
      builtFrom = sources
      const building = build()
      built = building
      // A mistake is told once; the next request tries again.
      building.catch(() => {
        if (built === building) built = undefined
      })
    }
    return built
  }
}

/** Changes when any source does. */
const describeSources = async (): Promise<string> => {
  const names = await readdir(folder, { recursive: true })
  const dates = await Promise.all(
    names.map(async (name) => `${name} ${(await stat(join(folder, name))).mtimeMs}`),
  )
  return dates.join('\n')
}

const build = async (): Promise<Bundle> => {
  const esbuild = await import('esbuild')
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: [join(folder, 'main.tsx')],
      bundle: true,
      splitting: true,
      format: 'esm',
      target: 'es2022',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      minify: true,
      legalComments: 'none',
      loader: { '.woff2': 'copy' },
      define: { 'process.env.NODE_ENV': '"production"' },
      entryNames: '[name]-[hash]',
      chunkNames: 'part-[hash]',
      assetNames: '[name]-[hash]',
      publicPath: '/page',
      // Nothing is written there; names are relative to it.
      outdir: join(folder, 'out'),
      write: false,
      logLevel: 'silent',
    })
    const files = new Map(
      outputFiles.map(({ path, contents }) => [
        basename(path),
        { type: types[extname(path)] ?? 'application/octet-stream', body: contents },
      ]),
    )
    const find = (what: RegExp) => [...files.keys()].find((name) => what.test(name)) ?? ''
    return { script: find(/^main-.*\.js$/), style: find(/^main-.*\.css$/), files }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SeesawError('PAGE_BROKEN', `The page cannot be bundled: ${why}`, { cause })
  } finally {
    // Its process would stay for as long as ours.
    await esbuild.stop()
  }
}
