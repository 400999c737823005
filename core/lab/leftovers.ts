// What a throw-away lab has stored on a server that it did not start goes with it, and so does what
// one that was killed has left there. The names of what it stores say when it began.
import type { ServerBackend } from '../adapter.ts'

const dayS = 24 * 60 * 60
/** No throw-away lab runs for as long: older ones are dead. */
const livesForS = dayS
const forgetWithinMs = 3_000

const began = /^seesaw:once-(\d+)-/

/** Begins the names of all that a throw-away lab stores: `seesaw:once-1764595800-1a2b3c4d`. */
export const throwAwayPrefix = (prefix: string, nowMs: number): string =>
  prefix.replace(/^seesaw:/, `seesaw:once-${Math.floor(nowMs / 1000)}-`)

/** Whether a name belongs to this lab or to a throw-away lab that is dead; false for all else. */
export const isLeftBy =
  (prefix: string, nowMs: number) =>
  (name: string): boolean => {
    const [, beganS] = began.exec(name) ?? []
    if (beganS === undefined) return false
    return name.startsWith(`${prefix}:`) || nowMs / 1000 - Number(beganS) > livesForS
  }

/** Removes what this lab and dead ones have left on servers; one that does not answer is let be. */
export const removeLeftovers = async (
  servers: readonly { backend: ServerBackend; url: string }[],
  prefix: string,
): Promise<void> => {
  const isLeft = isLeftBy(prefix, Date.now())
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, forgetWithinMs)
  })
  const work = servers.map(({ backend, url }) => backend.forget(url, isLeft).catch(() => {}))
  await Promise.race([Promise.all(work), tooLate])
  clearTimeout(timer)
}
