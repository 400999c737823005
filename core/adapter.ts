// The words that adapters are written in. An adapter keeps one kind on one backend:
// `adapters/<kind>/<backend>.ts` exports it by default. A backend that is more than a folder or a
// Map has a file of its own, `adapters/connections/<backend>.ts`, that exports a Backend by default.
import type { Kind, Kinds } from './kinds/index.ts'

/** Facts about an adapter, each tested both ways: one that is false has a test that shows the lack. */
export interface Traits {
  /** What one server process stores the others see. */
  sharedBetweenProcesses: boolean
  /** What was stored before a restart of the server processes is there after it. */
  survivesRestart: boolean
}

/** Where an adapter is to keep things. */
export interface Place {
  /**
   * Begins every key, table row or file name that belongs here and to nobody else: letters,
   * digits and `:._-@=,~/`, at most 300 characters.
   */
  namespace: string
  /** An existing folder for files, absolute. */
  folder: string
  /** The server's address; empty for backends that need none. */
  url: string
  /** Milliseconds since epoch; may step backwards. */
  nowMs(): number
}

export interface Adapter<K extends Kind> {
  traits: Traits
  /** Throws BACKEND_UNREACHABLE where the server does not answer. */
  open(place: Place): Promise<Opened<K>>
}

/** A kind, ready to use, and the two things that only its owner does. */
export type Opened<K extends Kind> = Kinds[K] & {
  /** Empties the namespace and touches nothing else. */
  clear(): Promise<void>
  /** Lets go of everything that `open` took; what is stored stays stored where the traits say so. */
  close(): Promise<void>
}

/** Returns `adapter` as it is; the compiler checks it: `defineAdapter<'cache'>({ … })`. */
export const defineAdapter = <K extends Kind>(adapter: Adapter<K>): Adapter<K> => adapter

/** A program to run, without a shell. */
export interface Command {
  file: string
  args: string[]
  /** Added to the environment. */
  env?: Record<string, string>
  /** Run as this user; left out: as the one who runs Seesaw. */
  uid?: number
  gid?: number
}

/** A backend inside the process. */
export interface EmbeddedBackend {
  title: string
  /** Returns the version of what does the work; throws with the reason where it cannot run here. */
  version(): Promise<string>
}

/** A backend that is a server: where one may be found, and how one is started. */
export interface ServerBackend {
  title: string
  /** The environment variable that names a server: `REDIS_URL`. */
  urlVariable: string
  /** Where a server usually listens: `redis://127.0.0.1:6379`. */
  defaultUrl: string
  /** Returns the version of the server at `url`; throws within 2 s where none can be used. */
  probe(url: string): Promise<string>
  /** True for what a driver throws when its server is gone, and false for what a query did wrong. */
  isUnreachable(error: unknown): boolean
  /**
   * Removes all that was stored under a namespace of which `isLeft` says so, in every kind; whatever
   * begins with `seesaw:once-` is asked about. Throws BACKEND_UNREACHABLE.
   */
  forget(url: string, isLeft: (namespace: string) => boolean): Promise<void>
  /** Programs that can be started, best first; looked for in the PATH and in `folders`. */
  binaries: readonly string[]
  /** Further folders in which the programs may be, best first. */
  folders?: () => readonly string[]
  /**
   * How to start `binary` on loopback at `port` with everything it writes inside `folder`, which
   * exists, is empty and goes away afterwards. `before` runs to its end first, one after another.
   */
  launch(of: { binary: string; folder: string; port: number }): {
    before?: Command[]
    server: Command
    url: string
  }
  /** The one command or setting that would make it available. */
  remedy: string
}

export type Backend = EmbeddedBackend | ServerBackend

/** Returns `backend` as it is; the compiler checks it. */
export const defineBackend = <B extends Backend>(backend: B): B => backend

/**
 * Spells any string so that every backend can store it and no two strings meet: without NUL,
 * control characters and lone surrogates. Plain keys stay as they are.
 */
export const wellFormed = (key: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
  /[\0-\x1f"\\\ud800-\udfff]/.test(key) ? JSON.stringify(key).slice(1, -1) : key

const counts: Record<string, number> = {}

/** Counts one true round trip to a backend's server; called by `adapters/connections`. */
export const countRoundTrip = (backend: string): void => {
  counts[backend] = (counts[backend] ?? 0) + 1
}

/** Round trips of this process so far, by backend; a backend never asked is absent. */
export const roundTrips = (): Readonly<Record<string, number>> => counts

export { SeesawError } from './errors.ts'
