// `seesaw doctor`
import { loadConfig } from '../course/find.ts'
import { createServers } from '../lab/servers.ts'
import { bad, bold, doubtful, faint, good, print } from './terminal.ts'

const colour = { ready: good, startable: doubtful, unavailable: bad }

export const doctor = async ({ json }: { json?: boolean }): Promise<void> => {
  const { connections } = await loadConfig()
  const backends = await createServers({ urls: connections }).doctor()
  if (json) return print(JSON.stringify({ node: process.version, backends }, null, 2))
  print(`Node ${process.version}\n`)
  for (const { name, status, via, version, reason, remedy } of backends) {
    const where = [version, via].filter(Boolean).join(', ')
    print(`${bold(name.padEnd(10))} ${colour[status](status.padEnd(12))} ${where}`)
    if (reason) print(faint(`${' '.repeat(24)}${reason}`))
    if (remedy) print(`${' '.repeat(24)}→ ${remedy}`)
  }
}
