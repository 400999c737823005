// What stands above the code: what it is made from, how it stands, and what can be done with it.

import { plain } from '../../plain.ts'
import type { Pair } from '../pair.ts'
import { Button, Choice, CopyButton, Trouble } from '../ui/parts.tsx'
import type { Work } from './work.ts'

export const Toolbar = ({ pair: { entry }, work }: { pair: Pair; work: Work }) => {
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

export const Notices = ({ work }: { work: Work }) => {
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
