// What there is to say about an answer of a rate limit, from outside: it is
// an admission, a refusal that says when to come back, or neither.
import type { Seen, Workload } from '#core/scenario'

/**
 * Says `right` of an admission, `refused` of a refusal, and `over` of an
 * admission that was certainly too much: a whole limit was admitted already,
 * all within less than one window. Only sliding-log and leaky-bucket promise
 * to have none of those; the others admit up to two limits in one window, and
 * processes that do not share their state one limit each.
 *
 * It knows the limit once it has seen a refusal, for those name it.
 */
export const judge: NonNullable<Workload['judge']> = () => {
  let known: { limit: number; windowMs: number } | undefined
  const admittedOf = new Map<string, number[]>()

  // What was asked for after the window began and answered before it ended
  // was decided within it. One server's clock counts whole milliseconds, so
  // two times may be apart by one more than it thinks.
  const isOver = (key: string, { sentMs, doneMs }: Seen): boolean => {
    const admitted = admittedOf.get(key) ?? []
    if (!known) return false
    const beganMs = doneMs - known.windowMs + 1
    const lately = admitted.filter((atMs) => atMs > beganMs)
    admittedOf.set(key, [...lately, sentMs])
    return sentMs > beganMs && lately.length >= known.limit
  }

  return (seen) => {
    const body = parse(seen.text)
    if (seen.status === 429) {
      const limit = limitIn(body)
      if (!limit) return 'wrong'
      known ??= limit
      return 'refused'
    }
    if (seen.status !== 200 || !isAdmission(body)) return 'wrong'
    if (known && Number(body.remaining) >= known.limit) return 'wrong'
    return isOver(seen.request.headers?.['x-api-key'] ?? '', seen)
      ? 'over'
      : 'right'
  }
}

type Body = { [name: string]: unknown }

const parse = (text: string): Body => {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

/** A count of what is left, and perhaps how long the answer was held back. */
const isAdmission = ({ remaining, delayMs = 0 }: Body): boolean =>
  isCount(remaining) && isCount(delayMs)

/** The limit that a refusal names, if it also says when there is more. */
const limitIn = ({ title, detail, retryAfterMs }: Body) => {
  const [, limit, windowMs] =
    /^The limit is (\d+) in (\d+) ms\.$/.exec(String(detail)) ?? []
  const isWhole = title === 'Quota exceeded' && isCount(retryAfterMs)
  return limit && isWhole && Number(retryAfterMs) > 0
    ? { limit: Number(limit), windowMs: Number(windowMs) }
    : undefined
}

const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0
