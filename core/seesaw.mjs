#!/usr/bin/env node
// The command `seesaw`: makes Node understand TypeScript, then runs cli.ts.
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`seesaw: Node ${process.versions.node} is too old; 20.19 or newer is needed.`)
  process.exit(2)
}
// The compiler takes a question mark in a file's address for the beginning of a query.
const folder = dirname(dirname(fileURLToPath(import.meta.url)))
if (folder.includes('?')) {
  console.error(
    `seesaw: A folder with a question mark in its name cannot be run from: ${folder}. Move it. [WRONG_USE]`,
  )
  process.exit(2)
}
// Started by another Seesaw, which is there for as long as the channel to it is: when it has gone,
// even by `kill -9`, this ends in good order, with nobody left to tell about it.
if (process.channel) {
  process.stderr.on('error', () => {})
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel.unref()
}
// Ctrl-C in the first seconds, before a command has its own way to stop. The compiler hears it, too, and
// what it says then is no fault of anybody's.
let interrupted = false
process.on('SIGINT', () => {
  interrupted = true
  if (process.listenerCount('SIGINT') === 1) process.exit(130)
})
// Whoever reads our output may stop, as `head` does.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1))
try {
  const { register } = await import('tsx/esm/api')
  register({ tsconfig: false })
  const { run } = await import('./cli.ts')
  await run(process.argv.slice(2))
} catch (error) {
  // The compiler keeps what it has compiled there.
  if (/^E[A-Z]+$/.test(error?.code) && String(error.path).startsWith(tmpdir())) {
    console.error(
      `seesaw: ${tmpdir()} cannot hold throw-away files (${error.message}). Set TMPDIR to a folder that can be written. [DATA_FOLDER_UNUSABLE]`,
    )
    process.exit(2)
  }
  if (!interrupted && !/service (was stopped|is no longer running)/.test(error?.message))
    throw error
  process.exit(130)
}
