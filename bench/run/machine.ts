// What was measured on: without it a number says nothing.
import { existsSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import type { Machine } from '#core/measurement/run'
import type { Lab } from '../../core/lab/lab.ts'

/** Describes this machine and the backends named. */
export const describeMachine = async (
  doctor: Lab['doctor'],
  backends: readonly string[],
): Promise<Machine> => {
  const used = await doctor(backends)
  return {
    ...thisMachine(),
    memoryBytes: totalmem(),
    os: `${type()} ${release()}`,
    v8: process.versions.v8 ?? '',
    container: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
    backends: Object.fromEntries(
      used.map(({ name, version, via }) => [
        name,
        { version, via, standIn: /stand-in/i.test(version) },
      ]),
    ),
  }
}

/** What must not change in the course of a measurement. */
export const thisMachine = (): Pick<Machine, 'cpu' | 'cores' | 'node'> => ({
  cpu: cpus()[0]?.model.trim() || 'unknown',
  cores: cpus().length,
  node: process.version,
})
