// Serves the page: one document, its bundle, and what it needs to know of the course. The page loads
// nothing from elsewhere and runs no script but its own, so a hostile title or answer has nothing to
// work with.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Router from '@koa/router'
import type { Context, Next } from 'koa'
import type { Config } from '../config.ts'
import { chaptersOf } from '../course/catalogue.ts'
import { adapterIndex, home } from '../course/find.ts'
import { SeesawError } from '../errors.ts'
import type { Kind } from '../kinds/index.ts'
import { createBundle } from './bundle.ts'

/** What the page asks for once: the course, and what can be chosen. */
export interface Course {
  chapters: { id: string; title: string }[]
  /** Every kind with the backends that have an adapter for it. */
  adapters: Readonly<Record<Kind, readonly string[]>>
  node: string
  /** Where everything is kept; null where it is thrown away afterwards. */
  dataFolder: string | null
}

/** The page's own headers. `nonce` lets in the one script and the style sheets that it adds itself. */
const headersWith = (nonce: string) => ({
  'Content-Security-Policy':
    `default-src 'none'; script-src 'self' 'nonce-${nonce}'; style-src 'self' 'nonce-${nonce}'; ` +
    "img-src 'self'; font-src 'self'; connect-src 'self'; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; " +
    "require-trusted-types-for 'script'; trusted-types 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
})

/** Every address of the page is the same document; what it shows is in the address. */
const screens = ['/', '/s/:scenario', '/s/:scenario/:tab', '/machine', '/record']

/** The routes of the page and its files. */
export const pageRoutes = ({
  config,
  dataFolder = null,
}: {
  config: Config
  dataFolder?: string | null
}): Router => {
  const router = new Router()
  const bundle = createBundle()
  router.use((ctx: Context, next: Next) => {
    ctx.state.nonce = randomBytes(16).toString('base64')
    ctx.set(headersWith(ctx.state.nonce))
    return next()
  })

  router.get(screens, async (ctx) => {
    const { script, style } = await bundle()
    const text = await readFile(join(home, 'core', 'web', 'index.html'), 'utf8')
    const values: Record<string, string> = { script, style, nonce: ctx.state.nonce }
    ctx.type = 'text/html; charset=utf-8'
    ctx.body = text.replace(/\{(script|style|nonce)\}/g, (_, name: string) => values[name] ?? '')
  })

  router.get('/page/:file', async (ctx) => {
    const file = (await bundle()).files.get(ctx.params.file ?? '')
    if (!file) throw new SeesawError('ROUTE_NOT_FOUND', `The page has no file ${ctx.path}.`)
    ctx.type = file.type
    ctx.set('Cache-Control', 'max-age=31536000, immutable')
    ctx.body = Buffer.from(file.body)
  })

  router.get('/icon.svg', async (ctx) => {
    ctx.type = 'image/svg+xml'
    ctx.body = await readFile(join(home, 'core', 'web', 'icon.svg'))
  })

  router.get('/api/course', (ctx) => {
    ctx.body = {
      chapters: chaptersOf(config),
      adapters: adapterIndex,
      node: process.version,
      dataFolder,
    } satisfies Course
  })

  return router
}
