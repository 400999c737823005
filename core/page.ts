// Serves the page: a few files, the source and the README of every scenario as plain text, and what
// the page needs to know besides /api. The page loads nothing from elsewhere and runs no inline
// script, so a hostile title or answer has nothing to work with.
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

/** What the page asks for once: the course, and what can be chosen. */
export interface Course {
  chapters: { id: string; title: string }[]
  /** Every kind with the backends that have an adapter for it. */
  adapters: Readonly<Record<Kind, readonly string[]>>
  /** Where a first visit to each scenario goes, and whether it takes a credential. */
  doors: Record<string, { path: string; credential: boolean }>
}

const script = 'text/javascript; charset=utf-8'
const files: Record<string, string> = {
  'index.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'page.js': script,
  'views.js': script,
  'claims.js': script,
  'machine.js': script,
  'parts.js': script,
  'dom.js': script,
}

const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; " +
    "require-trusted-types-for 'script'; trusted-types 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
}

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
  router.use((ctx: Context, next: Next) => {
    ctx.set(headers)
    return next()
  })

  for (const [name, type] of Object.entries(files))
    router.get(name === 'index.html' ? '/' : `/${name}`, async (ctx) => {
      ctx.type = type
      ctx.body = await readFile(join(home, 'core', 'web', name))
    })

  router.get('/course.json', async (ctx) => {
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
