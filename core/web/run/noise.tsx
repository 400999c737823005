// What this machine can tell apart at all: the last time something was measured against itself, the
// two came out as far apart as noise makes them.

import { useEffect, useState } from 'preact/hooks'
import { metricFacts } from '../../measurement/metrics.ts'
import type { Listed } from '../../measurements/desk.ts'
import { api } from '../api.ts'
import { measurements } from '../live.ts'
import { route, tabPath } from '../route.ts'
import { Link } from '../ui/parts.tsx'
import { answerOf, type Measurement, moment, number } from './words.ts'

/** Whether it is something against itself. */
export const isAgainstItself = ({ setups }: Pick<Listed, 'setups'>): boolean =>
  setups.length > 1 && setups.every((setup) => setup === setups[0])

/** From which difference on, as a share, it could have been told; null where it could not be trusted. */
const toldApartFrom = (measured: Measurement): number | null => {
  const { low, high } = answerOf(measured) ?? {}
  return low && high ? Math.max(high, 1 / low) - 1 : null
}

export const NoiseNote = () => {
  const last = measurements.value.find((one) => one.status === 'done' && isAgainstItself(one))
  const [measured, setMeasured] = useState<Measurement>()
  useEffect(() => {
    if (!last) return
    const asking = new AbortController()
    api
      .get<Measurement>(`/api/bench/${last.id}?blocks=brief`, asking.signal)
      .then(setMeasured, () => {})
    return () => asking.abort()
  }, [last?.id])
  if (!last)
    return (
      <>How much of a difference this machine can tell, A against A shows; nobody has asked yet.</>
    )
  if (!measured) return null
  const share = toldApartFrom(measured)
  const metric = answerOf(measured)?.metric
  return (
    <>
      {share === null
        ? 'The last A against A could not be trusted: '
        : `This machine tells apart differences above about ${number(share * 100)} %${metric ? ` of ${metricFacts[metric].label.toLowerCase()}` : ''}: `}
      <Link to={tabPath(last.scenario, 'run', { ...route.value.query, run: last.id })}>
        A against A, {last.preset}, {moment(last.finishedAt ?? last.askedAt)}
      </Link>
      .
    </>
  )
}
