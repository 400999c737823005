// What the server knows, as it is now: read once, and again whenever events were missed; in between
// kept true by the events that the server sends.
import { batch, type Signal, signal } from '@preact/signals'
import type { Course } from '../control/page.ts'
import type { State } from '../control/state.ts'
import type { Catalogue, CatalogueEntry } from '../course/catalogue.ts'
import type { BackendReport } from '../lab/servers.ts'
import type { Listed } from '../measurements/desk.ts'
import { api } from './api.ts'
import { openStream, type Told } from './stream.ts'

/** `lost`: asked again every second, by itself. */
export const connection = signal<'starting' | 'up' | 'lost'>('starting')
export const catalogue = signal<Catalogue | undefined>(undefined)
export const course = signal<Course | undefined>(undefined)
export const lab = signal<State | undefined>(undefined)
export const backends = signal<readonly BackendReport[]>([])
/** Newest first. */
export const measurements = signal<readonly Listed[]>([])

export const entryOf = (scenario: string): CatalogueEntry | undefined =>
  catalogue.value?.scenarios.find(({ id }) => id === scenario)

const listeners = new Map<string, Set<(event: never) => void>>()

/**
 * Calls `listener` with every event of this type; returns what ends that. The type `missed` says that
 * others are lost, so that what they would have told is to be read.
 */
export const on = <E extends object>(type: string, listener: (event: E) => void): (() => void) => {
  const known = listeners.get(type) ?? new Set()
  listeners.set(type, known.add(listener as never))
  return () => known.delete(listener as never)
}

/** Called at the beginning, and whenever events were missed. */
const readers: (() => Promise<void>)[] = []

/** A signal that is read from `path` now and whenever events were missed. Absent until it was read. */
export const readFrom = <T>(target: Signal<T>, path: string, pick: (answer: never) => T): void => {
  readers.push(async () => {
    target.value = pick((await api.get(path)) as never)
  })
}

readFrom(catalogue, '/api/catalogue', (answer: Catalogue) => answer)
readFrom(course, '/api/course', (answer: Course) => answer)
readFrom(lab, '/api/state', (answer: State) => answer)
readFrom(backends, '/api/doctor', (answer: { backends: BackendReport[] }) => answer.backends)
readFrom(
  measurements,
  '/api/bench',
  (answer: { running: Listed | null; queued: Listed[]; measurements: Listed[] }) =>
    withoutTwins([...answer.queued, answer.running, ...answer.measurements]),
)

const withoutTwins = (all: readonly (Listed | null)[]): Listed[] => [
  ...new Map(all.flatMap((one) => (one ? [[one.id, one]] : []))).values(),
]

on('state', ({ type: _, ...state }: Told & State) => {
  lab.value = state
})
on('doctor', (event: { backends: BackendReport[] }) => {
  backends.value = event.backends
})
on('measurements', ({ ticket }: { ticket: Listed }) => {
  const others = measurements.value.filter(({ id }) => id !== ticket.id)
  measurements.value = [ticket, ...others].sort((x, y) => (x.askedAt < y.askedAt ? 1 : -1))
})

const readAll = async (): Promise<void> => {
  // What one part cannot tell must not keep the others from being shown.
  await Promise.allSettled(readers.map((read) => read()))
}

on('missed', () => void readAll())

/** Begins; resolves when everything was read once, or could not be. */
export const connect = async (): Promise<void> => {
  openStream({
    hear(event) {
      batch(() => {
        for (const listener of listeners.get(event.type) ?? []) listener(event as never)
      })
    },
    reach(up) {
      connection.value = up ? 'up' : 'lost'
    },
  })
  await readAll()
}
