// Ctrl-C, and what it leads to.
import { setTimeout as sleep } from 'node:timers/promises'
import { SeesawError } from '../../core/errors.ts'

/** Ctrl-C ends what is measured in good order, a second one at once. */
export const interruption = (): AbortSignal => {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(130)
    process.stderr.write(
      '\nStopping after the slice that is under way; Ctrl-C again to leave now.\n',
    )
    controller.abort(new SeesawError('BUSY', 'Interrupted before it began.'))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  return controller.signal
}

const signalTakesMs = 200

/**
 * Whether Ctrl-C is why something has failed. In a terminal it ends the compiler of TypeScript, too, so
 * that what would have been loaded next cannot be; and that may be seen before the signal itself.
 */
export const wasInterrupted = async (signal: AbortSignal | undefined): Promise<boolean> => {
  if (signal && !signal.aborted) await sleep(signalTakesMs)
  return signal?.aborted ?? false
}
