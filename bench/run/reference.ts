// The bare HTTP server that anchors a run: it gives the client's ceiling, and ties runs on the same
// machine to each other.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SeesawError } from '../../core/errors.ts'

/** What it has done and used since it began. */
export interface ReferenceMeter {
  requests: number
  /** User and system time. */
  cpuMs: number
  /** How long its event loop was busy. */
  busyMs: number
  rssBytes: number
  gcMs: number
}

export interface Reference {
  /** `http://127.0.0.1:41234` */
  url: string
  pid: number
  readMeter(): Promise<ReferenceMeter>
  stop(): Promise<void>
}

/** Starts it. It ends with the process that started it; whoever starts one stops it. */
export const startReference = async (): Promise<Reference> => {
  const child = fork(fileURLToPath(new URL('./reference.mjs', import.meta.url)), [], {
    execArgv: [],
    stdio: ['ignore', 2, 2, 'ipc'],
    // Ctrl-C is for whoever started it, who lets a slice end; without them the channel closes.
    detached: true,
  })
  const { port } = await next<{ port: number }>(child)
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    readMeter() {
      const meter = next<ReferenceMeter>(child)
      child.send('read')
      return meter
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

/** The next message of the child. Throws WORKER_FAILED where it ends instead. */
const next = <Message>(child: ChildProcess): Promise<Message> =>
  new Promise((resolve, reject) => {
    const ended = () => reject(new SeesawError('WORKER_FAILED', 'The reference server ended.'))
    child.once('exit', ended)
    child.once('error', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      child.off('error', ended)
      resolve(message as Message)
    })
  })
