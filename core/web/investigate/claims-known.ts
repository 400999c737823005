// What is known of claims: the verdicts that the server keeps, a proof that is under way whoever asked
// for it, and what was tried out in this window.
import { signal } from '@preact/signals'
import type { ProofEvent, Proofs, ShownVerdict } from '../../proof/book.ts'
import type { Trial } from '../../proof/try.ts'
import { api, wordsOf } from '../api.ts'
import { on } from '../live.ts'

export type { Proofs, ShownVerdict, Trial }

/** By scenario; absent until they were read. */
const proofs = signal<Readonly<Record<string, Proofs>>>({})
/** A proof of whatever scenario, whoever asked for it. */
export const running = signal<Proofs['running']>(null)
/** What was wrong with the last proof that was asked for here. */
export const proofTrouble = signal('')
/** What was left out of it, and why. */
export const skipped = signal<readonly { setup: string; reason: string }[]>([])
/** The one that this window asked for. */
const asked = signal<AbortController | undefined>(undefined)

export type Tried = { trial: Trial } | { trouble: string } | 'running'
const tried = signal<Readonly<Record<string, Tried>>>({})

const keyOf = (setup: string, claim: string): string => `${setup} ${claim}`

export const proofsOf = (scenario: string): Proofs | undefined => proofs.value[scenario]

export const triedOf = (setup: string, claim: string): Tried | undefined =>
  tried.value[keyOf(setup, claim)]

/** The newest that is known of a claim on a setup: what was kept, or what was tried since. */
export const verdictOf = (
  scenario: string,
  setup: string,
  claim: string,
): (Pick<ShownVerdict, 'verdict' | 'because' | 'ms'> & Partial<ShownVerdict>) | undefined => {
  const now = triedOf(setup, claim)
  if (typeof now === 'object' && 'trial' in now) return now.trial
  return proofsOf(scenario)?.verdicts.find((one) => one.setup === setup && one.claim === claim)
}

/** What the scenario says must come out; undefined where it says nothing of such a setup. */
export const declaredOf = (scenario: string, setup: string, claim: string) => {
  const now = triedOf(setup, claim)
  if (typeof now === 'object' && 'trial' in now) return now.trial.declared
  const known = proofsOf(scenario)
  const kept = known?.verdicts.find((one) => one.setup === setup && one.claim === claim)
  // Knobs do not change what is promised.
  return known?.declared[setup.replace(/~.*$/, '')]?.[claim] ?? kept?.declared
}

export const readProofs = async (scenario: string): Promise<void> => {
  const answer = await api.get<Proofs>(`/api/proofs?scenario=${encodeURIComponent(scenario)}`)
  proofs.value = { ...proofs.value, [scenario]: answer }
  running.value = answer.running
}

on('missed', () => {
  for (const scenario of Object.keys(proofs.value)) readProofs(scenario).catch(() => {})
})

on('proof', ({ running: now, verdict, problem }: ProofEvent) => {
  running.value = now
  if (!now) stopping.value = false
  if (problem && !asked.value) proofTrouble.value = problem
  if (!verdict) return
  const [scenario = ''] = verdict.setup.split('/')
  const known = proofs.value[scenario]
  if (!known) return
  const others = known.verdicts.filter(
    (one) => one.setup !== verdict.setup || one.claim !== verdict.claim,
  )
  proofs.value = { ...proofs.value, [scenario]: { ...known, verdicts: [...others, verdict] } }
  forget(verdict.setup, verdict.claim)
})

/** A verdict of a proof is newer than what was tried before it. */
const forget = (setup: string, claim: string): void => {
  const { [keyOf(setup, claim)]: old, ...others } = tried.value
  if (typeof old === 'object' && 'trouble' in old) tried.value = others
}

/** Proves claims on setups; every claim where none is named. */
export const prove = async (
  targets: readonly string[],
  claims?: readonly string[],
): Promise<void> => {
  const stop = new AbortController()
  asked.value = stop
  stopping.value = false
  proofTrouble.value = ''
  skipped.value = []
  try {
    const body = { targets, ...(claims ? { claims } : {}) }
    const answer = await api.post<{ skipped: typeof skipped.value }>(
      '/api/prove',
      body,
      stop.signal,
    )
    skipped.value = answer.skipped
  } catch (error) {
    if (!stop.signal.aborted) proofTrouble.value = wordsOf(error)
  } finally {
    if (asked.value === stop) asked.value = undefined
  }
}

/** Whether it was told to end, which it does after what is under way. */
export const stopping = signal(false)

/** Ends the proof that this window asked for; what was proved is kept. */
export const stopProof = (): void => {
  stopping.value = true
  asked.value?.abort()
}
export const isOurs = (): boolean => asked.value !== undefined

/** Runs the exercise of one claim, watched, and keeps the conversation. */
export const tryOut = async (setup: string, claim: string): Promise<void> => {
  const key = keyOf(setup, claim)
  if (tried.value[key] === 'running') return
  const put = (what: Tried) => {
    tried.value = { ...tried.value, [key]: what }
  }
  put('running')
  try {
    put({ trial: await api.post<Trial>('/api/try', { setup, exercise: claim }) })
  } catch (error) {
    put({ trouble: wordsOf(error) })
  }
}
