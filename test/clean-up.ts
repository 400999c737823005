// What a file of tests leaves behind is cleared away after it, and no test begins while another worker
// needs quiet. These are Mocha's root hooks: a worker that runs several files loads `seesaw.ts` once, so a
// hook of its own would run after the first file only.
import type { ChildProcess } from 'node:child_process'
import { begin, end } from './quiet.ts'
import { killCommands, removeFolders, runningCommands } from './seesaw.ts'

let fromBefore = new Set<ChildProcess>()

export const mochaHooks: Mocha.RootHookObject = {
  async beforeEach(this: Mocha.Context) {
    this.timeout(0)
    await begin()
    fromBefore = runningCommands()
  },

  /** A command that outlives its failed test would hold a port, or the turn, against the next one. */
  afterEach(this: Mocha.Context) {
    end()
    if (this.currentTest?.state !== 'passed') killCommands(fromBefore)
  },

  afterAll() {
    killCommands()
    removeFolders()
  },
}
