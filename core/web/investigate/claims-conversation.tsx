// What an exercise and a setup said to each other, word by word. All of it comes from a program that
// may be wrong on purpose, so all of it is text.

import { plain } from '../../plain.ts'
import type { Line } from '../../proof/exercise.ts'
import { lab } from '../live.ts'
import { CopyButton } from '../ui/parts.tsx'
import { short } from '../ui/short.ts'

type Exchange = Line & { kind: 'exchange' }

const mostLines = 150

export const Conversation = ({ lines, setup }: { lines: readonly Line[]; setup: string }) => {
  const decisive = decisiveOf(lines)
  const manyDoors = doorsOf(lines) > 1
  return (
    <>
      <ol class="conversation">
        {lines.slice(0, mostLines).map((line, index) =>
          line.kind === 'exchange' ? (
            <ExchangeLine
              key={index}
              exchange={line}
              setup={setup}
              decisive={index === decisive}
              manyDoors={manyDoors}
            />
          ) : line.kind === 'note' ? (
            <li class="note">{plain(line.text)}</li>
          ) : (
            <li class={`check ${line.ok ? 'met' : 'failed'} ${line.kind}`}>
              <span aria-hidden="true">{line.ok ? '✓' : '✗'}</span>{' '}
              <span class="unseen">{line.ok ? 'seen: ' : 'not so: '}</span>
              {plain(line.because)}
            </li>
          ),
        )}
      </ol>
      {lines.length > mostLines && (
        <p class="more">{lines.length - mostLines} further lines are not shown here.</p>
      )}
    </>
  )
}

/** The exchange before the last check: what came back there decided. */
const decisiveOf = (lines: readonly Line[]): number => {
  const check = lines.findLastIndex(({ kind }) => kind === 'expect')
  return lines.slice(0, check).findLastIndex(({ kind }) => kind === 'exchange')
}

const worker = 'x-seesaw-worker'

/** How many server processes answered. */
const doorsOf = (lines: readonly Line[]): number =>
  new Set(lines.flatMap((line) => (line.kind === 'exchange' ? [line.answer.headers[worker]] : [])))
    .size

/** The headers that tell a story; the others are left out. */
const telling =
  /^(authorization|cookie|set-cookie|www-authenticate|retry-after|ratelimit.*|location|etag|cache-control|cache-status|idempotency-key|x-api-key|x-client|x-seesaw-worker)$/

const ExchangeLine = ({
  exchange: { client, request, answer, ms },
  setup,
  decisive,
  manyDoors,
}: {
  exchange: Exchange
  setup: string
  decisive: boolean
  /** Whether it matters which server process answered. */
  manyDoors: boolean
}) => {
  const { [worker]: _, ...withoutWorker } = answer.headers
  const calls = callsIn(answer.headers['server-timing'] ?? '')
  return (
    <li class={`exchange${decisive ? ' decisive' : ''}`}>
      <details open={decisive}>
        <summary>
          <span class="who">client {client}</span>
          <code>
            {request.method} {short(request.path, 200)}
          </code>{' '}
          <span class={`status s${Math.floor(answer.status / 100)}`}>{answer.status}</span>
          <small>{ms} ms</small>
          {calls.length > 0 && (
            <small class="badge">
              {calls.length} {calls.length === 1 ? 'call' : 'calls'}
            </small>
          )}
          {decisive && <small class="badge mark">this decided</small>}
        </summary>
        <dl>
          <Said what="sent" headers={request.headers} body={request.body} />
          {calls.length > 0 && (
            <>
              <dt>the server asked</dt>
              <dd>
                <ul class="calls">
                  {calls.map(({ name, backend, ms: took, times }) => (
                    <li key={`${name} ${backend}`}>
                      <code>{plain(name)}</code> on {plain(backend)}
                      {times > 1 && <small class="badge">× {times}</small>} <small>{took} ms</small>
                    </li>
                  ))}
                </ul>
              </dd>
            </>
          )}
          <Said
            what="answered"
            headers={manyDoors ? answer.headers : withoutWorker}
            body={answer.body}
          />
        </dl>
        <CopyButton
          label="Copy as curl"
          text={() => curlOf(request, `${lab.value?.lab.url ?? ''}/run/${setup}`)}
        />
      </details>
    </li>
  )
}

const Said = ({
  what,
  headers,
  body,
}: {
  what: string
  headers: Record<string, string>
  body: unknown
}) => {
  const told = Object.entries(headers).filter(([name]) => telling.test(name))
  if (told.length === 0 && (body === undefined || body === '')) return null
  return (
    <>
      <dt>{what}</dt>
      <dd>
        {told.map(([name, value]) => (
          <div class="header" key={name}>
            <span>{plain(name)}:</span> {short(value, 600)}
          </div>
        ))}
        {body !== undefined && body !== '' && <pre>{short(textOf(body), 2_000)}</pre>}
      </dd>
    </>
  )
}

const textOf = (body: unknown): string =>
  typeof body === 'string' ? body : JSON.stringify(body, null, 1).replace(/\n\s*/g, ' ')

interface Call {
  name: string
  backend: string
  ms: number
  times: number
}

/** `session.get;dur=0.1;start=0.2;desc="redis"`; calls of the same name are counted together. */
const callsIn = (serverTiming: string): Call[] => {
  const calls = new Map<string, Call>()
  for (const [, name = '', ms, backend = ''] of serverTiming.matchAll(
    /([\w.]+);dur=([\d.]+);start=[\d.]+;desc="([^"]+)"/g,
  )) {
    const key = `${name} ${backend}`
    const before = calls.get(key) ?? { name, backend, ms: 0, times: 0 }
    const took = Math.round((before.ms + Number(ms)) * 10) / 10
    calls.set(key, { ...before, ms: took, times: before.times + 1 })
  }
  return [...calls.values()]
}

/** The same request for a terminal. Credentials in it are those of the lab that it was tried in. */
const curlOf = ({ method, path, headers, body }: Exchange['request'], base: string): string => {
  const words = ['curl -i']
  if (method !== 'GET') words.push(`-X ${quote(method)}`)
  for (const [name, value] of Object.entries(headers))
    words.push(`-H ${quote(`${name}: ${value}`)}`)
  if (body !== undefined) words.push(`--data ${quote(textFor(body))}`)
  return [...words, quote(base + path)].join(' ')
}

const textFor = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body))

/** One word for a shell, whatever is in it; what a terminal would obey is spelled out. */
const quote = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${plain(text).replaceAll("'", "'\\''")}'`
