// Prints what an exercise and a setup said to each other.

import { parseServerTiming } from '../lab/server-timing.ts'
import { plain } from '../plain.ts'
import type { Line } from '../proof/exercise.ts'
import { bad, bold, faint, good, print } from './terminal.ts'

/** The headers that tell a story; the others are left out. */
const telling =
  /^(authorization|cookie|set-cookie|www-authenticate|retry-after|ratelimit.*|location|etag|cache-control|x-api-key|x-client|x-seesaw-worker)$/

export const printTranscript = (lines: readonly Line[], indent = ''): void => {
  for (const line of lines) {
    if (line.kind === 'note') print(`${indent}· ${plain(line.text)}`)
    else if (line.kind === 'exchange') printExchange(line, indent)
    else {
      const mark = line.ok ? good('✓') : bad('✗')
      print(`${indent}${mark} ${line.kind}: ${plain(line.because)}`)
    }
  }
}

const printExchange = (line: Line & { kind: 'exchange' }, indent: string): void => {
  const { request, answer } = line
  print(`${indent}${bold(`client ${line.client} → ${request.method} ${plain(request.path)}`)}`)
  printHeaders(request.headers, `${indent}    `)
  if (request.body !== undefined) print(`${indent}    ${short(request.body)}`)
  print(`${indent}${bold(`       ← ${answer.status}`)} ${faint(`in ${line.ms} ms`)}`)
  printHeaders(answer.headers, `${indent}    `)
  if (answer.body !== '') print(`${indent}    ${short(answer.body)}`)
  const { calls } = parseServerTiming(answer.headers['server-timing'] ?? '')
  for (const { name, backend, ms } of calls)
    print(faint(`${indent}    ${name} on ${backend}, ${ms} ms`))
}

const printHeaders = (headers: Record<string, string>, indent: string): void => {
  for (const [name, value] of Object.entries(headers))
    if (telling.test(name)) print(faint(`${indent}${name}: ${short(value)}`))
}

const short = (value: unknown): string => {
  const text = plain(typeof value === 'string' ? value : JSON.stringify(value))
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length} characters)` : text
}
