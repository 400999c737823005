// The report as one page that needs nothing but itself: no script, no font, no request. Words come
// first, then pictures of the words, then what they rest on.

import type { Metric } from '#core/measurement/metrics'
import type { Measurement } from '#core/measurement/run'
import { type Noise, noiseOf } from '../verdict/noise.ts'
import { type Chart, toFigure } from './chart.ts'
import { type Charts, chartsOf } from './charts.ts'
import { costTable, latencyTable, loadsInWords } from './costs.ts'
import { environmentSection, machineFacts } from './environment.ts'
import { type Look, lookOf } from './looks.ts'
import { toPage } from './page.ts'
import { factsOf, gatesInWords, insteadSays, type Summary, summarise } from './summary.ts'
import { el, mark } from './svg.ts'
import { toTable } from './table.ts'
import { change, count, duration, escaped, moment, number, percent } from './text.ts'
import { gateTable, sentence, sentences, verdictMark } from './verdicts.ts'

/** What may stand beside the measurement; left out, its part of the page is missing. */
export interface Extras {
  /** Charts of `bench capacity`, made by `chartOfCapacity`. */
  capacity?: Chart[]
  /** What the reader must know first, such as that stored verdicts differ from these. */
  warnings?: string[]
}

/** `measurement` as one self-contained HTML file, readable without JavaScript. */
export const toHtml = (measurement: Measurement, extras: Extras = {}): string => {
  const summary = summarise(measurement)
  const warnings = [...(extras.warnings ?? []), ...summary.warnings]
  const { plan } = measurement
  const charts = chartsOf(measurement)
  const body = [
    head(measurement, summary),
    verdictSection(measurement, summary, warnings),
    ...chartSections(measurement, charts, extras),
    validitySection(measurement, charts),
    `${environment(measurement)}\n</main>`,
  ].join('\n')
  return toPage(`${plan.question} · Seesaw measurement`, body)
}

const head = (measurement: Measurement, summary: Summary): string => {
  const { plan } = measurement
  const items = plan.contenders.flatMap((contender, i) =>
    contender.reference
      ? []
      : [
          `<li>${key(contender.name, lookOf(measurement, i))}<span>${escaped(contender.title)} <code>${escaped(contender.setup)}</code></span></li>`,
        ],
  )
  return `<header>
<p class="eyebrow">Seesaw measurement <span class="tag">measured</span></p>
<h1>${escaped(plan.question)}</h1>
<ul class="contenders">${items.join('')}</ul>
<p class="facts">${escaped(factsOf(measurement, summary))}</p>
</header>`
}

/** A letter behind the mark that stands for it in all charts. */
const key = (name: string, { class: colour, shape }: Look): string =>
  `<span class="key">${el(
    'svg',
    { viewBox: '-8 -8 16 16', class: colour, 'aria-hidden': 'true' },
    mark(shape, 0, 0, 5.5, { class: 'solid' }),
  )} ${escaped(name)}</span>`

const verdictSection = (measurement: Measurement, summary: Summary, warnings: string[]): string => {
  const { primary, unanswered, instead, exploratory, groups, beside } = summary
  return `<main>
<section aria-labelledby="verdicts"><h2 id="verdicts">What can be said</h2>
${warnings.length > 0 ? `<ul class="warnings">${warnings.map((text) => `<li>${escaped(text)}</li>`).join('')}</ul>` : ''}
${groups ? groupList(measurement, groups) : ''}
${unanswered ? `<p class="verdict invalid">${verdictMark('invalid')}<span>${escaped(unanswered)}</span></p>` : sentences(primary)}
${beside.map((text) => `<p class="note">${escaped(text)}</p>`).join('')}
${instead.length > 0 ? `<p class="instead">${escaped(insteadSays)}</p>${sentences(instead)}` : ''}
${primary.length === 0 ? '<p>Nothing was measured, so nothing can be said.</p>' : ''}
${
  exploratory.length > 0
    ? `<details class="further"${exploratory.length <= 10 ? ' open' : ''}><summary>Also measured, without having been asked: to look at, not to conclude from</summary><ul class="sentences">${exploratory.map((verdict) => `<li>${sentence(verdict)}</li>`).join('\n')}</ul></details>`
    : ''
}
</section>`
}

/** Who cannot be told from whom, best first, as boxes in a row. */
const groupList = (measurement: Measurement, says: string): string => {
  const { contenders } = measurement.plan
  const member = (name: string) => {
    const i = contenders.findIndex((one) => one.name === name)
    return i < 0
      ? escaped(name)
      : `<span class="member">${key(name, lookOf(measurement, i))} ${escaped(contenders[i]!.title)}</span>`
  }
  return `<p class="groups">${escaped(says.replace(/:.*\. /s, '. '))}</p>
<ol class="groups">${measurement.groups.map((group) => `<li>${group.map(member).join(' ')}</li>`).join('')}</ol>`
}

const chartSections = (
  measurement: Measurement,
  charts: Charts,
  { capacity = [] }: Extras,
): string[] => {
  const section = (id: string, title: string, text: string, content: string[]) =>
    content.length === 0 && !text
      ? ''
      : `<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${text ? `<p>${text}</p>` : ''}
${content.join('\n')}</section>`
  return [
    section(
      'differences',
      'How large the differences are',
      `An interval wholly to one side of zero shows a difference. One within the band (to be exact, its part for 90 of 100) shows that there is none that matters. All others decide nothing${measurement.plan.contenders.length > 3 ? '; only Holm’s test can still tell the direction' : ''}. In 95 of 100 such measurements the interval${measurement.plan.contenders.length > 3 ? 's of the question hold the true ratios, all at once: they are widened by Bonferroni, while p values are corrected by Holm' : ' of the question holds the true ratio'}. Each further metric is looked at by itself: of twenty of them one may miss by chance.`,
      forests(charts.forest),
    ),
    section(
      'costs',
      'What it costs',
      `Median over the blocks, its 95 % interval in brackets, and how many requests it rests on. ${loadsInWords(measurement)}`,
      [toTable(costTable(measurement))],
    ),
    section('latency', 'How long requests take', escaped(charts.latencySays), [
      ...charts.latency.map(toFigure),
      ...(charts.latency.length > 0 ? [toTable(latencyTable(measurement))] : []),
    ]),
    capacity.length > 0
      ? section('capacity', 'How much it can take', '', capacity.map(toFigure))
      : section('most', 'How much it can take', capacityHint(measurement), []),
    section(
      'blocks',
      'Block by block',
      'A block measures all contenders side by side within seconds, on whatever the machine is at that moment.',
      charts.slope.map(toFigure),
    ),
    charts.timelines.length > 0
      ? section(
          'faults',
          'While things went wrong',
          'After the blocks, in a run of its own: a steady load, while a backend was taken away and given back.',
          charts.timelines.map(toFigure),
        )
      : '',
  ]
}

/** How the curve of latency over rate comes here. */
const capacityHint = ({ plan }: Measurement): string =>
  `Not measured in this run. <code>npx seesaw bench capacity ${escaped(plan.contenders[0]?.setup ?? '')} --json capacity.json</code> finds how long answers take the more are asked for; <code>npx seesaw bench report run.json --capacity capacity.json --html report.html</code> draws it here.`

/** The first answers the question; where there are many others, they wait until they are asked for. */
const forests = ([first, ...others]: Chart[]): string[] => {
  const further = others.map(toFigure).join('\n')
  return [
    first ? toFigure(first) : '',
    others.length > 1
      ? `<details class="folded"><summary>Also measured: ${count(others.length)} further metrics</summary>${further}</details>`
      : further,
  ]
}

const validitySection = (measurement: Measurement, charts: Charts): string => {
  const { gates, proof } = measurement
  const proved = proof.ok
    ? `Before anything was measured, ${count(proof.verdicts)} verdicts on the claims of the contenders came out as declared.`
    : proof.skipped
      ? 'A quick look: the claims of the contenders were not proved.'
      : 'The claims of the contenders did not come out as declared.'
  return `<section aria-labelledby="validity"><h2 id="validity">Why it can be trusted, or not</h2>
<p>${escaped(`${proved} ${gatesInWords(gates)}`)} A gate that is not passed spoils what it names; nothing that is merely slow is ever left out.</p>
${toTable(gateTable(gates))}
${charts.steadiness.map(toFigure).join('\n')}
${noiseSection(measurement)}
</section>`
}

/** What each contender against itself gave in this very run. */
const noiseSection = (measurement: Measurement): string => {
  const noise = noiseOf(measurement)
  if (noise.length === 0) return ''
  return `<h3 class="apart">Each against itself</h3>
<p>${escaped(noiseInWords(noise))}</p>
${toTable({
  caption: 'Mirrored slices compared with forward ones, with 95 % intervals',
  head: ['contender', 'CPU per request', 'throughput'],
  rows: measurement.plan.contenders.flatMap(({ name, title }) => {
    const own = noise.filter(({ contender }) => contender === name)
    const cell = (metric: Metric) => {
      const found = own.find((one) => one.metric === metric)
      return found
        ? `${change(found.ratio)} [${change(found.low)}, ${change(found.high)}]`
        : notMeasured
    }
    return own.length > 0 ? [[`${name} ${title}`, cell('cpu'), cell('throughput')]] : []
  }),
})}`
}

/** What the intervals show, and what they cannot. */
const noiseInWords = (noise: readonly Noise[]): string => {
  const holding = noise.filter(({ low, high }) => low <= 1 && 1 <= high).length
  return (
    `Every contender’s slices in the one order against its own in the reverse order: nothing but this machine’s noise is between them. ` +
    `About 19 of 20 such intervals hold zero; here ${holding} of ${noise.length} ${holding === 1 ? 'does' : 'do'}. That two processes of one program differ, too, is not in it: a contender measured against itself shows that.`
  )
}

const notMeasured = '–'

const effortInWords = ({
  preset,
  blocks,
  closed,
  open,
  load,
  warmUpMs,
  luck,
}: Measurement['plan']) =>
  [
    `${preset}: ${blocks} blocks; per contender and block`,
    [
      ...(load === 'open' ? [] : [`2 × ${closed.slices} closed slices of ${closed.sliceMs} ms`]),
      ...(load === 'closed' ? [] : [`2 × ${open.slices} open ones of ${open.sliceMs} ms`]),
    ].join(', '),
    `after ${warmUpMs} ms to warm up`,
    ...(luck === undefined
      ? []
      : [
          `(once: all blocks have the same processes, so intervals are widened by ${percent(luck)})`,
        ]),
  ].join(' ')

const ceilingInWords = ({ ceilingPerSecond }: Measurement['calibration']): string =>
  ceilingPerSecond > 0 ? `${count(ceilingPerSecond)} requests/s` : 'not measured: no bare server'

const environment = (measurement: Measurement): string => {
  const { machine, plan, calibration, seed, command, seesaw } = measurement
  const { startedAt, finishedAt } = measurement
  const load = {
    open: `open: ${plan.arrivals} arrivals at ${number(calibration.ratePerSecond)} requests/s${plan.ratePerSecond === null ? `, chosen here: at most half of what the slowest takes, and so low that the client is on time (--rate ${calibration.ratePerSecond} asks for it again)` : ''}`,
    closed: `closed: ${plan.connections} connections, as fast as answers come`,
  }
  return environmentSection(command, [
    ['Scenario', plan.scenario],
    ['Workload', `${plan.workload}: ${plan.says}`],
    ['Load', ...(plan.load === 'both' ? [load.open, load.closed] : [load[plan.load]])],
    ['Effort', effortInWords(plan)],
    ['Server processes', count(plan.workers)],
    ['Timeout', `${count(plan.timeoutMs)} ms`],
    ['Same means', `within ±${percent(plan.margin)}`],
    ['Load client’s ceiling', ceilingInWords(calibration)],
    ['Began', moment(startedAt)],
    [
      'Took',
      finishedAt
        ? duration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)
        : 'not finished',
    ],
    ...machineFacts(machine),
    ['Seesaw', seesaw],
    ['Seed', String(seed)],
  ])
}
