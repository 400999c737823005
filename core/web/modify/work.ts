// What somebody makes of a variant in this window: the text as it is being typed, what the server has of
// it, and how the two stand to each other. Every keystroke is kept in the browser, so that neither a
// reload nor a server that is gone nor another tab costs a word.
import { computed, signal } from '@preact/signals'
import type { MineShown } from '../../mine/shelf.ts'
import { api, Problem, wordsOf } from '../api.ts'
import { catalogue, on } from '../live.ts'

/** What is typed and not saved. `over`: what was saved when it was begun. */
interface Draft {
  text: string
  over: string | null
}

export type Work = ReturnType<typeof createWork>

const works = new Map<string, Work>()

/** The work on one scenario; the same for as long as the window is open. */
export const workOn = (scenario: string): Work => {
  const known = works.get(scenario) ?? createWork(scenario)
  works.set(scenario, known)
  return known
}

const createWork = (scenario: string) => {
  const path = `/api/mine/${encodeURIComponent(scenario)}`
  /** What the server has; absent until it was asked. */
  const shown = signal<MineShown | undefined>(undefined)
  const basedOn = signal('')
  const text = signal('')
  const over = signal<string | null>(null)
  const busy = signal(false)
  const trouble = signal('')
  /** What can be taken back: the text before a reset, and whether the server threw it away, too. */
  const undoable = signal<{ text: string; over: string | null; onServer: boolean } | undefined>(
    undefined,
  )
  /** What another tab types at the same time. */
  const besides = signal<string | undefined>(undefined)

  const saved = computed(() => shown.value?.saved ?? null)
  const original = computed(
    () => shown.value?.originals.find(({ id }) => id === basedOn.value)?.text ?? '',
  )
  const baseOf = (variant: string): string => {
    const kept = shown.value?.saved
    if (kept?.basedOn === variant) return kept.text
    return shown.value?.originals.find(({ id }) => id === variant)?.text ?? ''
  }
  const isSaved = computed(
    () => saved.value?.basedOn === basedOn.value && saved.value.text === text.value,
  )
  const isChanged = computed(() => text.value !== original.value)
  /** Somebody saved or reset it meanwhile, elsewhere. */
  const newer = computed(
    () =>
      shown.value !== undefined &&
      !busy.value &&
      (saved.value?.savedAt ?? null) !== over.value &&
      !isSaved.value,
  )

  const keyOf = (variant: string) => `seesaw.mine:${scenario}:${variant}`
  const chosenKey = `seesaw.mine:${scenario}`

  const keepDraft = () => {
    const draft: Draft = { text: text.value, over: over.value }
    if (text.value === baseOf(basedOn.value)) forgetDraft()
    else for (const store of stores()) store.setItem(keyOf(basedOn.value), JSON.stringify(draft))
  }
  const forgetDraft = () => {
    for (const store of stores()) store.removeItem(keyOf(basedOn.value))
  }
  const readDraft = (variant: string): Draft | undefined => {
    for (const store of stores())
      try {
        const draft = JSON.parse(store.getItem(keyOf(variant)) ?? 'null') as Draft | null
        if (typeof draft?.text === 'string') return draft
      } catch {
        // Written by somebody else.
      }
    return undefined
  }

  const open = (variant: string) => {
    const draft = readDraft(variant)
    basedOn.value = variant
    text.value = draft?.text ?? baseOf(variant)
    over.value = draft ? draft.over : (saved.value?.savedAt ?? null)
    // What is kept of the very same text is no other.
    if (isSaved.value) over.value = saved.value?.savedAt ?? null
    besides.value = undefined
  }

  const accept = (answer: MineShown) => {
    shown.value = answer
    over.value = answer.saved?.savedAt ?? null
    keepDraft()
  }

  const during = async (work: () => Promise<void>) => {
    if (busy.value) return
    busy.value = true
    trouble.value = ''
    try {
      await work()
    } catch (error) {
      trouble.value = wordsOf(error)
    } finally {
      busy.value = false
    }
  }

  const refresh = async () => {
    if (!shown.value || busy.value) return
    const answer = await api.get<MineShown>(path)
    if (busy.value) return
    shown.value = answer
    if (isSaved.value) over.value = answer.saved?.savedAt ?? null
  }

  on('mine', (event: { scenario: string }) => {
    if (event.scenario === scenario) void refresh().catch(() => {})
  })
  on('missed', () => void refresh().catch(() => {}))
  addEventListener('storage', ({ key, newValue, storageArea }) => {
    if (storageArea !== localStorage || key !== keyOf(basedOn.value) || !newValue) return
    const draft = JSON.parse(newValue) as Draft
    besides.value = draft.text === text.value ? undefined : draft.text
  })

  return {
    shown,
    basedOn,
    text,
    saved,
    original,
    isSaved,
    isChanged,
    newer,
    busy,
    trouble,
    undoable,
    besides,

    /** Reads what there is; `preferred` is what to begin with where nothing is there yet. */
    async begin(preferred: string) {
      if (shown.value) return
      try {
        shown.value = await api.get<MineShown>(path)
        const ids = shown.value.originals.map(({ id }) => id)
        const chosen = [sessionStorage.getItem(chosenKey), saved.value?.basedOn, preferred, ids[0]]
        const first = chosen.find((id) => id && ids.includes(id))
        if (first) open(first)
      } catch (error) {
        trouble.value = wordsOf(error)
      }
    },

    /** Begins with another variant; what was made of the one before is kept for when one comes back. */
    choose(variant: string) {
      const draft = { text: text.value, over: over.value }
      if (isChanged.value)
        for (const store of stores()) store.setItem(keyOf(basedOn.value), JSON.stringify(draft))
      sessionStorage.setItem(chosenKey, variant)
      undoable.value = undefined
      open(variant)
    },

    type(now: string) {
      if (now === text.value) return
      text.value = now
      keepDraft()
    },

    /** Saves and runs it; `anyway` also over what somebody else has saved. */
    save: (anyway = false) =>
      during(async () => {
        undoable.value = undefined
        const sent = {
          basedOn: basedOn.value,
          text: text.value,
          over: anyway ? (saved.value?.savedAt ?? null) : over.value,
        }
        try {
          accept(await api.put<MineShown>(path, sent))
        } catch (error) {
          if (!(error instanceof Problem && error.code === 'SAVED_ELSEWHERE')) throw error
          shown.value = await api.get<MineShown>(path)
        }
      }),

    /** Takes what was saved elsewhere in the place of what is here. */
    takeNewer() {
      undoable.value = { text: text.value, over: over.value, onServer: false }
      forgetDraft()
      open(saved.value?.basedOn ?? basedOn.value)
    },

    /** Takes what another tab types. */
    takeBesides() {
      text.value = besides.value ?? text.value
      besides.value = undefined
      keepDraft()
    },

    /** Back to the original, here and on the server. */
    reset: () =>
      during(async () => {
        const before = { text: text.value, over: over.value }
        const onServer = saved.value?.basedOn === basedOn.value
        if (onServer) shown.value = await api.del<MineShown>(path)
        forgetDraft()
        open(basedOn.value)
        undoable.value = { ...before, onServer }
      }),

    undo: () =>
      during(async () => {
        const before = undoable.value
        undoable.value = undefined
        if (!before) return
        if (before.onServer) shown.value = await api.post<MineShown>(`${path}/restore`)
        text.value = before.text
        over.value = saved.value?.savedAt ?? null
        keepDraft()
      }),
  }
}

/** Of this tab first, for another one may have begun with something else. */
const stores = (): Storage[] => [sessionStorage, localStorage]

// What there is to choose from, and what runs, is another list now.
on('mine', () => {
  api.get<typeof catalogue.value>('/api/catalogue').then(
    (answer) => {
      catalogue.value = answer
    },
    () => {},
  )
})
