// What the coordinator asks of a process that runs one variant, one question at a time.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SeesawError } from '../../../core/errors.ts'

export type ChildCalls = {
  /** Loads the variant and tries it with every input; says what is wrong with it, or null. */
  open(of: { name: string; variant: string; seed: number }): string | null
  /** Calls it for `ms`, and returns how long a call takes by then and how many make a sample. */
  warmUp(of: { ms: number; batch: number }): { ns: number; batch: number }
  /** Times samples of `batch` calls for `ms`, one at least. */
  slice(of: { ms: number; batch: number }): SliceResult
}

export interface SliceResult {
  /** Time per call in nanoseconds: the median of the samples. */
  ns: number
  samples: number
  calls: number
  /** CPU time of the whole process, its compiler and collector included, per call. */
  cpuNs: number
  /** What was wrong with a result that was looked at; null if nothing was. */
  wrong: string | null
}

export interface Child {
  ask<Name extends keyof ChildCalls>(
    name: Name,
    of: Parameters<ChildCalls[Name]>[0],
  ): Promise<ReturnType<ChildCalls[Name]>>
  /** Ends the process; may be called at any time. */
  end(): Promise<void>
}

export type Question = { [Name in keyof ChildCalls]: { ask: Name; of: unknown } }[keyof ChildCalls]
export type Reply = { result: unknown } | { error: string }

/** Starts a process that waits for questions; `folder` is its own, empty. */
export const startChild = (folder: string): Child => {
  const file = fileURLToPath(new URL('./child.mjs', import.meta.url))
  const child: ChildProcess = fork(file, [folder], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Ctrl-C is for the coordinator alone, which lets a slice end. Should that be killed, the channel
    // closes, and this process ends by itself.
    detached: true,
  })
  let settle: ((reply: Reply) => void) | undefined
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
  child.on('message', (reply: Reply) => settle?.(reply))
  void gone.then(() => settle?.({ error: 'The process that runs it has ended.' }))

  return {
    ask: (name, of) =>
      new Promise((resolve, reject) => {
        settle = (reply) => {
          settle = undefined
          if ('error' in reply) reject(new SeesawError('WORKER_FAILED', reply.error))
          else resolve(reply.result as ReturnType<ChildCalls[typeof name]>)
        }
        if (!child.connected) settle({ error: 'The process that runs it has ended.' })
        else child.send({ ask: name, of }, () => {})
      }),
    async end() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
