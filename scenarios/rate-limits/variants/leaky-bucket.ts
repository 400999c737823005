// Leaky bucket, as a queue: requests wait in a bucket with a hole and leave it
// one by one at an even pace; what does not fit in is refused. Turner's own
// (1986) is a counter that leaks; the queue is the later reading.
// https://nginx.org/en/docs/http/ngx_http_limit_req_module.html
import { setTimeout } from 'node:timers/promises'
import { defineVariant } from '#core/scenario'
import {
  type Algorithm,
  answer,
  identify,
  type Limit,
  limitKnobs,
  showState,
} from '../shared.ts'

export const leakyBucket = ({ limit, windowMs }: Limit): Algorithm<number> => ({
  step(emptyAt = 0, nowMs) {
    // Time in ticks, as many per ms as the limit: so the pace, one request
    // every windowMs / limit, is a whole number, and nothing is ever rounded.
    const now = nowMs * limit
    const pace = windowMs
    const most = now + 2 * limit * pace

    // The queue needs no list: the time at which it will be empty says how
    // long it is. A request leaves at that time, if it fits in. Where the clock
    // was set back it looks longer: at most one window waits for that.
    const leaves = Math.max(Math.min(emptyAt, most), now)
    const allowed = leaves + pace - now <= limit * pace
    const next = allowed ? leaves + pace : leaves

    const room = limit * pace - (next - now)
    const remaining = Math.max(0, Math.floor(room / pace))
    const missing = (remaining + 1) * pace - room
    return {
      state: next,
      result: {
        allowed,
        remaining,
        moreAfterMs: Math.ceil(missing / limit),
        delayMs: allowed ? Math.ceil((leaves - now) / limit) : 0,
      },
    }
  },

  lua: {
    args: [limit, windowMs],
    source: `
      local limit, pace = args[1], args[2]
      local now = now_ms * limit
      local leaves = math.max(math.min(state or 0, now + 2 * limit * pace), now)
      local allowed = leaves + pace - now <= limit * pace
      local next_at = allowed and leaves + pace or leaves

      local room = limit * pace - (next_at - now)
      local remaining = math.max(0, math.floor(room / pace))
      local missing = (remaining + 1) * pace - room
      return next_at, {
        allowed = allowed,
        remaining = remaining,
        moreAfterMs = math.ceil(missing / limit),
        delayMs = allowed and math.ceil((leaves - now) / limit) or 0,
      }`,
  },

  ttlMs: windowMs,
})

export default defineVariant({
  title: 'Leaky bucket',
  idea: 'A queue that empties at an even pace: bursts wait their turn.',
  needs: ['limiter'],
  knobs: limitKnobs,

  mount(router, { limiter, knobs }) {
    const queue = leakyBucket(knobs)

    router.get('/', identify, async (ctx) => {
      const { client } = ctx.state
      const decision = await limiter.update(client, queue.step, queue)
      if (decision.delayMs) await setTimeout(decision.delayMs)
      answer(ctx, knobs, decision)
    })

    router.get('/state', identify, showState(limiter, queue))
  },
})
