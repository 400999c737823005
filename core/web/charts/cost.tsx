// What it costs: every figure of every contender with its unit, its interval and where it comes from.
import { metricFacts } from '../../measurement/metrics.ts'
import type { Figure, Measurement } from '../../measurement/run.ts'
import { plain } from '../../plain.ts'
import { type Metric, number, placeOf } from '../run/words.ts'
import './cost.css'

export const Cost = ({ measured }: { measured: Measurement }) => {
  const { plan, figures = [], gates = [], blocks } = measured
  const isSpoilt = (metric: string) =>
    gates.some(
      ({ ok, spoils }) => !ok && (spoils === 'all' || spoils.some((one) => one === metric)),
    )
  const metrics = [...new Set(figures.map(({ metric }) => metric))]
  const find = (metric: string, contender: string) =>
    figures.find((one) => one.metric === metric && one.contender === contender)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="cost scroll" tabIndex={0} aria-label="What each costs">
      <table>
        <caption>
          Measured, the median of {blocks.length} blocks [interval at 95 %]. {placeOf(measured)}
        </caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            {plan.contenders.map(({ name, title, reference }) => (
              <th scope="col" key={name} class={reference ? 'bare' : `side-${name.toLowerCase()}`}>
                {reference ? 'bare server' : `${plain(name)} ${plain(title)}`}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {metrics.map((metric) => {
            const [first] = figures.filter((one) => one.metric === metric)
            return (
              <tr key={metric} class={isSpoilt(metric) ? 'spoilt' : ''}>
                <th scope="row">
                  {metricFacts[metric as Metric]?.label.replace(' per request', '') ??
                    `Answers: ${plain(metric)}`}{' '}
                  <small>
                    {plain(first?.unit ?? '').replace('share of answers', '%')}
                    {isSpoilt(metric) && ', not valid'}
                  </small>
                </th>
                {plan.contenders.map(({ name }) => (
                  <td key={name}>{inCell(find(metric, name))}</td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

const inCell = (figure: Figure | undefined) => {
  if (!figure) return '–'
  const { median, low, high, samples, unit } = figure
  if (median === null) return <small>{samples.toLocaleString('en')} requests are too few</small>
  const factor = unit === 'share of answers' ? 100 : 1
  return (
    <span title={`${samples.toLocaleString('en')} requests`}>
      {number(median * factor)}{' '}
      {low !== null && high !== null && low !== high && (
        <small>
          [{number(low * factor)}, {number(high * factor)}]
        </small>
      )}
    </span>
  )
}
