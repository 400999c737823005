// Some claims are judged by time: while they are proved, no other file's test may run. Mocha's workers
// agree on that by locks that the kernel keeps, so one that dies keeps none.
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type KernelLock, openKernelLock } from '#core/files/kernel-lock'

const isWorker = process.env.MOCHA_WORKER_ID !== undefined
/** One folder for all workers of a run; it goes with the process that has started them. */
const folder = join(tmpdir(), `seesaw-tests-${isWorker ? process.ppid : process.pid}`)
mkdirSync(folder, { recursive: true })
if (!isWorker) process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const quietFile = join(folder, 'quiet.lock')
const ownFile = `${process.pid}.busy`
const busy = openKernelLock(join(folder, ownFile))
const anybody = openKernelLock(quietFile)
let isQuietHere = false

/** Waits until nobody needs quiet; from then on this worker is busy. */
export const begin = async (): Promise<void> => {
  while (!isQuietHere) {
    busy.take()
    if (anybody.take()) return anybody.giveBack()
    busy.giveBack()
    await sleep(50)
  }
}

export const end = (): void => busy.giveBack()

/** Runs `work` while no test of another worker runs; waits a while for those that have begun. */
export const inQuiet = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  const quiet = openKernelLock(quietFile)
  while (!quiet.take()) await sleep(50)
  isQuietHere = true
  try {
    const untilMs = performance.now() + 60_000
    for (const file of readdirSync(folder))
      if (file.endsWith('.busy') && file !== ownFile) {
        const other = openKernelLock(join(folder, file))
        while (!takeAndGiveBack(other) && performance.now() < untilMs) await sleep(50)
        other.release()
      }
    return await work()
  } finally {
    isQuietHere = false
    quiet.release()
  }
}

const takeAndGiveBack = (lock: KernelLock): boolean => {
  const isFree = lock.take()
  if (isFree) lock.giveBack()
  return isFree
}
