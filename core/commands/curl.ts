// `seesaw curl`
import type { State } from '../control/state.ts'
import { adapterIndex, loadScenario } from '../course/find.ts'
import { parseSetup, resolveSetup } from '../course/setup.ts'
import { traitsOf } from '../proof/declare.ts'
import { requestsFor } from '../traffic/workload.ts'
import { ask, type RunningOptions } from './running.ts'
import { faint, print } from './terminal.ts'

/** A workload may be a crowd of thousands. */
const mostShown = 3

export const curl = async (
  setup: string,
  options: RunningOptions & { workload?: string },
): Promise<void> => {
  const state = await ask<State>(options, 'GET', '/api/state')
  const address = await addressFor(setup, options.workload, state)
  const { plain: _, judge: __, ...ready } = await requestsFor(setup, address, options.workload)
  const shown = ready.requests.slice(0, mostShown)
  const lines = shown.flatMap(({ method, url, headers, body }) => {
    const given = Object.entries(headers)
    const data = body === undefined ? [] : [`--data ${quote(body)}`]
    return [
      [
        'curl -i',
        `-X ${method}`,
        ...given.map(([n, v]) => `-H ${quote(`${n}: ${v}`)}`),
        ...data,
        quote(url),
      ],
      [
        'npx autocannon -c 10 -d 5',
        `-m ${method}`,
        ...given.map(([n, v]) => `-H ${quote(`${n}=${v}`)}`),
        ...(body === undefined ? [] : [`-b ${quote(body)}`]),
        quote(url),
      ],
    ].map((words) => words.filter((word) => word !== '-X GET' && word !== '-m GET').join(' '))
  })
  if (options.json) return print(JSON.stringify({ ...ready, lines }, null, 2))
  process.stderr.write(
    `${faint(`# ${ready.setup}, workload '${ready.workload}': ${ready.says}`)}\n`,
  )
  if (address !== state.lab.url)
    process.stderr.write(
      `${faint('# only the process that gave out this credential knows it: these lines go to its door')}\n`,
    )
  for (const line of lines) print(line)
  const left = ready.requests.length - shown.length
  if (left > 0) process.stderr.write(`${faint(`# and ${left} requests like these`)}\n`)
}

/** Where a credential that is fetched now will do: at one door, if its process keeps it to itself. */
const addressFor = async (
  text: string,
  workloadId: string | undefined,
  { lab, live }: State,
): Promise<string> => {
  const parts = parseSetup(text)
  const scenario = await loadScenario(parts.scenario)
  const workloads = scenario.workloads ?? {}
  const [door] = lab.workers
  if (!workloads[workloadId ?? Object.keys(workloads)[0] ?? '']?.prepare || !door) return lab.url
  const choices = { adapters: adapterIndex, defaults: {} }
  const toggled = resolveSetup(
    parseSetup(live[parts.scenario] ?? parts.scenario),
    scenario,
    choices,
  )
  const { variant = 'live' } = parts
  const setup =
    variant === 'live'
      ? toggled
      : resolveSetup(parts, scenario, { ...choices, defaults: toggled.backends })
  return (await traitsOf(setup)).sharedBetweenProcesses ? lab.url : door.door
}

/** Quoted for a POSIX shell. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
