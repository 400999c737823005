// What a server remembers about the people who are signed in.
import type { Json } from './json.ts'

/** Whose session it is, and whatever else the server wants to remember for as long as it lasts. */
export interface SessionData {
  readonly userId: string
  readonly [name: string]: Json
}

/** Keeps session data under ids that the caller has made up and that nobody can guess. */
export interface Session {
  /**
   * Stores `data` under `id` for `ttlMs` milliseconds, in the place of whatever was there.
   * Throws BACKEND_UNREACHABLE.
   */
  create(id: string, data: SessionData, options: { ttlMs: number }): Promise<void>

  /**
   * Returns what is stored under `id`; undefined if there is none, or it was deleted, or its time
   * has passed. Throws BACKEND_UNREACHABLE.
   */
  get(id: string): Promise<SessionData | undefined>

  /**
   * Puts `data`, of the same user, in the place of what is stored under `id` and leaves its end of
   * life alone. Does nothing where there is no such session, so that it cannot bring back one that
   * was deleted meanwhile; returns whether there was one. Throws BACKEND_UNREACHABLE.
   */
  replace(id: string, data: SessionData): Promise<boolean>

  /**
   * Lets the session end `ttlMs` milliseconds from now; does nothing where there is no such
   * session; returns whether there was one. Throws BACKEND_UNREACHABLE.
   */
  touch(id: string, options: { ttlMs: number }): Promise<boolean>

  /** Forgets `id`; an unknown one is no error. Throws BACKEND_UNREACHABLE. */
  delete(id: string): Promise<void>

  /**
   * Returns the ids of all living sessions of a user, in no order; empty if there are none.
   * Throws BACKEND_UNREACHABLE.
   */
  idsOf(userId: string): Promise<string[]>
}
