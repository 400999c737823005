// A Seesaw of one's own, started as a person would start it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { home } from '../../core/course/find.ts'

export interface Seesaw {
  /** The page and its API. */
  url: string
  labUrl: string
  child: ChildProcess
  /** From the start of the process until a variant answered, in milliseconds. */
  startMs: number
  stop(): Promise<void>
}

const pollEveryMs = 5
const giveUpMs = 60_000

/** Runs `seesaw start` on free ports with its data in `folder`, until the lab's `path` answers. */
export const startSeesaw = async (
  folder: string,
  { workers, path, env = {} }: { workers: number; path: string; env?: NodeJS.ProcessEnv },
): Promise<Seesaw> => {
  const [port, labPort] = [await freePort(), await freePort()]
  const words = `start --port ${port} --lab-port ${labPort} --workers ${workers} --data`.split(' ')
  const file = join(home, 'core', 'seesaw.mjs')
  const beganMs = performance.now()
  const child = spawn(process.execPath, [file, ...words, join(folder, 'data')], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit')
  while (!(await answers(labPort, path))) {
    if (child.exitCode !== null) throw new Error(`seesaw start ended with ${child.exitCode}.`)
    if (performance.now() - beganMs > giveUpMs) throw new Error('Nothing answers.')
    await sleep(pollEveryMs)
  }
  return {
    url: `http://localhost:${port}`,
    labUrl: `http://127.0.0.1:${labPort}`,
    child,
    startMs: performance.now() - beganMs,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Whether a variant answers there, whatever it says: it may well be 401. */
const answers = (port: number, path: string): Promise<boolean> =>
  new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume()
      resolve(response.headers['x-seesaw-worker'] !== undefined)
    }).on('error', () => resolve(false))
  })

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
