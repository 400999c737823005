// Several measurements in one process, as the self-test has them: each has blocks of its own.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { home } from '#core/load'
import { makePlan } from '../bench/plan.ts'
import { run } from '../bench/run.ts'

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
