// A workload's requests against a lab that runs, with everything in them that they need.

import { adapterIndex, loadScenario } from '../course/find.ts'
import { parseSetup, resolveSetup } from '../course/setup.ts'
import { notThere } from '../did-you-mean.ts'
import { SeesawError } from '../errors.ts'
import { createClient, type RealClient } from '../proof/client.ts'
import type { AnyScenario, Request, Seen, Workload } from '../scenario.ts'

export interface ReadyRequest {
  method: string
  url: string
  headers: Record<string, string>
  body?: string
}

export interface ReadyRequests {
  setup: string
  workload: string
  says: string
  requests: ReadyRequest[]
  /** The same requests, in the same order, as the workload wrote them down. */
  plain: Request[]
  /** A new judge of one measurement's answers, where the workload has one. */
  judge?: () => (seen: Seen) => string
}

const plainVisit: Workload = {
  says: 'a visit to the front door',
  requests: () => [{ method: 'GET', path: '/' }],
}

/**
 * Prepares a workload (the first, if none is named) against `setup` in the lab at `labUrl`;
 * `<scenario>/live` is a setup here too. Throws EXERCISE_NOT_FOUND for an unknown workload.
 */
export const requestsFor = async (
  text: string,
  labUrl: string,
  workloadId?: string,
  scenariosFolder?: string,
): Promise<ReadyRequests> => {
  const parts = parseSetup(text)
  const scenario = await loadScenario(parts.scenario, scenariosFolder)
  // What leaves a backend open is for the lab to decide; here it is only looked up for mistakes.
  if (parts.variant !== undefined && parts.variant !== 'live')
    resolveSetup(parts, scenario, { adapters: adapterIndex, defaults: {} })
  const id = parts.variant === undefined ? `${parts.scenario}/live` : text
  const { id: name, workload } = findWorkload(parts.scenario, scenario, workloadId)
  const mount = `/run/${id}`
  const client: RealClient = createClient({
    number: 1,
    door: () => labUrl,
    mount,
    watched: false,
    onExchange: () => {},
    another: () => client,
  })
  await workload.prepare?.(client)
  const plain = workload.requests(client)
  const requests = plain.map(({ method, path, headers, body }) => ({
    method,
    url: `${labUrl}${mount}${path}`,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...client.credentials(path),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  }))
  return {
    setup: id,
    workload: name,
    says: workload.says,
    requests,
    plain,
    ...(workload.judge ? { judge: workload.judge } : {}),
  }
}

/** The workload of this name, or the first. Throws EXERCISE_NOT_FOUND. */
export const findWorkload = (
  scenarioId: string,
  scenario: AnyScenario,
  id?: string,
): { id: string; workload: Workload } => {
  const workloads: Record<string, Workload> = scenario.workloads ?? { visit: plainVisit }
  const name = id ?? Object.keys(workloads)[0] ?? ''
  const workload = Object.hasOwn(workloads, name) ? workloads[name] : undefined
  if (workload) return { id: name, workload }
  throw new SeesawError(
    'EXERCISE_NOT_FOUND',
    notThere(`workload of ${scenarioId}`, name, Object.keys(workloads)),
  )
}
