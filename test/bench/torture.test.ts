// The torture of bench/by-hand/torture.ts, short: the same program with fewer jobs and kills.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { adapterIndex, loadAdapter } from '#core/course/find'

// Mocha loads some tests as CommonJS, where there is no import.meta.resolve.
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const program = fileURLToPath(new URL('../../bench/by-hand/torture.ts', import.meta.url))
const required = (process.env.REQUIRE_BACKENDS ?? '').split(',')
const notAvailable = 3

/** Runs the program and returns how it ended. */
const torture = (...words: string[]): Promise<{ code: number; out: string; errors: string }> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', tsx, program, ...words],
      { env: { ...process.env, NODE_OPTIONS: '' } },
      (error, out, errors) => resolve({ code: Number(error?.code ?? 0), out, errors }),
    )
  })

describe('a job that was accepted', function () {
  this.timeout(180_000)

  for (const engine of adapterIndex.queue)
    it(`is not lost when processes are killed, in ${engine}`, async function () {
      const { traits } = await loadAdapter('queue', engine)
      // What lives in the process dies with it, as its trait says and its contract shows.
      if (!traits.survivesRestart) return this.skip()
      const words = ['--engine', engine, '--jobs', '500', '--kills', '3', '--json']
      const { code, out, errors } = await torture(...words)
      if (code === notAvailable && !required.includes(engine)) return this.skip()
      assert.equal(code, 0, `${out}\n${errors}`)
      const { jobs, kills, lost, once, clean } = JSON.parse(out)
      assert.deepEqual(
        { jobs, kills, lost, once, clean },
        { jobs: 500, kills: 3, lost: 0, once: { lost: 0, doubled: 0 }, clean: true },
      )
    })

  it('is nothing that the torture can look after without an engine, or with wrong numbers', async () => {
    for (const words of [['--engine', 'memory'], ['--jobs', 'many'], ['--kills=-1'], ['--what']]) {
      const { code, errors } = await torture(...words)
      assert.equal(code, 2, errors)
      assert.match(errors, /^torture: .*\[WRONG_USE\]/m)
    }
  })
})
