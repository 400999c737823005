// One request, sent to both: what went out, what came back, and what each asked of its backends for
// it, on one axis of time. The request stands in the address, so a link sends the same.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { plain } from '../../plain.ts'
import type { Sent, Suggestions } from '../../traffic/send.ts'
import { api, wordsOf } from '../api.ts'
import { measurements } from '../live.ts'
import type { Pair } from '../pair.ts'
import { route, setQuery } from '../route.ts'
import { Trouble } from '../ui/parts.tsx'
import { OneSide } from './request-answer.tsx'
import { Comparison, nameOf } from './request-comparison.tsx'
import { Form } from './request-form.tsx'
import {
  readHeaders,
  readWanted,
  spellWanted,
  type Wanted,
  withPrepared,
} from './request-wanted.ts'
import { useAnswer } from './use-answer.ts'
import './request.css'

export const OneRequest = ({ entry, a, b }: Pair) => {
  const { answer: known, problem } = useAnswer<Suggestions>(`/api/send/${entry.id}`)
  if (problem) return <Trouble>{plain(problem)}</Trouble>
  if (!known) return <p class="getting-ready">Getting ready…</p>
  return <Sender entry={entry} a={a} b={b} known={known} />
}

const Sender = ({ entry, a, b, known }: Pair & { known: Suggestions }) => {
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
