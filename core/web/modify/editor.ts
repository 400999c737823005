// The editor, in a part of the bundle of its own that is loaded when somebody opens it.
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { javascript } from '@codemirror/lang-javascript'
import { bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { type EditorState, StateEffect, StateField } from '@codemirror/state'
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  WidgetType,
} from '@codemirror/view'
import { classHighlighter } from '@lezer/highlight'
import { diffArrays } from 'diff'
import { plain } from '../../plain.ts'

export interface EditorProblem {
  message: string
  line?: number | undefined
}

export interface EditorOptions {
  text: string
  /** Lines that are others than in this text are marked. */
  original: string
  label: string
  /** The id of what says how to leave it. */
  describedBy: string
  onChange(text: string): void
  onSave(): void
  onLeave(): void
}

export interface Editor {
  show(text: string, original: string): void
  mark(problem: EditorProblem | undefined): void
  destroy(): void
}

/** Puts an editor into `parent`. */
export const createEditor = (parent: HTMLElement, options: EditorOptions): Editor => {
  const command = (work: () => void) => () => {
    work()
    return true
  }
  const nonce = document.querySelector<HTMLScriptElement>('script[nonce]')?.nonce ?? ''
  const view = new EditorView({
    parent,
    doc: options.text,
    extensions: [
      EditorView.cspNonce.of(nonce),
      lineNumbers(),
      highlightActiveLineGutter(),
      highlightActiveLine(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      javascript({ typescript: true }),
      syntaxHighlighting(classHighlighter),
      keymap.of([
        { key: 'Mod-s', run: command(options.onSave), preventDefault: true },
        // Tab indents in here, so there must be another way out.
        { key: 'Escape', run: command(options.onLeave) },
        indentWithTab,
        ...defaultKeymap,
        ...historyKeymap,
      ]),
      EditorView.contentAttributes.of({
        'aria-label': options.label,
        'aria-describedby': options.describedBy,
        tabindex: '0',
      }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) options.onChange(update.state.doc.toString())
      }),
      originalText.init(() => options.original),
      changed,
      problems,
    ],
  })
  // Heights that were taken with another typeface are wrong.
  void document.fonts.ready.then(() => view.requestMeasure())
  // Whoever comes back wants to see what they were at.
  const [first] = changesBetween(options.original, options.text)
  if (first) {
    const { from } = view.state.doc.line(Math.min(first.line, view.state.doc.lines))
    view.dispatch({ effects: EditorView.scrollIntoView(from, { y: 'center' }) })
  }
  return {
    show(text, original) {
      const now = view.state.doc.toString()
      const effects = setOriginal.of(original)
      if (text === now) view.dispatch({ effects })
      else view.dispatch({ changes: { from: 0, to: now.length, insert: text }, effects })
    },
    mark: (problem) => view.dispatch({ effects: setProblem.of(problem) }),
    destroy: () => view.destroy(),
  }
}

// ---- lines that were changed

const setOriginal = StateEffect.define<string>()
const originalText = StateField.define<string>({
  create: () => '',
  update: (text, { effects }) => effects.find((effect) => effect.is(setOriginal))?.value ?? text,
})
const changedLine = Decoration.line({ class: 'cm-changed' })

const changed = StateField.define<DecorationSet>({
  create: (state) => markChanged(state),
  update: (marks, transaction) =>
    transaction.docChanged || transaction.effects.some((effect) => effect.is(setOriginal))
      ? markChanged(transaction.state)
      : marks,
  provide: (field) => EditorView.decorations.from(field),
})

const markChanged = (state: EditorState): DecorationSet => {
  const lines = changesBetween(state.field(originalText), state.doc.toString()).flatMap((change) =>
    change.added.map((_, i) => change.line + i),
  )
  return Decoration.set(lines.map((line) => changedLine.range(state.doc.line(line).from)))
}

/** Lines that were put in the place of others. */
export interface Change {
  /** The number of the first of them, from 1; of the line that follows where there is none. */
  line: number
  removed: string[]
  added: string[]
}

/** More than any variant has; what is longer would be slow to compare with every keystroke. */
const mostLines = 3_000

/** What a text has in the place of what. */
export const changesBetween = (before: string, after: string): Change[] => {
  const [old, now] = [before.split('\n'), after.split('\n')]
  if (old.length + now.length > mostLines) return []
  const changes: Change[] = []
  let line = 1
  let open: Change | undefined
  for (const { value, added, removed } of diffArrays(old, now)) {
    if (!added && !removed) {
      open = undefined
      line += value.length
      continue
    }
    if (!open) {
      open = { line, removed: [], added: [] }
      changes.push(open)
    }
    if (removed) open.removed.push(...value)
    else {
      open.added.push(...value)
      line += value.length
    }
  }
  return changes
}

// ---- what is wrong, under the line where it is

const setProblem = StateEffect.define<EditorProblem | undefined>()

const problems = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, { state, changes, effects }) {
    const asked = effects.find((effect) => effect.is(setProblem))
    if (!asked) return marks.map(changes)
    const { line, message } = asked.value ?? {}
    if (line === undefined || message === undefined || line > state.doc.lines)
      return Decoration.none
    const { from, to } = state.doc.line(line)
    const told = Decoration.widget({ widget: new ProblemLine(message), side: 1, block: true })
    return Decoration.set([Decoration.line({ class: 'cm-wrong' }).range(from), told.range(to)])
  },
  provide: (field) => EditorView.decorations.from(field),
})

/** A class, because the editor knows widgets by theirs. */
class ProblemLine extends WidgetType {
  readonly message: string

  constructor(message: string) {
    super()
    this.message = message
  }

  override eq(other: ProblemLine): boolean {
    return other.message === this.message
  }

  toDOM(): HTMLElement {
    const line = document.createElement('div')
    line.className = 'cm-told'
    line.textContent = plain(this.message)
    return line
  }
}
