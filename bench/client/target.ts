// Whom to load, and with what, ready to be sent: addresses checked, somebody signed in, a judge at hand.
import { SeesawError } from '../../core/errors.ts'
import { type ReadyRequests, requestsFor } from '../../core/traffic/workload.ts'
import type { Target } from './calls.ts'

export type Judge = ReturnType<NonNullable<ReadyRequests['judge']>>

/** A request that only has to be sent, and how its author wrote it. */
export interface Prepared {
  method: string
  path: string
  headers: Record<string, string>
  body?: string
  plain: ReadyRequests['plain'][number]
}

export interface PreparedTarget {
  /** `http://127.0.0.1:3001` */
  origin: string
  requests: Prepared[]
  /** Undefined where any 2xx is right. */
  judge: Judge | undefined
  connections: number
  timeoutMs: number
}

/** Throws WRONG_USE for an address that is not of this machine. */
export const prepareTarget = async (target: Target): Promise<PreparedTarget> => {
  const { origin } = loopback(target.url)
  const { connections, timeoutMs } = target
  if (target.setup === '')
    return { origin, requests: [home], judge: undefined, connections, timeoutMs }
  const ready = await requestsFor(target.setup, origin, target.workload, target.scenariosFolder)
  const requests = ready.requests.map(({ url, ...rest }, i): Prepared => {
    const { pathname, search } = loopback(url)
    return { ...rest, path: pathname + search, plain: ready.plain[i]! }
  })
  if (requests.length === 0)
    throw new SeesawError('WRONG_USE', `The workload '${ready.workload}' sends nothing.`)
  return { origin, requests, judge: ready.judge?.(), connections, timeoutMs }
}

/** What the reference is sent. */
const home: Prepared = {
  method: 'GET',
  path: '/',
  headers: {},
  plain: { method: 'GET', path: '/' },
}

const loopback = (address: string): URL => {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol !== 'http:' || !/^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(url.hostname))
    throw new SeesawError(
      'WRONG_USE',
      `${address} will not be loaded: only this machine is, at http://127.0.0.1, http://[::1] or http://localhost.`,
    )
  return url
}
