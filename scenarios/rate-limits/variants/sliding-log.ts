// Sliding log: remember when each admitted request of the last window came.
// Exact, at the price of one timestamp per request. See
// https://www.figma.com/blog/an-alternative-approach-to-rate-limiting/
import { defineVariant } from '#core/scenario'
import {
  type Algorithm,
  answer,
  identify,
  type Limit,
  limitKnobs,
  showState,
} from '../shared.ts'

type Log = number[]

export const slidingLog = ({ limit, windowMs }: Limit): Algorithm<Log> => ({
  step(old = [], nowMs) {
    // A clock that was set back must not put a request before its elders,
    // or the log would forget it too early.
    const atMs = Math.max(old.at(-1) ?? 0, nowMs)
    const recent = old.filter((time) => time > atMs - windowMs)

    // Refused requests are not written down: knocking costs nothing.
    const allowed = recent.length < limit
    const log = allowed ? [...recent, atMs] : recent
    const [oldestMs = atMs] = log
    return {
      state: log,
      result: {
        allowed,
        remaining: limit - log.length,
        moreAfterMs: oldestMs + windowMs - nowMs,
      },
    }
  },

  lua: {
    args: [limit, windowMs],
    source: `
      local limit, window = args[1], args[2]
      local old = state or {}
      local at = math.max(old[#old] or 0, now_ms)
      local log = {}
      for _, time in ipairs(old) do
        if time > at - window then log[#log + 1] = time end
      end

      local allowed = #log < limit
      if allowed then log[#log + 1] = at end
      return log, {
        allowed = allowed,
        remaining = limit - #log,
        moreAfterMs = log[1] + window - now_ms,
      }`,
  },

  ttlMs: windowMs,
})

export default defineVariant({
  title: 'Sliding log',
  idea: 'The time of every request of the last window: exact, and big.',
  needs: ['limiter'],
  knobs: limitKnobs,

  mount(router, { limiter, knobs }) {
    const log = slidingLog(knobs)

    router.get('/', identify, async (ctx) => {
      const { client } = ctx.state
      answer(ctx, knobs, await limiter.update(client, log.step, log))
    })

    router.get('/state', identify, showState(limiter, log))
  },
})
