// A Map whose entries have an end of life, for everything that is kept in memory. It has no timers:
// a timer per entry costs more than the entry. Every write looks at the next two entries instead
// and drops those that are over. Two looks per write go round faster than writes can add, so what
// is over is gone after at most one more write per entry, and no write ever waits for a big sweep.

export interface ExpiringMap<Value> {
  /** Returns what is stored under `key` and not over yet. */
  get(key: string): Value | undefined
  /** Stores `value` until `endsAtMs`, in milliseconds since epoch; Infinity is for ever. */
  set(key: string, value: Value, endsAtMs: number): void
  /** Forgets `key`; returns whether there was a living entry. */
  delete(key: string): boolean
  clear(): void
  /** How many entries take up memory, those included that are over and not dropped yet. */
  size(): number
}

/** `dropped` is told of every entry that leaves the map, whatever the reason, except by `clear`. */
export const expiringMap = <Value>(
  dropped: (key: string, value: Value) => void = () => {},
): ExpiringMap<Value> => {
  const entries = new Map<string, { value: Value; endsAtMs: number }>()
  let next = entries.entries()

  const drop = (key: string, value: Value) => {
    entries.delete(key)
    dropped(key, value)
  }

  const sweep = (nowMs: number) => {
    for (let looks = 0; looks < 2; looks++) {
      const { done, value } = next.next()
      // A Map may be changed while it is gone through; new entries come at its end.
      if (done) next = entries.entries()
      else if (value[1].endsAtMs <= nowMs) drop(value[0], value[1].value)
    }
  }

  return {
    get: (key) => {
      const entry = entries.get(key)
      return entry && entry.endsAtMs > Date.now() ? entry.value : undefined
    },
    set: (key, value, endsAtMs) => {
      const entry = entries.get(key)
      if (entry) {
        if (entry.value !== value) dropped(key, entry.value)
        entry.value = value
        entry.endsAtMs = endsAtMs
      } else {
        entries.set(key, { value, endsAtMs })
      }
      sweep(Date.now())
    },
    delete: (key) => {
      const entry = entries.get(key)
      if (!entry) return false
      drop(key, entry.value)
      return entry.endsAtMs > Date.now()
    },
    clear: () => {
      entries.clear()
      next = entries.entries()
    },
    size: () => entries.size,
  }
}
