// `seesaw list`
import { chaptersOf, listScenarios, plainList } from '../course/catalogue.ts'
import { loadConfig } from '../course/find.ts'
import { bold, faint, print } from './terminal.ts'

export const list = async ({ json }: { json?: boolean }): Promise<void> => {
  const config = await loadConfig()
  const catalogue = await listScenarios(config)
  if (json) return print(JSON.stringify(plainList(catalogue), null, 2))
  const chapters = new Map(chaptersOf(config).map(({ id, title }) => [id, title]))
  for (const scenario of catalogue.scenarios) {
    const chapter = chapters.get(scenario.chapter) ?? ''
    print(`${bold(scenario.id)}  ${scenario.question}  ${faint(chapter)}`)
    for (const { id, idea, safe } of scenario.variants)
      print(`  ${id.padEnd(24)} ${idea}${safe ? '' : ' (unsafe on purpose)'}`)
    print(faint(`  ${scenario.claims.length} claims, ${scenario.setups.length} setups\n`))
  }
  for (const { id, reason } of catalogue.broken) print(`${bold(id)}  cannot be loaded: ${reason}`)
}
