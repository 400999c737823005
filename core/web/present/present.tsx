// The workbench for people who look on: one thing at a time, in large type, with what somebody says
// to it underneath, and keys for all of it. Each step is an address, so Back goes a step back, and
// whoever leaves stands at the same place of the workbench.
import { effect, signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Step } from '../../lesson/demo.ts'
import type { Demo } from '../../lesson/routes.ts'
import { plain } from '../../plain.ts'
import { api, wordsOf } from '../api.ts'
import { Claims } from '../investigate/claims.tsx'
import { DecidingLines } from '../investigate/claims-line.tsx'
import { Code } from '../investigate/code.tsx'
import { OneRequest } from '../investigate/request.tsx'
import { useAnswer } from '../investigate/use-answer.ts'
import { backends, course, lab } from '../live.ts'
import type { Pair } from '../pair.ts'
import { go, pathTo, route, setQuery } from '../route.ts'
import { DuelView } from '../run/duel.tsx'
import { backendsOf, changeSetup, restOf, type Setup, titleOf } from '../setup.ts'
import { Button, Side, Trouble } from '../ui/parts.tsx'
import { LiveStrip } from '../workbench/live-strip.tsx'
import { HandsUp, roomGuess } from './hands-up.tsx'
import { type Doing, doingOf, keys } from './keys.ts'
import { Recorded } from './recorded.tsx'
import { stepPath } from './steps.ts'
import './present.css'

/** In percent of the page's own type, whose text is 16 px: nothing is smaller than 24 px. */
const sizes = [150, 175, 200, 225, 250]
const sizeKey = 'seesaw:present-size'
const size = signal(Number(localStorage.getItem(sizeKey)) || 150)

/** A place of the workbench in words that the style sheet knows, too. */
type Show = Step['show']
const showOf = (): Show => {
  const { tab, query } = route.value
  if (tab === 'predict') return 'predict'
  if (tab === 'run') return query.view === 'live' || query.view === 'recorded' ? query.view : 'run'
  if (query.view === 'claims') return query.claim ? 'claim' : 'claims'
  if (query.view === 'request') return 'request'
  return query.diff ? 'diff' : 'code'
}

export const Present = (pair: Pair) => {
  const { entry, a, b } = pair
  const { query } = route.value
  const { answer: demo, problem } = useAnswer<Demo>(`/api/demos/${encodeURIComponent(entry.id)}`)
  const steps = demo?.steps ?? []
  const number = Math.min(
    Math.max(1, Number.parseInt(query.present ?? '', 10) || 1),
    steps.length || 1,
  )
  const step = steps[number - 1]
  const captioned = useSignal(true)
  const blank = useSignal(false)
  const helping = useSignal(false)
  const trouble = useSignal('')
  const stage = useRef<HTMLElement>(null)
  const show = showOf()
  // Of the two, the one that is on: the code that is seen, the setup that is live.
  const on = query.side === 'b' ? 'b' : 'a'
  const live = lab.value?.live[entry.id]
  // What was asked for and is not known to have happened yet: two flips in a hurry are two.
  const asked = useRef<string | undefined>(undefined)
  if (asked.current === live) asked.current = undefined

  const goTo = (next: number) => {
    const found = steps[next - 1]
    if (found) go(stepPath(entry.id, found, next, { guess: query.guess }))
  }
  /** Elsewhere in the workbench, in the same step; the step itself where that is where one is. */
  const visit = (there: boolean, tab: 'run' | 'investigate', more: Record<string, string>) => {
    if (there) return step ? goTo(number) : setQuery({ diff: undefined, only: undefined })
    const { guess, present } = query
    const sides = { a: restOf(a.id), b: restOf(b.id) }
    go(pathTo(`/s/${encodeURIComponent(entry.id)}/${tab}`, { ...sides, ...more, guess, present }))
  }
  const toggle = async ({ id, variant, backends, knobs }: Setup) => {
    trouble.value = ''
    asked.current = id
    try {
      await api.post('/api/toggle', { scenario: entry.id, variant, backends, knobs })
    } catch (error) {
      asked.current = undefined
      trouble.value = wordsOf(error)
    }
  }

  const does: Record<Doing, () => void> = {
    next: () => goTo(number + 1),
    back: () => goTo(number - 1),
    run: () => mainButtonIn(stage.current)?.click(),
    variant: () => {
      if (show === 'live') void toggle((asked.current ?? live) === a.id ? b : a)
      else setQuery({ side: on === 'a' ? 'b' : undefined })
    },
    backend: () => {
      const [nextA, nextB] = [withNextBackend(pair, a), withNextBackend(pair, b)]
      setQuery({ a: restOf(nextA.id), b: restOf(nextB.id) })
      if (show === 'live') void toggle((asked.current ?? live) === b.id ? nextB : nextA)
    },
    diff: () => visit(show === 'diff', 'investigate', { view: 'code', diff: '1' }),
    code: () => visit(query.only === '1', 'investigate', { view: 'code', only: '1' }),
    recorded: () => visit(show === 'recorded', 'run', { view: 'recorded' }),
    caption: () => {
      captioned.value = !captioned.value
    },
    blank: () => {
      blank.value = !blank.value
    },
    larger: () => resize(1),
    smaller: () => resize(-1),
    full: () => void toggleFullScreen(),
    help: () => {
      helping.value = !helping.value
    },
    leave: () => {
      if (blank.value) blank.value = false
      else if (helping.value) helping.value = false
      else setQuery({ present: undefined, only: undefined, side: undefined, guess: undefined })
    },
  }
  useEffect(() => {
    if (!demo || query.present !== 'start') return
    if (demo.steps.length > 0) goTo(1)
    else setQuery({ present: '1' })
  }, [demo, query.present])
  const latest = useRef(does)
  latest.current = does
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const doing = doingOf(event)
      if (!doing) return
      event.preventDefault()
      latest.current[doing]()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  useEffect(() => enlarge(), [])

  return (
    <article
      class={`present ${query.only === '1' ? 'only-code' : ''}`}
      data-show={show}
      data-on={on}
    >
      <header class="where">
        <h1>{plain(step?.title ?? entry.title)}</h1>
        <p class="sides-named">
          <Named name="A" entry={entry} setup={a} />
          <Named name="B" entry={entry} setup={b} />
        </p>
      </header>
      <section class="stage" ref={stage} aria-label="What is shown">
        {problem && <Trouble>{plain(problem)}</Trouble>}
        {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
        <Stage {...pair} show={show} recorded={demo?.recorded ?? null} />
      </section>
      <footer class="talk">
        <p class="caption" role="status" hidden={!captioned.value || !step}>
          {step && plain(step.says)}
        </p>
        <nav aria-label="Steps of the demo">
          <Button
            kind="quiet"
            disabled={number <= 1}
            onClick={does.back}
            aria-label="The step before"
          >
            ←
          </Button>
          <span class="count">
            {steps.length > 0 ? `${number} of ${steps.length}` : 'no demo'}
            <span class="pace">{step && ` · ${step.seconds} s`}</span>
          </span>
          <Button
            kind="quiet"
            disabled={number >= steps.length}
            onClick={does.next}
            aria-label="The next step"
          >
            →
          </Button>
          <Button kind="quiet" onClick={does.help} aria-label="Keys">
            ?
          </Button>
          <Button kind="quiet" onClick={does.leave}>
            Leave
          </Button>
        </nav>
      </footer>
      {helping.value && <Keys onClose={does.help} />}
      {blank.value && (
        // Not black because it is dark, but because nobody is to look at it.
        <div class="blank" role="status">
          <span class="unseen">The screen is blank; press . to go on.</span>
        </div>
      )}
    </article>
  )
}

const Stage = ({ show, recorded, ...pair }: Pair & { show: Show; recorded: Demo['recorded'] }) => {
  const { entry, a, b } = pair
  const call = roomGuess()
  const guess = call && { call, factor: null }
  switch (show) {
    case 'predict':
      return <HandsUp {...pair} />
    case 'live':
      return <LiveStrip {...pair} />
    case 'recorded':
      return recorded ? (
        <Recorded recorded={recorded} guess={guess} />
      ) : (
        <p>Nothing was recorded of this scenario.</p>
      )
    case 'run':
      return <Duel key={`${a.id} ${b.id}`} {...pair} guess={guess} />
    case 'request':
      return <OneRequest {...pair} key={route.value.query.send} />
    case 'claim':
    case 'claims':
      return <Claims {...pair} />
    default:
      return (
        <>
          <DecidingLines entry={entry} />
          <Code {...pair} />
        </>
      )
  }
}

/** Begins when somebody says so: people look up first. */
const Duel = ({ a, b, guess }: Pair & { guess: Parameters<typeof DuelView>[0]['guess'] }) => {
  const { run } = route.value.query
  const begun = useSignal(run !== undefined)
  const underWay = useRef('')
  // Whoever goes on does not wait for it, and what comes next would be refused.
  useEffect(
    () => () => {
      if (underWay.current) api.post(`/api/bench/${underWay.current}/cancel`).catch(() => {})
    },
    [],
  )
  return begun.value ? (
    <DuelView
      setups={[a.id, b.id]}
      guess={guess}
      run={run}
      onStart={(id) => {
        underWay.current = id
        setQuery({ run: id })
      }}
      onDone={() => {
        underWay.current = ''
      }}
    />
  ) : (
    <p class="begin">
      <Button
        kind="main"
        onClick={() => {
          begun.value = true
        }}
      >
        Measure
      </Button>
      <span>
        about 20 seconds, on this machine; <kbd>R</kbd> does it, <kbd>O</kbd> shows what was
        recorded
      </span>
    </p>
  )
}

const Named = ({ name, entry, setup }: { name: 'A' | 'B'; entry: Pair['entry']; setup: Setup }) => (
  <span class={`named side-${name.toLowerCase()}`}>
    <Side name={name} /> {plain(titleOf(entry, setup))} <small>{backendsOf(setup)}</small>
  </span>
)

const Keys = ({ onClose }: { onClose: () => void }) => {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  return (
    <dialog class="keys" ref={dialog} onClose={onClose} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl>
        {Object.values(keys).map(({ says, shown }) => (
          <div key={says}>
            <dt>
              <kbd>{shown}</kbd>
            </dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
      <Button onClick={() => dialog.current?.close()}>Close</Button>
    </dialog>
  )
}

/** What there is to be run: the one button that stands out. */
const mainButtonIn = (stage: HTMLElement | null): HTMLElement | undefined =>
  [...(stage?.querySelectorAll<HTMLButtonElement>('[data-run], .button.main') ?? [])].find(
    (button) => !button.disabled && button.offsetParent !== null,
  )

/** Kept in the next backend that there is here and that it can be kept in. */
const withNextBackend = ({ entry }: Pair, setup: Setup): Setup => {
  const next = Object.entries(setup.backends).map(([kind, name]) => {
    const all = (course.value?.adapters[kind as keyof Setup['backends']] ?? []).filter(
      (one) => backends.value.find((report) => report.name === one)?.status !== 'unavailable',
    )
    return [kind, all[(all.indexOf(name) + 1) % all.length] ?? name] as const
  })
  return changeSetup(entry, setup, { backends: Object.fromEntries(next) })
}

const resize = (by: number): void => {
  const at = sizes.indexOf(size.value) + by
  size.value = sizes[Math.min(Math.max(at, 0), sizes.length - 1)] ?? 150
  localStorage.setItem(sizeKey, String(size.value))
}

/** Larger type for as long as somebody presents. */
const enlarge = (): (() => void) => {
  const { documentElement: root } = document
  root.dataset.present = ''
  const end = effect(() => {
    root.style.setProperty('font-size', `${size.value}%`)
  })
  return () => {
    end()
    delete root.dataset.present
    root.style.removeProperty('font-size')
  }
}

const toggleFullScreen = async (): Promise<void> => {
  try {
    if (document.fullscreenElement) await document.exitFullscreen()
    else await document.documentElement.requestFullscreen()
  } catch {
    // A browser may refuse it; nothing else depends on it.
  }
}
