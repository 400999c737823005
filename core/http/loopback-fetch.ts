// `fetch` for what listens on this machine. Node's own goes by whatever proxy the environment names
// (NODE_USE_ENV_PROXY, nodejs.org/api/cli.html), and no proxy can reach our loopback.
import { Agent, fetch, type RequestInit, type Response } from 'undici'

/** Connects to `url` itself, whatever the environment says. */
export const loopbackFetch = (url: string, init: RequestInit = {}): Promise<Response> => {
  // Made when it is needed: most commands ask nobody.
  agent ??= new Agent()
  return fetch(url, { ...init, dispatcher: agent })
}

let agent: Agent | undefined
