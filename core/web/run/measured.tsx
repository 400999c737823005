// What came of a measurement: first in words, then as a picture, then what it costs, and at last why
// all of that can be trusted, or not.

import { metricFacts } from '../../measurement/metrics.ts'
import { plain } from '../../plain.ts'
import { Cost } from '../charts/cost.tsx'
import { Forest, type Guess, guessInWords, rowsOf, twoEnds } from '../charts/forest.tsx'
import { Timeline } from '../charts/timeline.tsx'
import { progress } from '../record/progress.ts'
import { Side, Tag } from '../ui/parts.tsx'
import {
  blockRatios,
  type Gate,
  headlineOf,
  type Measurement,
  number,
  placeOf,
  type Verdict,
} from './words.ts'

export const Measured = ({ id, measured }: { id: string; measured: Measurement }) => {
  const { plan, verdicts = [], gates = [], timelines = [], blocks } = measured
  const rivals = plan.contenders.filter(({ reference }) => !reference)
  const answers = verdicts.filter(({ exploratory }) => !exploratory)
  const two = rivals.length === 2
  const dots = two && answers[0] ? blockRatios(measured, answers[0]) : []
  const guess = two ? guessOf(id, measured) : undefined
  const requests = blocks
    .flatMap(({ slots = [] }) => slots)
    .filter(({ contender }) => !plan.contenders[contender]?.reference)
    .reduce((sum, { answered }) => sum + answered, 0)
  const path = `/api/bench/${encodeURIComponent(id)}`
  return (
    <div class="findings">
      <div class="verdicts" role="status">
        {answers.length === 0 && (
          <p class="headline">Nothing was measured, so nothing can be said.</p>
        )}
        {two ? (
          answers.map((answer) => <Headline key={answer.metric} answer={answer} />)
        ) : (
          <Many measured={measured} answers={answers} />
        )}
        <p>
          <Tag of="measured">{placeOf(measured)}</Tag>
        </p>
      </div>
      <ul class="who">
        {rivals.map(({ name, title, setup }) => (
          <li key={name}>
            {name === 'A' || name === 'B' || name === 'C' ? (
              <Side name={name} />
            ) : (
              <b>{plain(name)}</b>
            )}{' '}
            {plain(title)} <code>{plain(setup)}</code>
          </li>
        ))}
      </ul>
      {guess && <p class="your-guess">Your guess, drawn dashed: {guessInWords(guess)}.</p>}
      {verdicts.length > 0 && (
        <Forest
          rows={
            two
              ? rowsOf(verdicts)
              : rowsOf(answers).map((row) => ({ ...row, label: row.names.join(' · ') }))
          }
          margin={plan.margin}
          guess={guess}
          dots={dots}
          ends={two ? twoEnds : ['the first', 'the second']}
          caption={
            two
              ? `How many times better either is, with intervals at 95\u00a0%. The shaded zone counts as the same. Only the first row was asked${dots.length > 0 ? ' (a small dot: what one block shows by itself)' : ''}; the others are to look at.`
              : 'Pair by pair, how many times better either is, with intervals that hold for all of them at once.'
          }
        />
      )}
      <section>
        <h2>What each costs</h2>
        <Cost measured={measured} />
      </section>
      {timelines.length > 0 && (
        <section>
          <h2>While things went wrong</h2>
          <Timeline timelines={timelines} contenders={plan.contenders} />
        </section>
      )}
      <Gates gates={gates} skipped={measured.proof?.skipped === true} />
      <p class="facts">
        <span>
          Node {plain(measured.machine.node.replace(/^v/, ''))} · {plain(plan.preset)},{' '}
          {blocks.length} of {plan.blocks} blocks, {requests.toLocaleString('en')} requests ·{' '}
          {plain(plan.workload)}
        </span>
        <span class="downloads">
          <a href={path} download={`${id}.json`}>
            JSON
          </a>
          <a href={`${path}/report.md`} download={`${id}.md`}>
            Markdown
          </a>
          <a href={`${path}/report.html`} target="_blank" rel="noopener">
            Whole report
          </a>
        </span>
      </p>
    </div>
  )
}

const Headline = ({ answer }: { answer: Verdict }) => {
  const { head, rest } = headlineOf(answer)
  return (
    <div>
      <p class="headline">{head}</p>
      {rest && <p class="rest">{rest}</p>}
    </div>
  )
}

/** More than two: who leads, and every pair in small type. */
const Many = ({ measured, answers }: { measured: Measurement; answers: readonly Verdict[] }) => {
  const { groups = [] } = measured
  const label = metricFacts[answers[0]?.metric ?? measured.plan.primary].label.toLowerCase()
  return (
    <>
      {groups.length > 0 && (
        <div>
          <p class="headline">
            {groups.length === 1
              ? 'None can be told from another.'
              : `Best first: ${groups.map((group) => group.map(plain).join(' and ')).join(', then ')}.`}
          </p>
          <p class="rest">By {label}. Those that stand together cannot be told apart.</p>
        </div>
      )}
      <ul class="pairs">
        {answers.map(({ a, b, sentence }) => (
          <li key={`${a} ${b}`}>{plain(sentence)}</li>
        ))}
      </ul>
    </>
  )
}

/** The guess that was made before this run, turned where A and B have changed places since. */
const guessOf = (id: string, { plan, startedAt }: Measurement): Guess | undefined => {
  const [a, b] = plan.contenders
  const about = (progress.value?.predictions ?? []).filter(
    (one) =>
      (one.a === a?.setup && one.b === b?.setup) || (one.a === b?.setup && one.b === a?.setup),
  )
  const made =
    about.find(({ run }) => run === id) ??
    about.findLast(({ metric, madeAt }) => metric === plan.primary && madeAt < startedAt)
  if (!made) return undefined
  const { call, factor } = made
  const turned = made.a !== a?.setup && call !== 'same'
  return { call: turned ? (call === 'a' ? 'b' : 'a') : call, factor }
}

const Gates = ({ gates, skipped }: { gates: readonly Gate[]; skipped: boolean }) => {
  const failed = gates.filter(({ ok }) => !ok).length
  // Without a value there was nothing to go by. That claims were not proved is said by itself.
  const isUnchecked = ({ ok, value }: Gate) => ok && value === null
  const unchecked = gates.filter((one) => isUnchecked(one) && one.gate !== 'claims').length
  const passed = gates.filter((one) => one.ok && !isUnchecked(one)).length
  return (
    <details class="gates" open={failed > 0}>
      <summary>
        {failed === 0
          ? `Why it can be trusted: ${passed} gates passed`
          : `What cannot be trusted: ${failed} of ${gates.length} gates failed`}
        {unchecked > 0 && `; ${unchecked} could not be checked`}
        {skipped && '; claims were not proved'}
      </summary>
      <ul>
        {[...gates]
          .sort((x, y) => Number(x.ok) - Number(y.ok))
          .map(({ gate, where, ok, says, spoils, value, limit, unit }) => (
            <li key={gate + where} class={ok ? '' : 'failed'}>
              <strong>
                {!ok ? '✗' : value === null ? '?' : '✓'} {plain(gate)} {plain(where)}
              </strong>
              <span>
                {plain(says)}
                {!ok && ` It spoils ${spoils === 'all' ? 'everything' : spoils.join(', ')}.`}{' '}
                {value !== null && (
                  <small>
                    {number(value)}, limit {number(limit)} {plain(unit)}
                  </small>
                )}
              </span>
            </li>
          ))}
      </ul>
    </details>
  )
}
