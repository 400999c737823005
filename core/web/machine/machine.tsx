// What runs where: the backends, the server processes, what is live, and where it is all kept. What
// is not as it should be is told here first.
import { effect, signal, useSignal } from '@preact/signals'
import type { State } from '../../control/state.ts'
import type { BackendReport } from '../../lab/servers.ts'
import { plain } from '../../plain.ts'
import { api, wordsOf } from '../api.ts'
import { backends, catalogue, connection, course, lab, on } from '../live.ts'
import { pathTo } from '../route.ts'
import { restOf } from '../setup.ts'
import { Button, CopyButton, Link, Trouble } from '../ui/parts.tsx'
import './machine.css'

type Worker = State['lab']['workers'][number]

/** What a process did between two looks; by its pid, for one that comes back begins anew. */
interface Rate {
  requestsPerSecond: number
  /** Of one processor. */
  cpuPercent: number
}
const rates = signal<ReadonlyMap<number, Rate>>(new Map())

/** By index: who was seen there last, since when it stands in another's place, and whether it answers. */
interface Seen {
  pid: number
  succeededAt?: Date | undefined
  missing: boolean
}
const seen = signal<ReadonlyMap<number, Seen>>(new Map())

const remember = (workers: readonly Worker[]): void => {
  const now = new Map([...seen.peek()].map(([index, one]) => [index, { ...one, missing: true }]))
  for (const { index, pid } of workers) {
    const known = now.get(index)
    const succeededAt = known && known.pid !== pid ? new Date() : known?.succeededAt
    now.set(index, { pid, succeededAt, missing: false })
  }
  seen.value = now
}

let before: { atMs: number; workers: readonly Worker[] } | undefined
/** Two looks that are closer together say more of the clock than of the process. */
const leastMs = 500

on('state', ({ lab: { workers } }: State) => {
  const atMs = performance.now()
  const ms = atMs - (before?.atMs ?? 0)
  if (before && ms < leastMs) return
  const entries = workers.flatMap((worker) => {
    const was = before?.workers.find(({ pid }) => pid === worker.pid)
    if (!was) return []
    const requestsPerSecond = Math.round(((worker.requests - was.requests) * 1_000) / ms)
    const cpuPercent = Math.round(((worker.cpuMs - was.cpuMs) * 100) / ms)
    return [[worker.pid, { requestsPerSecond, cpuPercent }] as const]
  })
  rates.value = new Map(entries)
  before = { atMs, workers }
})
effect(() => {
  if (lab.value) remember(lab.value.lab.workers)
})

export const Machine = () => (
  <article class="machine">
    <header>
      <h1>This machine</h1>
      <p class="lead">
        Seesaw runs here, in processes of its own, and asks nobody else. What cannot be used says
        why, and what would change that.
      </p>
    </header>
    <Processes />
    <BackEnds />
    <Live />
    <Kept />
  </article>
)

const Processes = () => {
  const known = lab.value
  const gone = connection.value === 'lost'
  return (
    <section aria-labelledby="processes">
      <h2 id="processes">Server processes</h2>
      {gone && (
        <Trouble>
          Control does not answer: what stands here is what was known last. In Seesaw’s folder:{' '}
          <code>npm start</code>
        </Trouble>
      )}
      {!known && !gone && <p class="soft">Looking…</p>}
      {known && (
        <>
          <p class="soft">
            They share <code>{known.lab.url}</code>; each has a door of its own, so that one can be
            asked alone.
          </p>
          {known.lab.workers.length === 0 && (
            <Trouble>
              None of them answers at this moment. One that crashed is started again by itself,
              within a second or two; one that is busy is left out until it answers.
            </Trouble>
          )}
          <div class="workers">
            {known.lab.workers.map((worker) => (
              <ProcessCard key={worker.index} worker={worker} />
            ))}
            {[...seen.value]
              .filter(([, { missing }]) => missing)
              .map(([index, { pid }]) => (
                <section class="card worker" key={index} aria-label={`Process ${index}`}>
                  <h3>Process {index}</h3>
                  <p class="died" role="status">
                    pid {pid} does not answer: it is busy, or it has ended and is being started
                    again.
                  </p>
                </section>
              ))}
          </div>
        </>
      )}
    </section>
  )
}

const ProcessCard = ({ worker }: { worker: Worker }) => {
  const { index, pid, door, requests, cpuMs, rssBytes, mounted } = worker
  const rate = rates.value.get(pid)
  const succeededAt = seen.value.get(index)?.succeededAt
  return (
    <section class="card worker" aria-label={`Process ${index}`}>
      <h3>Process {index}</h3>
      <p class="soft">
        pid {pid} · door <code>{door.replace('http://', '')}</code>
      </p>
      {succeededAt && (
        <p class="died" role="status">
          The one before has ended; this is its successor, since{' '}
          {succeededAt.toLocaleTimeString('en')}.
        </p>
      )}
      <dl class="figures">
        <Figure
          name="requests"
          value={rate ? `${rate.requestsPerSecond.toLocaleString('en')} /s` : '–'}
          more={`${requests.toLocaleString('en')} in all`}
        />
        <Figure
          name="processor"
          value={rate ? `${rate.cpuPercent} %` : '–'}
          more={`${(cpuMs / 1_000).toFixed(1)} s in all`}
        />
        <Figure
          name="memory in use"
          value={`${Math.round(rssBytes / 1_048_576)} MB`}
          more="resident"
        />
      </dl>
      <details>
        <summary>
          {mounted.length === 1 ? '1 setup mounted' : `${mounted.length} setups mounted`}
        </summary>
        <ul>
          {mounted.map((id) => (
            <li key={id}>
              <code>{plain(id)}</code>
            </li>
          ))}
        </ul>
      </details>
    </section>
  )
}

const Figure = ({ name, value, more }: { name: string; value: string; more: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>
      <strong>{value}</strong> <small>{more}</small>
    </dd>
  </div>
)

const words: Record<BackendReport['status'], string> = {
  ready: 'ready',
  startable: 'can be started',
  unavailable: 'not here',
}

const BackEnds = () => {
  const looking = useSignal(false)
  const trouble = useSignal('')
  const look = async () => {
    looking.value = true
    trouble.value = ''
    try {
      backends.value = (await api.get<{ backends: BackendReport[] }>('/api/doctor')).backends
    } catch (error) {
      trouble.value = wordsOf(error)
    }
    looking.value = false
  }
  return (
    <section aria-labelledby="backends">
      <header class="row">
        <h2 id="backends">Backends</h2>
        <Button kind="quiet" disabled={looking.value} onClick={() => void look()}>
          {looking.value ? 'Looking…' : 'Look again'}
        </Button>
        <CopyButton label="Copy command" text="npx seesaw doctor" />
      </header>
      {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
      <ul class="backends">
        {backends.value.map(({ name, status, via, version, reason, remedy }) => (
          <li key={name} class={status}>
            <h3>{plain(name)}</h3>
            <p class="status">
              <span aria-hidden="true">
                {{ ready: '●', startable: '◐', unavailable: '○' }[status]}
              </span>{' '}
              {words[status]}
            </p>
            <div>
              {(via || version) && (
                <p>
                  {plain(via)}
                  {version && <span class="soft"> · {plain(version)}</span>}
                </p>
              )}
              {reason && <p class="soft">{plain(reason)}.</p>}
              {remedy && (
                <p class="remedy">
                  <span>{plain(remedy)}.</span>
                  {commandIn(remedy) && (
                    <CopyButton label="Copy command" text={commandIn(remedy) ?? ''} />
                  )}
                </p>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** A line for a terminal that a remedy speaks of; the address is to be filled in. */
const commandIn = (remedy: string): string | undefined => {
  const [, install] =
    /\b((?:sudo )?(?:apt(?:-get)?|brew|npm) (?:-\S+ )?install [\w.@-]+)/.exec(remedy) ?? []
  const [, variable] = /\b([A-Z]+_URL)\b/.exec(remedy) ?? []
  return install ?? (variable && `${variable}='<address>' npm start`)
}

const Live = () => {
  const live = Object.entries(lab.value?.live ?? {})
  return (
    <section aria-labelledby="live">
      <h2 id="live">What is live</h2>
      <p class="soft">
        Each scenario has one address whose setup can be flipped while it is asked:{' '}
        <code>/run/&lt;scenario&gt;/live/</code>
      </p>
      <ul class="live">
        {live.map(([scenario, setup]) => {
          const entry = catalogue.value?.scenarios.find(({ id }) => id === scenario)
          return (
            <li key={scenario}>
              <Link
                to={pathTo(`/s/${encodeURIComponent(scenario)}/investigate`, { a: restOf(setup) })}
              >
                {plain(entry?.title ?? scenario)}
              </Link>{' '}
              <code>{plain(restOf(setup))}</code>
              {lab.value && (
                <CopyButton
                  label="Copy address"
                  text={`${lab.value.lab.url}/run/${scenario}/live/`}
                />
              )}
            </li>
          )
        })}
      </ul>
    </section>
  )
}

const Kept = () => {
  if (!course.value) return null
  const { node, dataFolder } = course.value
  return (
    <section aria-labelledby="kept">
      <h2 id="kept">Versions, and where things are kept</h2>
      <dl class="kept">
        <dt>Seesaw</dt>
        <dd>{plain(lab.value?.version ?? '')}</dd>
        <dt>Node.js</dt>
        <dd>{plain(node)}</dd>
        <dt>Data</dt>
        <dd>
          {dataFolder === null ? (
            'nowhere: it is forgotten when Seesaw ends'
          ) : (
            <>
              <code>{plain(dataFolder)}</code> <CopyButton label="Copy" text={dataFolder} />
            </>
          )}
        </dd>
      </dl>
    </section>
  )
}
