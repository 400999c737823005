// Measurements in this process, as the self-test has them: each has blocks of its own, one that is ended
// early has nothing that was not measured, and the bare server takes the part that it must.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { home } from '#core/course/find'
import { makePlan } from '../../bench/plan/plan.ts'
import { run } from '../../bench/run/run.ts'
import { measurementOf } from '../measurements.ts'

const scenariosFolder = join(home, 'bench', 'self-test', 'scenarios')

describe('two measurements in one process', function () {
  this.timeout(120_000)

  it('have nothing in common', async () => {
    const targets = ['steady/plain', 'steady/plain']
    const measure = async () => {
      const planned = await makePlan({ targets, preset: 'duel', blocks: 1, scenariosFolder })
      return run({ planned, seesaw: 'test', command: 'test', scenariosFolder })
    }
    const first = await measure()
    const kept = structuredClone(first)
    const second = await measure()
    assert.deepEqual([first.blocks.length, second.blocks.length], [1, 1])
    assert.notEqual(second.blocks[0]?.startedAt, first.blocks[0]?.startedAt)
    assert.deepEqual(first, kept)
  })
})

describe('a measurement', function () {
  this.timeout(120_000)
  const targets = ['steady/plain', 'steady/plain']
  const told = { seesaw: 'test', command: 'test', scenariosFolder }

  it('keeps its proof where it goes on and is interrupted while claims are proved again', async () => {
    const planned = await makePlan({ targets, scenariosFolder })
    const proof = { ok: true, verdicts: 3, wrong: [] }
    const begun = { ...measurementOf(), finishedAt: null, plan: planned.plan, blocks: [], proof }
    begun.machine.backends = {}
    const stop = new AbortController()
    const half = await run({
      ...{ ...told, planned, resume: begun, signal: stop.signal },
      onProgress: (event) => {
        if (event.type === 'phase' && event.phase === 'proving') stop.abort()
      },
    })
    assert.deepEqual([half.finishedAt, half.proof], [null, proof])
  })

  it('has the bare server in every slice of the open load', async () => {
    const planned = await makePlan({
      ...{ targets, scenariosFolder, load: 'open', ratePerSecond: 50, blocks: 1 },
    })
    Object.assign(planned.plan, { warmUpMs: 200 })
    const { blocks } = await run({ ...told, planned })
    const slices = blocks[0]!.slots.map((slot) => slot.slices.length)
    assert.equal(slices.length, 6)
    assert(slices[0]! > 1 && new Set(slices).size === 1, slices.join())
  })
})
