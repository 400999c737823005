// TypeScript as words with a class each, so that the page can colour them without knowing the
// language. The grammar is loaded when the first source is asked for, and every text is taken apart
// once.
import { createHash } from 'node:crypto'
import type { HighlighterCore, ThemeRegistration } from 'shiki/core'

const classes = [
  'plain',
  'comment',
  'string',
  'keyword',
  'number',
  'type',
  'function',
  'property',
  'punctuation',
] as const
export type TokenClass = (typeof classes)[number]

/** What it is, and the text itself. */
export type Token = [TokenClass, string]
export type Line = Token[]

// Grammars know hundreds of scopes, and a theme says which of them look alike. In ours every class has
// a colour, and the colour is but the class's number.
const colourOf = (name: TokenClass) => `#0000${String(classes.indexOf(name)).padStart(2, '0')}`
const scopes: [TokenClass, string[]][] = [
  ['comment', ['comment', 'punctuation.definition.comment']],
  ['string', ['string', 'punctuation.definition.string', 'constant.character.escape']],
  ['plain', ['meta.template.expression']],
  [
    'keyword',
    [
      'keyword.control',
      'storage',
      'keyword.operator.new',
      'keyword.operator.expression',
      'variable.language',
    ],
  ],
  ['number', ['constant.numeric', 'constant.language']],
  ['type', ['entity.name.type', 'support.type.primitive', 'support.class', 'entity.name.class']],
  ['function', ['entity.name.function', 'support.function']],
  ['property', ['meta.object-literal.key', 'variable.object.property']],
  ['punctuation', ['punctuation', 'keyword.operator', 'meta.brace', 'storage.type.function.arrow']],
]
const theme: ThemeRegistration = {
  name: 'classes',
  type: 'light',
  fg: colourOf('plain'),
  bg: '#ffffff',
  settings: scopes.map(([name, scope]) => ({ scope, settings: { foreground: colourOf(name) } })),
}

const load = async (): Promise<HighlighterCore> => {
  const [{ createHighlighterCore }, { createJavaScriptRegexEngine }, typescript] =
    await Promise.all([
      import('shiki/core'),
      import('shiki/engine/javascript'),
      import('shiki/langs/typescript.mjs'),
    ])
  const engine = createJavaScriptRegexEngine()
  return createHighlighterCore({ themes: [theme], langs: [typescript.default], engine })
}
let loading: Promise<HighlighterCore> | undefined

const known = new Map<string, Line[]>()
const mostKnown = 300
/** Longer texts are shown in one colour: nobody reads them, and a grammar takes its time. */
const longestText = 200_000

/** The lines of a TypeScript text, word by word. */
export const highlight = async (text: string): Promise<Line[]> => {
  const hash = createHash('sha256').update(text).digest('base64')
  const found = known.get(hash)
  if (found) return found
  const lines = text.length > longestText ? plainLines(text) : await tokenize(text)
  if (known.size >= mostKnown) known.clear()
  known.set(hash, lines)
  return lines
}

const plainLines = (text: string): Line[] =>
  text.split('\n').map((line) => (line === '' ? [] : [['plain', line]]))

const tokenize = async (text: string): Promise<Line[]> => {
  loading ??= load()
  const highlighter = await loading
  const lines = highlighter.codeToTokensBase(text, {
    lang: 'typescript',
    theme: 'classes',
    tokenizeMaxLineLength: 2_000,
    // A line that took too long on a busy machine would be cut.
    tokenizeTimeLimit: 0,
  })
  return lines.map((tokens) => {
    const line: Line = []
    for (const { content, color = '' } of tokens) {
      const name = classes[Number(color.slice(-2))] ?? 'plain'
      const last = line.at(-1)
      // What looks alike is one word to the page.
      if (last?.[0] === name) last[1] += content
      else line.push([name, content])
    }
    return line
  })
}
