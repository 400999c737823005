// What has to stand before anything is measured: claims that are proved, labs, the bare server, and
// the load client.

import type { Progress } from '#core/measurement/events'
import type { Measurement } from '#core/measurement/run'
import type { Setup } from '../../core/course/setup.ts'
import { SeesawError } from '../../core/errors.ts'
import type { Lab } from '../../core/lab/lab.ts'
import { prove } from '../../core/proof/prove.ts'
import { type LoadClient, startClient } from '../client/start.ts'
import { type Running, runReference, runSetup } from './contender.ts'

/**
 * Proves the claims of what is to be measured: a figure of something that does not do what it claims
 * would mislead. Throws BACKEND_UNAVAILABLE.
 */
export const proveFirst = async (
  setups: readonly Setup[],
  lab: { scenariosFolder?: string; urls?: Record<string, string> },
  { onProgress, signal }: { onProgress?(event: Progress): void; signal?: AbortSignal },
): Promise<Measurement['proof']> => {
  const targets = [...new Set(setups.map(({ id }) => id))]
  onProgress?.({ type: 'phase', phase: 'proving', says: 'the claims of every contender' })
  const proof = await prove({
    targets,
    lab,
    ...(signal ? { signal } : {}),
    onVerdict: (_, done, all) =>
      onProgress?.({ type: 'phase', phase: 'proving', says: `${done} of ${all} claims` }),
  })
  const [skipped] = proof.skipped
  if (skipped) throw new SeesawError('BACKEND_UNAVAILABLE', skipped.reason)
  const wrong = proof.verdicts.filter(({ verdict, declared }) => verdict !== declared)
  return {
    // Of a scenario without claims there is nothing that could be wrong.
    ok: proof.ok || (proof.verdicts.length === 0 && !signal?.aborted),
    verdicts: proof.verdicts.length,
    wrong: wrong.map(
      ({ setup, claim, declared, verdict, because }) =>
        `${setup} ${claim}: ${verdict}, declared ${declared}. ${because}`,
    ),
  }
}

export interface Started {
  /** The setups in their order, and after them the bare server. */
  running: Running[]
  client: LoadClient
  doctor: Lab['doctor']
  stop(): Promise<void>
}

/**
 * Starts a lab for each setup, the load client and, unless `reference` is false, the bare server.
 * Whoever starts them stops them.
 */
export const startAll = async (
  [first, ...others]: readonly Setup[],
  workers: number,
  lab: { scenariosFolder?: string; urls?: Record<string, string>; reference?: boolean },
): Promise<Started> => {
  if (!first) throw new Error('There is something to measure.')
  const starting = startClient()
  // Looked at below, when there is something to stop.
  starting.catch(() => {})
  const running: Running[] = []
  const stop = async () => {
    await starting.then((client) => client.stop()).catch(() => {})
    // The first one's servers are used by the others.
    for (const one of running.reverse()) await one.stop()
  }
  try {
    const eldest = await runSetup(first, { ...lab, workers })
    running.push(eldest)
    // What it has found or started the others use, too.
    Object.assign(process.env, await eldest.lab.environment())
    const started = await Promise.allSettled([
      ...others.map((setup) => runSetup(setup, { ...lab, workers })),
      ...(lab.reference === false ? [] : [runReference()]),
    ])
    running.push(...started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])))
    const failure = started.find((one) => one.status === 'rejected')
    if (failure) throw failure.reason
    const client = await starting
    return { running, client, doctor: eldest.lab.doctor, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
