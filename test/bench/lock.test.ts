// One measurement at a time: what the lock promises, tried by processes that end in every way.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { home } from '#core/course/find'
import { tempFolder, until } from '../seesaw.ts'

const children = new Set<ChildProcess>()
after(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** A process that takes its turn, keeps it until its input ends, and says how it goes. */
const taker = (temp: string, name: string) => {
  const text = `
    const { takeTurn } = await import(${JSON.stringify(join(home, 'bench', 'command', 'lock.ts'))})
    const stop = new AbortController()
    process.once('SIGTERM', () => stop.abort(new Error('stopped')))
    try {
      const turn = await takeTurn({
        says: ${JSON.stringify(name)},
        signal: stop.signal,
        onWait: (behind) => console.log('waits behind ' + behind),
      })
      console.log('has it')
      process.stdin.resume().once('end', () => {
        turn.release()
        console.log('released')
      })
    } catch (error) {
      console.log(error.code ?? '', error.message)
    }`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', text], {
    cwd: home,
    env: { ...process.env, TMPDIR: temp },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.add(child)
  let out = ''
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    out += piece
  })
  const said = (what: string | RegExp) => until(() => new RegExp(what).test(out), 15_000)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return { child, ended, out: () => out, said, release: () => child.stdin?.end() }
}

const folderIn = (temp: string) => join(temp, `.seesaw-turns-${userInfo().uid}`)
const ticketsIn = (temp: string) =>
  readdirSync(folderIn(temp)).filter((name) => name.startsWith('waiting-'))

describe('the lock of measurements', function () {
  this.timeout(60_000)

  it('is held by one process, and says to the next behind whom it waits', async () => {
    const temp = tempFolder()
    const first = taker(temp, 'the first')
    await first.said('has it')
    const second = taker(temp, 'the second')
    await second.said(/waits behind the first, process \d+, since \d\d:\d\d/)
    assert.doesNotMatch(second.out(), /has it/)
    first.release()
    await second.said('has it')
    second.release()
    await Promise.all([first.ended, second.ended])
    assert.deepEqual(ticketsIn(temp), [])
  })

  it('serves those who wait in the order in which they came', async () => {
    const temp = tempFolder()
    const holder = taker(temp, 'the holder')
    await holder.said('has it')
    const early = taker(temp, 'the early one')
    await early.said('waits behind the holder')
    const late = taker(temp, 'the late one')
    await late.said(/waits behind the holder.*, and 1 more that came before/)
    holder.release()
    await early.said('has it')
    await late.said('waits behind the early one')
    assert.doesNotMatch(late.out(), /has it/)
    early.release()
    await late.said('has it')
    late.release()
    await late.ended
  })

  for (const signal of ['SIGKILL', 'SIGINT'] as const)
    it(`is free again when its holder is ended by ${signal}`, async () => {
      const temp = tempFolder()
      const first = taker(temp, 'the first')
      await first.said('has it')
      const second = taker(temp, 'the second')
      await second.said('waits')
      first.child.kill(signal)
      await second.said('has it')
      second.release()
      await second.ended
    })

  it('is not held up by one who was killed while it waited', async () => {
    const temp = tempFolder()
    const first = taker(temp, 'the first')
    await first.said('has it')
    const gone = taker(temp, 'the one that goes')
    await gone.said('waits')
    gone.child.kill('SIGKILL')
    await gone.ended
    const [ticket = ''] = ticketsIn(temp)
    // As if ten seconds had gone by.
    utimesSync(join(folderIn(temp), ticket), new Date(0), new Date(0))
    const third = taker(temp, 'the third')
    await third.said(/waits behind the first, process \d+, since \d\d:\d\d\n/)
    first.release()
    await third.said('has it')
    third.release()
    await third.ended
    assert.deepEqual(ticketsIn(temp), [])
  })

  it('lets one who waits go away', async () => {
    const temp = tempFolder()
    const first = taker(temp, 'the first')
    await first.said('has it')
    const second = taker(temp, 'the second')
    await second.said('waits')
    second.child.kill('SIGTERM')
    await second.ended
    assert.match(second.out(), /stopped\n$/)
    assert.deepEqual(ticketsIn(temp), [])
    first.release()
    await first.ended
  })

  it('is never held by two of six that come at once', async () => {
    const temp = tempFolder()
    const log = join(temp, 'log')
    const text = `
      const { appendFileSync } = await import('node:fs')
      const { takeTurn } = await import(${JSON.stringify(join(home, 'bench', 'command', 'lock.ts'))})
      await Promise.all([1, 2].map(async () => {
        const turn = await takeTurn()
        appendFileSync(${JSON.stringify(log)}, 'in\\n')
        await new Promise((resolve) => setTimeout(resolve, 20))
        appendFileSync(${JSON.stringify(log)}, 'out\\n')
        turn.release()
      }))`
    const codes = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise((resolve) => {
            const words = ['--import', 'tsx', '--input-type=module', '-e', text]
            const env = { ...process.env, TMPDIR: temp }
            const child = spawn(process.execPath, words, { cwd: home, env, stdio: 'inherit' })
            children.add(child)
            child.once('close', resolve)
          }),
      ),
    )
    assert.deepEqual(codes, [0, 0, 0])
    assert.equal(readFileSync(log, 'utf8'), 'in\nout\n'.repeat(6))
  })

  it('is refused where its folder is a link, or its file is no lock', async () => {
    for (const prepare of [
      (folder: string) => symlinkSync(tempFolder(), folder),
      (folder: string) => writeFileSync(folder, ''),
      (folder: string) => {
        mkdirSync(folder)
        writeFileSync(join(folder, 'lock'), 'this is no database'.repeat(100))
      },
    ]) {
      const temp = tempFolder()
      prepare(folderIn(temp))
      const one = taker(temp, 'one')
      await one.ended
      assert.match(one.out(), /^DATA_FOLDER_UNUSABLE .*cannot be used .* set TMPDIR/)
    }
  })
})
