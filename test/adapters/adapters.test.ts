// Every adapter keeps the contract of its kind: the one on disk as it is, and wrapped by the meter.
// The adapters are found by folder, so a new file is tested without a word here.
//
//   npx mocha test/adapters/adapters.test.ts --grep cache@redis
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Adapter, Opened } from '#core/adapter'
import { adapterIndex, backendNames, loadAdapter } from '#core/course/find'
import { type Kind, kinds } from '#core/kinds'
import { metered as meter } from '#core/lab/meter'
import { type BackEnd, findBackEnd } from '../backends.ts'
import { cacheContract } from '../contracts/cache.ts'
import { dbContract } from '../contracts/db.ts'
import { limiterContract } from '../contracts/limiter.ts'
import { queueContract } from '../contracts/queue.ts'
import { sessionContract } from '../contracts/session.ts'
import { freshNamespace, type Subject } from '../contracts/subject.ts'
import { neighbour, type OtherProcess, otherProcess } from '../other-process.ts'

const contracts: { [K in Kind]?: (subject: Subject<K>) => void } = {
  cache: cacheContract,
  session: sessionContract,
  limiter: limiterContract,
  queue: queueContract,
  db: dbContract,
}

const folder = await mkdtemp(join(tmpdir(), 'seesaw-adapters-'))
after(() => rm(folder, { recursive: true }))

const backEnds = Promise.all(
  backendNames.map(async (name) => [name, await findBackEnd(name)] as const),
).then((found) => new Map(found))

const testAdapter = async <K extends Kind>(kind: K, backend: string) => {
  const contract = contracts[kind]
  if (!contract) {
    it(`${kind} has a contract`, () => assert.fail('test/contracts has none for it'))
    return
  }
  const adapter = await loadAdapter(kind, backend)
  const backEnd = (await backEnds).get(backend) as BackEnd
  const title = `${kind}@${backend}`

  if ('missing' in backEnd) {
    if (backEnd.required) it(`${title} can be used`, () => assert.fail(backEnd.missing))
    else it(`${title}: ${backEnd.missing}`)
    return
  }

  describe(title, () => {
    describe('as it is', () => {
      contract(subjectOf(kind, backend, adapter, backEnd.url, false))
    })
    describe('metered', () => {
      contract(subjectOf(kind, backend, adapter, backEnd.url, true))
    })
    // What an address adds must not change what keeps setups apart.
    for (const settings of (kind === 'db' && settingsOf[backend]) || [])
      describe(`at an address with ${settings}`, () => {
        contract(subjectOf(kind, backend, adapter, `${backEnd.url}${settings}`, false))
      })
  })
}

const settingsOf: Record<string, string[]> = {
  postgres: [
    '?options=-c%20statement_timeout%3D5000',
    '?application_name=mine&statement_timeout=5000&sslmode=disable',
  ],
}

const subjectOf = <K extends Kind>(
  kind: K,
  backend: string,
  adapter: Adapter<K>,
  url: string,
  metered: boolean,
): Subject<K> => {
  const openings: { opened: Opened<K>; namespace: string; closed: boolean }[] = []
  const processes: OtherProcess<K>[] = []
  const open = async ({ namespace = freshNamespace(), nowMs = Date.now } = {}) => {
    const bare = await adapter.open({ namespace, folder, url, nowMs })
    const opened = metered ? meter(kind, backend, bare) : bare
    const opening = { opened, namespace, closed: false }
    openings.push(opening)
    const close = () => {
      opening.closed = true
      return opened.close()
    }
    return { ...opened, close }
  }
  return {
    traits: adapter.traits,
    metered,
    open,
    fork: () => {
      const process = otherProcess({ kind, backend, folder, url })
      processes.push(process)
      return process
    },
    neighbour: (index) => neighbour({ kind, backend, folder, url }, index),
    tidy: async () => {
      await Promise.all(processes.splice(0).map((process) => process.kill()))
      const living = new Map(openings.map((one) => [one.namespace, one.closed ? null : one.opened]))
      for (const [namespace, opened] of living)
        await (opened ?? (await open({ namespace }))).clear()
      for (const { opened } of openings.splice(0)) await opened.close()
    },
  }
}

for (const kind of kinds) {
  for (const backend of adapterIndex[kind]) await testAdapter(kind, backend)
}
