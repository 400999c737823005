// Machines that are not as one thinks: two on one folder, a user without a name, no browser, no place
// for throw-away files, a reader that stops reading, Ctrl-C at once.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { home } from '#core/course/find'
import { openKernelLock } from '#core/files/kernel-lock'
import { ctrlC, seesaw, spawnSeesaw, startSeesaw, tempFolder } from '../seesaw.ts'

const oneLine = (text: string) => text.trim().split('\n')
/** One sentence of ours, and no stack. */
const assertOneLine = (text: string, what: RegExp) => {
  assert.equal(oneLine(text).length, 1, text)
  assert.match(text, what)
}

describe('two on one data folder', function () {
  this.timeout(60_000)

  it('are refused: the second start says what to do, and the first goes on', async () => {
    const first = await startSeesaw()
    const words = ['start', '--port', '0', '--lab-port', '0', '--data', first.data]
    const second = await seesaw(words)
    assert.equal(second.code, 2)
    assertOneLine(second.err, /Another Seesaw runs .*--data.*DATA_FOLDER_IN_USE/)
    const { pid } = JSON.parse(readFileSync(join(first.data, 'running.json'), 'utf8'))
    assert.equal(pid, first.child.pid)
    assert.equal((await fetch(`${first.url}/api/state`)).status, 200)
    await first.stop()
    assert(!existsSync(join(first.data, 'running.json')))
  })

  it('are none where the first one was killed', async () => {
    const first = await startSeesaw()
    first.child.kill('SIGKILL')
    await first.ended
    const second = await startSeesaw({ data: first.data })
    await second.stop()
  })

  it('leave running.json to its owner', async () => {
    const { data, stop } = await startSeesaw()
    const foreign = JSON.stringify({ url: 'http://localhost:1', pid: 1 })
    writeFileSync(join(data, 'running.json'), foreign)
    await stop()
    assert.equal(readFileSync(join(data, 'running.json'), 'utf8'), foreign)
  })

  it('lose nothing of what each keeps, when both change one file at once', async () => {
    const data = tempFolder()
    const program = `
      const { openProgress } = await import(${JSON.stringify(join(home, 'core', 'learner', 'store.ts'))})
      const { predict } = openProgress(${JSON.stringify(data)})
      for (let i = 0; i < 40; i++)
        predict({ scenario: 'x', a: 'x/a@' + process.pid, b: 'x/b@' + i, metric: 'cpu', call: 'a', factor: 2,
          confidence: 70, why: '' })
    `
    const ends = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise<number | null>((resolve) => {
            const args = ['--import', 'tsx', '--input-type=module', '-e', program]
            spawn(process.execPath, args, { cwd: home, stdio: ['ignore', 2, 2] }).once(
              'close',
              resolve,
            )
          }),
      ),
    )
    assert.deepEqual(ends, [0, 0, 0])
    const kept = JSON.parse(readFileSync(join(data, 'progress.json'), 'utf8'))
    assert.equal(kept.predictions.length, 120)
    assert.deepEqual(
      readdirSync(data).filter((name) => name.endsWith('.new')),
      [],
    )
  })

  it('cannot have one lock, also where nobody holds on to what was returned', async () => {
    const file = join(tempFolder(), 'lock')
    const program = `
      const { openKernelLock } = await import(${JSON.stringify(join(home, 'core', 'files', 'kernel-lock.ts'))})
      const hold = () => openKernelLock(${JSON.stringify(file)}).take()
      hold()
      for (let i = 0; i < 5; i++) {
        globalThis.gc()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      const other = openKernelLock(${JSON.stringify(file)})
      process.exit(other.take() ? 1 : 0)
    `
    const args = ['--expose-gc', '--import', 'tsx', '--input-type=module', '-e', program]
    const child = spawn(process.execPath, args, { cwd: home, stdio: ['ignore', 2, 2] })
    assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0)
  })

  it('cannot have one lock', () => {
    const file = join(tempFolder(), 'lock')
    const [one, other] = [openKernelLock(file), openKernelLock(file)]
    assert(one.take())
    assert(!other.take())
    one.release()
    assert(other.take())
    other.release()
  })
})

describe('a command', function () {
  this.timeout(60_000)

  it('opens no page where no browser can be started, says so, and goes on', async () => {
    const started = await startSeesaw({ words: ['--open'], env: { PATH: tempFolder() } })
    await sleep(1_500)
    assert.equal(started.child.exitCode, null, started.err())
    assert.equal((await fetch(`${started.url}/api/state`)).status, 200)
    await started.stop()
  })

  it('says in one line that TMPDIR cannot be used', async () => {
    const file = join(tempFolder(), 'a file')
    writeFileSync(file, '')
    const TMPDIR = join(file, 'not', 'there')
    const ran = await seesaw(['try', 'rate-limits/gcra'], { env: { TMPDIR }, cwd: home })
    assert.equal(ran.code, 2)
    assertOneLine(ran.err, /TMPDIR.*DATA_FOLDER_UNUSABLE/)
  })

  it('ends in silence where its reader has gone', async () => {
    const { child, ended, err } = spawnSeesaw(['list', '--json'])
    child.stdout?.destroy()
    assert.equal((await ended).code, 0)
    assert.equal(err(), '')
  })

  for (const words of [['list'], ['prove', 'rate-limits'], ['start', '--port', '0']])
    for (const afterMs of [150, 500, 1_100])
      it(`ends without a stack when Ctrl-C comes ${afterMs} ms after seesaw ${words[0]} began`, async () => {
        const data = words[0] === 'start' ? ['--lab-port', '0', '--data', tempFolder()] : []
        const { child, ended, err } = spawnSeesaw([...words, ...data], { inTerminal: true })
        await sleep(afterMs)
        if (child.exitCode === null) ctrlC(child)
        const { code } = await ended
        assert([0, 1, 130, 'SIGINT'].includes(code), `${code}: ${err()}`)
        assert.doesNotMatch(err(), /^\s+at |Error:/m)
      })

  for (const [name, runs] of [
    ['a b%41é', true],
    ['a#b', true],
    ['a?b', false],
  ] as const)
    it(`${runs ? 'runs' : 'says in one line that it cannot run'} from a folder called ${name}`, async () => {
      const root = join(tempFolder(), name)
      for (const part of ['core', 'adapters', 'scenarios', 'package.json', 'scenarios.config.ts'])
        cpSync(join(home, part), join(root, part), { recursive: true })
      symlinkSync(join(home, 'node_modules'), join(root, 'node_modules'))
      const ran = await seesaw(['list'], { root })
      assert.equal(ran.code, runs ? 0 : 2, ran.err)
      if (!runs) assertOneLine(ran.err, /a\?b.*Move/)
    })

  it('measures for a user whom the machine has no name for', async function () {
    if (process.getuid?.() !== 0) return this.skip()
    const program = `
      process.setgid(54321); process.setuid(54321)
      const { takeTurn } = await import(${JSON.stringify(join(home, 'bench', 'command', 'lock.ts'))})
      ;(await takeTurn()).release()
    `
    const args = ['--import', 'tsx', '--input-type=module', '-e', program]
    const TMPDIR = '/tmp'
    let err = ''
    const child = spawn(process.execPath, args, { cwd: home, env: { ...process.env, TMPDIR } })
    child.stderr.on('data', (piece) => {
      err += piece
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    assert.equal(code, 0, err)
  })
})
