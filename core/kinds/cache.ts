// A cache: values under keys, each with an optional end of life.
import type { Json } from './json.ts'

/** Keeps JSON values under string keys. Any string is a key, also an empty one or one with a NUL. */
export interface Cache {
  /**
   * Returns the value last stored under `key`; undefined if there is none, or it was deleted, or
   * its `ttlMs` has passed. Throws BACKEND_UNREACHABLE.
   */
  get<Value extends Json>(key: string): Promise<Value | undefined>

  /**
   * Stores `value` under `key` for `ttlMs` milliseconds; without it, until deleted.
   * Throws BACKEND_UNREACHABLE.
   */
  set(key: string, value: Json, options?: { ttlMs?: number }): Promise<void>

  /** Forgets `key`; a key that was never set is no error. Throws BACKEND_UNREACHABLE. */
  delete(key: string): Promise<void>
}
