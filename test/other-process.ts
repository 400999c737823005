// Another process with the same adapter open, as a second worker of the lab would be.
import { type ChildProcess, fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Kind } from '#core/kinds'
import type { Call } from './contracts/subject.ts'

export interface OtherProcess<K extends Kind> {
  /**
   * Calls a method in the other process, which opens `namespace` first if it has not yet; `times`
   * calls at once return the list of their answers. A limiter's step and a queue's work are named:
   * `'count'`, `'act'`.
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

interface AdapterAt<K extends Kind> {
  kind: K
  backend: string
  folder: string
  url: string
}

/** Another process for one adapter, to be killed or ended. It ends with this one in any case. */
export const otherProcess = <K extends Kind>(adapter: AdapterAt<K>): OtherProcess<K> =>
  at(adapter, takeProcess())

/** The same, for tests that let it live: one that has served other adapters before. */
export const neighbour = <K extends Kind>(
  adapter: AdapterAt<K>,
  index: number,
): Pick<OtherProcess<K>, 'call'> => {
  neighbours[index] ??= takeProcess()
  return at(adapter, neighbours[index])
}

const at = <K extends Kind>(adapter: AdapterAt<K>, process: Process): OtherProcess<K> => ({
  ...process,
  call: (namespace, { method, args }, times) =>
    process.obey({ ...adapter, namespace, method, args, ...(times && { times }) }),
})

type Process = ReturnType<typeof startProcess>
const neighbours: Process[] = []

// Starting one takes longer than most tests, so the next two start while these are used.
const ready: Process[] = []
const takeProcess = (): Process => {
  const taken = ready.shift() ?? startProcess()
  while (ready.length < 2) ready.push(startProcess())
  return taken
}

const startProcess = () => {
  const child = fork(fileURLToPath(new URL('fixtures/other-process.ts', import.meta.url)), {
    execArgv: ['--import', tsx],
    // JSON would lose undefined.
    serialization: 'advanced',
  })
  // A running test waits for it; nothing else does, so that it keeps nobody from ending.
  child.unref()
  child.channel?.unref()

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
    obey: (order: Omit<Order, 'id'>): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        waiting.set(id, (reply) =>
          'error' in reply ? reject(new Error(reply.error)) : resolve(reply.answer),
        )
        child.send({ ...order, id })
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
