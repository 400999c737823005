// Fixed window: count the requests of the current window, forget the count
// when the window ends. The pattern of https://redis.io/commands/incr/
import { defineVariant } from '#core/scenario'
import {
  type Algorithm,
  answer,
  identify,
  type Limit,
  limitKnobs,
  showState,
} from '../shared.ts'

type Window = { startMs: number; count: number }

export const fixedWindow = ({ limit, windowMs }: Limit): Algorithm<Window> => ({
  step(old = { startMs: 0, count: 0 }, nowMs) {
    // Windows start at multiples of their length, so that all processes agree
    // on them without asking each other. A clock that was set back does not
    // bring a past window back: its count is gone.
    const startMs = Math.max(old.startMs, nowMs - (nowMs % windowMs))
    const before = startMs === old.startMs ? old.count : 0

    const allowed = before < limit
    const count = allowed ? before + 1 : before
    return {
      state: { startMs, count },
      result: {
        allowed,
        remaining: limit - count,
        moreAfterMs: startMs + windowMs - nowMs,
      },
    }
  },

  lua: {
    args: [limit, windowMs],
    source: `
      local limit, window = args[1], args[2]
      local old = state or { startMs = 0, count = 0 }
      local start = math.max(old.startMs, now_ms - now_ms % window)
      local count = start == old.startMs and old.count or 0

      local allowed = count < limit
      if allowed then count = count + 1 end
      return { startMs = start, count = count }, {
        allowed = allowed,
        remaining = limit - count,
        moreAfterMs = start + window - now_ms,
      }`,
  },

  ttlMs: windowMs,
})

export default defineVariant({
  title: 'Fixed window',
  idea: 'One counter per client and window: cheap, and leaky at the edges.',
  needs: ['limiter'],
  knobs: limitKnobs,

  mount(router, { limiter, knobs }) {
    const window = fixedWindow(knobs)

    router.get('/', identify, async (ctx) => {
      const { client } = ctx.state
      answer(ctx, knobs, await limiter.update(client, window.step, window))
    })

    router.get('/state', identify, showState(limiter, window))
  },
})
