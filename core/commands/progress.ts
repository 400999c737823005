// `seesaw progress`: the calls that a learner made, and what came of them. Asks the Seesaw that runs
// on the data folder; where none does, reads and writes the folder itself.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { dataFolderOf } from '../config.ts'
import { loadConfig } from '../course/find.ts'
import { SeesawError } from '../errors.ts'
import { readBody } from '../http/problems.ts'
import type { Score } from '../learner/score.ts'
import { type Exported, exportSchema } from '../learner/shape.ts'
import { openProgress, type ProgressView } from '../learner/store.ts'
import { plain } from '../plain.ts'
import { ask, type RunningOptions, runningFile } from './running.ts'
import { bold, faint, print } from './terminal.ts'

interface Options extends RunningOptions {
  export?: string
  import?: string
  reset?: string | true
  undo?: boolean
}

export const progress = async (options: Options): Promise<void> => {
  const asked = [options.export, options.import, options.reset, options.undo]
  if (asked.filter((one) => one !== undefined).length > 1)
    throw new SeesawError('WRONG_USE', 'One of --export, --import, --reset and --undo at a time.')
  const desk = await open(options)

  if (options.export !== undefined) {
    const exported = await desk.exportAll()
    writeOut(options.export, JSON.stringify(exported, null, 2))
    const kept = { file: options.export, predictions: exported.predictions.length }
    return say(options, kept, `${kept.predictions} calls are in ${kept.file}`)
  }
  if (options.import !== undefined) {
    const done = await desk.importAll(readIn(options.import))
    return say(
      options,
      done,
      `${done.added.predictions} calls added, ${done.known.predictions} were there; ` +
        'seesaw progress --undo takes it back',
    )
  }
  if (options.reset !== undefined) {
    const done = await desk.reset(options.reset === true ? undefined : options.reset)
    return say(
      options,
      done,
      `${done.removed.predictions} calls forgotten; seesaw progress --undo brings them back`,
    )
  }
  if (options.undo) {
    const done = await desk.undo()
    return say(options, done, `The last ${done.undone} is taken back`)
  }
  const view = await desk.read()
  if (options.json) print(JSON.stringify(view, null, 2))
  else show(view)
}

const say = ({ json }: Options, done: unknown, words: string) =>
  print(json ? JSON.stringify(done, null, 2) : words)

type Progress = ReturnType<typeof openProgress>
type Desk = {
  [Name in 'read' | 'exportAll' | 'importAll' | 'reset' | 'undo']: (
    ...given: Parameters<Progress[Name]>
  ) => Awaited<ReturnType<Progress[Name]>> | Promise<Awaited<ReturnType<Progress[Name]>>>
}

const open = async (options: Options): Promise<Desk> => {
  const folder = options.data ? resolve(options.data) : dataFolderOf(await loadConfig())
  if (options.port === undefined && !runsOn(folder)) return openProgress(folder)
  return {
    read: () => ask(options, 'GET', '/api/progress'),
    exportAll: () => ask(options, 'GET', '/api/progress/export'),
    importAll: (given) => ask(options, 'POST', '/api/progress/import', given),
    reset: (scenario) => ask(options, 'POST', '/api/progress/reset', scenario ? { scenario } : {}),
    undo: () => ask(options, 'POST', '/api/progress/undo', {}),
  }
}

/** Whether a Seesaw that still lives has said that it runs there. */
const runsOn = (folder: string): boolean => {
  try {
    const { pid } = JSON.parse(readFileSync(runningFile(folder), 'utf8')) as { pid: number }
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const writeOut = (file: string, text: string): void => {
  try {
    writeFileSync(file, `${text}\n`, { mode: 0o600 })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SeesawError('FILE_NOT_WRITTEN', `${file} cannot be written: ${why}`, { cause })
  }
}

const readIn = (file: string): Exported => {
  if (!existsSync(file)) throw new SeesawError('WRONG_USE', `There is no file ${file}.`)
  let found: unknown
  try {
    found = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SeesawError('BODY_MALFORMED', `${file} cannot be read as JSON: ${why}`, { cause })
  }
  return readBody(exportSchema, found)
}

const words: Record<Score, string> = {
  right: 'right',
  wrong: 'wrong',
  untold: 'could not be told',
  open: 'not measured yet',
}

const show = (view: ProgressView): void => {
  for (const { madeAt, a, b, call, metric, score, outcome } of view.predictions) {
    const said = call === 'same' ? 'no real difference' : call === 'a' ? a : b
    print(
      `${madeAt.slice(0, 10)}  ${bold(words[score])}  ${faint(`${metric}: ${plain(a)} or ${plain(b)}`)}`,
    )
    print(`            you said: ${plain(said)}`)
    if (outcome) print(`            measured: ${plain(outcome.sentence)}`)
  }
  const { right, wrong, untold, open } = view.score
  print(`${right} right, ${wrong} wrong, ${untold} could not be told, ${open} not measured yet`)
  for (const name of view.setAside) print(faint(`${name} could not be read and is kept beside it`))
}
