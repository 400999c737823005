// A lesson's Markdown as a small tree that the page can draw: what is not in these types cannot be
// said, so a README can neither bring markup of its own nor lead anywhere unseen.
import { lexer, type Token, type Tokens } from 'marked'

/** Where a link leads: out, to a file of the scenario, to another scenario, or down the lesson. */
export type Target = { href: string } | { file: string } | { scenario: string } | { anchor: string }

export type Inline =
  | { is: 'text' | 'code'; text: string }
  | { is: 'strong' | 'em' | 'del'; of: Inline[] }
  | { is: 'link'; to: Target; of: Inline[] }
  | { is: 'break' }

export type Block =
  | { is: 'heading'; level: number; id: string; of: Inline[] }
  | { is: 'paragraph'; of: Inline[] }
  | { is: 'list'; start: number | null; items: Block[][] }
  | {
      is: 'table'
      align: ('left' | 'center' | 'right' | null)[]
      head: Inline[][]
      rows: Inline[][][]
    }
  | { is: 'code'; lang: string; text: string }
  | { is: 'quote'; of: Block[] }
  | { is: 'rule' }
  /** Where the steps of the demo stand. */
  | { is: 'demo' }

/** The blocks of a README of `scenario`. */
export const readBlocks = (markdown: string, scenario: string): Block[] => {
  const ids = new Map<string, number>()
  const idOf = (text: string): string => {
    const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['part']
    const id = words.join('-')
    const before = ids.get(id) ?? 0
    ids.set(id, before + 1)
    return before === 0 ? id : `${id}-${before}`
  }

  const blocks = (tokens: Token[]): Block[] =>
    tokens.flatMap((token) => block(token as Tokens.Generic))

  const block = (token: Tokens.Generic): Block[] => {
    switch (token.type) {
      case 'heading': {
        const { depth, text, tokens } = token as Tokens.Heading
        return [{ is: 'heading', level: depth, id: idOf(text), of: inlines(tokens) }]
      }
      case 'list': {
        const { ordered, start, items } = token as Tokens.List
        const each = items.map((item) => blocks(item.tokens))
        return [{ is: 'list', start: ordered ? Number(start) : null, items: each }]
      }
      case 'table': {
        const { align, header, rows } = token as Tokens.Table
        const cells = (row: Tokens.TableCell[]) => row.map((cell) => inlines(cell.tokens))
        return [{ is: 'table', align, head: cells(header), rows: rows.map(cells) }]
      }
      case 'code': {
        const { lang = '', text } = token as Tokens.Code
        return [lang === 'demo' ? { is: 'demo' } : { is: 'code', lang, text }]
      }
      case 'blockquote':
        return [{ is: 'quote', of: blocks(token.tokens ?? []) }]
      case 'hr':
        return [{ is: 'rule' }]
      case 'space':
      case 'def':
        return []
      default:
        // Markup is words, too.
        return [{ is: 'paragraph', of: token.tokens ? inlines(token.tokens) : said(token.raw) }]
    }
  }

  const inlines = (tokens: Token[]): Inline[] =>
    tokens.flatMap((token) => inline(token as Tokens.Generic))

  const inline = (token: Tokens.Generic): Inline[] => {
    const { type, tokens = [] } = token
    if (type === 'strong' || type === 'em' || type === 'del')
      return [{ is: type, of: inlines(tokens) }]
    if (type === 'codespan') return [{ is: 'code', text: (token as Tokens.Codespan).text }]
    if (type === 'br') return [{ is: 'break' }]
    if (type === 'escape') return said((token as Tokens.Escape).text)
    if (type === 'link') {
      const to = targetOf((token as Tokens.Link).href, scenario)
      return to ? [{ is: 'link', to, of: inlines(tokens) }] : said(token.raw)
    }
    // Plain words, and whatever else there is, as it was written.
    return said(token.raw)
  }

  return blocks(lexer(markdown))
}

const said = (text: string): Inline[] => (text === '' ? [] : [{ is: 'text', text }])

const siblingPattern = /^\.\.\/([^/.][^/]*)\/(?:README\.md)?$/
const filePattern = /^(?:\.\/)?((?:[\w-][\w.-]*\/)*[\w-][\w.-]*)$/

/** Undefined for what is neither on the web nor in the course: `javascript:`, `file:`, `../../etc`. */
const targetOf = (href: string, scenario: string): Target | undefined => {
  if (href.startsWith('#')) return { anchor: href.slice(1) }
  if (/^https?:\/\//i.test(href))
    return URL.canParse(href) ? { href: new URL(href).href } : undefined
  const sibling = siblingPattern.exec(href)?.[1]
  if (sibling) return sibling === scenario ? { anchor: '' } : { scenario: sibling }
  const file = filePattern.exec(href)?.[1]
  return file ? { file } : undefined
}
