// Sessions in Redis: a hash per session that the server forgets on time, and per user a sorted set
// of session ids by their end of life. Scripts keep the two together: each is one atomic step.
import { defineAdapter, wellFormed } from '#core/adapter'
import type { SessionData } from '#core/kinds'
import { connect } from '../connections/redis.ts'
import { asGiven, wholeMs } from '../connections/shared.ts'

export default defineAdapter<'session'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const redis = await connect(url)
    const folder = `${namespace}|session|`
    const keyOf = (id: string) => `${folder}id|${wellFormed(id)}`
    const indexPrefix = `${folder}user|`
    const create = redis.script(createScript)
    const touch = redis.script(touchScript)
    const replace = redis.script(replaceScript)
    const remove = redis.script(removeScript)
    const idsOf = redis.script(idsOfScript)

    return {
      async create(id, data, { ttlMs }) {
        const user = indexPrefix + wellFormed(data.userId)
        await create(
          [keyOf(id), user],
          [wellFormed(id), JSON.stringify(data), String(wholeMs(ttlMs))],
        )
      },

      async get(id) {
        const json = await redis.send('HGET', keyOf(id), 'data')
        return json === null ? undefined : (JSON.parse(json as string) as SessionData)
      },

      replace: async (id, data) => (await replace([keyOf(id)], [JSON.stringify(data)])) === 1,

      touch: async (id, { ttlMs }) =>
        (await touch([keyOf(id)], [wellFormed(id), String(wholeMs(ttlMs))])) === 1,

      delete: async (id) => void (await remove([keyOf(id)], [wellFormed(id)])),

      async idsOf(userId) {
        const ids = await idsOf([indexPrefix + wellFormed(userId)], [`${folder}id|`])
        return (ids as string[]).map(asGiven)
      },

      clear: () => redis.clear(folder),
      close: redis.release,
    }
  },
})

// The server's clock in milliseconds; and `enlist`, which notes when a session ends and lets the
// user's set live as long as the last of them, without those that have ended by themselves.
const common = `
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

local function enlist(index, id, ttl_ms)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now_ms)
  redis.call('ZADD', index, now_ms + ttl_ms, id)
  local last = redis.call('ZREVRANGE', index, 0, 0, 'WITHSCORES')
  redis.call('PEXPIREAT', index, last[2])
end

local function strike_off(session, id)
  local index = redis.call('HGET', session, 'user')
  if index then redis.call('ZREM', index, id) end
end
`

const createScript = `${common}
local session, index = KEYS[1], KEYS[2]
local id, data, ttl_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
strike_off(session, id)
redis.call('HSET', session, 'user', index, 'data', data)
redis.call('PEXPIRE', session, ttl_ms)
enlist(index, id, ttl_ms)
`

const replaceScript = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'data', ARGV[1])
return 1
`

const touchScript = `${common}
local session, id, ttl_ms = KEYS[1], ARGV[1], tonumber(ARGV[2])
local index = redis.call('HGET', session, 'user')
if not index then return 0 end
redis.call('PEXPIRE', session, ttl_ms)
enlist(index, id, ttl_ms)
return 1
`

const removeScript = `${common}
strike_off(KEYS[1], ARGV[1])
redis.call('UNLINK', KEYS[1])
`

// A server that is short of memory may have dropped a session before its time: look at each.
const idsOfScript = `
local living = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if redis.call('EXISTS', ARGV[1] .. id) == 1 then living[#living + 1] = id end
end
return living
`
