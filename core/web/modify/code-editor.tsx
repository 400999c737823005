// The code that is being changed, and the lines in which it differs from the original.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { plain } from '../../plain.ts'
import { wordsOf } from '../api.ts'
import { Trouble } from '../ui/parts.tsx'
import { counted } from './counted.ts'
import type { Change, Editor } from './editor.ts'
import type { Work } from './work.ts'

type EditorModule = typeof import('./editor.ts')

let editorModule: EditorModule | undefined

export const CodeEditor = ({ work, title }: { work: Work; title: string }) => {
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

export const WhatChanged = ({ work }: { work: Work }) => {
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
