// The run tab: measure A against B, or A against itself, see it as it goes on, and read what can be
// said. Whatever is measured of this scenario is shown, wherever it was started.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Preset } from '../../measurement/run.ts'
import type { Listed } from '../../measurements/desk.ts'
import { plain } from '../../plain.ts'
import { api, wordsOf } from '../api.ts'
import { measurements } from '../live.ts'
import type { Pair } from '../pair.ts'
import { route, setQuery } from '../route.ts'
import { Button, Choice, CopyButton, Link, Trouble } from '../ui/parts.tsx'
import { Earlier } from './earlier.tsx'
import { NoiseNote } from './noise.tsx'
import { presets } from './presets.ts'
import { RunView } from './run-view.tsx'
import { duration } from './words.ts'
import './run.css'

type Load = 'both' | 'closed' | 'open'

const loads: readonly { value: Load; says: string }[] = [
  { value: 'both', says: 'both, one after the other' },
  { value: 'closed', says: 'as fast as answers come' },
  { value: 'open', says: 'on a schedule' },
]

export const Run = ({ entry, a, b }: Pair) => {
  const chosen = useSignal<Preset | undefined>(undefined)
  // After a duel it is for somebody who wants to look longer.
  const preset = chosen.value ?? (hasDuelled(a.id, b.id) ? 'quick' : 'duel')
  const load = useSignal<Load>('both')
  const workload = useSignal(entry.workloads[0]?.id ?? '')
  const trouble = useSignal('')
  const asking = useSignal(false)

  const active = measurements.value.filter(isActive)
  const shown = route.value.query.run
  const here = active.find(({ scenario }) => scenario === entry.id)?.id
  // What was started elsewhere is taken up, and stays when it has ended.
  useEffect(() => {
    if (!shown && here) setQuery({ run: here })
  }, [shown, here])
  const isDuel = preset === 'duel'
  const seconds = presets.find(({ value }) => value === preset)?.seconds ?? 0

  const measure = async (one: string, other: string) => {
    asking.value = true
    chosen.value = preset
    trouble.value = ''
    try {
      const { id } = await api.post<{ id: string }>('/api/bench', {
        target: [one, other],
        preset,
        ...(isDuel ? {} : { load: load.value }),
        ...(workload.value ? { workload: workload.value } : {}),
      })
      setQuery({ run: id })
    } catch (error) {
      trouble.value = wordsOf(error)
    }
    asking.value = false
  }
  const options = [
    `--preset ${preset}`,
    ...(isDuel || load.value === 'both' ? [] : [`--load ${load.value}`]),
    ...(workload.value ? [`--workload ${workload.value}`] : []),
  ].join(' ')

  return (
    <>
      <form
        class="order"
        onSubmit={(event) => {
          event.preventDefault()
          void measure(a.id, b.id)
        }}
      >
        <Choice
          label="How closely to look"
          value={preset}
          options={presets.map(({ value, says, seconds: takes }) => ({
            value,
            says: `${says} (${duration(takes)})`,
          }))}
          onChoose={(value) => {
            chosen.value = value
          }}
        />
        <Choice
          label="Requests come"
          value={isDuel ? 'closed' : load.value}
          options={isDuel ? loads.slice(1, 2) : loads}
          onChoose={(value) => {
            load.value = value
          }}
        />
        {entry.workloads.length > 0 && (
          <Choice
            label="Visitors"
            value={workload.value}
            options={entry.workloads.map(({ id, says }) => ({ value: id, says: plain(says) }))}
            onChoose={(value) => {
              workload.value = value
            }}
          />
        )}
        <div class="go">
          <button type="submit" class="button main" disabled={asking.value}>
            Measure A against B
          </button>
          <Button disabled={asking.value} onClick={() => void measure(a.id, a.id)}>
            A against A
          </Button>
          <CopyButton label="Copy command" text={`npx seesaw bench ${a.id} ${b.id} ${options}`} />
        </div>
        <p class="hint" hidden={active.some(({ id }) => id === shown)}>
          Takes about {duration(seconds)}
          {active.length > 0 &&
            `, and waits until ${active.length === 1 ? 'the one that is under way has' : `${active.length} others have`} ended`}
          .{' '}
          {isDuel
            ? 'A quick look: claims are not proved, and only large differences can be told.'
            : 'The claims of both are proved first.'}{' '}
          <NoiseNote />
        </p>
      </form>
      {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
      <Elsewhere active={active.filter(({ scenario }) => scenario !== entry.id)} />
      {shown ? (
        <RunView key={shown} id={shown} a={a} b={b} />
      ) : (
        <p class="nothing-yet">
          Nothing measured yet in this tab. Make your call under <em>Predict</em> first: what
          surprises you is what you learn from.
        </p>
      )}
      <Earlier scenario={entry.id} shown={shown} />
    </>
  )
}

const hasDuelled = (a: string, b: string): boolean =>
  measurements.value.some(
    ({ preset, status, setups }) =>
      preset === 'duel' && status === 'done' && setups.includes(a) && setups.includes(b),
  )

const isActive = ({ status }: Pick<Listed, 'status'>): boolean =>
  status === 'running' || status === 'queued'

/** What keeps this machine busy with another scenario. */
const Elsewhere = ({ active }: { active: readonly Listed[] }) => (
  <>
    {active.map(({ id, scenario, status }) => (
      <p key={id} class="elsewhere">
        {status === 'running' ? 'Under way' : 'Waiting'}: another scenario,{' '}
        <Link to={`/s/${encodeURIComponent(scenario)}/run?run=${id}`}>{plain(scenario)}</Link>
      </p>
    ))}
  </>
)
