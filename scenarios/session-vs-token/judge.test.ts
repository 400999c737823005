// The judge of the load, about answers made by hand: honest ones and wrong ones.
import assert from 'node:assert/strict'
import { get, judgeOf, seen } from '../../test/judging.ts'

describe('the judge of session-vs-token/me', () => {
  it("calls Ada's page right, and anything else wrong", async () => {
    const judge = await judgeOf('session-vs-token', 'me')
    const says = (status: number, body: unknown) => judge(seen(get('/me'), status, body))
    assert.equal(says(200, { name: 'ada', role: 'editor' }), 'right')
    assert.equal(says(200, { name: 'ben', role: 'editor' }), 'wrong')
    assert.equal(says(200, { name: 'ada', role: 'admin' }), 'wrong')
    assert.equal(says(200, '{"name":"ada","role":"edi'), 'wrong')
    assert.equal(says(401, { name: 'ada', role: 'editor' }), 'wrong')
  })
})
