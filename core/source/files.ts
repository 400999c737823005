// Which files a scenario is made of, and their text: the very files that run. Nothing outside of the
// scenario's folder can be had, whatever a name or a link says.
import { readdir, readFile, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { loadScenario } from '../course/find.ts'
import { mine, mineTextFile } from '../course/mine.ts'
import { notThere } from '../did-you-mean.ts'
import { SeesawError } from '../errors.ts'

export interface SourceFile {
  /** `variants/gcra.ts`, relative to the scenario's folder. */
  file: string
  /** Where it lies, as it can be given to an editor where Seesaw was started. */
  path: string
  /** The variants that stand in it: one each, or all where they stand in scenario.ts itself. */
  variants: string[]
}

/** The scenario's files: those of the variants in their order, then what they share. */
export const listFiles = async (scenario: string, folder: string): Promise<SourceFile[]> => {
  const { variants } = await loadScenario(scenario, folder)
  const own = await realpath(join(folder, scenario))
  const there = [
    ...(await namesIn(join(own, 'variants'))).map((name) => `variants/${name}`),
    ...(await namesIn(own)),
  ]
  const fileOf = (variant: string) => {
    const file = `variants/${variant}.ts`
    return there.includes(file) ? file : 'scenario.ts'
  }
  const text = Object.hasOwn(variants, mine) ? mineTextFile(scenario) : undefined
  const ids = Object.keys(variants).filter((id) => !text || id !== mine)
  const files = [...new Set([...ids.map(fileOf), ...there])].map((file) => ({
    file,
    path: shownPath(join(own, file)),
    variants: ids.filter((id) => fileOf(id) === file),
  }))
  // What a learner has made of a variant lies in the data folder.
  return text ? [...files, { file: mineFile, path: shownPath(text), variants: [mine] }] : files
}

const mineFile = `${mine}.ts`

/** Files proper, for a link may lead anywhere, and no tests: those are not what runs. */
const namesIn = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile() && /(?<!\.test)\.ts$/.test(entry.name))
    .map(({ name }) => name)
    .sort((a, b) => last.indexOf(a) - last.indexOf(b) || (a < b ? -1 : 1))
}

/** What checks and what declares comes after what runs. */
const last = ['judge.ts', 'exercises.ts', 'scenario.ts']

const shownPath = (file: string): string => {
  const shown = relative(process.cwd(), file)
  return shown.startsWith('..') ? file : shown
}

/**
 * The file of this name, or the one that this variant stands in, with its text. Throws
 * SCENARIO_NOT_FOUND, and VARIANT_NOT_FOUND for what is neither.
 */
export const readSource = async (
  scenario: string,
  name: string,
  folder: string,
): Promise<SourceFile & { text: string }> => {
  const files = await listFiles(scenario, folder)
  const found = files.find(({ file, variants }) => file === name || variants.includes(name))
  if (!found) {
    const known = files.flatMap(({ file, variants }) => [...variants, file])
    throw new SeesawError('VARIANT_NOT_FOUND', notThere(`source of ${scenario}`, name, known))
  }
  const text = found.file === mineFile ? mineTextFile(scenario) : undefined
  if (text) return { ...found, text: await readFile(text, 'utf8') }
  const own = await realpath(join(folder, scenario))
  const file = await realpath(join(own, found.file))
  if (!file.startsWith(own + sep))
    throw new SeesawError('VARIANT_NOT_FOUND', `${found.file} leads out of ${scenario}.`)
  return { ...found, text: await readFile(file, 'utf8') }
}
