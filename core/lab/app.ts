// The Koa app of one process, and what one setup adds to it: the variant's routes over freshly opened
// adapters. A variant does not learn where it is mounted, by which lab it runs, or that its adapters
// are counted.
import { hkdfSync } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import Router, { type RouterContext, type RouterMiddleware } from '@koa/router'
import Koa from 'koa'
import type { Opened, Place } from '../adapter.ts'
import { loadAdapter } from '../course/find.ts'
import type { Setup } from '../course/setup.ts'
import { SeesawError } from '../errors.ts'
import { answerProblems, parseBody, refuseRoute } from '../http/problems.ts'
import type { Kind } from '../kinds/index.ts'
import type { AnyVariant } from '../scenario.ts'
import { metered } from './meter.ts'

/** A request on its way to a setup. */
export interface MountedRequest extends IncomingMessage {
  /** The part of its path that the setup does not see. */
  mount?: string
  /** The setup's routes. */
  routes?: RouterMiddleware
}

export interface MountedSetup {
  id: string
  /** Answers one request whose `url` is already relative to the setup. */
  handle(request: MountedRequest, response: ServerResponse): void
  /** Empties the setup's namespace on all of its backends. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** What a setup needs of the process that mounts it. */
export interface Ground {
  /** Begins the namespace of every setup of this lab. */
  prefix: string
  folder: string
  signingKey: Uint8Array
  locate(backend: string): Promise<string>
}

const mountWithinMs = 15_000

/** Opens what the variant needs and mounts it. Throws BACKEND_UNAVAILABLE, BACKEND_UNREACHABLE. */
export const mountSetup = async (
  setup: Setup,
  variant: AnyVariant,
  ground: Ground,
): Promise<MountedSetup> => {
  const opened = await openAll(setup, ground)
  const tools = {
    ...Object.fromEntries(opened),
    knobs: Object.freeze({ ...setup.knobs }),
    nowMs: Date.now,
    secret: new Uint8Array(hkdfSync('sha256', ground.signingKey, '', setup.id, 32)),
  }
  const router = new Router()
  try {
    await soon(variant.mount(router, tools))
  } catch (cause) {
    await Promise.allSettled(opened.map(([, kind]) => kind.close()))
    // A backend that went away while the variant made its tables is no fault of the variant's.
    if (cause instanceof SeesawError) throw cause
    const why = `${setup.id} cannot be mounted: ${cause instanceof Error ? cause.message : cause}`
    throw new SeesawError('SCENARIO_BROKEN', why, { cause })
  }
  const routes = router.routes()

  const each = async (work: (kind: Opened<Kind>) => Promise<void>) => {
    await Promise.all(opened.map(([, kind]) => work(kind)))
  }
  return {
    id: setup.id,
    handle(request, response) {
      request.routes = routes
      answer(request, response)
    },
    clear: () => each((kind) => kind.clear()),
    close: () => each((kind) => kind.close()),
  }
}

/** Rejects what does not settle: whoever waits for this setup would wait for ever. */
const soon = async (mounting: Promise<void> | void): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const why = new Error(`it took more than ${mountWithinMs / 1_000} s`)
    timer = setTimeout(reject, mountWithinMs, why)
  })
  await Promise.race([mounting, late]).finally(() => clearTimeout(timer))
}

/** Opens every kind on its backend; closes what is open again where one of them fails. */
const openAll = async (setup: Setup, ground: Ground): Promise<[Kind, Opened<Kind>][]> => {
  const opened: [Kind, Opened<Kind>][] = []
  try {
    for (const [kind, backend] of Object.entries(setup.backends) as [Kind, string][]) {
      const adapter = await loadAdapter(kind, backend)
      const place: Place = {
        namespace: `${ground.prefix}:${setup.id}`,
        folder: ground.folder,
        url: await ground.locate(backend),
        nowMs: Date.now,
      }
      opened.push([kind, metered(kind, backend, await adapter.open(place))])
    }
    return opened
  } catch (error) {
    await Promise.allSettled(opened.map(([, kind]) => kind.close()))
    throw error
  }
}

/** Gives cookies the setup's own path by default, as a reverse proxy would, so that setups that
    share the lab's host do not overwrite each other's. */
const scopeCookies = (app: Koa): void => {
  const inherited = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(app.context), 'cookies')
  Object.defineProperty(app.context, 'cookies', {
    get(this: Koa.Context) {
      const cookies: Koa.Context['cookies'] = inherited?.get?.call(this)
      if (Object.hasOwn(cookies, 'set')) return cookies
      const path = (this.req as MountedRequest).mount ?? '/'
      const set = cookies.set.bind(cookies)
      cookies.set = (name, value, options) => set(name, value ?? null, { path, ...options })
      return cookies
    },
  })
}

// One app for all setups. An app each would give the requests of every setup a shape of their own,
// and code that has met many shapes looks up each property anew: half as much again per request.
const app = new Koa()
answerProblems(app)
scopeCookies(app)
app
  .use(parseBody(['json', 'form']))
  .use((ctx, next) => (ctx.req as MountedRequest).routes?.(ctx as RouterContext, next))
  .use(refuseRoute)
const answer = app.callback()
