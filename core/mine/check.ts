// Finds out whether a learner's text can run before a server process is given it: it is compiled, and
// loaded and mounted in a process of its own that has so long and no longer.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { About, MineProblem } from '../course/mine.ts'
import { keepFolder } from '../files/throw-away.ts'
import type { ProbeNews, ProbeOptions } from './probe.ts'

const beginWithinMs = 20_000
const mountWithinMs = 5_000
const memoryLimitMb = 512

type Outcome = { about: About } | { problem: MineProblem }

/** Writes the file that runs and says what the variant is, or why it does not run. */
export const check = async (options: Omit<ProbeOptions, 'folder'>): Promise<Outcome> => {
  const kept = keepFolder('mine')
  try {
    return await probe({ ...options, folder: kept.folder })
  } finally {
    void kept.stop()
  }
}

const probe = (options: ProbeOptions): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./probe.mjs', import.meta.url)), [], {
      execArgv: [`--max-old-space-size=${memoryLimitMb}`],
      // What it prints must not mix with what a command prints.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    const conclude = (outcome: Outcome) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      resolve(outcome)
    }
    const giveUp = (message: string) => conclude({ problem: { message } })
    let timer = setTimeout(
      () => giveUp('This machine was too busy to try it; save it again.'),
      beginWithinMs,
    )
    child.on('message', (message) => {
      const news = message as ProbeNews
      if (!('began' in news)) return conclude(news)
      clearTimeout(timer)
      timer = setTimeout(
        () =>
          giveUp(
            `It was not mounted within ${mountWithinMs / 1000} s: is there a loop without an end, ` +
              'or an await for what never comes?',
          ),
        mountWithinMs,
      )
    })
    child.once('exit', (code, signal) =>
      giveUp(`It ended the process that was to mount it (${code ?? signal}).`),
    )
    child.once('error', reject)
    child.send(options)
  })
