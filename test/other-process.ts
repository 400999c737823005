// Another process with the same adapter open, as a second worker of the lab would be.
import { type ChildProcess, fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Kind } from '#core/kinds'
import type { Call } from './contracts/subject.ts'

export interface OtherProcess<K extends Kind> {
  /**
   * Calls a method in the other process, which opens `namespace` first if it has not yet; `times`
   * calls at once return the list of their answers. A limiter's step is named: `'count'`.
   */
  call(namespace: string, call: Call<K>, times?: number): Promise<unknown>
  /** Closes what it opened, waits until the process ends by itself, returns its exit code. */
  end(): Promise<number | null>
  /** Kills it without warning. */
  kill(): Promise<void>
}

// Mocha loads some tests as CommonJS, where there is no import.meta.resolve.
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** What is sent; the answer is `{ id, answer }` or `{ id, error }`. */
export interface Order {
  id: number
  kind: Kind
  backend: string
  folder: string
  url: string
  namespace: string
  method: string
  args: readonly unknown[]
  times?: number
}
export type Reply = { id: number; answer: unknown } | { id: number; error: string }

/** Starts a process for one adapter. It ends with this one in any case. */
export const otherProcess = <K extends Kind>(adapter: {
  kind: K
  backend: string
  folder: string
  url: string
}): OtherProcess<K> => {
  const child = fork(fileURLToPath(new URL('fixtures/other-process.ts', import.meta.url)), {
    execArgv: ['--import', tsx],
    // JSON would lose undefined.
    serialization: 'advanced',
  })
  const ended = endOf(child)
  const waiting = new Map<number, (reply: Reply) => void>()
  let lastId = 0
  child.on('message', (reply: Reply) => {
    waiting.get(reply.id)?.(reply)
    waiting.delete(reply.id)
  })
  void ended.then((code) => {
    for (const [id, settle] of waiting) settle({ id, error: `the process ended (${code})` })
  })

  return {
    call: (namespace, { method, args }, times) =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        waiting.set(id, (reply) =>
          'error' in reply ? reject(new Error(reply.error)) : resolve(reply.answer),
        )
        const order: Order = { ...adapter, id, namespace, method, args, ...(times && { times }) }
        child.send(order)
      }),
    end: () => {
      child.send('end')
      return ended
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

const endOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('exit', resolve)
    child.once('error', reject)
  })
