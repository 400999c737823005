// A duel that was measured before, for when there is no time to measure one: never to be taken for
// one of today.

import type { Recorded as RecordedRun } from '../../lesson/routes.ts'
import { metricFacts } from '../../measurement/metrics.ts'
import { plain } from '../../plain.ts'
import { Forest, type Guess, rowsOf, twoEnds } from '../charts/forest.tsx'
import { answerOf, headlineOf, type Measurement, placeOf } from '../run/words.ts'
import { CopyButton, Side, Tag } from '../ui/parts.tsx'

export const Recorded = ({
  recorded,
  guess,
}: {
  recorded: RecordedRun
  guess?: Guess | undefined
}) => {
  // The server has looked at as much of it as is shown here.
  const measured = recorded as unknown as Measurement
  const answer = answerOf(measured)
  if (!answer) return <p>Nothing was recorded that answers the question.</p>
  const { head, rest } = headlineOf(answer)
  const failed = measured.gates.filter(({ ok }) => !ok)
  const { label } = metricFacts[answer.metric]
  return (
    <div class="recorded">
      <p>
        <Tag of="recorded">{placeOf(measured)}</Tag>
      </p>
      <p class="headline">{head}</p>
      {rest && <p class="rest">{rest}</p>}
      <Forest
        compact
        rows={rowsOf([answer])}
        margin={measured.plan.margin}
        guess={guess}
        ends={twoEnds}
        caption={`${label}, recorded. ${head}`}
      />
      <ul class="who">
        {measured.plan.contenders
          .filter(({ reference }) => !reference)
          .slice(0, 2)
          .map(({ name, setup }, index) => (
            <li key={name}>
              <Side name={index === 0 ? 'A' : 'B'} /> <code>{plain(setup)}</code>
            </li>
          ))}
      </ul>
      {failed.map(({ gate, says }) => (
        <p class="failed" key={gate}>
          <span aria-hidden="true">✗</span> A check failed: {plain(says)}
        </p>
      ))}
      <CopyButton label="Copy the command that measures it anew" text={plain(measured.command)} />
    </div>
  )
}
