// Which backends can be used by tests here. Servers are looked for, and started where a program is
// on the machine, exactly as a lab does it; they are stopped after the last test.
import { createServers } from '#core/servers'

const servers = createServers({
  // `MONGODB_URL` etc. come first in any case; a server that the user runs is used, in a namespace.
  allowStart: true,
})

after(() => servers.stop())

const required = (process.env.REQUIRE_BACKENDS ?? '').split(',').filter(Boolean)

/** Where the backend is; or why it cannot be used, and whether that is a failure. */
export type BackEnd = { url: string } | { missing: string; required: boolean }

/** Finds `backend`, or starts it, at most once. */
export const findBackEnd = async (backend: string): Promise<BackEnd> => {
  try {
    return { url: await servers.locate(backend) }
  } catch (error) {
    const missing = error instanceof Error ? error.message : String(error)
    return { missing, required: required.includes(backend) }
  }
}
