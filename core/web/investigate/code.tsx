// The source that runs, A beside B: prose left, code right where there is room, and what the two do not
// have in common where somebody asks for it.
import type { ComponentChildren } from 'preact'
import { plain } from '../../plain.ts'
import type { Block } from '../../source/blocks.ts'
import type { Hunk, MarkedToken } from '../../source/diff.ts'
import type { SourceFile } from '../../source/files.ts'
import type { Diff, Source, Sources } from '../../source/routes.ts'
import type { Pair } from '../pair.ts'
import { route, setQuery } from '../route.ts'
import { type Setup, titleOf } from '../setup.ts'
import { Button, CopyButton, Side, Trouble } from '../ui/parts.tsx'
import { useAnswer } from './use-answer.ts'
import './code.css'

export const Code = ({ entry, a, b }: Pair) => {
  const { file = '', diff } = route.value.query
  const { answer, problem } = useAnswer<Sources>(`/api/source/${entry.id}`)
  if (problem) return <Trouble>{plain(problem)}</Trouble>
  const shared = answer?.files.filter(({ variants }) => variants.length === 0) ?? []
  const open = shared.find((one) => one.file === file)
  const alike = a.variant === b.variant
  const compared = Boolean(diff) && !alike && !open
  return (
    <div class="code-view">
      <div class="bar">
        <fieldset class="files">
          <legend class="unseen">Files</legend>
          <FileButton open={!open} onOpen={() => setQuery({ file: undefined })}>
            {alike ? plain(titleOf(entry, a)) : 'The two variants'}
          </FileButton>
          {shared.map((one) => (
            <FileButton
              key={one.file}
              open={one === open}
              onOpen={() => setQuery({ file: one.file })}
            >
              <code>{plain(one.file)}</code>
            </FileButton>
          ))}
        </fieldset>
        <label class="switch" title={alike ? 'A and B run the same code.' : undefined}>
          <input
            type="checkbox"
            checked={compared}
            disabled={alike || Boolean(open)}
            onChange={({ currentTarget }) =>
              setQuery({ diff: currentTarget.checked ? '1' : undefined })
            }
          />{' '}
          Show the difference
        </label>
      </div>
      {open ? (
        <div class="sources">
          <SourceView scenario={entry.id} name={open.file} />
        </div>
      ) : compared ? (
        <DiffView entry={entry} a={a} b={b} />
      ) : alike ? (
        <>
          <p class="remark">
            A and B run the same code; they differ in what it is kept in, or in a knob.
          </p>
          <div class="sources">
            <SourceView scenario={entry.id} name={a.variant} />
          </div>
        </>
      ) : (
        <div class="sources two">
          <SourceView scenario={entry.id} name={a.variant} side="A" title={titleOf(entry, a)} />
          <SourceView scenario={entry.id} name={b.variant} side="B" title={titleOf(entry, b)} />
        </div>
      )}
      <p class="remark">
        These files are what runs: nothing is copied, shortened or drawn by hand. Change one on
        disk, start Seesaw again, and it does something else.
      </p>
    </div>
  )
}

const FileButton = ({
  open,
  onOpen,
  children,
}: {
  open: boolean
  onOpen: () => void
  children: ComponentChildren
}) => (
  <Button kind="quiet" class="tab-of-file" aria-pressed={open} onClick={onOpen}>
    {children}
  </Button>
)

const SourceView = ({
  scenario,
  name,
  side,
  title,
}: {
  scenario: string
  name: string
  side?: 'A' | 'B'
  title?: string
}) => {
  const { answer, problem } = useAnswer<Source>(
    `/api/source/${scenario}/${name.split('/').map(encodeURIComponent).join('/')}`,
  )
  if (problem) return <Trouble>{plain(problem)}</Trouble>
  if (!answer) return <Reading class="source" />
  return (
    <section
      class={`source ${side ? `side-${side.toLowerCase()}` : ''}`}
      aria-label={side ? `Source of ${side}` : plain(answer.file)}
    >
      <SourceHead source={answer} side={side} title={title} />
      <div class="blocks">
        {answer.blocks.map((block) => (
          <BlockView key={block.fromLine} block={block} />
        ))}
      </div>
    </section>
  )
}

/** The first time takes a moment: the server learns to read the language. */
const Reading = ({ class: name }: { class: string }) => (
  <section class={name} aria-busy="true">
    <p class="getting-ready">Reading…</p>
  </section>
)

const SourceHead = ({
  source,
  side,
  title,
}: {
  source: SourceFile
  side?: 'A' | 'B' | undefined
  title?: string | undefined
}) => (
  <header class="source-head">
    {side && <Side name={side} />}
    {title && <strong>{plain(title)}</strong>}
    <code class="path">{plain(source.path)}</code>
    <CopyButton text={source.path} label="Copy path" />
  </header>
)

const BlockView = ({ block }: { block: Block }) => (
  <div class={block.prose ? 'block' : 'block mute'}>
    <div class="told">
      {block.prose.split('\n\n').map((paragraph) => (
        <p key={paragraph}>
          <Prose text={paragraph} />
        </p>
      ))}
    </div>
    {block.code.length > 0 && (
      <pre>
        <code>
          {block.code.map((line, i) => (
            <LineView key={block.fromLine + i} number={block.fromLine + i} tokens={line} />
          ))}
        </code>
      </pre>
    )}
  </div>
)

/** What stands between backticks is code. */
const Prose = ({ text }: { text: string }) => (
  <>{text.split('`').map((part, i) => (i % 2 === 1 ? <code>{plain(part)}</code> : plain(part)))}</>
)

const LineView = ({
  number,
  tokens,
  change,
}: {
  number: number
  tokens: readonly MarkedToken[]
  change?: 'added' | 'removed'
}) => {
  const indent = /^ */.exec(tokens[0]?.[1] ?? '')?.[0].length ?? 0
  // A line that is too long for its column goes on under its own beginning.
  const line = (
    <span
      class={`line ${change ?? ''}`}
      data-n={number}
      style={{ '--indent': `${Math.min(indent + 2, 12)}ch` }}
    >
      {tokens.map(([kind, text, changed]) => {
        const word = kind === 'plain' ? plain(text) : <span class={`t-${kind}`}>{plain(text)}</span>
        return changed ? <mark>{word}</mark> : word
      })}
      {'\n'}
    </span>
  )
  if (change === 'removed') return <del>{line}</del>
  return change === 'added' ? <ins>{line}</ins> : line
}

const DiffView = ({ entry, a, b }: Pair) => {
  const { answer, problem } = useAnswer<Diff>(`/api/diff/${entry.id}/${a.variant}/${b.variant}`)
  if (problem) return <Trouble>{plain(problem)}</Trouble>
  if (!answer) return <Reading class="diff" />
  const head = (side: 'A' | 'B', setup: Setup, source: SourceFile) => (
    <div class={`side-${side.toLowerCase()}`}>
      <SourceHead source={source} side={side} title={titleOf(entry, setup)} />
    </div>
  )
  return (
    <section class="diff" aria-label="Difference between A and B">
      <p class="remark">
        {answer.hunks.every(({ kind }) => kind === 'same')
          ? 'Both stand in one file.'
          : `${answer.removed} lines only in A, ${answer.added} only in B; the rest is the same.`}
      </p>
      <div class="heads">
        {head('A', a, answer.a)}
        {head('B', b, answer.b)}
      </div>
      {answer.hunks.map((hunk) => (
        <HunkView key={`${hunk.a.fromLine} ${hunk.b.fromLine}`} hunk={hunk} />
      ))}
    </section>
  )
}

const HunkView = ({ hunk: { kind, a, b } }: { hunk: Hunk }) => (
  <div class={`hunk ${kind}`}>
    {([a, b] as const).map((side, i) => (
      <pre key={i === 0 ? 'a' : 'b'} class={`side-${i === 0 ? 'a' : 'b'}`}>
        <code>
          {side.lines.map((tokens, n) => (
            <LineView
              key={side.fromLine + n}
              number={side.fromLine + n}
              tokens={tokens}
              {...(kind === 'changed' ? { change: i === 0 ? 'removed' : 'added' } : {})}
            />
          ))}
        </code>
      </pre>
    ))}
  </div>
)
