#!/usr/bin/env node
// The command `seesaw`: makes Node understand TypeScript, then runs cli.ts.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`seesaw: Node ${process.versions.node} is too old; 20.19 or newer is needed.`)
  process.exit(2)
}
// Started by another Seesaw, which is there for as long as the channel to it is: when it has gone,
// even by `kill -9`, this ends in good order, with nobody left to tell about it.
if (process.channel) {
  process.stderr.on('error', () => {})
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel.unref()
}
const { register } = await import('tsx/esm/api')
register({ tsconfig: false })
const { run } = await import('./cli.ts')
await run(process.argv.slice(2))
