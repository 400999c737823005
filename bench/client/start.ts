// Starts the load client: a process of its own, so that what it costs is told from what is measured.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SeesawError } from '../../core/errors.ts'
import { connectCalls } from '../../core/processes/calls.ts'
import type { ClientCalls } from './calls.ts'

/** What the client tells whoever started it. */
export type StarterCalls = { ready(nothing: null): Promise<void> }

export interface LoadClient {
  ask: ReturnType<typeof connectCalls<ClientCalls>>
  pid: number
  stop(): Promise<void>
}

/** Starts a load client. It ends with the process that started it; whoever starts one stops it. */
export const startClient = async (): Promise<LoadClient> => {
  const child = fork(fileURLToPath(new URL('./process.mjs', import.meta.url)), [], {
    execArgv: [],
    stdio: ['ignore', 2, 2, 'ipc'],
    // Ctrl-C is for whoever started it, who lets a slice end; without them the channel closes.
    detached: true,
  })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const ask = await new Promise<LoadClient['ask']>((resolve, reject) => {
    const starter: StarterCalls = { ready: async () => resolve(calls) }
    const calls = connectCalls<ClientCalls>(child, starter)
    void exited.then(() =>
      reject(new SeesawError('WORKER_FAILED', 'The load client ended before it was ready.')),
    )
  })
  return {
    ask,
    pid: child.pid ?? 0,
    async stop() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}
