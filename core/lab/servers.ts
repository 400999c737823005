// Where a backend's server comes from: the address in the environment or the configuration, else
// one that answers on its usual port, else a program on this machine, started for as long as the
// lab runs, else nowhere, with the reason and the remedy. A backend is never replaced by another.
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Backend, ServerBackend } from '../adapter.ts'
import { backendNames, loadBackend } from '../course/find.ts'
import { SeesawError } from '../errors.ts'
import { type Kept, keepFolder } from '../files/throw-away.ts'

/** What the doctor says of one backend. */
export interface BackendReport {
  name: string
  status: 'ready' | 'startable' | 'unavailable'
  /** How it was or would be reached: "inside the process", "REDIS_URL", "/usr/bin/redis-server". */
  via: string
  /** Empty where it is not known. */
  version: string
  /** Why it is not ready; empty where it is. */
  reason: string
  /** What would make it ready; empty where it is. */
  remedy: string
}

export interface Servers {
  /**
   * Returns the address of the backend's server, starting one if need be; '' for a backend inside
   * the process. Throws BACKEND_UNAVAILABLE with the reason and the remedy.
   */
  locate(backend: string): Promise<string>
  /** The servers in use that were not started here, and may be somebody's. */
  others(): Promise<{ backend: ServerBackend; url: string }[]>
  /** The addresses of the servers in use, as environment variables for another process. */
  environment(): Promise<Record<string, string>>
  /** Looks at every backend, or at those named, and starts nothing. */
  doctor(names?: readonly string[]): Promise<BackendReport[]>
  /** Stops what was started. */
  stop(): Promise<void>
}

const startedFrom = 'started from '
const readyWithinMs = 30_000
const rememberFailureMs = 2_000

/** `urls`: addresses by backend, from the configuration. `allowStart`: false forbids starting servers. */
export const createServers = (
  options: { urls?: Record<string, string>; allowStart?: boolean } = {},
): Servers => {
  const located = new Map<string, Promise<{ url: string; via: string }>>()
  const kept: Kept[] = []
  let stopping = false

  const locate = (backend: string): Promise<{ url: string; via: string }> => {
    const known = located.get(backend)
    if (known) return known
    const looking = find(backend)
    located.set(backend, looking)
    // A failure is remembered for a moment, so that a burst of requests asks only once.
    looking.catch(() => setTimeout(() => located.delete(backend), rememberFailureMs).unref())
    return looking
  }

  const find = async (name: string): Promise<{ url: string; via: string }> => {
    const backend = await loadBackend(name)
    const report = await look(name, backend, options)
    if (report.status === 'ready') return { url: report.url, via: report.via }
    if (report.status === 'startable' && backend && 'launch' in backend && !stopping)
      return { url: await start(name, backend, report.via), via: `${startedFrom}${report.via}` }
    throw new SeesawError(
      'BACKEND_UNAVAILABLE',
      `${backend?.title ?? name} is not available here: ${report.reason}. To change that: ${report.remedy}.`,
    )
  }

  const start = async (name: string, backend: ServerBackend, binary: string): Promise<string> => {
    const { url, server } = await launch(name, backend, binary)
    kept.push(server)
    return url
  }

  return {
    locate: async (backend) => (await locate(backend)).url,

    async others() {
      const found: { backend: ServerBackend; url: string }[] = []
      for (const [name, looking] of located) {
        const backend = await loadBackend(name)
        const here = await looking.catch(() => undefined)
        if (here?.url && backend && 'launch' in backend && !here.via.startsWith(startedFrom))
          found.push({ backend, url: here.url })
      }
      return found
    },

    async environment() {
      const found: Record<string, string> = {}
      for (const [name, looking] of located) {
        const backend = await loadBackend(name)
        const here = await looking.catch(() => undefined)
        if (here?.url && backend && 'launch' in backend) found[backend.urlVariable] = here.url
      }
      return found
    },

    doctor: (names = backendNames) =>
      Promise.all(
        names.map(async (name) => {
          const backend = await loadBackend(name)
          const here = await located.get(name)?.catch(() => undefined)
          const urls = here?.url ? { [name]: here.url } : options.urls
          const { url: _, ...report } = await look(name, backend, {
            ...options,
            ...(urls ? { urls } : {}),
          })
          return here?.url && report.status === 'ready' ? { ...report, via: here.via } : report
        }),
      ),

    async stop() {
      stopping = true
      await Promise.allSettled(located.values())
      await Promise.all(kept.map((server) => server.stop()))
    },
  }
}

/** Runs a server in a throw-away folder on a free port. Throws BACKEND_UNAVAILABLE. */
const launch = async (
  name: string,
  backend: ServerBackend,
  binary: string,
): Promise<{ url: string; server: Kept }> => {
  const port = await freePort()
  let url = ''
  const server = keepFolder(name, (folder) => {
    const launch = backend.launch({ binary, folder, port })
    url = launch.url
    return launch
  })
  const failure = await Promise.race([server.failed, answers(backend, url)])
  if (failure === undefined) return { url, server }
  await server.stop()
  throw new SeesawError(
    'BACKEND_UNAVAILABLE',
    `${binary} was started but cannot be used: ${failure}. To change that: ${backend.remedy}.`,
  )
}

/** A server that nobody else uses, to be taken away and brought back. */
export interface OwnServer {
  /** The environment variable that names its address, and the address. */
  variable: string
  url: string
  /** Kills it without warning, as a crash would; it stays away. */
  kill(): Promise<void>
  /** Brings it back on the same port over the same files; returns when it answers. */
  heal(): Promise<void>
  /** Stops it and removes what it kept. */
  stop(): Promise<void>
}

/**
 * Finds the program that would be started for `name` and returns what starts it: a server of its own,
 * whatever else runs on this machine. Throws BACKEND_UNAVAILABLE.
 */
export const findOwnServer = async (name: string): Promise<() => Promise<OwnServer>> => {
  const backend = await loadBackend(name)
  if (!backend || !('launch' in backend))
    throw new SeesawError('BACKEND_UNAVAILABLE', `${backend?.title ?? name} is no server.`)
  const binary = findBinary(backend)
  if (binary === undefined)
    throw new SeesawError(
      'BACKEND_UNAVAILABLE',
      `A ${backend.title} that may be killed has to be started here, and no ` +
        `${backend.binaries.join(' or ')} is installed. To change that: ${backend.remedy}.`,
    )
  return async () => {
    const { url, server } = await launch(name, backend, binary)
    return {
      variable: backend.urlVariable,
      url,
      kill: server.kill,
      async heal() {
        server.start()
        const failure = await Promise.race([server.failed, answers(backend, url, 20)])
        if (failure === undefined) return
        throw new SeesawError(
          'BACKEND_UNAVAILABLE',
          `${binary} was killed and does not come back: ${failure}.`,
        )
      },
      stop: server.stop,
    }
  }
}

/** Looks at one backend without starting anything. */
const look = async (
  name: string,
  backend: Backend | undefined,
  { urls = {}, allowStart = true }: { urls?: Record<string, string>; allowStart?: boolean },
): Promise<BackendReport & { url: string }> => {
  const ready = (via: string, version: string, url = '') =>
    ({ name, status: 'ready', via, version, reason: '', remedy: '', url }) as const
  const not = (via: string, reason: string, remedy: string) =>
    ({ name, status: 'unavailable', via, version: '', reason, remedy, url: '' }) as const

  if (!backend) return ready('inside the process', '')
  if (!('launch' in backend))
    return backend.version().then(
      (version) => ready('inside the process', version),
      (error: unknown) =>
        not('inside the process', messageOf(error), 'run npm ci again on this machine'),
    )

  // A white space around it some drivers take for a part of it, and others do not.
  const fromEnvironment = process.env[backend.urlVariable]?.trim()
  const fromConfig = urls[name]?.trim()
  const named = fromEnvironment
    ? { via: backend.urlVariable, url: fromEnvironment }
    : fromConfig
      ? { via: 'scenarios.config.ts', url: fromConfig }
      : undefined
  if (named)
    return backend.probe(named.url).then(
      (version) => ready(named.via, version, named.url),
      (error: unknown) =>
        not(
          named.via,
          messageOf(error),
          refuses(error)
            ? `change what that server refuses, or the address in ${named.via}`
            : `start that server, or unset ${named.via}`,
        ),
    )

  const { host } = new URL(backend.defaultUrl)
  let refusal: string | undefined
  try {
    return ready(
      `answering on ${host}`,
      await backend.probe(backend.defaultUrl),
      backend.defaultUrl,
    )
  } catch (error) {
    if (refuses(error)) refusal = messageOf(error)
  }

  const binary = findBinary(backend)
  if (!binary || !allowStart)
    return not(
      '',
      `${refusal ?? `no server answers on ${host}`}${
        binary
          ? ', and none may be started'
          : `, and no ${backend.binaries.join(' or ')} is installed`
      }`,
      refusal ? `set ${backend.urlVariable} to an address that it accepts` : backend.remedy,
    )
  return {
    name,
    status: 'startable',
    via: binary,
    version: await versionOf(binary),
    reason: refusal
      ? `${refusal}; another one is started when a setup asks for it`
      : 'not running; it is started when a setup asks for it',
    remedy: '',
    url: '',
  }
}

/** Whether a server answered, and would not do what Seesaw needs. */
const refuses = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'BACKEND_UNAVAILABLE'

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message.replace(/\.$/, '') : String(error)

const findBinary = (backend: ServerBackend): string | undefined => {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
    ...(backend.folders?.() ?? []),
  ]
  const candidates = backend.binaries.flatMap((name) => folders.map((folder) => join(folder, name)))
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

const versionOf = async (binary: string): Promise<string> => {
  const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: 3000 }).catch(
    () => ({ stdout: '' }),
  )
  return /\d+(\.\d+)+/.exec(stdout)?.[0] ?? ''
}

/** Waits until the server answers; returns undefined then, or why it did not. */
const answers = async (
  backend: ServerBackend,
  url: string,
  everyMs = 100,
): Promise<string | undefined> => {
  const untilMs = Date.now() + readyWithinMs
  for (;;) {
    const failure = await backend.probe(url).then(() => undefined, messageOf)
    if (failure === undefined || Date.now() > untilMs) return failure
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

/** A port of the loopback interface that nobody uses at this moment. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
    probe.on('error', reject)
  })
