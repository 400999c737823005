// Finds the Seesaw that is running, and asks its API.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { dataFolderOf } from '../config.ts'
import { loadConfig } from '../course/find.ts'
import { errorCodes, type Problem, SeesawError } from '../errors.ts'
import { loopbackFetch } from '../http/loopback-fetch.ts'

export interface RunningOptions {
  port?: number
  data?: string
  json?: boolean
}

/** Where a Seesaw that runs says so, in its data folder. */
export const runningFile = (folder: string): string => join(folder, 'running.json')

/** Asks the running Seesaw. Throws LAB_NOT_RUNNING, or the error that it answers. */
export const ask = async <Answer>(
  options: RunningOptions,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<Answer> => {
  const url = await findRunning(options)
  const response = await loopbackFetch(`${url}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  }).catch((cause: unknown) => {
    throw new SeesawError(
      'LAB_NOT_RUNNING',
      `No Seesaw answers on ${url}; start one with npm start, or name its --port.`,
      { cause },
    )
  })
  const answer: unknown = await response.json().catch(() => undefined)
  if (response.ok && answer) return answer as Answer
  const { code, detail } = (answer ?? {}) as Partial<Problem>
  if (code && detail && errorCodes.includes(code)) throw new SeesawError(code, detail)
  throw new SeesawError('LAB_NOT_RUNNING', `What answers on ${url} is no Seesaw; name its --port.`)
}

const findRunning = async ({ port, data }: RunningOptions): Promise<string> => {
  if (port !== undefined) return `http://localhost:${port}`
  const config = await loadConfig()
  const file = runningFile(data ? resolve(data) : dataFolderOf(config))
  const said = existsSync(file) ? /"url":"(http:[^"]+)"/.exec(readFileSync(file, 'utf8')) : null
  if (said?.[1]) return said[1]
  return `http://localhost:${config.ports.control}`
}
