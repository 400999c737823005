// A lab: N server processes that share one port and serve every setup. This is the only way in
// which servers are started; the page, the prover, benchmarks and tests all call startLab.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { adapterIndex, home, loadScenario, scenarioIds } from '../course/find.ts'
import { mine } from '../course/mine.ts'
import { type Backends, parseSetup, resolveSetup, type Setup } from '../course/setup.ts'
import { SeesawError } from '../errors.ts'
import { openDataFolder } from '../files/data-folder.ts'
import { type Kept, keepFolder } from '../files/throw-away.ts'
import { removeLeftovers, throwAwayPrefix } from './leftovers.ts'
import { createServers, type Servers } from './servers.ts'
import { startTeam } from './team.ts'
import type { Toggle, WorkerMeter, WorkerOptions } from './worker.ts'

export interface LabOptions {
  /** Server processes; 1 if left out. */
  workers?: number
  /** The shared port; any free one if left out or 0. */
  port?: number
  /** The address to listen on; another than loopback is refused while an unsafe variant can run. */
  host?: string
  /** Says in so many words that unsafe variants may be reached from other machines. */
  exposeUnsafeVariants?: boolean
  /** The backend of each kind where an address does not name one; memory for those left out. */
  backends?: Backends
  /** Serve these scenarios and no others. */
  only?: string[]
  /** Where data is kept; a throw-away folder if left out. */
  dataFolder?: string
  /** Where scenarios are; Seesaw's own if left out. */
  scenariosFolder?: string
  /** Addresses of servers by backend, from the configuration. */
  urls?: Record<string, string>
  /** Choices to begin with, by scenario, as `choices()` returned them. */
  choices?: Record<string, Choice>
}

/** What a learner has chosen for the `live` address of a scenario; the rest is as by default. */
export interface Choice {
  variant?: string | undefined
  backends: Record<string, string>
  knobs: Record<string, string>
}

export interface Lab {
  /** `http://127.0.0.1:3001` */
  url: string
  /** The address of each process's own port, in the order of their indices. */
  doors: string[]
  pids(): number[]
  /** Looks a setup id up. Throws SETUP_MALFORMED, VARIANT_NOT_FOUND and the like. */
  resolve(setup: string): Promise<Setup>
  /** What `live` serves, by scenario. */
  live(): Promise<Record<string, string>>
  choices(): Record<string, Choice>
  /**
   * Changes what a scenario's `live` address serves, on all processes, without losing a request;
   * null sets it back. Returns when every process has acknowledged; nothing changes where one
   * cannot serve it.
   */
  toggle(scenario: string, change: Partial<Choice> | null): Promise<{ setup: string; ms: number }>
  /** Empties a setup's namespace. */
  reset(setup: string): Promise<void>
  /**
   * Serves a scenario's `mine` as it is now, on all processes; nothing else is disturbed. Where
   * `live` was it and it is gone or does not run, `live` is as by default again.
   */
  reload(scenario: string): Promise<void>
  /** What each process has done since it began; one that does not answer within 1 s is left out. */
  readMeter(): Promise<WorkerMeter[]>
  /** Stops all processes in good order and starts them again. */
  restart(): Promise<void>
  /** Kills the process of this index (from 1) without warning and waits for its successor. */
  kill(index: number): Promise<void>
  doctor: Servers['doctor']
  locate: Servers['locate']
  environment: Servers['environment']
  stop(): Promise<void>
}

/** A process that is busy does not keep those who ask for all of them waiting. */
const meterWithinMs = 1_000

/**
 * Starts a lab. Throws PORT_IN_USE, DATA_FOLDER_UNUSABLE, UNSAFE_BIND_REFUSED, WORKER_FAILED.
 * Whoever starts one stops it.
 */
export const startLab = async (options: LabOptions = {}): Promise<Lab> => {
  const scenariosFolder = options.scenariosFolder ?? join(home, 'scenarios')
  const host = options.host ?? '127.0.0.1'
  if (!isLoopback(host) && !options.exposeUnsafeVariants)
    await refuseUnsafe(host, scenariosFolder, options.only)
  const kept = options.dataFolder === undefined ? keepFolder('lab') : undefined
  const data = openDataFolder(options.dataFolder ?? (kept as Kept).folder)
  const prefix = kept ? throwAwayPrefix(data.prefix, Date.now()) : data.prefix
  const servers = createServers(options.urls ? { urls: options.urls } : {})
  const choices = new Map<string, Choice>(Object.entries(options.choices ?? {}))
  const toggles = new Map<string, Toggle>()

  const resolve = async (text: string): Promise<Setup> => {
    const parts = parseSetup(text)
    const scenario = await loadScenario(parts.scenario, scenariosFolder)
    const defaults = { ...options.backends, ...toggles.get(parts.scenario)?.backends }
    return resolveSetup(parts, scenario, { adapters: adapterIndex, defaults })
  }

  const chosen = async (id: string, choice: Choice): Promise<Setup> => {
    const scenario = await loadScenario(id, scenariosFolder)
    const [first = ''] = Object.keys(scenario.variants)
    const variant = choice.variant ?? first
    const parts = { scenario: id, variant, backends: choice.backends, knobs: choice.knobs }
    // A choice outlives a flip to a variant that has no use for it, and counts again afterwards.
    const known = scenario.variants[variant]
    if (known) {
      parts.backends = pick(choice.backends, known.needs as string[])
      parts.knobs = pick(choice.knobs, Object.keys(known.knobs ?? {}))
    }
    return resolveSetup(parts, scenario, {
      adapters: adapterIndex,
      defaults: options.backends ?? {},
    })
  }

  for (const [id, choice] of choices)
    try {
      toggles.set(id, { setup: (await chosen(id, choice)).id, backends: choice.backends })
    } catch {
      // Chosen before the scenario was changed or removed: as by default again.
      choices.delete(id)
    }

  const team = await startTeam({
    size: options.workers ?? 1,
    describe: (index, door): WorkerOptions => ({
      index,
      door,
      prefix,
      folder: data.folder,
      signingKey: data.signingKey.toString('hex'),
      scenariosFolder,
      host,
      only: options.only ?? null,
      defaults: options.backends ?? {},
      toggles: Object.fromEntries(toggles),
    }),
    locate: servers.locate,
  }).catch(async (error: unknown) => {
    await kept?.stop()
    throw error
  })
  const listener = await listen(options.port ?? 0, host, team.give).catch(
    async (error: unknown) => {
      await team.stop()
      await kept?.stop()
      throw error
    },
  )
  const { port } = listener.address() as AddressInfo

  // One after another, so that all processes end up with the same.
  let lastToggle: Promise<unknown> = Promise.resolve()
  const toggle = async (id: string, change: Partial<Choice> | null) => {
    const beganMs = performance.now()
    const before = choices.get(id)
    const choice: Choice = {
      ...(change && before?.variant ? { variant: before.variant } : {}),
      ...(change?.variant === undefined ? {} : { variant: change.variant }),
      backends: change ? { ...before?.backends, ...change.backends } : {},
      knobs: change ? { ...before?.knobs, ...change.knobs } : {},
    }
    // What is asked for now must be right for this variant; what was asked before may rest.
    if (change) await resolve(await spell(id, choice.variant, change, scenariosFolder))
    const setup = await chosen(id, choice)
    await team.askAll('prepare', setup.id)
    const toggle = change ? { setup: setup.id, backends: choice.backends } : null
    if (toggle) {
      choices.set(id, choice)
      toggles.set(id, toggle)
    } else {
      choices.delete(id)
      toggles.delete(id)
    }
    await team.askAll('toggle', { scenario: id, toggle })
    return { setup: setup.id, ms: performance.now() - beganMs }
  }

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    doors: team.doors,
    pids: team.pids,
    resolve,
    choices: () => Object.fromEntries(choices),

    async live() {
      const ids = scenarioIds(scenariosFolder).filter((id) => options.only?.includes(id) ?? true)
      const none = { backends: {}, knobs: {} }
      const entries = await Promise.all(
        ids.map(async (id) => {
          const setup = await chosen(id, choices.get(id) ?? none).catch(() => undefined)
          return setup ? [[id, setup.id] as const] : []
        }),
      )
      return Object.fromEntries(entries.flat())
    },

    toggle(id, change) {
      const next = lastToggle.then(() => toggle(id, change))
      lastToggle = next.catch(() => {})
      return next
    },

    async reset(setup) {
      await team.askAll('reset', (await resolve(setup)).id)
    },

    async reload(id) {
      await team.askAll('reload', id)
      if (choices.get(id)?.variant !== mine) return
      const next = lastToggle.then(() => toggle(id, {}).catch(() => toggle(id, null)))
      lastToggle = next.catch(() => {})
      await next
    },

    readMeter: () => team.askThoseThatAnswer('readMeter', null, meterWithinMs),
    restart: team.restart,
    kill: team.kill,
    doctor: servers.doctor,
    locate: servers.locate,
    environment: servers.environment,

    async stop() {
      // Not awaited: it calls back only when the processes have closed what they were handed.
      listener.close()
      await team.stop()
      if (kept) await removeLeftovers(await servers.others(), prefix)
      await servers.stop()
      await kept?.stop()
    },
  }
}

const pick = (all: Record<string, string>, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)))

/** The setup id that says what a change asks for, so that what is wrong with it is found. */
const spell = async (
  id: string,
  variant: string | undefined,
  change: Partial<Choice>,
  scenariosFolder: string,
): Promise<string> => {
  const [first = ''] = Object.keys((await loadScenario(id, scenariosFolder)).variants)
  const pairs = (mark: string, all: Record<string, string> = {}) => {
    const entries = Object.entries(all).map(([name, value]) => `${name}=${value}`)
    return entries.length > 0 ? `${mark}${entries.join(',')}` : ''
  }
  return `${id}/${variant ?? first}${pairs('@', change.backends)}${pairs('~', change.knobs)}`
}

/** Whether only this machine reaches what listens there. */
export const isLoopback = (host: string): boolean =>
  /^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(host)

const refuseUnsafe = async (host: string, folder: string, only?: string[]): Promise<void> => {
  for (const id of scenarioIds(folder).filter((id) => only?.includes(id) ?? true)) {
    const scenario = await loadScenario(id, folder)
    const unsafe = Object.keys(scenario.variants).find((v) => scenario.variants[v]?.safe === false)
    if (unsafe)
      throw new SeesawError(
        'UNSAFE_BIND_REFUSED',
        `${host} can be reached from other machines, and ${id}/${unsafe} is unsafe on purpose. Listen ` +
          'on 127.0.0.1, or say --expose-unsafe-variants.',
      )
  }
}

/** Takes connections and hands each to `give`; it never closes while the lab runs, so visitors wait
    rather than fail while processes are replaced. */
const listen = (port: number, host: string, give: (socket: Socket) => void): Promise<Server> =>
  new Promise((resolve, reject) => {
    const listener = createServer({ pauseOnConnect: true, noDelay: true }, give)
    listener.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new SeesawError('PORT_IN_USE', portInUse(port), { cause })
          : new SeesawError('WRONG_USE', `Cannot listen on ${host}:${port}: ${cause.message}.`, {
              cause,
            }),
      ),
    )
    listener.listen(port, host, () => resolve(listener))
  })

/** What to say when a port is taken. */
export const portInUse = (port: number): string =>
  `Port ${port} is in use, perhaps by another Seesaw; stop that, or choose another port with --port and --lab-port.`
