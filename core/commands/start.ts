// `seesaw start`: control and lab, until Ctrl-C.
import { readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { dataFolderOf } from '../config.ts'
import { createControl } from '../control/api.ts'
import { home, loadConfig } from '../course/find.ts'
import { SeesawError } from '../errors.ts'
import { occupy, openDataFolder, writeAside } from '../files/data-folder.ts'
import { createHub } from '../http/events.ts'
import { answerClientErrors } from '../http/problems.ts'
import { type Choice, isLoopback, portInUse, startLab } from '../lab/lab.ts'
import { openProgress } from '../learner/store.ts'
import { openDesk } from '../measurements/desk.ts'
import { runningFile } from './running.ts'
import { bold, faint, print } from './terminal.ts'

interface Options {
  port?: number
  labPort?: number
  workers?: number
  data?: string
  open?: boolean
  host?: string
  exposeUnsafeVariants?: boolean
}

export const start = async (options: Options): Promise<void> => {
  const config = await loadConfig()
  const { folder } = openDataFolder(options.data ? resolve(options.data) : dataFolderOf(config))
  // Until this process ends, however it does.
  occupy(folder)
  const mine = { folder: join(folder, 'mine'), refused: whyNotMine(options.host) }
  // Inherited by every process that is started from here.
  if (mine.refused) delete process.env.SEESAW_MINE
  else process.env.SEESAW_MINE = mine.folder
  // Whoever comes while the lab is being started waits for it.
  let serve: (control: RequestListener) => void = () => {}
  const control = new Promise<RequestListener>((resolve) => {
    serve = resolve
  })
  const servers = await listenAll(options.port ?? config.ports.control, (request, response) =>
    control.then((answer) => answer(request, response)),
  )
  const { port } = servers[0].address() as AddressInfo
  const lab = await startLab({
    workers: options.workers ?? config.workers,
    port: options.labPort ?? config.ports.lab,
    backends: config.backends,
    urls: config.connections,
    dataFolder: folder,
    choices: readChoices(folder),
    ...(options.host ? { host: options.host } : {}),
    ...(options.exposeUnsafeVariants ? { exposeUnsafeVariants: true } : {}),
  }).catch((error: unknown) => {
    for (const server of servers) server.close().closeAllConnections()
    throw error
  })

  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const onChoices = () => {
    try {
      writeAside(choicesFile(folder), JSON.stringify(lab.choices(), null, 2))
    } catch (error) {
      // What was chosen is served all the same, for as long as this process lives.
      process.stderr.write(
        `${choicesFile(folder)} cannot be written: ${(error as Error).message}\n`,
      )
    }
  }
  const hub = createHub()
  const progress = openProgress(folder, (view) => hub.publish('progress', view))
  const desk = openDesk({
    folder: join(folder, 'measurements'),
    defaults: config.backends,
    environment: lab.environment,
    onEvent: (event) => hub.publish('measuring', event),
    onChange: (ticket) => {
      hub.publish('measurements', { ticket })
      if (ticket.status === 'queued' || ticket.status === 'running') progress.began(ticket)
      if (ticket.status === 'done') void progress.ended(ticket)
    },
  })
  const url = `http://localhost:${port}`
  try {
    writeAside(runningFile(folder), JSON.stringify({ url, lab: lab.url, pid: process.pid }))
  } catch (cause) {
    for (const server of servers) server.close().closeAllConnections()
    await lab.stop()
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SeesawError(
      'DATA_FOLDER_UNUSABLE',
      `The data folder ${folder} cannot be written (${why}); make room, or name another one with --data.`,
      { cause },
    )
  }
  serve(
    createControl({
      lab,
      config,
      port,
      version,
      dataFolder: folder,
      desk,
      hub,
      progress,
      mine,
      onChoices,
    }).callback(),
  )

  let stopping = false
  const stop = async () => {
    if (stopping) process.exit(130)
    stopping = true
    print(faint('Stopping; Ctrl-C again to leave at once.'))
    removeOwn(runningFile(folder))
    for (const server of servers) server.close().closeAllConnections()
    await desk.stop()
    await lab.stop()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void stop())

  print(`${bold('Seesaw')} ${faint(version)}`)
  print(`the page  ${bold(url)}`)
  print(
    `the lab   ${lab.url}/run/<scenario>/live/  ${faint(`(${lab.doors.length} server processes)`)}`,
  )
  print(faint(`the data  ${folder}`))
  if (options.open) await openPage(url)
}

/** Opens the page in a browser; where none can be started the address above is there to be opened. */
const openPage = async (url: string): Promise<void> => {
  const say = (error: unknown) =>
    process.stderr.write(
      `No browser can be started (${(error as Error).message}). Open ${url} yourself.\n`,
    )
  try {
    const opener = await (await import('open')).default(url)
    opener.once('error', say)
  } catch (error) {
    say(error)
  }
}

/** Removes the file that says where a Seesaw runs, if it says so of this one. */
const removeOwn = (file: string): void => {
  try {
    if (JSON.parse(readFileSync(file, 'utf8')).pid === process.pid) rmSync(file, { force: true })
  } catch {
    // It is gone, or somebody else's.
  }
}

/** A variant that anybody can edit in a page is nothing for a lab that other machines can reach. */
const whyNotMine = (host: string | undefined): string | undefined =>
  host === undefined || isLoopback(host)
    ? undefined
    : `The lab listens on ${host} and can be reached from other machines; a variant of your own runs ` +
      'on loopback only. Start Seesaw without --host.'

/** Listens on both loopback addresses: `localhost` may mean either. Port 0 stands for any free one. */
const listenAll = async (port: number, answer: RequestListener): Promise<[Server, ...Server[]]> => {
  const first = await listenOn(port, '127.0.0.1', answer)
  try {
    return [first, await listenOn((first.address() as AddressInfo).port, '::1', answer)]
  } catch (error) {
    // A machine without IPv6 does with one; a port that is taken on ::1 would get our visitors.
    if (!(error instanceof SeesawError)) return [first]
    first.close()
    throw error
  }
}

const listenOn = (port: number, host: string, answer: RequestListener): Promise<Server> =>
  new Promise((resolve, reject) => {
    // Without a Host a request is refused as from a foreign one.
    const server = createServer({ requireHostHeader: false }, answer)
    answerClientErrors(server)
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new SeesawError('PORT_IN_USE', portInUse(port), { cause })
          : cause.code === 'EACCES'
            ? new SeesawError('WRONG_USE', `Port ${port} may not be used: ${cause.message}.`, {
                cause,
              })
            : cause,
      ),
    )
    server.listen(port, host, () => resolve(server))
  })

const choicesFile = (folder: string): string => join(folder, 'choices.json')

/** What was toggled before; nothing where it was never written or cannot be read. */
const readChoices = (folder: string): Record<string, Choice> => {
  try {
    return JSON.parse(readFileSync(choicesFile(folder), 'utf8')) as Record<string, Choice>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      process.stderr.write(
        `${choicesFile(folder)} cannot be read; every scenario starts as by default.\n`,
      )
    return {}
  }
}
