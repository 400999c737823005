// Make a variant your own: change its code, run it as a third contender, prove it, measure it.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Block } from '../../lesson/blocks.ts'
import type { Lesson } from '../../lesson/routes.ts'
import { api, wordsOf } from '../api.ts'
import {
  declaredOf,
  isOurs,
  proofTrouble,
  prove,
  readProofs,
  running,
  stopProof,
  verdictOf,
} from '../investigate/claims-known.ts'
import { useAnswer } from '../investigate/use-answer.ts'
import { Blocks } from '../make/blocks.tsx'
import { go, pathTo, tabPath } from '../route.ts'
import { changeSetup, restOf, type Setup } from '../setup.ts'
import { Button, Choice, CopyButton, Link, Side, Trouble } from '../ui/parts.tsx'
import { plain } from '../ui/plain.ts'
import type { Bench } from '../workbench/workbench.tsx'
import type { Change, Editor } from './editor.ts'
import './modify.css'
import { type Work, workOn } from './work.ts'

export const Modify = (bench: Bench) => {
  const { entry, a } = bench
  const work = workOn(entry.id)
  useEffect(() => {
    void work.begin(a.variant)
    readProofs(entry.id).catch(() => {})
  }, [work])
  const { shown, basedOn, trouble } = work
  if (!shown.value)
    return trouble.value ? (
      <Trouble>{plain(trouble.value)}</Trouble>
    ) : (
      <p class="getting-ready">Getting ready…</p>
    )
  const from = entry.variants.find(({ id }) => id === basedOn.value)
  return (
    <div class="own-variant">
      <div class="intro">
        <p class="lead">
          Change the code, save it, and it runs beside the others as <Side name="C" />, your own
          variant. Then find out what your change has broken, and what it costs.
        </p>
        <p class="rights">
          {shown.value.refused ? (
            <strong>{plain(shown.value.refused)}</strong>
          ) : (
            <>
              This runs with the rights of Seesaw’s lab on your machine. Paste nothing you do not
              trust.
            </>
          )}
        </p>
      </div>
      <div class="write">
        <Toolbar bench={bench} work={work} />
        <Notices work={work} />
        <CodeEditor key={entry.id} work={work} title={plain(from?.title ?? basedOn.value)} />
        <WhatChanged work={work} />
      </div>
      <div class="next">
        <Ideas bench={bench} work={work} />
        <ProveCard bench={bench} work={work} />
        <MeasureCard bench={bench} work={work} />
      </div>
    </div>
  )
}

const Toolbar = ({ bench: { entry }, work }: { bench: Bench; work: Work }) => {
  const { shown, basedOn, saved, isSaved, isChanged, busy } = work
  const ids = shown.value?.originals ?? []
  const setup = saved.value?.setup
  const folder = shown.value?.dataFolder ?? ''
  return (
    <div class="toolbar side-c">
      <Choice
        label="Made from"
        value={basedOn.value}
        options={ids.map(({ id, title }) => ({ value: id, says: plain(title) }))}
        onChoose={work.choose}
      />
      <div class="state" role="status">
        <p>
          <State work={work} />
        </p>
      </div>
      <div class="acts">
        <Button
          kind="main"
          id="mine-save"
          title="Ctrl S or ⌘ S"
          disabled={busy.value || isSaved.value || !isChanged.value || !!shown.value?.refused}
          onClick={() => void work.save()}
        >
          {busy.value ? 'Trying…' : 'Save and run'}
        </Button>
        <Button
          kind="quiet"
          disabled={busy.value || !(isChanged.value || saved.value?.basedOn === basedOn.value)}
          onClick={() => void work.reset()}
        >
          Reset
        </Button>
        {saved.value && (
          <a
            class="button quiet"
            href={`/api/mine/${encodeURIComponent(entry.id)}/export`}
            download={`mine-${entry.id}.ts`}
          >
            Export
          </a>
        )}
        {setup && (
          <CopyButton
            label="Copy command"
            text={`npx seesaw prove ${setup} --data ${inShell(folder)}`}
          />
        )}
      </div>
    </div>
  )
}

const inShell = (text: string): string =>
  /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

const State = ({ work }: { work: Work }) => {
  const { saved, isSaved, isChanged, busy, basedOn } = work
  if (busy.value) return <>Saving it, and trying whether it runs…</>
  if (isSaved.value && saved.value?.problem)
    return (
      <span class="wrong">
        <strong>Saved, but it does not run.</strong>{' '}
        {saved.value.problem.line === undefined ? '' : `Line ${saved.value.problem.line}: `}
        {plain(saved.value.problem.message)}
      </span>
    )
  if (isSaved.value && saved.value?.setup)
    return (
      <>
        <strong class="runs">Runs as mine</strong> ({saved.value.version.slice(0, 6)}), saved at{' '}
        {clock(saved.value.savedAt)}.
      </>
    )
  if (isSaved.value) return <>Saved at {clock(saved.value?.savedAt ?? '')}.</>
  if (!isChanged.value)
    return saved.value && saved.value.basedOn !== basedOn.value ? (
      <>The original. Yours, made from {saved.value.basedOn}, still runs.</>
    ) : (
      <>The original, so far.</>
    )
  return (
    <>
      <strong>Not saved.</strong> It is kept in this browser.
    </>
  )
}

const clock = (iso: string): string =>
  iso && new Date(iso).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })

const Notices = ({ work }: { work: Work }) => {
  const { newer, saved, undoable, besides, trouble } = work
  return (
    <div class="notices" role="status">
      {newer.value && (
        <p class="notice">
          {saved.value
            ? `Another version was saved at ${clock(saved.value.savedAt)}, in another tab perhaps.`
            : 'It was reset elsewhere, in another tab perhaps.'}{' '}
          Nothing of yours is lost.{' '}
          <Button kind="quiet" onClick={work.takeNewer}>
            {saved.value ? 'Show that one' : 'Show the original'}
          </Button>
          <Button kind="quiet" onClick={() => void work.save(true)}>
            Save mine over it
          </Button>
        </p>
      )}
      {besides.value !== undefined && (
        <p class="notice">
          Another tab is changing this, too.{' '}
          <Button kind="quiet" onClick={work.takeBesides}>
            Take its text
          </Button>
        </p>
      )}
      {undoable.value && (
        <p class="notice">
          {undoable.value.onServer ? 'Reset: it does not run any more.' : 'Replaced.'}{' '}
          <Button kind="quiet" onClick={() => void work.undo()}>
            Undo
          </Button>
        </p>
      )}
      {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
    </div>
  )
}

type EditorModule = typeof import('./editor.ts')
let editorModule: EditorModule | undefined

const CodeEditor = ({ work, title }: { work: Work; title: string }) => {
  const place = useRef<HTMLDivElement>(null)
  const editor = useRef<Editor | undefined>(undefined)
  const failed = useSignal('')
  const { text, original, saved, isSaved } = work

  useEffect(() => {
    let gone = false
    const begin = async () => {
      editorModule ??= await import('./editor.ts')
      if (gone || !place.current) return
      editor.current = editorModule.createEditor(place.current, {
        text: text.peek(),
        original: original.peek(),
        label: 'The code of your variant',
        describedBy: 'mine-keys',
        onChange: work.type,
        onSave: () => void work.save(),
        onLeave: () => {
          const save = document.getElementById('mine-save') as HTMLButtonElement | null
          if (save && !save.disabled) save.focus()
          else document.getElementById('mine-after')?.focus()
        },
      })
      editor.current.mark(isSaved.peek() ? saved.peek()?.problem : undefined)
    }
    begin().catch((error: unknown) => {
      failed.value = wordsOf(error)
    })
    return () => {
      gone = true
      editor.current?.destroy()
      editor.current = undefined
    }
  }, [work])

  useEffect(() => editor.current?.show(text.value, original.value), [text.value, original.value])
  const problem = isSaved.value ? saved.value?.problem : undefined
  useEffect(() => editor.current?.mark(problem), [problem])

  return (
    <section class="code side-c" aria-label={`Your variant, made from ${title}`}>
      {failed.value && <Trouble>The editor cannot be loaded: {plain(failed.value)}</Trouble>}
      <div class="editor" ref={place} />
      <p class="key-hints" id="mine-keys">
        <kbd>Tab</kbd> indents · <kbd>Esc</kbd> leaves the editor · <kbd>Ctrl S</kbd> saves and runs
      </p>
      {/* Where Esc leads when there is nothing to save. */}
      <span id="mine-after" tabIndex={-1} />
    </section>
  )
}

const WhatChanged = ({ work }: { work: Work }) => {
  const { text, original, isChanged } = work
  const changes = useSignal<Change[]>([])
  useEffect(() => {
    let gone = false
    void import('./editor.ts').then(
      ({ changesBetween }) => {
        if (!gone) changes.value = changesBetween(original.value, text.value)
      },
      () => {},
    )
    return () => {
      gone = true
    }
  }, [text.value, original.value])
  if (!isChanged.value || changes.value.length === 0) return null
  const added = changes.value.reduce((sum, one) => sum + one.added.length, 0)
  const removed = changes.value.reduce((sum, one) => sum + one.removed.length, 0)
  return (
    <details class="changes" open>
      <summary>
        What you changed: {counted(removed, 'line')} out, {counted(added, 'line')} in
      </summary>
      {changes.value.map((change) => (
        <pre key={`${change.line} ${change.removed.length}`}>
          {change.removed.map((line, i) => (
            <del key={`-${i}`}>
              <span class="unseen">out: </span>
              {plain(line) || ' '}
              {'\n'}
            </del>
          ))}
          {change.added.map((line, i) => (
            <ins key={`+${i}`}>
              <span class="unseen">in: </span>
              {plain(line) || ' '}
              {'\n'}
            </ins>
          ))}
        </pre>
      ))}
    </details>
  )
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`

const mostIdeas = 3

/** What the scenario's lesson suggests to change. */
const Ideas = ({ bench: { entry }, work }: { bench: Bench; work: Work }) => {
  const { answer } = useAnswer<Lesson>(`/api/lesson/${encodeURIComponent(entry.id)}`)
  const ideas = ideasIn(answer?.blocks ?? [])
  if (ideas.length === 0) return null
  return (
    <section class="card" aria-labelledby="mine-ideas">
      <h2 id="mine-ideas">Ideas</h2>
      <ul class="ideas">
        {ideas.slice(0, mostIdeas).map((idea, i) => {
          const codes = idea.flatMap((block) => (block.is === 'paragraph' ? block.of : []))
          const named = codes
            .flatMap((word) => (word.is === 'code' ? word.text : []))
            .map((text) => entry.variants.find(({ id }) => id === text))
            .find((variant) => variant && variant.id !== 'mine')
          return (
            <li key={i}>
              <Blocks blocks={idea} entry={entry} />
              {named && named.id !== work.basedOn.value && (
                <Button kind="quiet" onClick={() => work.choose(named.id)}>
                  Begin with {plain(named.title)}
                </Button>
              )}
            </li>
          )
        })}
      </ul>
      {ideas.length > mostIdeas && (
        <Link to={tabPath(entry.id, 'make', { part: changeSomething })}>More in the lesson</Link>
      )}
    </section>
  )
}

const changeSomething = 'change-something'

/** The items of the list under "Change something". */
const ideasIn = (blocks: readonly Block[]): Block[][] => {
  const at = blocks.findIndex((block) => block.is === 'heading' && block.id === changeSomething)
  const list = at < 0 ? undefined : blocks.slice(at).find((block) => block.is === 'list')
  return list?.is === 'list' ? list.items : []
}

/** The setup of the learner's variant, kept in what side A is kept in; undefined while it does not run. */
const mineSetup = ({ entry, a }: Bench, work: Work): Setup | undefined => {
  const { saved, isSaved } = work
  const listed = entry.variants.some(({ id }) => id === 'mine')
  if (!listed || !isSaved.value || !saved.value?.setup) return undefined
  return changeSetup(entry, a, { variant: 'mine' })
}

const ProveCard = ({ bench, work }: { bench: Bench; work: Work }) => {
  const { entry } = bench
  const mine = mineSetup(bench, work)
  const now = running.value
  const results = mine ? resultsOf(entry, mine) : []
  const told = results.filter(({ verdict }) => verdict)
  const broken = told.filter((one) => one.declared === 'holds' && one.verdict === 'breaks')
  const mended = told.filter((one) => one.declared === 'breaks' && one.verdict === 'holds')
  const unsure = told.filter((one) => one.verdict === 'unknown')
  const same = told.filter((one) => one.verdict === one.declared)
  return (
    <section class="card" aria-labelledby="mine-prove">
      <h2 id="mine-prove">Prove</h2>
      {told.length === 0 && (
        <p>
          Whatever the original keeps, yours must keep, too. {counted(entry.claims.length, 'claim')}{' '}
          will tell.
        </p>
      )}
      {now ? (
        <div class="going">
          <progress value={now.done} max={Math.max(1, now.of)} aria-label="Verdicts so far" />
          <span role="status">
            {now.done} of {now.of}
          </span>
          {isOurs() && (
            <Button kind="quiet" onClick={stopProof}>
              Stop
            </Button>
          )}
        </div>
      ) : (
        <Button
          kind={told.length > 0 || !mine ? 'plain' : 'main'}
          disabled={!mine}
          title={mine ? undefined : 'Save it first.'}
          onClick={() => mine && void prove([mine.id])}
        >
          {told.length > 0 ? 'Prove again' : 'Prove mine'}
        </Button>
      )}
      {proofTrouble.value && <Trouble>{plain(proofTrouble.value)}</Trouble>}
      <div role="status">
        {broken.length > 0 && (
          <Results
            kind="broke"
            title="Your change broke this"
            of={broken}
            entry={entry.id}
            mine={mine}
          />
        )}
        {mended.length > 0 && (
          <Results
            kind="mended"
            title="The original breaks this; yours keeps it"
            of={mended}
            entry={entry.id}
            mine={mine}
          />
        )}
        {unsure.length > 0 && (
          <Results
            kind="unsure"
            title="This could not be told"
            of={unsure}
            entry={entry.id}
            mine={mine}
          />
        )}
        {same.length > 0 && (
          <p class="same">
            {same.length === entry.claims.length
              ? `All ${same.length} claims come out as with the original. `
              : `${counted(same.length, 'claim')} as with the original.`}
          </p>
        )}
      </div>
    </section>
  )
}

interface Result {
  claim: string
  says: string
  because: string
  declared: string | undefined
  verdict: string | undefined
}

/** What is known of this very version. */
const resultsOf = (entry: Bench['entry'], mine: Setup): Result[] =>
  entry.claims.map(({ id, says }) => {
    const found = verdictOf(entry.id, mine.id, id)
    const known = found?.old ? undefined : found
    return {
      claim: id,
      says,
      because: known?.because ?? '',
      declared: declaredOf(entry.id, mine.id, id) ?? known?.declared,
      verdict: known?.verdict,
    }
  })

const Results = ({
  kind,
  title,
  of: results,
  entry,
  mine,
}: {
  kind: string
  title: string
  of: readonly Result[]
  entry: string
  mine: Setup | undefined
}) => (
  <div class={`results ${kind}`}>
    <h3>{title}</h3>
    <ul>
      {results.map(({ claim, says, because }) => (
        <li key={claim}>
          <p class="says">{plain(says)}</p>
          <p class="because">{plain(because)}</p>
          {mine && (
            <Link
              to={pathTo(`/s/${encodeURIComponent(entry)}/investigate`, {
                a: restOf(mine.id),
                view: 'claims',
                claim,
                cell: restOf(mine.id),
              })}
            >
              See what happened
            </Link>
          )}
        </li>
      ))}
    </ul>
  </div>
)

const MeasureCard = ({ bench, work }: { bench: Bench; work: Work }) => {
  const { entry } = bench
  const trouble = useSignal('')
  const asking = useSignal(false)
  const mine = mineSetup(bench, work)
  const from = entry.variants.find(({ id }) => id === work.basedOn.value)
  const measure = async () => {
    if (!mine || !from) return
    asking.value = true
    trouble.value = ''
    const original = changeSetup(entry, mine, { variant: from.id })
    try {
      const target = [original.id, mine.id]
      const { id } = await api.post<{ id: string }>('/api/bench', { target, preset: 'duel' })
      go(tabPath(entry.id, 'run', { a: restOf(original.id), b: restOf(mine.id), run: id }))
    } catch (error) {
      trouble.value = wordsOf(error)
    } finally {
      asking.value = false
    }
  }
  return (
    <section class="card" aria-labelledby="mine-measure">
      <h2 id="mine-measure">Measure</h2>
      <p>A duel of a few seconds, yours against {plain(from?.title ?? 'the original')}.</p>
      <Button
        disabled={!mine || asking.value || running.value !== null}
        title={!mine ? 'Save it first.' : running.value ? 'A proof is under way.' : undefined}
        onClick={() => void measure()}
      >
        Measure against {plain(from?.title ?? 'the original')}
      </Button>
      {trouble.value && <Trouble>{plain(trouble.value)}</Trouble>}
    </section>
  )
}
