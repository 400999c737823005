// A learner's code may spin, and no event reaches a process that spins: not even that whoever started
// it has been killed, and that it is to end. Somebody beside it has to look.
import { Worker } from 'node:worker_threads'

const lookEveryMs = 2_000

let dog: Worker | undefined

/** From now on this process ends when the one that started it has gone, whatever it does. */
export const endWithParent = (): void => {
  dog ??= new Worker(
    `setInterval(() => {
      if (process.ppid !== ${process.ppid}) process.kill(process.pid, 'SIGKILL')
    }, ${lookEveryMs})`,
    { eval: true, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 16 } },
  )
  dog.unref()
}
