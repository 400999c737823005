// What a comparison of functions says: on a terminal, as Markdown, and as one HTML file.
import { styleText } from 'node:util'
import { type MicroMeasurement, type MicroVerdict, microSchema } from '#core/measurement/micro'
import type { Figure } from '#core/measurement/run'
import { plain } from '../../core/plain.ts'
import { analyseMicro } from '../micro/harness/analyse.ts'
import { toFigure } from './chart.ts'
import { environmentSection, machineFacts } from './environment.ts'
import { verdictLooks } from './forest.ts'
import { forestChart } from './forest-chart.ts'
import { readKind } from './kind.ts'
import { toPage } from './page.ts'
import { sentenceAlone } from './summary.ts'
import { markdown, type Table, toMarkdownTable, toTable } from './table.ts'
import { type Style, signs, styles, type TerminalOptions } from './terminal.ts'
import { count, escaped, moment, number, percent, wrap } from './text.ts'
import { gateTable, sentences } from './verdicts.ts'

/** The comparison in `file`, analysed anew; undefined where it is something else. Throws MEASUREMENT_UNREADABLE. */
export const readMicro = (file: string): MicroMeasurement | undefined =>
  readKind(file, 'micro', microSchema, analyseMicro)

/** The whole report as text: verdicts first. */
export const microToTerminal = (
  measurement: MicroMeasurement,
  { colours = false, width = 100 }: TerminalOptions = {},
): string => {
  const { plan, verdicts, command, blocks } = measurement
  const columns = Math.max(60, Math.min(100, width))
  const text = (words: string, style?: Style) =>
    wrap(words, columns).map((line) =>
      colours && style ? styleText(style, line, { validateStream: false }) : line,
    )
  return [
    ...text(plan.question, 'bold'),
    ...plan.contenders.flatMap(({ name, title, variant }) =>
      text(`${name}  ${title} (${variant})`),
    ),
    '',
    ...warningsOf(measurement).flatMap((words) => text(`! ${words}`, 'yellow')),
    ...groupsOf(measurement).flatMap((words) => [...text(words, 'bold'), '']),
    ...(verdicts.length === 0 || blocks.length === 0
      ? text(nothing)
      : verdicts.flatMap(({ verdict, sentence }) =>
          text(`${signs[verdict]} ${sentence}.`, styles[verdict]),
        )),
    '',
    ...inColumns(tableOf(measurement)),
    '',
    ...text(factsOf(measurement), 'dim'),
    ...text(`Again: ${command}`, 'dim'),
    '',
  ].join('\n')
}

/** The report as Markdown: verdicts, table, and how to do it again. */
export const microToMarkdown = (measurement: MicroMeasurement): string => {
  const { plan, verdicts, blocks, command } = measurement
  return [
    `# ${markdown(plan.question)}`,
    plan.contenders
      .map(({ name, title, variant }) => `- **${name}** ${markdown(title)}: \`${plain(variant)}\``)
      .join('\n'),
    warningsOf(measurement)
      .map((words) => `> ⚠ ${markdown(words)}`)
      .join('\n>\n'),
    ...groupsOf(measurement).map((words) => `**${markdown(words)}**`),
    verdicts.length === 0 || blocks.length === 0
      ? nothing
      : verdicts
          .map((verdict) => `- ${markdown(sentenceAlone(verdict))} (${wordOf(verdict)})`)
          .join('\n'),
    toMarkdownTable(tableOf(measurement)),
    markdown(factsOf(measurement)),
    `\`\`\`sh\n${plain(command)}\n\`\`\``,
    '',
  ]
    .filter((part, i, all) => part !== '' || i === all.length - 1)
    .join('\n\n')
}

/** The report as one self-contained HTML file. */
export const microToHtml = (measurement: MicroMeasurement): string => {
  const { plan, verdicts, blocks, gates, machine, command, seed, seesaw } = measurement
  const warnings = warningsOf(measurement)
  const several = plan.contenders.length > 2
  const chart = forestChart({
    ...{ id: 'forest', title: `Time to ${plan.call}`, verdicts, margin: plan.margin },
    rows: verdicts.map((verdict) => ({
      ...verdict,
      group: 'Time per call',
      label: several ? `${verdict.b} against ${verdict.a}` : '',
    })),
    labels: verdicts.map(() => 'Time per call'),
    says: several ? 'the first named, compared with the second' : 'B compared with A',
  })
  const measured = verdicts.length > 0 && blocks.length > 0
  return toPage(
    `${plan.question} · Seesaw measurement`,
    `<header>
<p class="eyebrow">Seesaw measurement <span class="tag">measured</span></p>
<h1>${escaped(plan.question)}</h1>
<ul class="contenders">${plan.contenders.map(({ name, title, variant }) => `<li><span class="key">${name}</span><span>${escaped(title)} <code>${escaped(variant)}</code></span></li>`).join('')}</ul>
<p class="facts">${escaped(factsOf(measurement))}</p>
</header>
<main>
<section aria-labelledby="verdicts"><h2 id="verdicts">What can be said</h2>
${warnings.length > 0 ? `<ul class="warnings">${warnings.map((words) => `<li>${escaped(words)}</li>`).join('')}</ul>` : ''}
${groupsOf(measurement)
  .map((words) => `<p class="groups">${escaped(words)}</p>`)
  .join('')}
${measured ? sentences(verdicts) : `<p>${nothing}</p>`}
</section>
${
  measured
    ? `<section aria-labelledby="differences"><h2 id="differences">How large the differences are</h2>
${toFigure(chart)}</section>
<section aria-labelledby="costs"><h2 id="costs">What a call takes</h2>
<p>Every block has fresh processes, one for each function, for how a process is laid out changes its speed for as long as it lives. Median over the blocks, and its 95 % interval.</p>
${toTable(tableOf(measurement))}</section>`
    : ''
}
<section aria-labelledby="validity"><h2 id="validity">Why it can be trusted, or not</h2>
${toTable(gateTable(gates))}</section>
${environmentSection(command, [
  ['Comparison', plan.name],
  [
    'Effort',
    `${plan.preset}: ${plan.blocks} blocks; in each ${plan.rounds} rounds of two slices of ${plan.sliceMs} ms per function, after ${plan.warmUpMs} ms to warm up`,
  ],
  ['Same means', `within ±${percent(plan.margin)}`],
  ['Began', moment(measurement.startedAt)],
  ...machineFacts(machine).filter(([name]) => name !== 'Backends'),
  ['Seesaw', seesaw],
  ['Seed', String(seed)],
])}
</main>`,
  )
}

const nothing = 'Nothing was measured, so nothing can be said.'
const wordOf = ({ verdict }: MicroVerdict): string => verdictLooks[verdict].word

/** What must be read before any number. */
const warningsOf = ({ gates, finishedAt, blocks, plan }: MicroMeasurement): string[] => [
  ...gates
    .filter(({ ok }) => !ok)
    .map(({ gate, says, value, unit, limit }) =>
      gate === 'right results'
        ? `No number: ${says}`
        : `Not valid: ${says} (${gate}: ${number(value ?? 0)}, the limit is ${number(limit)} ${unit})`.replace(
            ' )',
            ')',
          ),
    ),
  ...(finishedAt === null ? [`Interrupted: ${blocks.length} of ${plan.blocks} blocks.`] : []),
]

const groupsOf = ({ groups, plan }: MicroMeasurement): string[] =>
  plan.contenders.length < 3 || groups.length === 0
    ? []
    : [`Fastest first: ${groups.map((group) => group.join(', ')).join(' | ')}.`]

/** The time and the CPU time of each. */
const tableOf = ({ plan, figures }: MicroMeasurement): Table => {
  const of = (name: string, metric: string) =>
    figures.find((figure) => figure.contender === name && figure.metric === metric)
  return {
    caption: `What it takes to ${plan.call}`,
    head: [`to ${plan.call}`, 'time', 'interval (95 %)', 'CPU time', 'samples'],
    rows: plan.contenders.map(({ name, variant }) => [
      `${name}  ${variant}`,
      ...inTime(of(name, 'time')),
      inTime(of(name, 'cpu'))[0],
      count(of(name, 'time')?.samples ?? 0),
    ]),
  }
}

const inColumns = ({ head, rows }: Table): string[] => {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)))
  return [head, ...rows].map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  '),
  )
}

const inTime = (figure: Figure | undefined): [string, string] => {
  if (!figure || figure.median === null) return ['–', '–']
  const [unit, size] = unitOf(figure.median)
  const { low, high } = figure
  return [
    `${number(figure.median / size)} ${unit}`,
    low === null || high === null ? '–' : `${number(low / size)} – ${number(high / size)} ${unit}`,
  ]
}

const unitOf = (ns: number): [string, number] =>
  ns < 1e3 ? ['ns', 1] : ns < 1e6 ? ['µs', 1e3] : ['ms', 1e6]

const factsOf = (measurement: MicroMeasurement): string => {
  const { startedAt, machine, plan, blocks, seed, gates } = measurement
  const failed = gates.filter(({ ok }) => !ok).length
  return [
    `measured ${moment(startedAt)}`,
    `${machine.cpu}, ${machine.cores} cores${machine.container ? ' (in a container)' : ''}`,
    `Node ${machine.node.replace(/^v/, '')}`,
    `${plan.preset}: ${blocks.length === 1 ? '1 block' : `${blocks.length} blocks`}, each in fresh processes`,
    `margin ±${percent(plan.margin)}`,
    `seed ${seed}`,
    failed === 0 ? 'all gates are passed' : `gates not passed: ${failed}`,
  ].join(' · ')
}
