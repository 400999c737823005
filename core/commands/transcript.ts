// Prints what an exercise and a setup said to each other.
import type { Line } from '../exercise.ts'
import { bad, bold, faint, good, plain, print } from './terminal.ts'

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
  for (const call of adapterCalls(answer.headers['server-timing'] ?? ''))
    print(faint(`${indent}    ${call}`))
}

const printHeaders = (headers: Record<string, string>, indent: string): void => {
  for (const [name, value] of Object.entries(headers))
    if (telling.test(name)) print(faint(`${indent}${name}: ${short(value)}`))
}

/** `session.get;dur=0.1;start=0.2;desc="redis"` → `session.get on redis, 0.1 ms` */
const adapterCalls = (serverTiming: string): string[] =>
  [...serverTiming.matchAll(/([\w.]+);dur=([\d.]+);start=[\d.]+;desc="([^"]+)"/g)].map(
    ([, name, ms, backend]) => `${name} on ${backend}, ${ms} ms`,
  )

const short = (value: unknown): string => {
  const text = plain(typeof value === 'string' ? value : JSON.stringify(value))
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length} characters)` : text
}
