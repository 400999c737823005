// Finds the Seesaw that is running, and asks its API.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { dataFolderOf } from '../config.ts'
import { type ErrorCode, type Problem, SeesawError } from '../errors.ts'
import { loadConfig } from '../load.ts'

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
  const response = await fetch(`${url}${path}`, {
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
  const answer: unknown = await response.json()
  if (response.ok) return answer as Answer
  const { code, detail } = answer as Problem
  throw new SeesawError(code as ErrorCode, detail)
}

const findRunning = async ({ port, data }: RunningOptions): Promise<string> => {
  if (port !== undefined) return `http://localhost:${port}`
  const config = await loadConfig()
  const file = runningFile(data ? resolve(data) : dataFolderOf(config))
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { url: string }).url
  return `http://localhost:${config.ports.control}`
}
