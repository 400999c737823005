// `seesaw reset`
import { ask, type RunningOptions } from './running.ts'
import { print } from './terminal.ts'

export const reset = async (setup: string | undefined, options: RunningOptions): Promise<void> => {
  const done = await ask<{ reset: string[] }>(options, 'POST', '/api/reset', setup ? { setup } : {})
  if (options.json) return print(JSON.stringify(done, null, 2))
  for (const id of done.reset) print(`${id} is empty again`)
}
