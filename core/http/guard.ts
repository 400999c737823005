// Which requests a server on loopback answers. Any page that a person has open may send requests to
// this machine, and a host name of another site may be made to point here (DNS rebinding). Control
// refuses what such a page sends. The lab refuses it as well, but for an ordinary link to a variant
// that is not unsafe on purpose. A command line says nothing of where it comes from, and is let in.
// Fetch Metadata: w3.org/TR/fetch-metadata; Origin: RFC 6454 §7.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { type ErrorCode, SeesawError } from '../errors.ts'

/** Loopback by its names, with any port: a forwarded one (`ssh -L`) is another than ours. */
const loopback = /^(localhost\.?|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i

/** Whether a `Host` header names this machine's loopback interface. */
export const isLoopbackHost = (host: string): boolean => loopback.test(host)

/**
 * Whether a `Host` header may be meant for a server that listens on `address`. One that other
 * machines reach is asked for by any of its addresses, by its name, or by the name it was given:
 * a name that somebody else may point here is none of these.
 */
export const ownHost = (address: string): ((host: string) => boolean) => {
  if (loopback.test(address) || address === '::1') return isLoopbackHost
  const names = [address.toLowerCase(), hostname().toLowerCase()]
  return (host) => {
    const name = host
      .toLowerCase()
      .replace(/:\d{1,5}$/, '')
      .replace(/^\[(.*)\]$/, '$1')
    return isLoopbackHost(host) || isIP(name) !== 0 || names.includes(name)
  }
}

/**
 * Turns a target in absolute form (`GET http://127.0.0.1:3001/run/… HTTP/1.1`, as a proxy is asked)
 * into one in origin form. Its authority goes before the Host header (RFC 9112 §3.2.2).
 */
export const toOriginForm = (request: IncomingMessage): void => {
  const { url = '/' } = request
  if (url.startsWith('/')) return
  const [start, authority = ''] = /^https?:\/\/([^/?#]*)/i.exec(url) ?? []
  if (start === undefined) return
  const rest = url.slice(start.length)
  request.url = rest.startsWith('/') ? rest : `/${rest}`
  request.headers.host = authority.slice(authority.lastIndexOf('@') + 1)
}

/** Whether a page of another origin made a browser send this; false for a command line. */
export const isForeign = (headers: IncomingHttpHeaders): boolean => {
  const { origin } = headers
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  // A page that keeps its address to itself sends its own forms with an origin of null.
  if (origin === 'null' && site === 'same-origin') return false
  return origin !== undefined && !isOwnOrigin(origin, headers.host ?? '')
}

/** A page's origin is the host that it talks to, or it is another's. */
const isOwnOrigin = (origin: string, host: string): boolean =>
  origin.toLowerCase() === `http://${host.toLowerCase()}`

/** Whether a person follows a link: a GET that a window shows, not a frame, an image or a script. */
export const isLink = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  headers.origin === undefined &&
  headers['sec-fetch-mode'] === 'navigate' &&
  headers['sec-fetch-dest'] === 'document'

/** What to say to a request for a host that is none of ours. */
export const refusedHost = (host: string, use: string): SeesawError =>
  refused('HOST_REFUSED', 'Host', host, use)

/** What to say to a request that a foreign page has sent. */
export const refusedPage = ({ headers }: IncomingMessage, use: string): SeesawError =>
  headers.origin !== undefined && !isOwnOrigin(headers.origin, headers.host ?? '')
    ? refused('ORIGIN_REFUSED', 'Origin', headers.origin, use)
    : refused('ORIGIN_REFUSED', 'Sec-Fetch-Site', String(headers['sec-fetch-site']), use)

const refused = (code: ErrorCode, what: string, value: string, use: string): SeesawError =>
  new SeesawError(code, `${what} '${value.slice(0, 200)}' is refused; ${use}.`)
