// One server process of a lab. It mounts a setup at its first request, and answers connections that
// the lab hands over as well as those that come in by its own door.
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import { PerformanceObserver, performance } from 'node:perf_hooks'
import { roundTrips, SeesawError } from '../adapter.ts'
import { adapterIndex, loadScenario } from '../course/find.ts'
import { mine } from '../course/mine.ts'
import {
  type Backends,
  parseSetup,
  resolveSetup,
  type Setup,
  type SetupParts,
} from '../course/setup.ts'
import {
  isForeign,
  isLink,
  ownHost,
  refusedHost,
  refusedPage,
  toOriginForm,
} from '../http/guard.ts'
import { answerClientErrors, sendProblem } from '../http/problems.ts'
import { connectCalls } from '../processes/calls.ts'
import { type Ground, type MountedRequest, type MountedSetup, mountSetup } from './app.ts'
import { type Call, readTotals, type Total, traced } from './meter.ts'
import { endWithParent } from './watchdog.ts'

/** What the lab tells a process when it starts it. */
export interface WorkerOptions {
  /** From 1. */
  index: number
  /** The port of its door; 0 for any. */
  door: number
  prefix: string
  folder: string
  /** 32 bytes, in hexadecimal. */
  signingKey: string
  scenariosFolder: string
  /** The address that the shared port listens on. */
  host: string
  only: string[] | null
  defaults: Backends
  /** The setup behind `live`, and the backends of setups that do not name them, by scenario. */
  toggles: Record<string, Toggle>
}

/** What the learner has chosen for a scenario. */
export interface Toggle {
  setup: string
  backends: Backends
}

/** What a lab may ask of its processes. */
export type WorkerCalls = {
  prepare(setup: string): Promise<void>
  toggle(change: { scenario: string; toggle: Toggle | null }): Promise<void>
  reset(setup: string): Promise<void>
  /** Lets go of what is mounted of a scenario's `mine`, which is another one from now on. */
  reload(scenario: string): Promise<void>
  readMeter(nothing: null): Promise<WorkerMeter>
  ping(nothing: null): Promise<void>
  stop(nothing: null): Promise<void>
}

/** What a process may ask of its lab. */
export type LabCalls = {
  locate(backend: string): Promise<string>
  ready(door: number): Promise<void>
}

/** What one process has done and used since it began. */
export interface WorkerMeter {
  index: number
  pid: number
  requests: number
  /** Adapter calls by `kind.operation@backend`. */
  calls: Record<string, Total>
  /** True round trips to servers, by backend. */
  roundTrips: Record<string, number>
  /** User and system time, in milliseconds. */
  cpuMs: number
  rssBytes: number
  /** Time in garbage collection, in milliseconds. */
  gcMs: number
  /** How long the event loop was busy, in milliseconds. */
  busyMs: number
  /** Setups that are mounted. */
  mounted: string[]
}

const idleMs = 10 * 60_000
const mostMounted = 300
const stopWithinMs = 2_000
/** A connection that was handed over last has this long to say what it wants. */
const silentMs = 200
/** Requests that are under way when their setup is closed have this long to end. */
const closeAfterMs = 5_000

const options = JSON.parse(process.env.SEESAW_WORKER ?? '') as WorkerOptions
const ground: Ground = {
  prefix: options.prefix,
  folder: options.folder,
  signingKey: Buffer.from(options.signingKey, 'hex'),
  locate: (backend) => askLab('locate', backend),
}

interface Mount {
  mounted: MountedSetup
  /** Wrong on purpose: another site's page may not even link to it. */
  isUnsafe: boolean
  /** Counts up with every request, so that a sweep sees which setups nobody uses. */
  uses: number
  usesAtSweep: number
  idleSinceMs: number
}
const mounts = new Map<string, Promise<Mount>>()
// The same by every spelling that was asked for: `/run/rate-limits/gcra@redis`, `/run/rate-limits/live`.
const byPath = new Map<string, Mount>()
const toggles = new Map(Object.entries(options.toggles))
// Counts up whenever a path may lead elsewhere than before.
let changes = 0
let requests = 0
const name = String(options.index)

const resolve = async (parts: SetupParts): Promise<Setup> => {
  if (options.only && !options.only.includes(parts.scenario))
    throw new SeesawError('SCENARIO_NOT_FOUND', `This lab does not serve '${parts.scenario}'.`)
  const scenario = await loadScenario(parts.scenario, options.scenariosFolder)
  const toggled = toggles.get(parts.scenario)?.backends
  const defaults = { ...options.defaults, ...toggled }
  return resolveSetup(parts, scenario, { adapters: adapterIndex, defaults })
}

/** Mounts a setup, or returns it where it is mounted already. */
const mount = async (parts: SetupParts): Promise<Mount> => {
  const setup = await resolve(parts)
  const known = mounts.get(setup.id)
  if (known) return known
  if (mounts.size >= mostMounted)
    throw new SeesawError(
      'TOO_MANY_SETUPS',
      `${mostMounted} setups are in use; one that nobody uses is closed after ${idleMs / 60_000} minutes.`,
    )
  const mounting = open(setup)
  mounts.set(setup.id, mounting)
  mounting.catch(() => mounts.delete(setup.id))
  return mounting
}

const open = async (setup: Setup): Promise<Mount> => {
  const scenario = await loadScenario(setup.scenario, options.scenariosFolder)
  const variant = scenario.variants[setup.variant]
  if (!variant) throw new Error(`${setup.id} has no variant`)
  // For every variant of it, so that it costs those that are compared the same.
  if (scenario.mine) endWithParent()
  // What a learner's variant has stored is not for what is saved after it, which may read it otherwise.
  const saved = setup.variant === mine ? scenario.mine?.savedAt : undefined
  const prefix = `${ground.prefix}${saved ? `:${Date.parse(saved).toString(36)}` : ''}`
  const mounted = await mountSetup(setup, variant, { ...ground, prefix })
  const isUnsafe = variant.safe === false
  return { mounted, isUnsafe, uses: 0, usesAtSweep: -1, idleSinceMs: Date.now() }
}

/** Closes a setup, and empties it where nothing can be done with it any more; its next request mounts
    it afresh. */
const unmount = async (id: string, { forGood = false } = {}): Promise<void> => {
  const mounting = mounts.get(id)
  mounts.delete(id)
  changes++
  const mount = await mounting?.catch(() => undefined)
  if (!mount) return
  for (const [path, known] of byPath) if (known === mount) byPath.delete(path)
  const close = async () => {
    if (forGood) await mount.mounted.clear()
    await mount.mounted.close()
  }
  setTimeout(() => void close().catch(console.error), closeAfterMs).unref()
}

// ---- requests

const handle = (request: MountedRequest, response: ServerResponse): void => {
  requests++
  begun(request, response)
  response.setHeader('X-Seesaw-Worker', name)
  if (request.url?.charCodeAt(0) !== slash) toOriginForm(request)
  const { host } = request.headers
  if (host !== lastHost || host === undefined) {
    const problem = problemOfHost(request)
    if (problem) {
      sendProblem(response, problem)
      return
    }
    lastHost = host
  }
  const foreign = isForeign(request.headers)
  if (foreign && !isLink(request)) {
    sendProblem(response, refusedPage(request, useDirectly))
    return
  }
  const url = request.url ?? '/'
  const end = endOfPrefix(url)
  const path = url.slice(0, end)
  const mount = byPath.get(path)
  if (mount) enter(request, response, mount, path, foreign)
  else
    void findMount(path).then(
      (found) => enter(request, response, found, path, foreign),
      (error: unknown) => sendProblem(response, error),
    )
}

const slash = 47
const isOurs = ownHost(options.host)
// Nearly all requests of a load name the same host.
let lastHost: string | undefined
const useDirectly =
  'it names another site. Open the address itself, or send the request from a command line'

const problemOfHost = ({ headers, httpVersion }: MountedRequest): SeesawError | undefined => {
  const { host } = headers
  if (host !== undefined)
    return isOurs(host)
      ? undefined
      : refusedHost(host, `use the lab's own address, e.g. http://127.0.0.1:3001`)
  return httpVersion === '1.1'
    ? new SeesawError('REQUEST_MALFORMED', 'The Host header is missing.')
    : undefined
}

/** Lets a request in, but for a foreign page's link to what is wrong on purpose. */
const enter = (
  request: MountedRequest,
  response: ServerResponse,
  mount: Mount,
  path: string,
  foreign: boolean,
): void => {
  if (foreign && mount.isUnsafe) sendProblem(response, refusedPage(request, useDirectly))
  else pass(request, response, mount, path)
}

/** Where `/run/<scenario>/<rest of the setup id>` ends in `url`. */
const endOfPrefix = (url: string): number => {
  const third = url.indexOf('/', url.indexOf('/', 1) + 1)
  const slash = third < 0 ? -1 : url.indexOf('/', third + 1)
  const query = url.indexOf('?')
  if (slash < 0) return query < 0 ? url.length : query
  return query < 0 ? slash : Math.min(slash, query)
}

const pass = (
  request: MountedRequest,
  response: ServerResponse,
  mount: Mount,
  path: string,
): void => {
  mount.uses++
  const rest = (request.url ?? '').slice(path.length)
  request.url = rest.startsWith('/') ? rest : `/${rest}`
  request.mount = path
  if (request.headers['x-seesaw-trace'] === undefined) mount.mounted.handle(request, response)
  else passWatched(request, response, mount)
}

/** As many calls are told: a client takes 16 KB of headers, one that asks for all takes 1 MB. */
const mostTimings = 120
const allTimings = 8_000

/** Follows one request through the adapters and reports in `Server-Timing`. */
const passWatched = (request: MountedRequest, response: ServerResponse, mount: Mount): void => {
  const calls: Call[] = []
  const beganMs = performance.now()
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse
  response.writeHead = (...args: unknown[]) => {
    const totalMs = performance.now() - beganMs
    const timings = calls.map(
      ({ name, backend, startMs, ms, failed }) =>
        `${name};dur=${ms.toFixed(3)};start=${startMs.toFixed(3)};desc="${backend}${failed ? ' failed' : ''}"`,
    )
    const most = request.headers['x-seesaw-trace'] === 'all' ? allTimings : mostTimings
    const total = `total;dur=${totalMs.toFixed(3)}`
    response.setHeader('Server-Timing', [...timings.slice(0, most), total].join(', '))
    return writeHead(...args)
  }
  void traced(calls, () => {
    const done = new Promise<void>((resolve) => response.once('close', resolve))
    mount.mounted.handle(request, response)
    return done
  })
}

const findMount = async (path: string): Promise<Mount> => {
  const [, run, scenario, rest] = path.split('/')
  if (run !== 'run' || !scenario)
    throw new SeesawError(
      'ROUTE_NOT_FOUND',
      `There is nothing at ${path.slice(0, 200) || '/'}. Setups live under ` +
        '/run/<scenario>/<variant>@<backends>~<knobs>/, what is toggled under /run/<scenario>/live/.',
    )
  const text = decode(`${scenario}${rest ? `/${rest}` : ''}`)
  const live = text.endsWith('/live') ? text.slice(0, -'/live'.length) : undefined
  const id = live === undefined ? text : (toggles.get(live)?.setup ?? live)
  const before = changes
  const found = await mount(parseSetup(id))
  if (byPath.size > 10 * mostMounted) byPath.clear()
  // A path is remembered unless it may lead elsewhere by now.
  if (changes === before && mounts.has(found.mounted.id)) byPath.set(path, found)
  return found
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new SeesawError('SETUP_MALFORMED', `'${text.slice(0, 200)}' is not well encoded.`)
  }
}

const sweep = async (): Promise<void> => {
  const inUse = new Set([...toggles.values()].map(({ setup }) => setup))
  for (const [id, mounting] of [...mounts]) {
    const mount = await mounting.catch(() => undefined)
    if (!mount || inUse.has(id)) continue
    if (mount.uses !== mount.usesAtSweep) {
      mount.usesAtSweep = mount.uses
      mount.idleSinceMs = Date.now()
    } else if (Date.now() - mount.idleSinceMs > idleMs) await unmount(id)
  }
}
setInterval(() => void sweep().catch(console.error), 60_000).unref()

// ---- what is under way

// The server does not count what came over a connection that was handed to it, so it is counted here.
const underWay = new Set<ServerResponse>()
const connections = new Set<Socket>()
/** Connections that were handed over and have not asked for anything yet. */
const silent = new Set<Socket>()
let stopping = false

const begun = ({ socket }: MountedRequest, response: ServerResponse): void => {
  underWay.add(response)
  response.once('close', ended)
  if (silent.size > 0) silent.delete(socket)
  if (stopping) response.shouldKeepAlive = false
}
function ended(this: ServerResponse): void {
  underWay.delete(this)
}

/** Waits until every request has its answer, which says that the connection closes after it. */
const endAll = async (): Promise<void> => {
  stopping = true
  // The server's own way takes a connection for idle although a large answer is still being sent on it.
  NetServer.prototype.close.call(server)
  for (const response of underWay) response.shouldKeepAlive = false
  const busy = new Set([...underWay].map(({ socket }) => socket))
  for (const socket of connections) if (!busy.has(socket) && !silent.has(socket)) socket.destroy()
  const startedMs = performance.now()
  const isOver = (withinMs: number) => performance.now() - startedMs > withinMs
  while (!isOver(stopWithinMs) && (underWay.size > 0 || (silent.size > 0 && !isOver(silentMs))))
    await new Promise((resolve) => setTimeout(resolve, 5))
}

// ---- the process

// Node would refuse requests without a Host by itself, but with an empty answer.
const server = createServer({ requireHostHeader: false }, handle)
answerClientErrors(server)
server.keepAliveTimeout = 65_000
server.on('connection', (socket) => {
  connections.add(socket)
  socket.once('close', () => connections.delete(socket))
})

let gcMs = 0
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) gcMs += duration
}).observe({ entryTypes: ['gc'] })

const calls: WorkerCalls = {
  async prepare(setup) {
    await mount(parseSetup(setup))
  },

  async toggle({ scenario, toggle }) {
    const live = toggle ? await mount(parseSetup(toggle.setup)) : undefined
    changes++
    if (toggle) toggles.set(scenario, toggle)
    else toggles.delete(scenario)
    // Every address of this scenario that leaves something open may lead elsewhere from now on,
    // however it is spelled.
    byPath.clear()
    if (live) byPath.set(`/run/${scenario}/live`, live)
  },

  async reset(setup) {
    const parts = parseSetup(setup)
    const { mounted } = await mount(parts)
    await mounted.clear()
    await unmount(mounted.id)
  },

  async reload(scenario) {
    changes++
    const own = [...mounts.keys()].filter((id) => isMine(id, scenario))
    await Promise.all(own.map((id) => unmount(id, { forGood: true })))
  },

  readMeter: async () => {
    const { user, system } = process.cpuUsage()
    return {
      index: options.index,
      pid: process.pid,
      requests,
      calls: readTotals(),
      roundTrips: roundTrips(),
      cpuMs: (user + system) / 1000,
      rssBytes: process.memoryUsage.rss(),
      gcMs,
      busyMs: performance.eventLoopUtilization().active,
      mounted: [...mounts.keys()],
    }
  },

  ping: async () => {},

  async stop() {
    await endAll()
    const all = await Promise.allSettled(mounts.values())
    await Promise.allSettled(
      all.map((mount) => (mount.status === 'fulfilled' ? mount.value.mounted.close() : undefined)),
    )
    // The answer to this very call goes out first.
    setImmediate(() => process.exit(0))
  },
}

const isMine = (id: string, scenario: string): boolean => {
  const parts = parseSetup(id)
  return parts.scenario === scenario && parts.variant === mine
}

const askLab = connectCalls<LabCalls>(process, calls)

process.on('message', (message, socket) => {
  if (message !== 'connection') return
  // Null where the visitor hung up meanwhile.
  const visitor = socket as Socket | undefined
  if (!visitor) return
  silent.add(visitor)
  visitor.once('close', () => silent.delete(visitor))
  server.emit('connection', visitor)
  visitor.resume()
})
// A lab that has ended closes the channel, perhaps before this process could hear of it.
const endWithLab = (): never => process.exit(0)
process.on('disconnect', endWithLab)

const listen = (port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
const door = await listen(options.door).catch(() => listen(0))
await askLab('ready', door).catch(endWithLab)
