// The words that scenarios are written in: types, and functions that return what they are given.
// A scenario imports this file, its own folder and npm packages, and nothing else.
import type Router from '@koa/router'
import type { Traits } from './adapter.ts'
import type { Kind, Kinds } from './kinds/index.ts'

/** The one place where `any` is allowed: what a test client got, and variants of every shape. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any

/** A number that a learner may turn: a slider on the page, `~sessionTtlMs=200` in a setup id. */
export interface Knob {
  /** What it is, in a few words: "requests a client may make per window". */
  says: string
  default: number
  min: number
  max: number
  unit: 'ms' | 'requests' | 'bytes' | 'count' | 'percent'
}
export type Knobs = Record<string, Knob>

/** What every variant is given beside the kinds that it needs. */
export interface Tools<K extends Knobs> {
  /** The knobs' values: the defaults, or what the setup id says. */
  knobs: { readonly [Name in keyof K]: number }
  /** Milliseconds since epoch. */
  nowMs(): number
  /**
   * 32 random bytes to sign or encrypt with, different for each setup, the same for all of its
   * processes and after a restart.
   */
  secret: Uint8Array
}

/** One answer to a scenario's question: a small Koa program over the kinds that it needs. */
export interface Variant<Needs extends Kind, K extends Knobs> {
  title: string
  /** The idea in one sentence. */
  idea: string
  /** False for a variant that is wrong on purpose: it runs on loopback only. */
  safe?: boolean
  /** What it keeps things in; `['session']` puts `session` among its tools. */
  needs: readonly Needs[]
  knobs?: K
  /** Adds the variant's routes to `router`. Called once per process, before its first request. */
  mount(router: Router, tools: Pick<Kinds, Needs> & Tools<K>): void | Promise<void>
}
export type AnyVariant = Variant<Any, Any>

/** Returns `variant` as it is; the compiler checks it. */
export const defineVariant = <
  const Needs extends Kind,
  const K extends Knobs = Record<never, Knob>,
>(
  variant: Variant<Needs, K>,
): Variant<Needs, K> => variant

/** What came back for one request. */
export interface Answer {
  status: number
  headers: Headers
  /** The body as text. */
  text: string
  /** The body parsed; undefined where it is no JSON. */
  json: Any
  /** When the request was sent and when its answer was complete, in milliseconds since epoch. */
  sentAtMs: number
  doneAtMs: number
}

/** One browser or app: it keeps its cookies and headers from request to request. */
export interface Client {
  /** Sent with every request; change it freely, e.g. `client.headers.authorization = …`. */
  headers: Record<string, string>
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  /** Sends `body` as JSON. */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  send(request: Request): Promise<Answer>
  /** The value of a cookie that the client holds; undefined if it holds none of that name. */
  cookie(name: string): string | undefined
  /** Puts a cookie into the client's hands, as a thief or an attacker would. */
  setCookie(name: string, value: string): void
  /** Another client that holds what this one holds now: a stolen copy. */
  copy(options?: { worker?: number }): Client
}

/** A request as data. `path` is relative to the setup: `/me`. */
export interface Request {
  method: string
  path: string
  headers?: Record<string, string>
  /** Sent as JSON; a string is sent as it is. */
  body?: unknown
}

/** What an exercise may do. `Names` are the knobs that it reads. */
export interface Hands<Names extends string = never> {
  /**
   * A new client with an empty cookie jar. All clients talk to the same server process, unless
   * `worker` (from 1, up to the claim's `workers`) names another.
   */
  client(options?: { worker?: number }): Client
  /** The knobs' values in the setup under test. */
  knobs: { readonly [Name in Names]: number }
  /** Not the claim's business, but needed to judge it: if not `ok` the verdict is `unknown`. */
  assume(ok: boolean, because: string): void
  /** The claim itself: if not `ok` the verdict is `breaks`. `because` says what was seen. */
  expect(ok: boolean, because: string): void
  /** Adds a line to the transcript. */
  note(text: string): void
  /** Waits, in real time. */
  waitMs(ms: number): Promise<void>
  /** Stops all server processes in good order and starts them again. */
  restart(): Promise<void>
  /** Kills one server process without warning (from 1; 1 if left out) and waits for its successor. */
  kill(worker?: number): Promise<void>
}

/**
 * A scripted client: a probe, an attack, a walk-through. Ends well if what it looked for holds;
 * `expect` and `assume` end it early; anything it throws makes the verdict `unknown`.
 */
export type Exercise<Names extends string = never> = (hands: Hands<Names>) => Promise<void>

/** A sentence that a learner could bet on, how to find out, and who keeps it. */
export interface Claim<Name extends string, Names extends string = string> {
  says: string
  exercise: (hands: Hands<Any>) => Promise<void>
  /**
   * The variants that keep the claim; the others must break it. As a function where the backend
   * decides too; `traits` are those that all backends of the setup have together, and all true for
   * a setup that needs none.
   */
  heldBy: readonly Name[] | ((of: { variant: Name; traits: Traits }) => boolean)
  /** Server processes that the exercise needs; 1 if left out. */
  workers?: number
  /** Judged by time, memory or processor: the prover runs nothing else meanwhile. */
  alone?: true
  /** Somebody tries to get what is not theirs. */
  attack?: true
  /**
   * Knobs to prove it with, where the exercise could not tell with others or the defaults would take
   * too long. They win over those that a setup names.
   */
  knobs?: Partial<Record<Names, number>>
  /**
   * The line that decides it, by variant, as it stands in the variant's source: what stops an attack, or
   * lets it through. The page shows it beside the verdict.
   */
  lines?: Partial<Record<Name, string>>
}
export type AnyClaim = Claim<Any, Any>

/** What a measurement or a hand-made load sends, as plain data. */
export interface Workload {
  says: string
  /** Brings `client` into the state that the requests need, e.g. signs it in. */
  prepare?(client: Client): Promise<void>
  /** The requests, sent over and over in this order with what `client` holds. */
  requests(client: Client): Request[]
  /**
   * A judge of the answers of one measurement, told every answer in the order in which they came.
   * It says `right`, `wrong`, or in one word what else is to be counted, such as `refused` or
   * `stale`. A measurement with one `wrong` answer counts for nothing. Without a judge any 2xx is
   * right.
   */
  judge?(): (seen: Seen) => string
}

/** One answer as a judge sees it. */
export interface Seen {
  request: Request
  status: number
  text: string
  /** When it was sent and when its answer was complete, by one clock. */
  sentMs: number
  doneMs: number
}

/** The names of all knobs that any of the variants has. */
type KnobsOf<V> = {
  [Name in keyof V]: V[Name] extends Variant<Any, infer K> ? Extract<keyof K, string> : never
}[keyof V]

/** Which of two serves more requests: two of which people tend to guess wrong. */
export interface Duel<Name extends string> {
  between: readonly [Name, Name]
  /** What each does that matters, in two sentences that are true whichever way it turns out here. */
  because: string
  /** The line of each at which to look, or a part of it, as it stands in the variant's source. */
  lines: readonly [string, string]
}

/** A question about backends, with several answers that run. */
export interface Scenario<V extends Record<string, AnyVariant>> {
  title: string
  question: string
  /** The id of the chapter of `scenarios.config.ts` that it is written for, and that lists it. */
  chapter: string
  /** The metric that answers the question. */
  primary: 'p99' | 'throughput' | 'cpu' | 'bytes' | 'backend-calls'
  /** How long the lesson takes with what it says to try. */
  minutes?: number
  /** 1: for a first look, 2: some backend work behind you, 3: you have been bitten before. */
  difficulty?: 1 | 2 | 3
  variants: V
  claims: Record<string, Claim<Extract<keyof V, string>, KnobsOf<V>>>
  /** The bet that a first visitor is offered. */
  duel?: Duel<Extract<keyof V, string>>
  workloads?: Record<string, Workload>
}
export type AnyScenario = Scenario<Record<string, AnyVariant>> & {
  /** Present where a learner has made something of one of the variants: it is the variant `mine`. */
  mine?: Mine
}

/** The learner's own variant; with a problem it is not among the variants. */
export interface Mine {
  basedOn: string
  /** ISO 8601. */
  savedAt: string
  /** Another one with every other text. */
  version: string
  problem?: { message: string; line?: number | undefined; column?: number | undefined }
}

/** Returns `scenario` as it is; the compiler checks it. */
export const defineScenario = <V extends Record<string, AnyVariant>>(
  scenario: Scenario<V>,
): Scenario<V> => scenario

export type { Traits } from './adapter.ts'
export type {
  Cache,
  Db,
  JobReport,
  Json,
  Kind,
  Limiter,
  LuaStep,
  Queue,
  RunningJob,
  Session,
  SessionData,
  Statements,
  Step,
} from './kinds/index.ts'
