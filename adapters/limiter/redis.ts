// A limiter in Redis. A step that brings its Lua twin along runs inside the server, in one round
// trip; any other is computed here, and stored unless another process was faster. Both go by the
// server's clock, the only one that all processes share.
import { defineAdapter, wellFormed } from '#core/adapter'
import type { LuaStep } from '#core/kinds'
import { compareAndSet } from '../connections/compare-and-set.ts'
import { connect, type Script } from '../connections/redis.ts'
import { wholeMs } from '../connections/shared.ts'

export default defineAdapter<'limiter'>({
  traits: { sharedBetweenProcesses: true, survivesRestart: true },

  async open({ namespace, url }) {
    const redis = await connect(url)
    const folder = `${namespace}|limiter|`
    const keyOf = (key: string) => folder + wellFormed(key)
    const swap = redis.script(swapScript)
    const read = redis.script(readScript)
    const scripts = new WeakMap<LuaStep, Script>()

    const scriptOf = (lua: LuaStep): Script => {
      const known = scripts.get(lua)
      if (known) return known
      const script = redis.script(stepScript(lua))
      scripts.set(lua, script)
      return script
    }

    const inLua = async (key: string, lua: LuaStep, ttlMs: number) => {
      return JSON.parse((await scriptOf(lua)([keyOf(key)], [lifeMs(ttlMs)])) as string)
    }

    const inJs = compareAndSet<string | null>({
      async read(key) {
        const [json, nowMs] = (await read([keyOf(key)], [])) as [string | null, number]
        return { state: json === null ? undefined : JSON.parse(json), version: json, nowMs }
      },
      // What was read stands for its own version: equal states have equal successors.
      write: async (key, before, state, ttlMs) =>
        (await swap(
          [keyOf(key)],
          [JSON.stringify(state), lifeMs(ttlMs), ...(before === null ? [] : [before])],
        )) === 1,
    })

    return {
      update: (key, step, options) =>
        options.lua ? inLua(key, options.lua, options.ttlMs) : inJs(key, step, options),
      clear: () => redis.clear(folder),
      close: redis.release,
    }
  },
})

/** Redis refuses a lifetime of nothing. */
const lifeMs = (ttlMs: number): string => String(Math.max(1, wholeMs(ttlMs)))

const nowMs = `
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)`

const readScript = `${nowMs}
return { redis.call('GET', KEYS[1]), now_ms }`

// The state is packed by MessagePack, not as JSON, in which Redis keeps 14 digits of a number only.
// The arguments are part of the script, so that they need not be sent and unpacked at every step.
const stepScript = ({ source, args }: LuaStep): string => `
local args = {${args.join(', ')}}
local function step(state, now_ms)
${source}
end
${nowMs}
local packed, state = redis.call('GET', KEYS[1]), nil
if packed then state = cmsgpack.unpack(packed) end
local next_state, result = step(state, now_ms)
redis.call('SET', KEYS[1], cmsgpack.pack(next_state), 'PX', ARGV[1])
return cjson.encode(result)
`

const swapScript = `
if redis.call('GET', KEYS[1]) ~= (ARGV[3] or false) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`
