// Every workload has a judge, and each judge is right about the answers of real servers. What it says
// of answers made by hand stands beside each scenario.
import assert from 'node:assert/strict'
import { adapterIndex, loadScenario, scenarioIds } from '#core/course/find'
import { setupsOf } from '#core/course/setup'
import { type Lab, startLab } from '#core/lab/lab'
import type { AnyScenario } from '#core/scenario'
import { judged } from '../judging.ts'

const embedded = ['memory', 'file', 'sqlite']

describe('a judge of real servers', function () {
  this.timeout(60_000)
  let lab: Lab
  before(async () => {
    lab = await startLab()
  })
  after(async () => {
    await lab.stop()
  })

  for (const id of scenarioIds())
    it(`finds nothing wrong in any variant of ${id}`, async () => {
      const scenario: AnyScenario = await loadScenario(id)
      const setups = setupsOf(id, scenario, adapterIndex).filter(({ backends }) =>
        Object.values(backends).every((backend) => embedded.includes(backend)),
      )
      for (const setup of setups)
        for (const name of Object.keys(scenario.workloads ?? {})) {
          const words = await judged(lab, setup.id, name, 100)
          assert(Object.keys(words).length > 0, setup.id)
        }
    })
})
