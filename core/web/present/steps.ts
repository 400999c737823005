// Where the steps of a demo lie: each is a place of the workbench, so that whoever leaves the
// presentation stands where it was.
import type { Step } from '../../lesson/demo.ts'
import { pathTo, type Tab } from '../route.ts'

type Query = Record<string, string | undefined>

const places: Record<Step['show'], { tab: Tab; query?: Query }> = {
  predict: { tab: 'predict' },
  run: { tab: 'run' },
  recorded: { tab: 'run', query: { view: 'recorded' } },
  live: { tab: 'run', query: { view: 'live', live: '1' } },
  code: { tab: 'investigate', query: { view: 'code' } },
  diff: { tab: 'investigate', query: { view: 'code', diff: '1' } },
  request: { tab: 'investigate', query: { view: 'request' } },
  claim: { tab: 'investigate', query: { view: 'claims' } },
  claims: { tab: 'investigate', query: { view: 'claims' } },
}

/** The address of a step; `number` counts from 1. `more` is what goes along from step to step. */
export const stepPath = (
  scenario: string,
  step: Step,
  number: number,
  more: Query = {},
): string => {
  const { tab, query } = places[step.show]
  const { a, b, claim, send } = step
  return pathTo(`/s/${encodeURIComponent(scenario)}/${tab}`, {
    a,
    b,
    ...query,
    claim,
    ...(send ? { send: `${send.method} ${send.path}` } : {}),
    ...(send?.body === undefined ? {} : { body: JSON.stringify(send.body) }),
    ...more,
    present: String(number),
  })
}
