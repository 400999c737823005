// The list of all scenarios in course order: as `seesaw list --json` and /api/scenarios show it, and
// with what the page tells of each besides.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { asSeesawError } from '../errors.ts'
import type { AnyScenario, AnyVariant, Knobs, Mine } from '../scenario.ts'
import { adapterIndex, home, loadScenario, scenarioIds } from './find.ts'
import { setupsOf } from './setup.ts'

export interface Catalogue {
  scenarios: CatalogueEntry[]
  /** Folders whose scenario cannot be loaded, with the reason. */
  broken: { id: string; reason: string }[]
}

/** A scenario as `seesaw list --json` shows it; this shape stays. */
export interface ListedScenario {
  id: string
  title: string
  question: string
  chapter: string
  primary: AnyScenario['primary']
  variants: {
    id: string
    title: string
    idea: string
    safe: boolean
    needs: string[]
    knobs: Knobs
  }[]
  claims: { id: string; says: string }[]
  /** With default knobs, on every backend that has what the variant needs. */
  setups: string[]
}

export interface CatalogueEntry extends ListedScenario {
  minutes: number | null
  difficulty: 1 | 2 | 3 | null
  /** What there is in it: an attack, something to measure, steps to show to others. */
  badges: ('attack' | 'bench' | 'demo')[]
  /** The bet that a first visitor is offered; null where the scenario has none. */
  duel: CatalogueDuel | null
  /** What visitors ask for while it is measured; one is enough for a scenario that names none. */
  workloads: { id: string; says: string }[]
  /** Present where a learner has made a variant of their own, also one that does not run. */
  mine?: Mine
}

export interface CatalogueDuel {
  between: [string, string]
  because: string
  lines: [string, string]
}

/** Loads and lists every scenario; one that cannot be loaded does not stop the others. */
export const listScenarios = async (config: Config, folder?: string): Promise<Catalogue> => {
  const broken: Catalogue['broken'] = []
  const entries = await Promise.all(
    scenarioIds(folder).map(async (id) => {
      try {
        const scenario = await loadScenario(id, folder)
        const badges = await badgesOf(id, scenario, folder)
        return [describe(id, scenario, chapterOf(id, config), badges)]
      } catch (error) {
        broken.push({ id, reason: asSeesawError(error).message })
        return []
      }
    }),
  )
  return { scenarios: entries.flat().sort(byCourse(config)), broken }
}

/** The list without what only the page asks for. */
export const plainList = ({ scenarios, broken }: Catalogue) => ({
  scenarios: scenarios.map(
    ({ id, title, question, chapter, primary, variants, claims, setups }): ListedScenario => {
      return { id, title, question, chapter, primary, variants, claims, setups }
    },
  ),
  broken,
})

const badgesOf = async (
  id: string,
  { variants, claims, workloads }: AnyScenario,
  folder = join(home, 'scenarios'),
): Promise<CatalogueEntry['badges']> => {
  const lesson = await readFile(join(folder, id, 'README.md'), 'utf8').catch(() => '')
  const unsafe = Object.values<AnyVariant>(variants).some(({ safe }) => safe === false)
  const attack = unsafe || Object.values(claims).some(({ attack }) => attack)
  return [
    ...(attack ? (['attack'] as const) : []),
    ...(workloads ? (['bench'] as const) : []),
    ...(/^```demo$/m.test(lesson) ? (['demo'] as const) : []),
  ]
}

const describe = (
  id: string,
  scenario: AnyScenario,
  chapter: string,
  badges: CatalogueEntry['badges'],
): CatalogueEntry => ({
  id,
  title: scenario.title,
  question: scenario.question,
  chapter,
  primary: scenario.primary,
  minutes: scenario.minutes ?? null,
  difficulty: scenario.difficulty ?? null,
  badges,
  duel: duelOf(scenario),
  variants: Object.entries<AnyVariant>(scenario.variants).map(([id, variant]) => ({
    id,
    title: variant.title,
    idea: variant.idea,
    safe: variant.safe ?? true,
    needs: [...variant.needs],
    knobs: variant.knobs ?? {},
  })),
  claims: Object.entries(scenario.claims).map(([id, { says }]) => ({ id, says })),
  workloads: Object.entries(scenario.workloads ?? {}).map(([id, { says }]) => ({ id, says })),
  setups: setupsOf(id, scenario, adapterIndex).map((setup) => setup.id),
  ...(scenario.mine ? { mine: scenario.mine } : {}),
})

const duelOf = ({ duel }: AnyScenario): CatalogueDuel | null =>
  duel ? { between: [...duel.between], because: duel.because, lines: [...duel.lines] } : null

const drafts = 'drafts'

/** The chapters in course order; the last one is for scenarios that none of the others lists. */
export const chaptersOf = ({ chapters }: Config): { id: string; title: string }[] => [
  ...Object.entries(chapters).map(([id, { title }]) => ({ id, title })),
  { id: drafts, title: 'Drafts' },
]

const chapterOf = (scenario: string, { chapters }: Config): string =>
  Object.entries(chapters).find(([, { scenarios }]) => scenarios.includes(scenario))?.[0] ?? drafts

/** As the configuration lists them, then the drafts by id. */
const byCourse = (config: Config) => {
  const order = Object.values(config.chapters).flatMap(({ scenarios }) => scenarios)
  const place = ({ id }: CatalogueEntry) => {
    const at = order.indexOf(id)
    return at < 0 ? order.length : at
  }
  return (a: CatalogueEntry, b: CatalogueEntry): number =>
    place(a) - place(b) || (a.id < b.id ? -1 : 1)
}
