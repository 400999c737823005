// Calls between a lab and its processes.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { home } from '#core/course/find'
import { SeesawError } from '#core/errors'
import { connectCalls } from '#core/processes/calls'
import { tempFolder } from '../seesaw.ts'

type Theirs = {
  double(n: number): Promise<number>
  refuse(n: number): Promise<void>
  fail(n: number): Promise<void>
  never(n: number): Promise<void>
}

const folder = tempFolder()
const file = join(folder, 'child.mts')
const core = (name: string) => JSON.stringify(join(home, 'core', name))
writeFileSync(
  file,
  `import { connectCalls } from ${core('processes/calls.ts')}
   import { SeesawError } from ${core('errors.ts')}
   connectCalls(process, {
     double: async (n) => 2 * n,
     refuse: async () => { throw new SeesawError('BUSY', 'not now') },
     fail: async () => { console.error = () => {}; throw new TypeError('the password is 1234') },
     never: () => new Promise(() => {}),
   })`,
)
const start = () => {
  const child = fork(file, { execArgv: ['--import', 'tsx'], cwd: home })
  return { child, ask: connectCalls<Theirs>(child, {}) }
}

describe('a call to another process', () => {
  const { child, ask } = start()
  after(() => child.kill('SIGKILL'))
  const failsAs = (code: string, message: RegExp) => (error: unknown) => {
    assert(error instanceof SeesawError && error.code === code, String(error))
    assert.match(error.message, message)
    return true
  }

  it('returns what it returned, whatever else is asked meanwhile', async () => {
    const numbers = [1, 2, 3, 4, 5]
    assert.deepEqual(await Promise.all(numbers.map((n) => ask('double', n))), [2, 4, 6, 8, 10])
  })

  it('rejects with the error that it threw', () =>
    assert.rejects(ask('refuse', 1), failsAs('BUSY', /^not now$/)))

  it('tells nothing of an error that nobody meant to show', () =>
    assert.rejects(ask('fail', 1), failsAs('INTERNAL', /^Something went wrong inside/)))

  it('rejects where the process ends first, and does no harm while it ends', async () => {
    const waiting = assert.rejects(ask('never', 1), failsAs('WORKER_FAILED', /ended before/))
    child.kill('SIGKILL')
    // Written to a process that is about to end: the pipe breaks under some of these.
    const late = Array.from({ length: 50 }, () => ask('double', 1).catch((error) => error.code))
    await once(child, 'exit')
    await waiting
    for (const answer of await Promise.all(late)) assert([2, 'WORKER_FAILED'].includes(answer))
    await assert.rejects(ask('double', 1), failsAs('WORKER_FAILED', /ended before/))
  })
})
