// The judge of the load, about answers made by hand: honest ones and wrong ones.
import assert from 'node:assert/strict'
import { judgeOf, seen } from '../../test/judging.ts'

describe('the judge of queue-types/imports', () => {
  const request = {
    method: 'POST',
    path: '/imports',
    body: { csv: 'account,cents\nada,1250\nben,-250' },
  }
  const done = { state: 'done', result: { bookings: 2, cents: 1000 } }

  it('calls right what is accepted under an id of its own, and what is done', async () => {
    const judge = await judgeOf('queue-types', 'imports')
    assert.equal(judge(seen(request, 202, { id: 'one' })), 'right')
    assert.equal(judge(seen(request, 202, { id: 'two' })), 'right')
    assert.equal(judge(seen(request, 201, done)), 'right')
  })

  it('calls wrong an id that was given out before, a wrong sum, and what is neither', async () => {
    const judge = await judgeOf('queue-types', 'imports')
    assert.equal(judge(seen(request, 202, { id: 'one' })), 'right')
    assert.equal(judge(seen(request, 202, { id: 'one' })), 'wrong')
    assert.equal(judge(seen(request, 202, { id: '' })), 'wrong')
    assert.equal(judge(seen(request, 202, {})), 'wrong')
    const short = { state: 'done', result: { bookings: 1, cents: 1250 } }
    assert.equal(judge(seen(request, 201, short)), 'wrong')
    assert.equal(judge(seen(request, 201, { ...done, state: 'running' })), 'wrong')
    assert.equal(judge(seen(request, 200, done)), 'wrong')
    assert.equal(judge(seen(request, 503, '')), 'wrong')
  })
})
