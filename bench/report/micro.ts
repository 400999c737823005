// A comparison of functions on a terminal: what can be said, then what it was made from.
import { styleText } from 'node:util'
import type { Figure } from '../../measurement.ts'
import type { TerminalOptions } from '../../report/terminal.ts'
import { count, moment, number, percent, wrap } from '../../report/text.ts'
import type { MicroMeasurement, MicroVerdict } from './measurement.ts'

const signs = { faster: '●', slower: '■', same: '◆', undecided: '○', invalid: '✗' } as const
const styles = {
  faster: 'green',
  slower: 'red',
  same: 'blue',
  undecided: 'bold',
  invalid: 'yellow',
} as const
type Style = (typeof styles)[MicroVerdict['verdict']] | 'dim'

/** The whole report as text: verdicts first. */
export const microToTerminal = (
  measurement: MicroMeasurement,
  { colours = false, width = 100 }: TerminalOptions = {},
): string => {
  const { plan, verdicts, gates, command, finishedAt, blocks } = measurement
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
    ...(finishedAt === null
      ? text(`! Interrupted: ${blocks.length} of ${plan.blocks} blocks.`, 'yellow')
      : []),
    ...groupsOf(measurement).flatMap((words) => [...text(words, 'bold'), '']),
    ...(verdicts.length === 0 || blocks.length === 0
      ? text('Nothing was measured, so nothing can be said.')
      : verdicts.flatMap(({ verdict, sentence }) =>
          text(`${signs[verdict]} ${sentence}.`, styles[verdict]),
        )),
    '',
    ...tableOf(measurement),
    '',
    ...text(factsOf(measurement, gates.filter(({ ok }) => !ok).length), 'dim'),
    ...text(`Again: ${command}`, 'dim'),
    '',
  ].join('\n')
}

const warningsOf = ({ gates }: MicroMeasurement): string[] =>
  gates
    .filter(({ ok }) => !ok)
    .map(({ gate, says, value, unit, limit }) =>
      gate === 'right results'
        ? `No number: ${says}`
        : `Not valid: ${says} (${gate}: ${number(value ?? 0)}, the limit is ${number(limit)} ${unit})`.replace(
            ' )',
            ')',
          ),
    )

const groupsOf = ({ groups, plan }: MicroMeasurement): string[] =>
  plan.contenders.length < 3 || groups.length === 0
    ? []
    : [`Fastest first: ${groups.map((group) => group.join(', ')).join(' | ')}.`]

/** To ${call}: the time and the CPU time of each. */
const tableOf = ({ plan, figures }: MicroMeasurement): string[] => {
  const of = (name: string, metric: string) =>
    figures.find((figure) => figure.contender === name && figure.metric === metric)
  const rows = plan.contenders.map(({ name, variant }) => [
    `${name}  ${variant}`,
    ...inTime(of(name, 'time')),
    inTime(of(name, 'cpu'))[0],
    count(of(name, 'time')?.samples ?? 0),
  ])
  const head = [`to ${plan.call}`, 'time', 'interval (95 %)', 'CPU time', 'samples']
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

const factsOf = (
  { startedAt, machine, plan, blocks, seed }: MicroMeasurement,
  failed: number,
): string =>
  [
    `measured ${moment(startedAt)}`,
    `${machine.cpu}, ${machine.cores} cores${machine.container ? ' (in a container)' : ''}`,
    `Node ${machine.node.replace(/^v/, '')}`,
    `${plan.preset}: ${blocks.length} blocks, each in fresh processes`,
    `margin ±${percent(plan.margin)}`,
    `seed ${seed}`,
    failed === 0 ? 'all gates are passed' : `gates not passed: ${failed}`,
  ].join(' · ')
