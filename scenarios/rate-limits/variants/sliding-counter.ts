// Sliding counter: count per fixed window, and take the requests of the
// previous one for evenly spread. Two counters nearly do a log's work. See
// https://blog.cloudflare.com/counting-things-a-lot-of-different-things/
import { defineVariant } from '#core/scenario'
import {
  type Algorithm,
  answer,
  identify,
  type Limit,
  limitKnobs,
  showState,
} from '../shared.ts'

type Counts = { startMs: number; current: number; previous: number }
export const slidingCounter = (knobs: Limit): Algorithm<Counts> => ({
  step(old = { startMs: 0, current: 0, previous: 0 }, nowMs) {
    const { limit, windowMs } = knobs
    // A clock that was set back does not bring a past window back.
    const atMs = Math.max(old.startMs, nowMs)
    const startMs = atMs - (atMs % windowMs)
    const age = (startMs - old.startMs) / windowMs
    const previous = [old.previous, old.current][age] ?? 0
    const before = age === 0 ? old.current : 0

    // A sliding window covers the last backMs of the previous window. Counted
    // in requests × ms, every number stays whole.
    const backMs = startMs + windowMs - atMs
    const room = (limit - before) * windowMs - previous * backMs
    const allowed = room >= windowMs
    const current = allowed ? before + 1 : before
    const remaining = Math.max(0, Math.floor(room / windowMs) - +allowed)

    // There is room for one more when the previous window has faded to what
    // the current one spares; or, if that is nothing, when that one has faded.
    const spare = limit - current - remaining - 1
    const [endMs, fading, to] =
      spare >= 0
        ? [startMs + windowMs, previous, spare]
        : [startMs + 2 * windowMs, current, spare + current]
    const moreAtMs = endMs - Math.floor((to * windowMs) / fading)
    return {
      state: { startMs, current, previous },
      result: { allowed, remaining, moreAfterMs: moreAtMs - nowMs },
    }
  },

  lua: {
    args: [knobs.limit, knobs.windowMs],
    source: `
      local limit, window = args[1], args[2]
      local old = state or { startMs = 0, current = 0, previous = 0 }
      local at = math.max(old.startMs, now_ms)
      local start = at - at % window
      local age = (start - old.startMs) / window
      local previous = ({ old.previous, old.current })[age + 1] or 0
      local current = age == 0 and old.current or 0
      local room = (limit - current) * window - previous * (start + window - at)
      local allowed = room >= window
      local remaining = math.max(0, math.floor(room / window))
      if allowed then current, remaining = current + 1, remaining - 1 end
      local spare = limit - current - remaining - 1
      local ends, fading, to = start + window, previous, spare
      if to < 0 then ends, fading, to = ends + window, current, to + current end
      return { startMs = start, current = current, previous = previous }, {
        allowed = allowed,
        remaining = remaining,
        moreAfterMs = ends - math.floor(to * window / fading) - now_ms,
      }`,
  },

  ttlMs: 2 * knobs.windowMs,
})

export default defineVariant({
  title: 'Sliding counter',
  idea: 'Two counters and a guess: close to exact, and small.',
  needs: ['limiter'],
  knobs: limitKnobs,

  mount(router, { limiter, knobs }) {
    const counter = slidingCounter(knobs)

    router.get('/', identify, async (ctx) => {
      const { client } = ctx.state
      answer(ctx, knobs, await limiter.update(client, counter.step, counter))
    })

    router.get('/state', identify, showState(limiter, counter))
  },
})
