// What there is to say about an answer to an import, from outside: the work is
// done and its sum is right, or it is accepted under an id of its own. Whether
// what was accepted is done, and how often, only the ledger can tell.
import type { Seen, Workload } from '#core/scenario'

/** Ids are given out in some order, so one that comes twice comes soon. */
const mostIds = 10_000

/** Says `right` or `wrong`. */
export const judge: NonNullable<Workload['judge']> = () => {
  const ids = new Set<string>()

  // No request shows a key, so each is an import of its own.
  const isNew = (id: unknown): boolean => {
    if (typeof id !== 'string' || id === '' || ids.has(id)) return false
    ids.add(id)
    for (const oldest of ids) {
      if (ids.size <= mostIds) break
      ids.delete(oldest)
    }
    return true
  }

  return ({ request, status, text }: Seen) => {
    const body = parse(text)
    if (status === 202) return isNew(body.id) ? 'right' : 'wrong'
    const isDone = status === 201 && body.state === 'done'
    return isDone && sameSum(Object(body.result), request) ? 'right' : 'wrong'
  }
}

const sameSum = (
  result: { bookings?: unknown; cents?: unknown },
  request: Seen['request'],
): boolean => {
  const rows = String(Object(request.body).csv).trim().split('\n').slice(1)
  const cents = rows.reduce((sum, row) => sum + Number(row.split(',')[1]), 0)
  return result.bookings === rows.length && result.cents === cents
}

const parse = (text: string): { [name: string]: unknown } => {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
