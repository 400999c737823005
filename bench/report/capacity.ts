// What a capacity measurement says: the sentence first, then the curve and every rate that was held.
import { styleText } from 'node:util'
import { plain } from '../../core/plain.ts'
import {
  analyseCapacity,
  type CapacityMeasurement,
  type CapacityPoint,
  capacitySchema,
  kneeRule,
} from '../capacity/measurement.ts'
import { capacityChart } from './capacity-curve.ts'
import { type Chart, toFigure } from './chart.ts'
import { environmentSection, type Fact, machineFacts } from './environment.ts'
import { readKind } from './kind.ts'
import type { Look } from './looks.ts'
import { toPage } from './page.ts'
import { el, mark } from './svg.ts'
import { type Table, toMarkdownTable, toTable } from './table.ts'
import type { TerminalOptions } from './terminal.ts'
import { bound, count, duration, escaped, moment, number, percent, wrap } from './text.ts'

/** The capacity in `file`, analysed anew; undefined where it is something else. Throws MEASUREMENT_UNREADABLE. */
export const readCapacity = (file: string): CapacityMeasurement | undefined =>
  readKind(file, 'capacity', capacitySchema, analyseCapacity)

/** What it all comes to, in one or two sentences. */
export const capacityInWords = (measurement: CapacityMeasurement): string => {
  const { proof, points, knee, setup, calibration, rates } = measurement
  if (!proof.ok && proof.verdicts > 0)
    return `${setup} does not do what it claims, so nothing was measured: ${proof.wrong.join(' ')}`
  const trusted = points.filter(({ doubts }) => doubts.length === 0)
  if (points.length === 0) return 'Nothing was measured, so nothing can be said.'
  if (trusted.length === 0)
    return (
      `Nothing can be said about ${setup}: at none of the ${points.length} rates could the load ` +
      'client be trusted. Is something else busy on this machine?'
    )
  if (!knee)
    return `No knee of ${setup} can be named: none of the ${trusted.length} trusted rates was answered in time with requests enough to say so.`
  const at = points.find(({ ratePerSecond }) => ratePerSecond === knee.ratePerSecond)
  const said = percentileOf(measurement)
  const highest = trusted.at(-1)?.ratePerSecond === knee.ratePerSecond
  const [low, high] = [Math.min, Math.max].map((pick) =>
    pick(...knee.passes.filter((one) => one !== null)),
  ) as [number, number]
  const spread = knee.passes.includes(null)
    ? 'not both passes have one of their own'
    : low === high
      ? 'in both passes'
      : `in one pass ${count(low)}, in the other ${count(high)}`
  const beyond = highest
    ? trusted.length < Math.max(points.length, rates.length)
      ? ' What is beyond could not be trusted, so it may be more.'
      : ' No higher rate was tried, so it may be more.'
    : ''
  const ms = said === 'p95' ? at?.p95Ms : said === 'p50' ? at?.p50Ms : undefined
  return (
    `${setup} answers ${highest ? 'at least ' : 'up to '}${count(knee.ratePerSecond)} requests/s in time ` +
    `(${spread}${ms == null ? '' : `; ${said} ${number(ms)} ms`}, ${count(at?.requests ?? 0)} requests), and ` +
    `${count(calibration.capacityPerSecond)} requests/s as fast as answers come.${beyond}`
  )
}

const heldInWords = ({ holds }: CapacityMeasurement): string =>
  holds.length === 0
    ? ''
    : ` for at least ${duration(Math.min(...holds.map(({ heldMs }) => heldMs)) / 1000)}`

const percentileOf = ({ knee }: CapacityMeasurement): string =>
  `p${Math.round((knee?.quantile ?? 0.95) * 100)}`

const warningsOf = ({ finishedAt, rates, holds }: CapacityMeasurement): string[] =>
  finishedAt === null
    ? [`It was interrupted: ${holds.length} of ${2 * rates.length} rates were held.`]
    : []

/** The report on a terminal. */
export const capacityToTerminal = (
  measurement: CapacityMeasurement,
  { colours = false, width = 100 }: TerminalOptions = {},
): string => {
  const columns = Math.max(60, Math.min(100, width))
  const text = (words: string, style?: 'bold' | 'yellow' | 'dim') =>
    wrap(plain(words).replace(/\s+/g, ' '), columns).map((line) =>
      // What is printed is decided by the caller, not by the stream of this process.
      colours && style ? styleText(style, line, { validateStream: false }) : line,
    )
  const doubts = [...new Set(measurement.points.flatMap((point) => point.doubts))]
  return [
    ...text(capacityInWords(measurement), 'bold'),
    '',
    ...warningsOf(measurement).flatMap((words) => text(`! ${words}`, 'yellow')),
    ...(measurement.points.length > 0
      ? [
          ...inColumns(tableOf(measurement)),
          '',
          ...text(kneeRule(percentileOf(measurement)), 'dim'),
        ]
      : []),
    ...doubts
      .map((doubt) => `✗ not to be trusted: ${doubt}.`)
      .flatMap((words) => text(words, 'yellow')),
    ...text(factsOf(measurement), 'dim'),
    ...text(`Again: ${measurement.command}`, 'dim'),
    '',
  ].join('\n')
}

/** The report as Markdown. */
export const capacityToMarkdown = (measurement: CapacityMeasurement): string =>
  [
    `# ${plain(measurement.setup)}: how much it can take`,
    `**${plain(capacityInWords(measurement))}**`,
    ...warningsOf(measurement).map((words) => `> ⚠ ${words}`),
    toMarkdownTable(tableOf(measurement)),
    kneeRule(percentileOf(measurement)),
    plain(factsOf(measurement)),
    `\`\`\`sh\n${plain(measurement.command)}\n\`\`\``,
    '',
  ].join('\n\n')

/** The curve of latency over rate, with the knee; `name` and `look` of the contender that it is about. */
export const chartOfCapacity = (
  measurement: CapacityMeasurement,
  { name, look }: { name: string; look: Look } = { name: '', look: alone },
): Chart => {
  const { title, points, knee } = measurement
  return capacityChart({
    ...{ name, title, look },
    steps: points,
    knee: knee && points.findIndex(({ ratePerSecond }) => ratePerSecond === knee.ratePerSecond),
    says: capacityInWords(measurement),
    rule: kneeRule(percentileOf(measurement)),
  })
}

const alone: Look = { class: 'c0', shape: 'circle', dash: '' }

/** The report as one self-contained HTML file. */
export const capacityToHtml = (measurement: CapacityMeasurement): string => {
  const { setup, title, points, knee, machine, calibration, question, command } = measurement
  const warnings = warningsOf(measurement)
  const facts: Fact[] = [
    ['Workload', `${measurement.workload}: ${measurement.says}`],
    [
      'Load',
      `${measurement.arrivals === 'poisson' ? 'random (Poisson)' : 'even'} arrivals, each rate held twice${heldInWords(measurement)}, in random order and then in the reverse`,
    ],
    ['As fast as answers come', `${count(calibration.capacityPerSecond)} requests/s`],
    ['Load client’s ceiling', `${count(calibration.ceilingPerSecond)} requests/s`],
    ['Server processes', count(measurement.workers)],
    ['Timeout', `${count(measurement.timeoutMs)} ms`],
    ...machineFacts(machine),
    ['Began', moment(measurement.startedAt)],
    ['Seesaw', measurement.seesaw],
  ]
  const look = knee ? 'same' : 'invalid'
  const sentence = `<p class="verdict ${look}">${el('svg', { viewBox: '-8 -8 16 16', class: `mark ${look}`, 'aria-hidden': 'true' }, mark(knee ? 'diamond' : 'cross', 0, 0, 5.5, { class: 'solid' }))}<span>${escaped(bound(capacityInWords(measurement)))}</span></p>`
  return toPage(
    `${setup}: how much it can take · Seesaw measurement`,
    `<header>
<p class="eyebrow">Seesaw measurement <span class="tag">measured</span></p>
<h1>How much can ${escaped(title)} take?</h1>
<p class="facts"><code>${escaped(setup)}</code> · ${escaped(question)}</p>
<p class="facts">${escaped(factsOf(measurement))}</p>
</header>
<main>
<section aria-labelledby="knee"><h2 id="knee">What can be said</h2>
${warnings.length > 0 ? `<ul class="warnings" role="note">${warnings.map((words) => `<li>${escaped(words)}</li>`).join('')}</ul>` : ''}
${sentence}
</section>
${
  points.length > 0
    ? `<section aria-labelledby="curve"><h2 id="curve">The more is asked for, the longer it takes</h2>
${toFigure(chartOfCapacity(measurement))}</section>
<section aria-labelledby="rates"><h2 id="rates">Rate by rate</h2>
<p>Time is counted from the moment at which a request was meant to be sent. Both passes together; a percentile needs twenty requests beyond it. While 1,000 requests are unanswered, what falls due is not sent and counts as unanswered, too. The lag is the load client’s own: 95 of 100 requests were sent less late.</p>
${toTable(tableOf(measurement))}</section>`
    : ''
}
${environmentSection(command, facts)}
</main>`,
  )
}

const tableOf = ({ points, knee }: CapacityMeasurement): Table => ({
  caption: 'Every rate that was held',
  head: [
    'asked/s',
    'offered/s',
    'answered/s',
    'right',
    'p50, ms',
    'p95, ms',
    'CPU, ms/req.',
    'lag, ms',
    'remark',
  ],
  wordy: [8],
  rows: points.map((point) => [
    count(point.ratePerSecond),
    count(point.offeredPerSecond),
    count(point.answeredPerSecond),
    percent(point.rightShare),
    point.p50Ms === null ? 'too few' : number(point.p50Ms),
    point.p95Ms === null ? 'too few' : number(point.p95Ms),
    point.cpuMs === null ? '–' : number(point.cpuMs),
    number(point.lagP95Ms),
    remarkOn(point, knee),
  ]),
})

const remarkOn = (point: CapacityPoint, knee: CapacityMeasurement['knee']): string =>
  point.doubts.length > 0
    ? '✗ not trusted'
    : point.ratePerSecond === knee?.ratePerSecond
      ? '← knee'
      : ''

const inColumns = ({ head, rows }: Table): string[] => {
  const widths = head.map((name, i) =>
    Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)),
  )
  return [head, ...rows].map((row) =>
    row
      .map((cell, i) => (i < head.length - 1 ? cell.padStart(widths[i] ?? 0) : cell))
      .join('  ')
      .trimEnd(),
  )
}

const factsOf = ({ startedAt, machine, holds, seed }: CapacityMeasurement): string =>
  [
    `measured ${moment(startedAt)}`,
    `${machine.cpu}, ${machine.cores} cores${machine.container ? ' (in a container)' : ''}`,
    `Node ${machine.node.replace(/^v/, '')}`,
    `${holds.length} loads, ${count(holds.reduce((sum, { answered }) => sum + answered, 0))} requests`,
    `seed ${seed}`,
  ].join(' · ')
