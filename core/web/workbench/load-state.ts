// The load on `live` addresses as the server tells of it: the last minute, and what was toggled in it.
import { signal } from '@preact/signals'
import type { LoadSample, LoadStatus, LoadView } from '../../traffic/live-load.ts'
import { lab, on, readFrom } from '../live.ts'

type Toggled = LoadView['toggles'][number]

export const load = signal<LoadStatus | null>(null)
export const samples = signal<readonly LoadSample[]>([])
export const toggles = signal<readonly Toggled[]>([])

const keptMs = 60_000
const recent = <T extends { atMs: number }>(all: readonly T[], one: T): T[] => [
  ...all.filter(({ atMs }) => atMs > one.atMs - keptMs),
  one,
]

readFrom(load, '/api/load', (view: LoadView) => {
  samples.value = view.samples
  toggles.value = view.toggles
  return view.load
})
on('load', (event: { load: LoadStatus; sample?: LoadSample }) => {
  if (event.load.startedAtMs !== load.peek()?.startedAtMs) samples.value = []
  load.value = event.load
  if (event.sample) samples.value = recent(samples.peek(), event.sample)
})
on('toggled', ({ scenario, setup, atMs }: Toggled) => {
  toggles.value = recent(toggles.peek(), { scenario, setup, atMs })
  // The whole state follows within a second; who has pulled the lever looks now.
  const known = lab.peek()
  if (known) lab.value = { ...known, live: { ...known.live, [scenario]: setup } }
})
