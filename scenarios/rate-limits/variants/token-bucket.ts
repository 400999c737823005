// Token bucket: a client has a bucket that fills evenly up to the limit, and
// every request takes one token out of it. What it saved up it may spend at
// once. RFC 2697 §3, https://stripe.com/blog/rate-limiters
import { defineVariant } from '#core/scenario'
import {
  type Algorithm,
  answer,
  identify,
  type Limit,
  limitKnobs,
  showState,
} from '../shared.ts'

type Bucket = { level: number; atMs: number }

export const tokenBucket = ({ limit, windowMs }: Limit): Algorithm<Bucket> => ({
  step(old, nowMs) {
    // A fraction of a token would be rounded. In drops every number is whole:
    // each ms brings as many drops as the limit, and a token is windowMs drops.
    const full = limit * windowMs
    // While a clock that was set back catches up, nothing drips.
    const atMs = Math.max(old?.atMs ?? 0, nowMs)
    const before = old
      ? Math.min(full, old.level + (atMs - old.atMs) * limit)
      : full

    const allowed = before >= windowMs
    const level = allowed ? before - windowMs : before
    const remaining = Math.floor(level / windowMs)
    const missing = (remaining + 1) * windowMs - level
    return {
      state: { level, atMs },
      result: {
        allowed,
        remaining,
        moreAfterMs: atMs + Math.ceil(missing / limit) - nowMs,
      },
    }
  },

  lua: {
    args: [limit, windowMs],
    source: `
      local limit, window = args[1], args[2]
      local old = state or { level = limit * window, atMs = now_ms }
      local at = math.max(old.atMs, now_ms)
      local level = old.level + (at - old.atMs) * limit
      level = math.min(limit * window, level)

      local allowed = level >= window
      if allowed then level = level - window end
      local remaining = math.floor(level / window)
      local missing = (remaining + 1) * window - level
      return { level = level, atMs = at }, {
        allowed = allowed,
        remaining = remaining,
        moreAfterMs = at + math.ceil(missing / limit) - now_ms,
      }`,
  },

  // After a window every bucket is full again, and so is a forgotten one.
  ttlMs: windowMs,
})

export default defineVariant({
  title: 'Token bucket',
  idea: 'Saves up what a client does not use, up to a full limit.',
  needs: ['limiter'],
  knobs: limitKnobs,

  mount(router, { limiter, knobs }) {
    const bucket = tokenBucket(knobs)

    router.get('/', identify, async (ctx) => {
      const { client } = ctx.state
      answer(ctx, knobs, await limiter.update(client, bucket.step, bucket))
    })

    router.get('/state', identify, showState(limiter, bucket))
  },
})
