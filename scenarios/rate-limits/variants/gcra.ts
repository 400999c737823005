// Generic cell rate algorithm (GCRA): a token bucket kept as one number, the
// time by which the client's requests would be paid off at an even pace.
// ITU-T I.371, https://brandur.org/rate-limiting
import { defineVariant } from '#core/scenario'
import {
  type Algorithm,
  answer,
  identify,
  type Limit,
  limitKnobs,
  showState,
} from '../shared.ts'

export const gcra = ({ limit, windowMs }: Limit): Algorithm<number> => ({
  step(paidOff = 0, nowMs) {
    // Time in ticks, as many per ms as the limit: so the pace, one request
    // every windowMs / limit, is a whole number, and nothing is ever rounded.
    const now = nowMs * limit
    const pace = windowMs
    const most = now + 2 * limit * pace

    // A client may be ahead of the pace by a full limit, this one included.
    // One further ahead met a clock that was set back; it waits a window.
    const due = Math.max(Math.min(paidOff, most), now)
    const allowed = due + pace - now <= limit * pace
    const next = allowed ? due + pace : due

    const room = limit * pace - (next - now)
    const remaining = Math.max(0, Math.floor(room / pace))
    const missing = (remaining + 1) * pace - room
    return {
      state: next,
      result: {
        allowed,
        remaining,
        moreAfterMs: Math.ceil(missing / limit),
      },
    }
  },

  lua: {
    args: [limit, windowMs],
    source: `
      local limit, pace = args[1], args[2]
      local now = now_ms * limit
      local due = math.max(math.min(state or 0, now + 2 * limit * pace), now)
      local allowed = due + pace - now <= limit * pace
      if allowed then due = due + pace end

      local room = limit * pace - (due - now)
      local remaining = math.max(0, math.floor(room / pace))
      local missing = (remaining + 1) * pace - room
      return due, {
        allowed = allowed,
        remaining = remaining,
        moreAfterMs = math.ceil(missing / limit),
      }`,
  },

  // After a window everything is paid off, as it is for a forgotten client.
  ttlMs: windowMs,
})

export default defineVariant({
  title: 'GCRA',
  idea: 'A token bucket in a single number: the time when all is paid off.',
  needs: ['limiter'],
  knobs: limitKnobs,

  mount(router, { limiter, knobs }) {
    const cells = gcra(knobs)

    router.get('/', identify, async (ctx) => {
      const { client } = ctx.state
      answer(ctx, knobs, await limiter.update(client, cells.step, cells))
    })

    router.get('/state', identify, showState(limiter, cells))
  },
})
