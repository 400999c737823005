// One request, sent to both: what went out, what came back, and what each asked of its back ends for
// it, on one axis of time. The request stands in the address, so a link sends the same.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Exchange } from '../../client.ts'
import type { Sent, SentAnswer, Suggestion, Suggestions } from '../../send.ts'
import { api, wordsOf } from '../api.ts'
import { Waterfall } from '../charts/waterfall.tsx'
import { measurements } from '../live.ts'
import { route, setQuery } from '../route.ts'
import { backendsOf, type Setup, titleOf } from '../setup.ts'
import { Button, CopyButton, Side, Trouble } from '../ui/parts.tsx'
import { plain, short } from '../ui/plain.ts'
import type { Bench } from '../workbench/workbench.tsx'
import { findTokens, readCookie, type Token } from './decode.ts'
import { useAnswer } from './use-answer.ts'
import './request.css'

interface Wanted {
  method: string
  path: string
  /** One `name: value` on each line. */
  headers: string
  body: string
  prepare: boolean
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']

export const OneRequest = ({ entry, a, b }: Bench) => {
  const { answer: known, problem } = useAnswer<Suggestions>(`/api/send/${entry.id}`)
  if (problem) return <Trouble>{plain(problem)}</Trouble>
  if (!known) return <p class="getting-ready">Getting ready…</p>
  return <Sender entry={entry} a={a} b={b} known={known} />
}

const Sender = ({ entry, a, b, known }: Bench & { known: Suggestions }) => {
  const { query } = route.value
  const wanted = useSignal<Wanted>(readWanted(query, known))
  const sent = useSignal<readonly Sent[]>([])
  const trouble = useSignal('')
  const busy = useSignal(false)
  const times = useSignal(0)
  const prepares = known.workloads[0]?.prepares ?? false

  const send = async () => {
    const { method, path, headers, body, prepare } = wanted.value
    busy.value = true
    try {
      const request = {
        method,
        path,
        headers: readHeaders(headers),
        ...(body === '' ? {} : { body }),
      }
      const answer = await api.post<{ sent: Sent[] }>('/api/send', {
        setups: [a.id, b.id],
        request,
        prepare,
      })
      sent.value = answer.sent
      times.value++
      trouble.value = ''
    } catch (error) {
      trouble.value = wordsOf(error)
    }
    busy.value = false
  }

  // What changes nothing is sent at once, so that there is something to see; but never into a
  // measurement, which it would disturb.
  useEffect(() => {
    const { method, path } = wanted.peek()
    const measuring = measurements.peek().some(({ status }) => status === 'running')
    if (method === 'GET' && !path.includes('/:') && !measuring) void send()
  }, [])

  const [left, right] = sent.value
  return (
    <div class="request-view">
      <Form
        wanted={wanted.value}
        requests={withPrepared(known, sent.value)}
        prepares={prepares}
        busy={busy.value}
        onChange={(change) => {
          wanted.value = { ...wanted.value, ...change }
        }}
        onSend={() => {
          setQuery(spellWanted(wanted.value))
          void send()
        }}
      />
      {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
      {left && right && (
        <div class={busy.value ? 'answers busy' : 'answers'} aria-busy={busy.value}>
          <Comparison entry={entry} a={a} b={b} left={left} right={right} times={times.value} />
          <div class="pair">
            <OneSide name="A" title={nameOf(entry, a)} sent={left} />
            <OneSide name="B" title={nameOf(entry, b)} sent={right} />
          </div>
        </div>
      )}
    </div>
  )
}

const nameOf = (entry: Bench['entry'], setup: Setup): string =>
  [titleOf(entry, setup), backendsOf(setup)].filter(Boolean).join(' on ')

const readWanted = (query: Readonly<Record<string, string>>, known: Suggestions): Wanted => {
  const [method = '', path = ''] = (query.send ?? '').split(/ (.*)/)
  const prepare = query.bare !== '1'
  if (methods.includes(method) && path.startsWith('/'))
    return { method, path, headers: query.headers ?? '', body: query.body ?? '', prepare }
  return { ...fromSuggestion(known.requests[0] ?? { method: 'GET', path: '/' }), prepare }
}

const spellWanted = ({ method, path, headers, body, prepare }: Wanted) => ({
  send: `${method} ${path}`,
  headers: headers.trim(),
  body,
  bare: prepare ? '' : '1',
})

/** What was sent to prepare a side can also be sent by hand. */
const withPrepared = (known: Suggestions, sent: readonly Sent[]): Suggestion[] => {
  const before = sent[0]?.before ?? []
  return known.requests.map((one) => {
    const same = before.find(
      ({ request }) => request.method === one.method && request.path === one.path,
    )
    return same?.request.body === undefined || one.body !== undefined
      ? one
      : { ...one, body: JSON.stringify(same.request.body) }
  })
}

const fromSuggestion = ({ method, path, headers = {}, body = '' }: Suggestion) => ({
  method,
  path,
  headers: Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n'),
  body,
})

/** Throws where a line is no header. */
const readHeaders = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const [, name = '', value = ''] = /^([^:]+):(.*)$/.exec(line) ?? []
        if (name === '') throw new Error(`'${line}' is no header; one looks like accept: text/html`)
        return [name.trim(), value.trim()]
      }),
  )

const Form = ({
  wanted,
  requests,
  prepares,
  busy,
  onChange,
  onSend,
}: {
  wanted: Wanted
  requests: readonly Suggestion[]
  prepares: boolean
  busy: boolean
  onChange: (change: Partial<Wanted>) => void
  onSend: () => void
}) => {
  const { method, path, headers, body, prepare } = wanted
  const blank = /\/:(\w+)/.exec(path)?.[1]
  return (
    <form
      class="card sender"
      onSubmit={(event) => {
        event.preventDefault()
        onSend()
      }}
    >
      <div class="line-of-fields">
        <label class="field">
          <span>Method</span>
          <select
            value={method}
            onChange={({ currentTarget }) => onChange({ method: currentTarget.value })}
          >
            {methods.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label class="field path">
          <span>Path, within the setup</span>
          <input
            value={path}
            spellcheck={false}
            autocomplete="off"
            onInput={({ currentTarget }) => onChange({ path: currentTarget.value })}
          />
        </label>
        <button type="submit" class="button main" disabled={busy}>
          Send to both
        </button>
      </div>
      {blank && (
        <p class="hint">
          Put something in the place of <code>:{plain(blank)}</code>.
        </p>
      )}
      <fieldset class="suggestions">
        <legend class="unseen">Requests that the variants understand</legend>
        {requests.map((one) => (
          <Button
            key={`${one.method} ${one.path}`}
            kind="quiet"
            aria-pressed={one.method === method && one.path === path}
            onClick={() => onChange(fromSuggestion(one))}
          >
            <code>
              {plain(one.method)} {plain(one.path)}
            </code>
          </Button>
        ))}
      </fieldset>
      <details open={headers !== '' || body !== '' || !['GET', 'HEAD'].includes(method)}>
        <summary>Headers and body</summary>
        <div class="two-fields">
          <label class="field">
            <span>Headers, one on each line</span>
            <textarea
              rows={4}
              spellcheck={false}
              value={headers}
              placeholder="accept: application/json"
              onInput={({ currentTarget }) => onChange({ headers: currentTarget.value })}
            />
          </label>
          <label class="field">
            <span>Body</span>
            <textarea
              rows={4}
              spellcheck={false}
              value={body}
              placeholder="{}"
              onInput={({ currentTarget }) => onChange({ body: currentTarget.value })}
            />
          </label>
        </div>
      </details>
      {prepares && (
        <label class="check">
          <input
            type="checkbox"
            checked={prepare}
            onChange={({ currentTarget }) => onChange({ prepare: currentTarget.checked })}
          />{' '}
          Sign in first, as the scenario's load does, and show what was given out
        </label>
      )}
    </form>
  )
}

/** The one sentence, and the two on one axis. */
const Comparison = ({
  entry,
  a,
  b,
  left,
  right,
  times,
}: Bench & { left: Sent; right: Sent; times: number }) => {
  const answered = [
    { side: 'A' as const, setup: a, sent: left },
    { side: 'B' as const, setup: b, sent: right },
  ].flatMap(({ side, setup, sent: { answer } }) =>
    answer?.totalMs === undefined
      ? []
      : [{ side, title: nameOf(entry, setup), totalMs: answer.totalMs, calls: answer.calls }],
  )
  return (
    <section class="card" aria-label="Both on one axis of time">
      <p class="verdict">{compare(left, right)}</p>
      {answered.length > 0 && <Waterfall rows={answered} />}
      <p class="note">
        {times === 1
          ? 'The first request also warms things up: send it again before you compare times. '
          : 'One request says little about speed. '}
        <em>Run</em> measures.
      </p>
    </section>
  )
}

const compare = (left: Sent, right: Sent): string => {
  const [a, b] = [left.answer, right.answer]
  if (!a || !b) return a ? 'Only A answered.' : b ? 'Only B answered.' : 'Neither answered.'
  const status =
    a.status === b.status
      ? `Both answered ${a.status}${a.body === b.body ? ' with the same body' : ''}`
      : `A answered ${a.status}, B answered ${b.status}`
  if (a.calls.length + b.calls.length === 0) return `${status}. Neither asked a back end.`
  const [ofA, ofB] = [asked(a), asked(b)]
  return ofA === ofB ? `${status}. Both ${ofA}.` : `${status}. A ${ofA}; B ${ofB}.`
}

const asked = ({ calls }: SentAnswer): string => {
  if (calls.length === 0) return 'asked no back end'
  const counts = countCalls(calls).map(
    ({ count, backend, name }) => `${count} × ${name} on ${backend}`,
  )
  return plain(`asked ${counts.join(', ')}`)
}

const countCalls = (calls: SentAnswer['calls']) => {
  const counts = new Map<string, { count: number; name: string; backend: string; failed: number }>()
  for (const { name, backend, failed } of calls) {
    const key = `${name}@${backend}`
    const known = counts.get(key) ?? { count: 0, name, backend, failed: 0 }
    counts.set(key, { ...known, count: known.count + 1, failed: known.failed + Number(failed) })
  }
  return [...counts.values()]
}

const OneSide = ({ name, title, sent }: { name: 'A' | 'B'; title: string; sent: Sent }) => {
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
      {answer.calls.length === 0 && <span class="badge none">no call to a back end</span>}
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

/** The headers that tell a story come first. */
const telling =
  /^(authorization|cookie|www-authenticate|retry-after|ratelimit.*|location|etag|age|vary|cache-control|cache-status|content-type|x-api-key|x-client|allow)$/i

const Headers = ({
  pairs,
  all = false,
}: {
  pairs: readonly (readonly [string, string])[]
  all?: boolean
}) => {
  const first = pairs.filter(([name]) => all || telling.test(name))
  const others = pairs.filter((pair) => !first.includes(pair))
  return (
    <>
      <HeaderList pairs={first} />
      {others.length > 0 && (
        <details class="others">
          <summary>{others.length} more headers</summary>
          <HeaderList pairs={others} />
        </details>
      )}
    </>
  )
}

const HeaderList = ({ pairs }: { pairs: readonly (readonly [string, string])[] }) =>
  pairs.length === 0 ? null : (
    <dl class="headers">
      {pairs.map(([name, value], i) => (
        <div key={`${i} ${name}`}>
          <dt>{plain(name)}</dt>
          <dd>{short(value, 400)}</dd>
        </div>
      ))}
    </dl>
  )

const CookieView = ({ line }: { line: string }) => {
  const { name, value, attributes, missing } = readCookie(line)
  return (
    <div class="cookie">
      <p>
        Set-Cookie <code>{short(name, 100)}</code>
      </p>
      <dl class="headers">
        <div>
          <dt>value</dt>
          <dd>
            {value === '' ? <em>empty</em> : short(value, 400)}{' '}
            {findTokens(value).length === 0 && value !== '' && (
              <small>{value.length} characters that mean something to the server only</small>
            )}
          </dd>
        </div>
        {attributes.map((attribute, i) => (
          <div key={`${i} ${attribute.name}`}>
            <dt>{short(attribute.name, 100)}</dt>
            <dd>
              {short(attribute.value, 200)} <small>{plain(attribute.means)}</small>
            </dd>
          </div>
        ))}
        {missing.map(({ name, means }) => (
          <div key={name} class="missing">
            <dt>no {name}</dt>
            <dd>
              <small>{means}</small>
            </dd>
          </div>
        ))}
      </dl>
      <Tokens texts={[value]} />
    </div>
  )
}

const Tokens = ({ texts }: { texts: readonly string[] }) => (
  <>
    {texts.flatMap(findTokens).map((token) => (
      <TokenView key={token.text} token={token} />
    ))}
  </>
)

const TokenView = ({ token }: { token: Token }) => (
  <div class="token">
    <p>
      <code>{short(token.text, 24)}</code> is {token.says}.
    </p>
    <div class="parts">
      {token.parts.map(({ name, json }) => (
        <div key={name}>
          <p>{name}</p>
          <pre>{short(json)}</pre>
        </div>
      ))}
    </div>
  </div>
)

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
