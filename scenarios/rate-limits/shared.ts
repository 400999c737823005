// What all the answers share: the knobs, who is asking, and how a decision is
// told over HTTP: RFC 9110 (Retry-After), RFC 9457 (problem+json) and
// https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/11/
import type { Context, Middleware } from 'koa'
import type { Json, Limiter, LuaStep, Step } from '#core/scenario'

export const limitKnobs = {
  limit: {
    says: 'requests that a client may make per window',
    default: 10,
    min: 1,
    max: 1000,
    unit: 'requests',
  },
  windowMs: {
    says: 'length of the window',
    default: 1000,
    min: 50,
    max: 60_000,
    unit: 'ms',
  },
} as const
export type Limit = { [Name in keyof typeof limitKnobs]: number }

/** A pure step, its twin in Lua, and how long a state matters. */
export interface Algorithm<State extends Json> {
  step: Step<State, Decision>
  lua: LuaStep
  ttlMs: number
}

/** What a step decides about one request. */
export type Decision = {
  allowed: boolean
  /** How many more requests it would admit right now. */
  remaining: number
  /** Milliseconds until it would admit one more than that. */
  moreAfterMs: number
  /** Milliseconds that an admitted request has to wait for its turn. */
  delayMs?: number
}

/** Knows a client by its key, or by its address where it sends none. */
export const identify: Middleware<{ client: string }> = (ctx, next) => {
  const key = ctx.get('X-Api-Key')
  if (key.length > 100) {
    return problem(ctx, 400, {
      title: 'API key too long',
      detail: `X-Api-Key has ${key.length} characters; 100 is the most.`,
    })
  }
  // The prefix keeps a key that looks like an address from being one.
  ctx.state.client = key ? `key:${key}` : `address:${ctx.ip}`
  return next()
}

/** Answers 200 or 429 and says what is left of the limit. */
export const answer = (ctx: Context, knobs: Limit, decision: Decision) => {
  const { limit, windowMs } = knobs
  const { allowed, remaining, moreAfterMs, delayMs } = decision

  // These headers know whole seconds only. Rounded up, they promise less than
  // there is, so that whoever believes them is never refused.
  const windowSeconds = Math.ceil(windowMs / 1000)
  const moreAfterSeconds = Math.ceil(moreAfterMs / 1000)
  ctx.set('RateLimit-Policy', `"default";q=${limit};w=${windowSeconds}`)
  ctx.set('RateLimit', `"default";r=${remaining};t=${moreAfterSeconds}`)
  if (allowed) {
    ctx.body = { remaining, ...(delayMs !== undefined && { delayMs }) }
    return
  }
  ctx.set('Retry-After', String(moreAfterSeconds))
  problem(ctx, 429, {
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Quota exceeded',
    detail: `The limit is ${limit} in ${windowMs} ms.`,
    'violated-policies': ['default'],
    retryAfterMs: moreAfterMs,
  })
}

/**
 * Answers with what the server remembers about a client once the request is
 * counted: `/state` takes the same step as any other request.
 */
export const showState =
  <State extends Json>(
    limiter: Limiter,
    { step, lua, ttlMs }: Algorithm<State>,
  ): Middleware<{ client: string }> =>
  async (ctx) => {
    const text = await limiter.update<State, string>(
      ctx.state.client,
      (old, nowMs) => {
        const { state } = step(old, nowMs)
        return { state, result: JSON.stringify(state) }
      },
      {
        ttlMs,
        lua: {
          source: `local function decide() ${lua.source} end
            local kept = decide()
            return kept, cjson.encode(kept)`,
          args: lua.args,
        },
      },
    )
    ctx.body = { bytes: text.length, state: JSON.parse(text) }
  }

const problem = (ctx: Context, status: number, members: object) => {
  ctx.status = status
  ctx.body = { status, ...members }
  ctx.type = 'application/problem+json'
}
