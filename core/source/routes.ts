// The sources over HTTP, taken apart so that the page only has to draw them.
import { join } from 'node:path'
import Router from '@koa/router'
import { home } from '../course/find.ts'
import { type Block, toBlocks } from './blocks.ts'
import { diffLines, type Hunk } from './diff.ts'
import { listFiles, readSource, type SourceFile } from './files.ts'
import { highlight } from './highlight.ts'

/** `GET /api/source/<scenario>` */
export interface Sources {
  files: SourceFile[]
}

/** `GET /api/source/<scenario>/<file or variant>` */
export interface Source extends SourceFile {
  text: string
  lines: number
  blocks: Block[]
}

/** `GET /api/diff/<scenario>/<file or variant>/<file or variant>` */
export interface Diff {
  a: SourceFile
  b: SourceFile
  /** Lines that only A has, and only B. */
  removed: number
  added: number
  hunks: Hunk[]
}

/** The routes under /api/source and /api/diff. */
export const sourceRoutes = (folder: string = join(home, 'scenarios')): Router => {
  const router = new Router()

  router.get('/api/source/:scenario', async (ctx) => {
    const files = await listFiles(ctx.params.scenario ?? '', folder)
    ctx.body = { files } satisfies Sources
  })

  router.get('/api/source/:scenario/*file', async (ctx) => {
    const { scenario = '', file = '' } = ctx.params
    const source = await readSource(scenario, file, folder)
    const lines = await highlight(source.text.trimEnd())
    const body: Source = { ...source, lines: lines.length, blocks: toBlocks(lines) }
    ctx.body = body
  })

  router.get('/api/diff/:scenario/:a/:b', async (ctx) => {
    const { scenario = '' } = ctx.params
    const [a, b] = await Promise.all(
      [ctx.params.a ?? '', ctx.params.b ?? ''].map((name) => readSource(scenario, name, folder)),
    )
    if (!a || !b) return
    const { text: before, ...shownA } = a
    const { text: after, ...shownB } = b
    const hunks = diffLines(await highlight(before.trimEnd()), await highlight(after.trimEnd()))
    const changed = hunks.filter(({ kind }) => kind === 'changed')
    ctx.body = {
      a: shownA,
      b: shownB,
      removed: changed.reduce((sum, hunk) => sum + hunk.a.lines.length, 0),
      added: changed.reduce((sum, hunk) => sum + hunk.b.lines.length, 0),
      hunks,
    } satisfies Diff
  })

  return router
}
