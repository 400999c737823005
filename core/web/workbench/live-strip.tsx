// The address that a scenario's visitors use, what serves it, and the lever: a click makes it A or B,
// under load if somebody wants to see what that does.
import { useSignal } from '@preact/signals'
import { plain } from '../../plain.ts'
import type { Suggestions } from '../../traffic/send.ts'
import { api, wordsOf } from '../api.ts'
import { useAnswer } from '../investigate/use-answer.ts'
import { lab } from '../live.ts'
import type { Pair } from '../pair.ts'
import { route, setQuery } from '../route.ts'
import { backendsOf, readSetup, restOf, type Setup, titleOf } from '../setup.ts'
import { Button, Choice, CopyButton, Side, Trouble } from '../ui/parts.tsx'
import { LoadChart } from './load-chart.tsx'
import { load, samples, toggles } from './load-state.ts'
import './live-strip.css'

export const LiveStrip = ({ entry, a, b }: Pair) => {
  const trouble = useSignal('')
  const told = lab.value
  if (!told) return null
  const open = route.value.query.live === '1'
  const url = `${told.lab.url}/run/${entry.id}/live/`

  const named = (id: string): Named => nameOf(id, { entry, a, b })

  const flip = async ({ variant, backends, knobs }: Setup) => {
    try {
      await api.post('/api/toggle', { scenario: entry.id, variant, backends, knobs })
      trouble.value = ''
    } catch (error) {
      trouble.value = wordsOf(error)
    }
  }

  const { title, side } = named(told.live[entry.id] ?? '')
  return (
    <section class={open ? 'live-strip open' : 'live-strip'} aria-label="Live address">
      <div class="lever">
        <p class="what" role="status">
          <b>Live</b> {side && <Side name={side} />} {plain(title)}
        </p>
        <div class="flips">
          {(
            [
              ['A', a],
              ['B', b],
            ] as const
          ).map(([name, setup]) => (
            <Button
              key={name}
              class={`side-${name.toLowerCase()}`}
              aria-pressed={side === name}
              onClick={() => void flip(setup)}
            >
              Put <Side name={name} /> live
            </Button>
          ))}
        </div>
        <code class="url">{plain(url)}</code>
        <CopyButton label="Copy address" text={url} />
        <Button
          kind="quiet"
          aria-expanded={open}
          onClick={() => setQuery({ live: open ? undefined : '1' })}
        >
          {open ? 'Close' : load.value?.running ? 'Load runs…' : 'Under load'}
        </Button>
      </div>
      {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
      {open && <UnderLoad entry={entry} named={named} />}
    </section>
  )
}

interface Named {
  title: string
  side: 'A' | 'B' | undefined
}

/** What a setup is called, and whether it is one of the two that are compared. */
const nameOf = (id: string, { entry, a, b }: Pair): Named => {
  const side = id === a.id ? 'A' : id === b.id ? 'B' : undefined
  try {
    const setup = readSetup(entry, restOf(id))
    return { title: [titleOf(entry, setup), backendsOf(setup)].filter(Boolean).join(' on '), side }
  } catch {
    return { title: restOf(id), side }
  }
}

const lengths = ['10', '20', '60', '120'] as const
const crowds = ['1', '10', '50'] as const

const UnderLoad = ({ entry, named }: { entry: Pair['entry']; named: (id: string) => Named }) => {
  const trouble = useSignal('')
  const seconds = useSignal<(typeof lengths)[number]>('20')
  const connections = useSignal<(typeof crowds)[number]>('10')
  const workload = useSignal('')
  const { answer } = useAnswer<Suggestions>(`/api/send/${entry.id}`)
  const known = load.value
  const own = known?.scenario === entry.id ? known : undefined
  const running = known?.running ?? false

  const order = async (path: string, body?: object) => {
    try {
      await api.post(path, body)
      trouble.value = ''
    } catch (error) {
      trouble.value = wordsOf(error)
    }
  }
  const begin = () =>
    order('/api/load', {
      scenario: entry.id,
      seconds: Number(seconds.value),
      connections: Number(connections.value),
      ...(workload.value ? { workload: workload.value } : {}),
    })

  const marks = toggles.value
    .filter(({ scenario }) => scenario === entry.id)
    .map(({ setup, atMs }) => ({ atMs, ...named(setup) }))
  return (
    <div class="under-load">
      <div class="order">
        {answer && answer.workloads.length > 1 && (
          <Choice
            label="Visitors"
            value={workload.value || (answer.workloads[0]?.id ?? '')}
            options={answer.workloads.map(({ id, says }) => ({
              value: id,
              says: plain(`${id}: ${says}`),
            }))}
            onChoose={(id) => {
              workload.value = id
            }}
          />
        )}
        <Choice
          label="At once"
          value={connections.value}
          options={crowds.map((value) => ({ value, says: value }))}
          onChoose={(value) => {
            connections.value = value
          }}
        />
        <Choice
          label="For"
          value={seconds.value}
          options={lengths.map((value) => ({ value, says: `${value} s` }))}
          onChoose={(value) => {
            seconds.value = value
          }}
        />
        {running ? (
          <Button onClick={() => void order('/api/load/stop')}>Stop the load</Button>
        ) : (
          <Button kind="main" onClick={() => void begin()}>
            Start the load
          </Button>
        )}
        <p class="figures">{own ? figures(own) : ''}</p>
      </div>
      {known?.running && !own && (
        <p class="note">Load runs on {plain(known.scenario)}; it has to end first.</p>
      )}
      {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
      {own?.problem && <Trouble>{plain(own.problem)}</Trouble>}
      {own && samples.value.length > 0 ? (
        <LoadChart samples={samples.value} marks={marks} before={named(own.setup)} />
      ) : (
        <p class="note">
          Start the load, then put A or B live while it runs, and see what visitors get. For
          watching: figures that hold come from <em>Run</em>.
        </p>
      )}
    </div>
  )
}

/** Of this moment while it runs, of all of it when it has ended. */
const figures = ({ running, totals }: NonNullable<typeof load.value>): string => {
  const now = running ? samples.value.at(-1) : undefined
  if (now)
    return `${Math.round(now.perSecond).toLocaleString('en')} answers per second, p99 ${inMs(now.p99Ms)}`
  if (!totals) return running ? 'beginning…' : ''
  const { requests, not2xx, errors, seconds, p99Ms } = totals
  return (
    `${requests.toLocaleString('en')} answers in ${seconds.toFixed(1)} s, p99 ${inMs(p99Ms)}; ` +
    `${not2xx.toLocaleString('en')} not 2xx, ${errors.toLocaleString('en')} without an answer`
  )
}

const inMs = (ms: number | null): string => (ms === null ? 'unknown' : `${ms.toFixed(1)} ms`)
