// Blocks of a lesson as elements. There is no way from a README to markup: what is no block or inline
// of ours is text.
import type { ComponentChildren } from 'preact'
import type { CatalogueEntry } from '../../course/catalogue.ts'
import type { Block, Inline, Target } from '../../lesson/blocks.ts'
import { plain } from '../../plain.ts'
import { tabPath } from '../route.ts'
import { CopyButton, Link } from '../ui/parts.tsx'

interface Around {
  entry: CatalogueEntry
  /** What to draw where the demo's steps stand. */
  demo?: ComponentChildren
}

export const Blocks = ({ blocks, ...around }: { blocks: readonly Block[] } & Around) => (
  <>
    {blocks.map((block, index) => (
      <OneBlock key={index} block={block} {...around} />
    ))}
  </>
)

const OneBlock = ({ block, ...around }: { block: Block } & Around): preact.JSX.Element | null => {
  const { entry } = around
  switch (block.is) {
    case 'heading': {
      const Tag = block.level <= 2 ? 'h2' : 'h3'
      return (
        <Tag id={`part-${block.id}`} tabIndex={-1}>
          <Inlines of={block.of} entry={entry} />
        </Tag>
      )
    }
    case 'paragraph':
      return (
        <p>
          <Inlines of={block.of} entry={entry} />
        </p>
      )
    case 'list': {
      const items = block.items.map((item, index) => (
        <li key={index}>
          <Item blocks={item} {...around} />
        </li>
      ))
      return block.start === null ? <ul>{items}</ul> : <ol start={block.start}>{items}</ol>
    }
    case 'table':
      return <TableBlock block={block} entry={entry} />
    case 'code':
      return (
        <div class="listing">
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard, too */}
          <pre tabIndex={0}>
            <code>{plain(block.text)}</code>
          </pre>
          <CopyButton label="Copy" text={block.text} />
        </div>
      )
    case 'quote':
      return (
        <blockquote>
          <Blocks blocks={block.of} {...around} />
        </blockquote>
      )
    case 'rule':
      return <hr />
    case 'demo':
      return <>{around.demo}</>
  }
}

/** A list's item that is one paragraph needs no paragraph. */
const Item = ({ blocks, ...around }: { blocks: readonly Block[] } & Around) => {
  const [only, more] = blocks
  return only?.is === 'paragraph' && !more ? (
    <Inlines of={only.of} entry={around.entry} />
  ) : (
    <Blocks blocks={blocks} {...around} />
  )
}

const TableBlock = ({
  block: { head, rows, align },
  entry,
}: {
  block: Block & { is: 'table' }
  entry: CatalogueEntry
}) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard, too
  <section class="wide" tabIndex={0} aria-label="Table">
    <table>
      <thead>
        <tr>
          {head.map((cell, index) => (
            <th key={index} scope="col" class={align[index] ?? 'left'}>
              <Inlines of={cell} entry={entry} />
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, y) => (
          <tr key={y}>
            {row.map((cell, index) => (
              <td key={index} class={`${align[index] ?? 'left'} ${markOf(cell)}`}>
                <Inlines of={cell} entry={entry} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
)

/** The marks of tables of claims have the colours that they have in the matrix. */
const markOf = (cell: readonly Inline[]): string =>
  ({ '✓': 'holds', '✗': 'breaks', '◐': 'either' })[textOf(cell).trim()] ?? ''

const Inlines = ({ of: inlines, entry }: { of: readonly Inline[]; entry: CatalogueEntry }) => (
  <>
    {inlines.map((inline, index) => (
      <OneInline key={index} inline={inline} entry={entry} />
    ))}
  </>
)

const OneInline = ({
  inline,
  entry,
}: {
  inline: Inline
  entry: CatalogueEntry
}): preact.JSX.Element => {
  switch (inline.is) {
    case 'text':
      return <>{plain(inline.text)}</>
    case 'code':
      return <CodeWord text={inline.text} entry={entry} />
    case 'break':
      return <br />
    case 'link':
      return (
        <Lead to={inline.to} entry={entry}>
          <Inlines of={inline.of} entry={entry} />
        </Lead>
      )
    default: {
      const Tag = inline.is
      return (
        <Tag>
          <Inlines of={inline.of} entry={entry} />
        </Tag>
      )
    }
  }
}

/** A word that is the name of a claim leads to it. */
const CodeWord = ({ text, entry }: { text: string; entry: CatalogueEntry }) => {
  const claim = entry.claims.find(({ id }) => id === text)
  return claim ? (
    <Link
      to={tabPath(entry.id, 'investigate', { view: 'claims', claim: claim.id })}
      title={plain(claim.says)}
    >
      <code>{plain(text)}</code>
    </Link>
  ) : (
    <code>{plain(text)}</code>
  )
}

const Lead = ({
  to,
  entry,
  children,
}: {
  to: Target
  entry: CatalogueEntry
  children: ComponentChildren
}) => {
  if ('href' in to)
    return (
      <a href={to.href} target="_blank" rel="noreferrer" class="out" title={plain(to.href)}>
        {children}
      </a>
    )
  if ('anchor' in to)
    return <Link to={tabPath(entry.id, 'make', { part: to.anchor })}>{children}</Link>
  if ('scenario' in to) return <Link to={tabPath(to.scenario, 'make')}>{children}</Link>
  const [, variant] = /^variants\/(.+)\.ts$/.exec(to.file) ?? []
  const known = entry.variants.some(({ id }) => id === variant)
  const query = known ? { view: 'code', a: variant } : { view: 'code', file: to.file }
  return <Link to={tabPath(entry.id, 'investigate', query)}>{children}</Link>
}

/** The words of inlines, without what they look like. */
export const textOf = (inlines: readonly Inline[]): string =>
  inlines
    .map((inline) =>
      'of' in inline ? textOf(inline.of) : inline.is === 'break' ? ' ' : inline.text,
    )
    .join('')
