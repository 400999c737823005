// Keeps one throw-away folder, and a server in it if asked to, for as long as its parent lives: when
// its standard input ends, even because the parent was killed, it stops the server and removes the
// folder. It runs detached, so that Ctrl-C in the terminal does not reach it before its work is
// done. Plain JavaScript, because it must be up before anything is compiled.
//
// Its input is a line of JSON that says what to keep, and then perhaps `kill`, which takes the server
// away without warning, and `start`, which brings it back on the same port over the same files.
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

let ending = false
// The program that runs at this moment, if any: the server, or a step before it.
let server
// Killed on purpose: it stays away until it is told to start.
let away = false
let back = () => {}
// A server that was killed may refuse to start while the processes of its predecessor still end.
let refusals = 0
const mostRefusals = 20

const run = (command, folder) =>
  spawn(command.file, command.args, {
    cwd: folder,
    env: { ...process.env, ...command.env },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(command.uid === undefined ? {} : { uid: command.uid }),
    ...(command.gid === undefined ? {} : { gid: command.gid }),
  })

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)

const ended = (child) =>
  new Promise((resolve) => {
    let lastWords = ''
    child.stderr?.on('data', (data) => {
      lastWords = (lastWords + data).slice(-400)
    })
    child.on('error', (error) => resolve({ code: -1, lastWords: error.message }))
    child.on('exit', (code, signal) => resolve({ code: code ?? signal, lastWords }))
  })

const keep = async ({ folder, before = [], server: command }) => {
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  if (!command) return
  for (const step of before) {
    server = run(step, folder)
    const { code, lastWords } = await ended(server)
    if (ending) return
    if (code !== 0) return say({ failed: `${step.file} ended with ${code}: ${lastWords.trim()}` })
  }
  // A server that dies on its own is started again on the same port over the same files; one
  // that cannot even run for a second is given up.
  while (!ending) {
    if (away) {
      say({ away: true })
      await new Promise((resolve) => {
        back = resolve
      })
      refusals = mostRefusals
      continue
    }
    const startedMs = Date.now()
    server = run(command, folder)
    const { code, lastWords } = await ended(server)
    if (ending || away) continue
    if (Date.now() - startedMs >= 1000) await wait(1000)
    else if (refusals-- > 0) await wait(100)
    else return say({ failed: `${command.file} ended with ${code}: ${lastWords.trim()}` })
  }
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const obey = (word) => {
  if (word === 'kill' && !away) {
    away = true
    server?.kill('SIGKILL')
  } else if (word === 'start' && away) {
    away = false
    back()
  }
}

const end = async () => {
  if (ending) return
  ending = true
  // Without a pid it could not be started.
  if (server?.pid && server.exitCode === null && server.signalCode === null) {
    const gone = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGINT')
    const timer = setTimeout(() => server.kill('SIGKILL'), 5000)
    await gone
    clearTimeout(timer)
  }
  process.exit(0)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end)
process.stdout.on('error', () => {})
const lines = createInterface({ input: process.stdin })
lines.once('line', (line) => {
  lines.on('line', obey)
  keep(JSON.parse(line))
})
lines.on('close', end)
