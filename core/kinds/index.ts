// What a variant may ask for. A kind is a small contract; an adapter keeps it on one backend.
import type { Cache } from './cache.ts'
import type { Limiter } from './limiter.ts'
import type { Session } from './session.ts'

/** Every kind by name: the name is what a variant writes in `needs` and finds in its tools. */
export interface Kinds {
  cache: Cache
  session: Session
  limiter: Limiter
}

export type Kind = keyof Kinds

/** The same names at run time, in the order in which setups print them. */
export const kinds = ['cache', 'session', 'limiter'] as const satisfies readonly Kind[]

/** What `JSON.parse` can return. Every kind keeps JSON and nothing else. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json }

export type { Cache } from './cache.ts'
export type { Limiter, LuaStep, Step } from './limiter.ts'
export type { Session, SessionData } from './session.ts'
