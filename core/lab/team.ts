// The processes of a lab: one that dies or hangs is replaced behind the same door, and connections
// are handed to whoever is there.
import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { SeesawError } from '../errors.ts'
import { connectCalls } from '../processes/calls.ts'
import type { LabCalls, WorkerCalls, WorkerOptions } from './worker.ts'

const stopWithinMs = 5_000
const readyWithinMs = 20_000
const pingEveryMs = 2_000
/** A process that has left so many pings unanswered is taken to spin, and is replaced. */
const mostUnanswered = 4
const memoryLimitMb = 768
const mostWaiting = 1_000
const mostDeaths = 3

interface Worker {
  child: ChildProcess
  ask: ReturnType<typeof connectCalls<WorkerCalls>>
  ready: Promise<void>
  exited: Promise<void>
  /** Pings that it has not answered. */
  unanswered: number
}

interface TeamOptions {
  size: number
  describe(index: number, door: number): WorkerOptions
  locate(backend: string): Promise<string>
}

/** Keeps `size` processes running: one that dies or hangs is replaced behind the same door. */
export const startTeam = async ({ size, describe, locate }: TeamOptions) => {
  const doors: string[] = []
  const workers: Worker[] = []
  const readyNow = new Set<Worker>()
  const waiting: Socket[] = []
  let stopping = false
  let turn = 0

  const start = (index: number): Worker => {
    const door = Number(doors[index - 1]?.split(':').at(-1) ?? 0)
    const child = fork(fileURLToPath(new URL('./worker.mjs', import.meta.url)), [], {
      execArgv: [`--max-old-space-size=${memoryLimitMb}`],
      env: {
        ...process.env,
        SEESAW_WORKER: JSON.stringify(describe(index, door)),
        // Pools of connections are sized by it.
        SEESAW_PROCESSES: String(size),
      },
      // What a scenario prints must not mix with what a command prints.
      stdio: ['ignore', 2, 2, 'ipc'],
      // The lab decides when a process ends: Ctrl-C would reach it, even while it starts.
      detached: true,
    })
    // A process that cannot be started at all, for want of memory say, never exits.
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
    const ready = new Promise<void>((resolve, reject) => {
      const calls: LabCalls = {
        locate,
        async ready(port) {
          doors[index - 1] = `http://127.0.0.1:${port}`
          resolve()
        },
      }
      worker = {
        child,
        ask: connectCalls<WorkerCalls>(child, calls),
        exited,
        unanswered: 0,
      } as Worker
      const failed = (how: string) =>
        reject(
          new SeesawError('WORKER_FAILED', `Server process ${index} ${how} before it was ready.`),
        )
      child.once('exit', () => failed('ended'))
      child.once('error', (error) => failed(`cannot be started (${error.message}), or ended`))
      setTimeout(() => failed('took too long'), readyWithinMs).unref()
    })
    worker.ready = ready
    return worker
  }
  let worker: Worker

  /** Starts a process and sees to it that it has a successor. */
  const employ = (index: number, failures = 0): Promise<void> => {
    if (stopping) return Promise.resolve()
    const worker = start(index)
    workers[index - 1] = worker
    const startedMs = Date.now()
    let stopWatching = () => {}
    void worker.exited.then(async () => {
      stopWatching()
      readyNow.delete(worker)
      if (stopping || workers[index - 1] !== worker) return
      // One that keeps dying at once is given more and more time.
      const again = Date.now() - startedMs < 5_000 ? failures + 1 : 0
      await new Promise((resolve) => setTimeout(resolve, Math.min(100 * 2 ** again, 5_000) - 100))
      if (!stopping && workers[index - 1] === worker) await employ(index, again).catch(() => {})
    })
    return worker.ready.then(
      () => {
        stopWatching = watch(worker)
        readyNow.add(worker)
        for (const socket of waiting.splice(0)) give(socket)
      },
      (error) => {
        worker.child.kill('SIGKILL')
        throw error
      },
    )
  }

  /**
   * Kills a process that does not answer: it spins, and would never stop by itself. Counted, not
   * timed, because after Ctrl-Z and fg all have been silent for long.
   */
  const watch = (worker: Worker): (() => void) => {
    const timer = setInterval(() => {
      if (worker.unanswered++ >= mostUnanswered) worker.child.kill('SIGKILL')
      worker.ask('ping', null).then(
        () => {
          worker.unanswered = 0
        },
        () => {},
      )
    }, pingEveryMs)
    return () => clearInterval(timer)
  }

  /** Hands a connection to the next process; keeps it while there is none. */
  const give = (socket: Socket): void => {
    const lively = [...readyNow].filter(({ unanswered }) => unanswered < 2)
    const able = lively.length > 0 ? lively : [...readyNow]
    const next = able[turn++ % Math.max(1, able.length)]
    if (next)
      next.child.send('connection', socket, (error) => {
        if (error) socket.destroy()
      })
    else if (waiting.length < mostWaiting && !stopping) waiting.push(socket)
    else socket.destroy()
  }

  const stopOne = async (worker: Worker): Promise<void> => {
    readyNow.delete(worker)
    void worker.ask('stop', null).catch(() => {})
    const timer = setTimeout(() => worker.child.kill('SIGKILL'), stopWithinMs)
    await worker.exited
    clearTimeout(timer)
  }

  /** The process of this index; waits for the successor where there is none at the moment. */
  const ready = async (index: number): Promise<Worker> => {
    const untilMs = performance.now() + readyWithinMs
    for (;;) {
      const worker = workers[index - 1]
      if (worker && readyNow.has(worker)) return worker
      if (stopping || !worker || performance.now() > untilMs)
        throw new SeesawError('WORKER_FAILED', `Server process ${index} does not run.`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  const indices = Array.from({ length: size }, (_, i) => i + 1)
  const stop = async () => {
    stopping = true
    for (const socket of waiting.splice(0)) socket.destroy()
    await Promise.all(workers.map(stopOne))
  }
  try {
    await Promise.all(indices.map((index) => employ(index)))
  } catch (error) {
    await stop()
    throw error
  }

  return {
    doors,
    give,
    stop,
    pids: () => workers.map(({ child }) => child.pid ?? 0),

    /**
     * Asks every process, also one that is only being started; for what may be asked twice. Throws
     * WORKER_FAILED where one process after another dies of it.
     */
    askAll<Name extends keyof WorkerCalls>(name: Name, argument: Parameters<WorkerCalls[Name]>[0]) {
      return Promise.all(
        indices.map(async (index) => {
          for (let deaths = 1; ; deaths++) {
            const worker = await ready(index)
            try {
              return await worker.ask(name, argument)
            } catch (error) {
              if (!(error instanceof SeesawError && error.code === 'WORKER_FAILED')) throw error
              if (deaths === mostDeaths) throw error
              // It died meanwhile; its successor is asked in its place.
              readyNow.delete(worker)
            }
          }
        }),
      )
    },

    async askThoseThatAnswer<Name extends keyof WorkerCalls>(
      name: Name,
      argument: Parameters<WorkerCalls[Name]>[0],
      withinMs: number,
    ) {
      const late = new Promise<undefined>((resolve) =>
        setTimeout(resolve, withinMs, undefined).unref(),
      )
      const answers = workers.map(({ ask }) => ask(name, argument).catch(() => undefined))
      const inTime = await Promise.all(answers.map((answer) => Promise.race([answer, late])))
      return inTime.flatMap((answer) => (answer === undefined ? [] : [answer]))
    },

    async restart() {
      const old = [...workers]
      await Promise.all(
        old.map(async (worker, i) => {
          // Its successor is named first, so that its end is not taken for a crash.
          workers.splice(i, 1, { ...worker })
          await stopOne(worker)
        }),
      )
      await Promise.all(indices.map((index) => employ(index)))
    },

    async kill(index: number) {
      const worker = workers[index - 1]
      if (!worker)
        throw new SeesawError('WRONG_USE', `There is no server process ${index} of ${size}.`)
      readyNow.delete(worker)
      workers.splice(index - 1, 1, { ...worker })
      worker.child.kill('SIGKILL')
      await worker.exited
      await employ(index)
    },
  }
}
