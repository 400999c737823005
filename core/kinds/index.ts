// What a variant may ask for. A kind is a small contract; an adapter keeps it on one backend.
import type { Cache } from './cache.ts'
import type { Db } from './db.ts'
import type { Limiter } from './limiter.ts'
import type { Queue } from './queue.ts'
import type { Session } from './session.ts'

/** Every kind by name: the name is what a variant writes in `needs` and finds in its tools. */
export interface Kinds {
  cache: Cache
  session: Session
  limiter: Limiter
  queue: Queue
  db: Db
}

export type Kind = keyof Kinds

/** The same names at run time, in the order in which setups print them. */
export const kinds = [
  'cache',
  'session',
  'limiter',
  'queue',
  'db',
] as const satisfies readonly Kind[]

/** What keeps a kind where neither an address nor a toggle nor the configuration says so. */
export const fallback: Readonly<Record<Kind, string>> = {
  cache: 'memory',
  session: 'memory',
  limiter: 'memory',
  queue: 'memory',
  db: 'sqlite',
}

export type { Cache } from './cache.ts'
export type { Db, SqlValue, Statements } from './db.ts'
export type { Json } from './json.ts'
export type { Limiter, LuaStep, Step } from './limiter.ts'
export type { JobReport, JobState, Queue, RunningJob, Work, WorkOptions } from './queue.ts'
export type { Session, SessionData } from './session.ts'
