// Of which source a verdict was proved.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadScenario } from '../course/find.ts'
import { parseSetup } from '../course/setup.ts'

/**
 * The version of a setup's source: another one whenever the scenario's code changes, or what a learner
 * has made of it.
 */
export const versionsOf = async (
  id: string,
  folder: string,
): Promise<(setup: string) => string> => {
  const names = await readdir(join(folder, id), { recursive: true })
  const hash = createHash('sha256')
  for (const name of names.filter((name) => /(?<!\.test)\.ts$/.test(name)).sort())
    hash.update(`${name}\0`).update(await readFile(join(folder, id, name)))
  const version = hash.digest('hex').slice(0, 12)
  const { mine } = await loadScenario(id, folder)
  return (setup) =>
    mine && parseSetup(setup).variant === 'mine' ? `${version}-${mine.version}` : version
}
