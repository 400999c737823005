// One side of it: what was sent before, what went out, and what came back.
import type { ComponentChildren } from 'preact'
import { plain } from '../../plain.ts'
import type { Exchange } from '../../proof/client.ts'
import type { Sent, SentAnswer } from '../../traffic/send.ts'
import { CopyButton, Side, Trouble } from '../ui/parts.tsx'
import { short } from '../ui/short.ts'
import { countCalls } from './request-comparison.tsx'
import { CookieView, Headers, Tokens } from './request-headers.tsx'

export const OneSide = ({ name, title, sent }: { name: 'A' | 'B'; title: string; sent: Sent }) => {
  const { before, request, answer, problem } = sent
  return (
    <section class={`card answer side-${name.toLowerCase()}`} aria-label={`Answer of ${name}`}>
      <h2>
        <Side name={name} /> {plain(title)}
      </h2>
      {problem && (
        <Trouble>
          {plain(problem.detail)} <small>{problem.code}</small>
        </Trouble>
      )}
      {before.length > 0 && <Before exchanges={before} />}
      {request && (
        <Step
          title={
            <>
              <code>
                {plain(request.method)} {plain(pathWithin(request.url, sent.setup))}
              </code>
              <CopyButton label="Copy as curl" text={() => asCurl(request)} />
            </>
          }
        >
          <Headers pairs={Object.entries(request.headers)} all />
          <Tokens texts={Object.values(request.headers)} />
        </Step>
      )}
      {answer && <AnswerView answer={answer} />}
    </section>
  )
}

const pathWithin = (url: string, setup: string): string => {
  const mount = `/run/${setup}`
  return url.slice(url.indexOf(mount) + mount.length)
}

const Step = ({ title, children }: { title: ComponentChildren; children: ComponentChildren }) => (
  <div class="step">
    <h3>{title}</h3>
    {children}
  </div>
)

const Before = ({ exchanges }: { exchanges: readonly Exchange[] }) => (
  <details class="step">
    <summary>
      Before that:{' '}
      {exchanges.map(({ request, answer }) => (
        <code key={request.path}>
          {plain(`${request.method} ${request.path}`)} → {answer.status}
        </code>
      ))}
    </summary>
    {exchanges.map(({ request, answer }, i) => (
      <div key={`${i} ${request.path}`} class="step">
        <h3>
          <code>
            {plain(`${request.method} ${request.path}`)} → {answer.status}
          </code>
        </h3>
        {request.body !== undefined && <pre class="body">{short(spell(request.body))}</pre>}
        {answer.setCookies.map((line) => (
          <CookieView key={line} line={line} />
        ))}
        <pre class="body">{short(spell(answer.body))}</pre>
        <Tokens texts={[spell(answer.body)]} />
      </div>
    ))}
  </details>
)

const spell = (body: unknown): string =>
  typeof body === 'string' ? body : JSON.stringify(body, null, 2)

const AnswerView = ({ answer }: { answer: SentAnswer }) => (
  <Step
    title={
      <>
        <span
          class={`status ${answer.status < 400 ? 'well' : answer.status < 500 ? 'refused' : 'ill'}`}
        >
          {answer.status} {plain(answer.statusText)}
        </span>{' '}
        <small>
          {answer.totalMs !== undefined && `${answer.totalMs.toFixed(1)} ms in the server, `}
          {answer.ms.toFixed(1)} ms there and back · {size(answer.bodyBytes)}
        </small>
      </>
    }
  >
    <p class="badges">
      {countCalls(answer.calls).map(({ count, name, backend, failed }) => (
        <span key={`${name}@${backend}`} class={failed > 0 ? 'badge failed' : 'badge'}>
          <b>{count} ×</b> <code>{plain(name)}</code> on {plain(backend)}
          {failed > 0 && `, ${failed} failed`}
        </span>
      ))}
      {answer.calls.length === 0 && <span class="badge none">no call to a backend</span>}
    </p>
    <Headers pairs={answer.headers} />
    {answer.setCookies.map((line) => (
      <CookieView key={line} line={line} />
    ))}
    {answer.body !== '' && <Body answer={answer} />}
    <Tokens texts={[...answer.headers.map(([, value]) => value), answer.body]} />
  </Step>
)

const size = (bytes: number): string =>
  bytes < 10_000 ? `${bytes} bytes` : `${(bytes / 1_000).toFixed(0)} KB`

const Body = ({ answer: { body, bodyBytes } }: { answer: SentAnswer }) => {
  let shown = body
  try {
    shown = JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    // No JSON, or cut: as it is.
  }
  return (
    <>
      <pre class="body">{short(shown)}</pre>
      {bodyBytes > 64 * 1024 && <p class="note">The first 64 KB of {size(bodyBytes)} came here.</p>}
    </>
  )
}

/** For a POSIX shell. */
const asCurl = ({ method, url, headers, body }: NonNullable<Sent['request']>): string => {
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
  return [
    'curl -i',
    ...(method === 'GET' ? [] : [method === 'HEAD' ? '-I' : `-X ${method}`]),
    ...Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`--data ${quote(body)}`]),
    quote(url),
  ].join(' ')
}
