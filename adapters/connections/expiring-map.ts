// A Map whose entries have an end of life, for everything that is kept in memory. It has no timers:
// a timer per entry costs more than the entry. Instead every new entry looks at the next two old
// ones and drops those that are over. Two looks go round faster than new entries come in, so what
// is over goes away as the map is used, and nobody ever waits for a big sweep.

export interface Entry<Value> {
  value: Value
  /** Milliseconds since epoch; Infinity is for ever. May be changed, as the value may. */
  endsAtMs: number
}

export interface ExpiringMap<Value> {
  /** Returns the entry of `key`, unless it is over at `nowMs`. */
  find(key: string, nowMs: number): Entry<Value> | undefined
  /** Stores `value` until `endsAtMs`. */
  set(key: string, value: Value, endsAtMs: number, nowMs: number): void
  /** Forgets `key`; returns whether there was an entry, over or not. */
  delete(key: string): boolean
  clear(): void
  /** How many entries take up memory, those included that are over and not dropped yet. */
  size(): number
}

/** `dropped` is told of every value that leaves the map, whatever the reason, except by `clear`. */
export const expiringMap = <Value>(
  dropped: (key: string, value: Value) => void = () => {},
): ExpiringMap<Value> => {
  const entries = new Map<string, Entry<Value>>()
  let next = entries.entries()

  const drop = (key: string): boolean => {
    const entry = entries.get(key)
    if (!entry) return false
    entries.delete(key)
    dropped(key, entry.value)
    return true
  }

  const sweep = (nowMs: number) => {
    for (let looks = 0; looks < 2; looks++) {
      const { done, value } = next.next()
      // A Map may be changed while it is gone through; new entries come at its end.
      if (done) next = entries.entries()
      else if (value[1].endsAtMs <= nowMs) drop(value[0])
    }
  }

  return {
    find: (key, nowMs) => {
      const entry = entries.get(key)
      return entry !== undefined && entry.endsAtMs > nowMs ? entry : undefined
    },
    set: (key, value, endsAtMs, nowMs) => {
      drop(key)
      entries.set(key, { value, endsAtMs })
      sweep(nowMs)
    },
    delete: drop,
    clear: () => {
      entries.clear()
      next = entries.entries()
    },
    size: () => entries.size,
  }
}
