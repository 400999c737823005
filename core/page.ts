// Serves the page: one document, its bundle, and what it needs to know of the course. The page loads
// nothing from elsewhere and runs no script but its own, so a hostile title or answer has nothing to
// work with.
import { randomBytes } from 'node:crypto'
import { readFile, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import Router from '@koa/router'
import type { Context, Next } from 'koa'
import { createClient } from './client.ts'
import type { Config } from './config.ts'
import { notThere } from './did-you-mean.ts'
import { SeesawError } from './errors.ts'
import type { Kind } from './kinds/index.ts'
import type { Lab } from './lab.ts'
import { adapterIndex, home, loadScenario, scenarioIds } from './load.ts'
import { createBundle } from './page/bundle.ts'

/** What the page asks for once: the course, and what can be chosen. */
export interface Course {
  chapters: { id: string; title: string }[]
  /** Every kind with the backends that have an adapter for it. */
  adapters: Readonly<Record<Kind, readonly string[]>>
  /** Where a first visit to each scenario goes, and whether it takes a credential. */
  doors: Record<string, { path: string; credential: boolean }>
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
  lab,
  scenariosFolder = join(home, 'scenarios'),
}: {
  config: Config
  lab: Lab
  scenariosFolder?: string
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

  router.get('/api/course', async (ctx) => {
    const doors = scenarioIds(scenariosFolder).map(async (id) => [id, await findDoor(id)] as const)
    ctx.body = {
      chapters: Object.entries(config.chapters).map(([id, { title }]) => ({ id, title })),
      adapters: adapterIndex,
      doors: Object.fromEntries(await Promise.all(doors)),
    } satisfies Course
  })

  router.get('/source/:scenario/:variant', async (ctx) => {
    const { scenario = '', variant = '' } = ctx.params
    const variants = Object.keys((await loadScenario(scenario, scenariosFolder)).variants)
    if (!variants.includes(variant))
      throw new SeesawError(
        'VARIANT_NOT_FOUND',
        notThere(`variant of ${scenario}`, variant, variants),
      )
    ctx.type = 'text/plain; charset=utf-8'
    ctx.body =
      (await readInside(scenario, join('variants', `${variant}.ts`))) ??
      (await readInside(scenario, 'scenario.ts'))
  })

  router.get('/readme/:scenario', async (ctx) => {
    const { scenario = '' } = ctx.params
    await loadScenario(scenario, scenariosFolder)
    const text = await readInside(scenario, 'README.md')
    if (text === undefined)
      throw new SeesawError('ROUTE_NOT_FOUND', `${scenario} has no README.md yet.`)
    ctx.type = 'text/plain; charset=utf-8'
    ctx.body = text
  })

  /** A file's text; undefined where there is none, or where it leads out of the scenario's folder. */
  const readInside = async (scenario: string, name: string): Promise<string | undefined> => {
    const folder = await realpath(join(scenariosFolder, scenario))
    const file = await realpath(join(folder, name)).catch(() => '')
    return file.startsWith(folder + sep) ? readFile(file, 'utf8') : undefined
  }

  /** Where the scenario's first workload goes; nothing is sent to find out. */
  const findDoor = async (id: string): Promise<Course['doors'][string]> => {
    try {
      const scenario = await loadScenario(id, scenariosFolder)
      const [workload] = Object.values(scenario.workloads ?? {})
      const client = createClient({
        number: 1,
        door: () => lab.url,
        mount: `/run/${id}/live`,
        watched: false,
        onExchange: () => {},
        another: () => client,
      })
      const [first] = workload?.requests(client) ?? []
      return {
        path: first?.method === 'GET' ? first.path : '/',
        credential: workload?.prepare !== undefined,
      }
    } catch {
      return { path: '/', credential: false }
    }
  }

  return router
}
