// Reads what a watched request says of itself in `Server-Timing`; worker.ts writes it.
import type { Call } from './meter.ts'

export interface Timing {
  /** The adapter calls, in the order in which they ended. */
  calls: Call[]
  /** Until the answer began, in the server; undefined where the request was not watched. */
  totalMs?: number
}

/** `session.get;dur=0.1;start=0.2;desc="redis", total;dur=1.5` taken apart. */
export const parseServerTiming = (header: string): Timing => {
  const calls = header.matchAll(/([\w.]+);dur=([\d.]+);start=([\d.]+);desc="([^"]*)"/g)
  const [, total] = /(?:^|, )total;dur=([\d.]+)/.exec(header) ?? []
  return {
    calls: [...calls].map(([, name = '', ms, startMs, said = '']) => ({
      name,
      backend: said.replace(/ failed$/, ''),
      startMs: Number(startMs),
      ms: Number(ms),
      failed: said.endsWith(' failed'),
    })),
    ...(total === undefined ? {} : { totalMs: Number(total) }),
  }
}
