// `seesaw curl`
import { requestsFor } from '../requests.ts'
import { ask, type RunningOptions } from './running.ts'
import { faint, print } from './terminal.ts'

/** A workload may be a crowd of thousands. */
const mostShown = 3

export const curl = async (
  setup: string,
  options: RunningOptions & { workload?: string },
): Promise<void> => {
  const { lab } = await ask<{ lab: { url: string } }>(options, 'GET', '/api/state')
  const ready = await requestsFor(setup, lab.url, options.workload)
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
  for (const line of lines) print(line)
  const left = ready.requests.length - shown.length
  if (left > 0) process.stderr.write(`${faint(`# and ${left} requests like these`)}\n`)
}

/** Quoted for a POSIX shell. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
