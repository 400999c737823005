// Error codes, and the page that explains them.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { home } from '#core/course/find'
import {
  asSeesawError,
  errorCodes,
  exitCodeOf,
  SeesawError,
  statusOf,
  toProblem,
} from '#core/errors'

const page = readFileSync(join(home, 'docs', 'errors.md'), 'utf8')
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.split('\n')[0], section] as const),
)

describe('docs/errors.md', () => {
  for (const code of errorCodes)
    it(`explains ${code} with its status and its exit code`, () => {
      const section = sections.get(code) ?? assert.fail('it has no heading')
      assert.match(
        section,
        new RegExp(`^HTTP ${statusOf(code)}, exit code ${exitCodeOf(code)}\\.`, 'm'),
      )
    })

  it('explains no code that does not exist', () => {
    assert.deepEqual([...sections.keys()].sort(), [...errorCodes].sort())
  })
})

describe('an error', () => {
  it('is shown as a problem with its code, status and message', () => {
    assert.deepEqual(toProblem(new SeesawError('KNOB_OUT_OF_RANGE', 'limit=0: …')), {
      type: 'urn:seesaw:error:KNOB_OUT_OF_RANGE',
      title: 'knob out of range',
      status: 400,
      code: 'KNOB_OUT_OF_RANGE',
      detail: 'limit=0: …',
    })
  })

  it('that nobody meant to show tells nothing of the inside, and keeps its cause', () => {
    const secret = new TypeError('the password is 1234')
    const problem = toProblem(secret)
    assert.equal(problem.code, 'INTERNAL')
    assert.doesNotMatch(JSON.stringify(problem), /1234|TypeError/)
    assert.equal(asSeesawError(secret).cause, secret)
  })

  it('may be anything that was thrown', () => {
    for (const thrown of [null, undefined, 'text', 7, Symbol('s')])
      assert.equal(toProblem(thrown).code, 'INTERNAL')
  })
})
