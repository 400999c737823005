// The report for where pages cannot go: an issue, a pull request, a terminal's clipboard.
import type { Measurement, Verdict } from '#core/measurement/run'
import { plain } from '../../core/plain.ts'
import { costTable, latencyTable, loadsInWords } from './costs.ts'
import { verdictLooks } from './forest.ts'
import { timelinesInWords } from './outage.ts'
import { factsOf, gatesInWords, insteadSays, sentenceAlone, summarise } from './summary.ts'
import { markdown, toMarkdownTable } from './table.ts'

/** Verdicts, cost table, and how to do it again. `warnings` come first. */
export const toMarkdown = (measurement: Measurement, warnings: string[] = []): string => {
  const { plan, seed, command, gates, seesaw, machine } = measurement
  const summary = summarise(measurement)
  const latency = latencyTable(measurement)
  const backends = Object.entries(machine.backends).map(
    ([name, { version, via }]) => `${name} ${version} (${via})`,
  )
  return [
    `# ${markdown(plan.question)}`,
    summary.contenders
      .map(({ name, title, setup }) => `- **${markdown(name)}** ${markdown(title)}: ${code(setup)}`)
      .join('\n'),
    [...warnings, ...summary.warnings].map((text) => `> ⚠ ${markdown(text)}`).join('\n>\n'),
    summary.groups ? `**${markdown(summary.groups)}**` : '',
    summary.unanswered
      ? `**${markdown(summary.unanswered)}**`
      : summary.primary.map(strong).join('\n\n') || 'Nothing was measured, so nothing can be said.',
    summary.beside.map((text) => markdown(text)).join('\n\n'),
    summary.instead.length > 0 ? [insteadSays, ...summary.instead.map(strong)].join('\n\n') : '',
    summary.exploratory.length > 0
      ? `Also measured, without having been asked; to look at, not to conclude from:\n\n${summary.exploratory
          .map(
            (verdict) =>
              `- ${markdown(sentenceAlone(verdict))} (${verdictLooks[verdict.verdict].word})`,
          )
          .join('\n')}`
      : '',
    `## What it costs\n\n${markdown([costTable(measurement).caption, loadsInWords(measurement)].filter(Boolean).join('. '))}\n\n${toMarkdownTable(costTable(measurement))}`,
    latency.rows.length > 0
      ? `## How long requests take\n\n${markdown(latency.caption)}\n\n${toMarkdownTable(latency)}`
      : '',
    measurement.timelines.length > 0
      ? `## While things went wrong\n\n${timelinesInWords(measurement)
          .map((words) => `- ${markdown(words)}`)
          .join('\n')}`
      : '',
    `## Where, and how to do it again`,
    [
      `- ${markdown(factsOf(measurement, summary))}`,
      `- Workload ${markdown(`${plan.workload}: ${plan.says}`)}`,
      `- Backends: ${markdown(backends.join(', ') || 'none outside of the server process')}`,
      `- ${gatesInWords(gates)} Seesaw ${markdown(seesaw)}, seed ${seed}`,
    ].join('\n'),
    fenced(command),
  ]
    .filter(Boolean)
    .join('\n\n')
    .concat('\n')
}

const strong = (verdict: Verdict): string => `**${markdown(sentenceAlone(verdict))}**`

/** As code, however many backticks it has. */
const code = (text: string): string => {
  const fence = fenceFor(text, '`')
  return fence === '`' ? `\`${oneLine(text)}\`` : `${fence} ${oneLine(text)} ${fence}`
}

const fenced = (text: string): string => {
  const fence = fenceFor(text, '```')
  return `${fence}sh\n${oneLine(text)}\n${fence}`
}

const fenceFor = (text: string, least: string): string => {
  let fence = least
  while (text.includes(fence)) fence += '`'
  return fence
}

const oneLine = (text: string): string => plain(text).replace(/[\n\r\t]+/g, ' ')
