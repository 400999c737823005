// Verdicts that are kept: told as they come, there after a restart, and never passed off as newer than
// they are.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scenarioIds } from '#core/course/find'
import type { SeesawError } from '#core/errors'
import { createHub, type Hub } from '#core/http/events'
import { openProofs, type ProofBook, type ProofEvent } from '#core/proof/book'
import type { Proof } from '#core/proof/prove'
import { tempFolder, until } from '../seesaw.ts'

const env = async () => ({})
const never = new AbortController().signal
const setup = 'session-vs-token/signed-token'
const claims = ['stolen-copy', 'alg-none']

/** A hub that remembers what was published. */
const listen = () => {
  const told: ProofEvent[] = []
  const hub: Hub = {
    ...createHub(),
    publish: (_, data) => told.push(structuredClone(data) as ProofEvent),
  }
  return { hub, told }
}

describe('proofs that are kept', function () {
  this.timeout(60_000)
  const folder = tempFolder()
  const { hub, told } = listen()
  let proofs: ProofBook
  let proof: Proof
  const readFile = () => JSON.parse(readFileSync(join(folder, 'proofs.json'), 'utf8'))

  before(async () => {
    proofs = openProofs({ folder, hub })
    const work = proofs.prove({ targets: [setup], claims }, { env, until: never })
    await until(() => told.length > 0, 10_000)
    assert.equal(proofs.underWay(), true)
    await assert.rejects(
      proofs.prove({ targets: [setup] }, { env, until: never }),
      ({ code }: SeesawError) => code === 'BUSY',
    )
    proof = (await work) as Proof
  })

  it('answers as the command does, with the claims that were asked for and no others', () => {
    assert.equal(proof.ok, true)
    assert.deepEqual(
      proof.verdicts.map(({ claim }) => claim),
      claims,
    )
    assert.deepEqual(proof.skipped, [])
  })

  it('tells who looks how far it is, of each verdict as it comes, and when it has ended', () => {
    const seen = told.map(({ running, verdict }) =>
      running ? `${running.done}/${running.of} ${verdict?.verdict ?? 'begins'}` : 'ended',
    )
    assert.deepEqual(seen, ['0/2 begins', '1/2 breaks', '2/2 holds', 'ended'])
    assert.deepEqual(told[0]?.running?.scenarios, ['session-vs-token'])
  })

  it('are there after a restart, with when they were proved', async () => {
    const { verdicts, running } = await openProofs({ folder, hub }).list('session-vs-token')
    assert.equal(running, null)
    assert.deepEqual(verdicts.map(({ claim }) => claim).sort(), [...claims].sort())
    for (const { verdict, declared, old, provedAt, transcript } of verdicts) {
      assert.equal(verdict, declared)
      assert.equal(old, false)
      assert(Date.now() - Date.parse(provedAt) < 60_000)
      // What came out as declared can be tried again at any time.
      assert.equal(transcript, undefined)
    }
  })

  it('are called old once the source is another', async () => {
    const before = readFile()
    const changed = before.verdicts.map((one: object) => ({ ...one, version: 'another' }))
    writeFileSync(join(folder, 'proofs.json'), JSON.stringify({ ...before, verdicts: changed }))
    const { verdicts } = await openProofs({ folder, hub }).list('session-vs-token')
    assert(verdicts.every(({ old }) => old))
    writeFileSync(join(folder, 'proofs.json'), JSON.stringify(before))
  })

  it('stay as they are where nobody waits for the rest any more', async () => {
    const aside = tempFolder()
    const leave = new AbortController()
    // At the first verdict, and not when the others are there, too.
    const leaving: Hub = {
      ...createHub(),
      publish: (_, data) => (data as ProofEvent).verdict && leave.abort(),
    }
    const book = openProofs({ folder: aside, hub: leaving })
    const some = ['stolen-copy', 'alg-none', 'read-copy', 'busy-thief', 'told-expired']
    const work = book.prove({ targets: [setup], claims: some }, { env, until: leave.signal })
    await work
    const { verdicts } = await openProofs({ folder: aside, hub }).list('session-vs-token')
    assert(verdicts.length > 0 && verdicts.length < 5, `${verdicts.length} verdicts`)
    assert(verdicts.every(({ verdict }) => verdict !== 'unknown'))
  })

  it('put a file aside that they cannot read, and begin anew', async () => {
    const aside = tempFolder()
    writeFileSync(join(aside, 'proofs.json'), '{"format": 1, "verdicts": [{')
    const { verdicts } = await openProofs({ folder: aside, hub }).list('rate-limits')
    assert.deepEqual(verdicts, [])
    assert(existsSync(join(aside, 'proofs.json.unreadable')))
  })

  it('end well where they cannot be written, and are known all the same', async () => {
    const full = tempFolder()
    // In the place of the file that is written aside.
    mkdirSync(join(full, 'proofs.json.new'))
    const unwritten = openProofs({ folder: full, hub })
    const asked = { targets: [setup], claims: claims.slice(0, 1) }
    await unwritten.prove(asked, { env, until: never })
    assert.equal((await unwritten.list('session-vs-token')).verdicts.length, 1)
  })

  it('give way to what begins while they are looked up', () =>
    assert.rejects(
      proofs.prove({ targets: [setup] }, { env, until: never, busy: () => 'A load is under way.' }),
      { code: 'BUSY', message: 'A load is under way.' },
    ))

  it('refuse a claim that is not there, and name the nearest', () =>
    assert.rejects(
      proofs.prove({ targets: [setup], claims: ['stolen-copi'] }, { env, until: never }),
      ({ code, message }: SeesawError) =>
        code === 'EXERCISE_NOT_FOUND' && /Did you mean 'stolen-copy'\?/.test(message),
    ))
})

describe('what scenarios say of their claims', () => {
  for (const id of scenarioIds())
    it(`${id} declares each claim on each setup, and names only lines that stand in the source`, async () => {
      const { declared, lines } = await openProofs({ hub: createHub() }).list(id)
      const { default: scenario } = await import(`../../scenarios/${id}/scenario.ts`)
      const names = Object.keys(scenario.claims)
      assert(Object.keys(declared).length > 0)
      for (const row of Object.values(declared)) assert.deepEqual(Object.keys(row), names)
      for (const claim of names)
        for (const variant of Object.keys(scenario.claims[claim].lines ?? {}))
          assert(lines[claim]?.[variant], `${id}: ${claim} names no line of ${variant}`)
      assert(Object.keys(lines).length > 0)
    })
})
