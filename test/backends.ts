// Which backends can be used by tests here. Servers are looked for, and started where a program is
// on the machine, exactly as a lab does it. They end with this process, not by a hook: a worker of
// Mocha runs several files and loads this one once, so a hook would run after the first of them.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServers, findOwnServer, type OwnServer } from '#core/lab/servers'

const servers = createServers({
  // `MONGODB_URL` etc. come first in any case; a server that the user runs is used, in a namespace.
  allowStart: true,
})

const required = (process.env.REQUIRE_BACKENDS ?? '').split(',').filter(Boolean)

/** Where the backend is; or why it cannot be used, and whether that is a failure. */
export type BackEnd = { url: string } | { missing: string; required: boolean }

/** A server that has just been started may answer its first visitor late. */
const patienceMs = 20_000

/** Finds `backend`, or starts it; looks again for one that must be there. */
export const findBackEnd = async (backend: string): Promise<BackEnd> => {
  const untilMs = performance.now() + patienceMs
  for (;;)
    try {
      return { url: await servers.locate(backend) }
    } catch (error) {
      const missing = error instanceof Error ? error.message : String(error)
      const isRequired = required.includes(backend)
      if (!isRequired || performance.now() > untilMs) return { missing, required: isRequired }
      await sleep(500)
    }
}

/** Starts a server for one suite alone. Skips the suite where there is none, unless it must be there. */
export const startOwnServer = async (suite: Mocha.Context, backend: string): Promise<OwnServer> => {
  try {
    return await (await findOwnServer(backend))()
  } catch (error) {
    const missing = error instanceof Error ? error.message : String(error)
    assert(!required.includes(backend), missing)
    console.log(`    (skipped: ${missing})`)
    return suite.skip()
  }
}
