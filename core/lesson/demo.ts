// A demo is what somebody shows in front of others: steps in a block of the README that begins with
// ```demo. Each step says a sentence or two and puts something on the screen. A step begins with
// `step:`; its other lines are a name, a colon and a value, and a line that is indented goes on with
// the value before. What cannot be done is refused with its line, before somebody stands there with it.

import { adapterIndex } from '../course/find.ts'
import { parseSetup, resolveSetup } from '../course/setup.ts'
import { didYouMean } from '../did-you-mean.ts'
import { SeesawError } from '../errors.ts'
import type { Kind } from '../kinds/index.ts'
import type { AnyScenario } from '../scenario.ts'

/** What a step puts on the screen. */
export const views = [
  /** The question and the guess. */
  'predict',
  /** The two programs, side by side. */
  'code',
  /** What differs between them. */
  'diff',
  /** One request, sent to both. */
  'request',
  /** A measured duel of the two. */
  'run',
  /** A duel that was measured before, on another day. */
  'recorded',
  /** One claim, tried on both. */
  'claim',
  /** All claims. */
  'claims',
  /** What is served now, under load, and flipped meanwhile. */
  'live',
] as const
export type View = (typeof views)[number]

export interface Step {
  title: string
  says: string
  seconds: number
  show: View
  /** The two sides, as the page's address has them: `signed-token~sessionTtlMs=200`. */
  a: string
  b: string
  /** Of `claim`; of `code` and `diff` the one whose deciding line is to be seen. */
  claim?: string
  /** Of `request`. */
  send?: { method: string; path: string; body?: unknown }
}

interface Line {
  number: number
  name: string
  value: string
}

const names = ['step', 'for', 'say', 'show', 'a', 'b', 'claim', 'send']
const longestTitle = 60
const longestSaying = 300

/**
 * The steps of a scenario's demo; none where its README has no such block. Throws SCENARIO_BROKEN,
 * which names the line and what to do about it.
 */
export const readDemo = (
  markdown: string,
  id: string,
  scenario: AnyScenario,
  adapters: Readonly<Record<Kind, readonly string[]>> = adapterIndex,
): Step[] => {
  const refuse = (line: number, why: string): never => {
    throw new SeesawError('SCENARIO_BROKEN', `scenarios/${id}/README.md, line ${line}: ${why}`)
  }
  const oneOf = (line: Line, what: string, known: readonly string[]) => {
    if (!known.includes(line.value))
      refuse(
        line.number,
        `there is no ${what} '${line.value}'.${didYouMean(line.value, known)} There are: ${known.join(', ')}.`,
      )
  }

  const readSide = (line: Line): string => {
    try {
      const choices = { adapters, defaults: {} }
      const setup = resolveSetup(parseSetup(`${id}/${line.value}`), scenario, choices)
      return setup.id.slice(id.length + 1)
    } catch (error) {
      return refuse(line.number, error instanceof Error ? error.message : String(error))
    }
  }

  const readSend = (line: Line): NonNullable<Step['send']> => {
    const [, method = '', path = '', body] =
      /^(GET|POST|PUT|PATCH|DELETE) (\/\S*)(?: (.+))?$/.exec(line.value) ?? []
    if (!method)
      refuse(
        line.number,
        `'${line.value}' is no request. One looks like POST /sign-in {"name": "ada"}.`,
      )
    try {
      return { method, path, ...(body ? { body: JSON.parse(body) } : {}) }
    } catch {
      return refuse(line.number, `${body} is no JSON.`)
    }
  }

  const readStep = (lines: Line[], before: Step | undefined): Step => {
    const [first] = lines as [Line, ...Line[]]
    const find = (name: string) => lines.find((line) => line.name === name)
    const need = (name: string, example: string): Line =>
      find(name) ??
      refuse(first.number, `the step '${first.value}' needs a line ${name}: ${example}`)
    for (const line of lines)
      if (find(line.name) !== line)
        refuse(line.number, `the step '${first.value}' has '${line.name}' twice. Leave one.`)
    const tooLong = (line: Line, most: number) => {
      if (line.value.length > most || line.value === '')
        refuse(
          line.number,
          `'${line.name}' takes 1 to ${most} characters, not ${line.value.length}.`,
        )
      return line.value
    }
    const show = need('show', views.join(' | '))
    oneOf(show, 'view', views)
    const time = need('for', '30 s')
    const seconds = Number(/^(\d{1,3}) s$/.exec(time.value)?.[1])
    if (!(seconds > 0)) refuse(time.number, `'${time.value}' is no time. One looks like 30 s.`)
    const claim = find('claim')
    if (claim) oneOf(claim, 'claim', Object.keys(scenario.claims))
    const send = find('send')
    const mayName: [Line | undefined, string[], string][] = [
      [claim, ['claim', 'code', 'diff'], 'claim: <id>'],
      [send, ['request'], 'send: GET /'],
    ]
    for (const [line, views, example] of mayName) {
      if (line && !views.includes(show.value))
        refuse(
          line.number,
          `'${line.name}' is for 'show: ${views[0]}', not for 'show: ${show.value}'.`,
        )
      if (!line && show.value === views[0])
        refuse(show.number, `'show: ${show.value}' needs a line ${example}.`)
    }
    const [a, b] = (['a', 'b'] as const).map((side) => {
      const line = find(side)
      if (line) return readSide(line)
      return (
        before?.[side] ?? refuse(first.number, `the first step needs a line ${side}: <variant>`)
      )
    }) as [string, string]
    return {
      title: tooLong(first, longestTitle),
      says: tooLong(need('say', 'what you say to it'), longestSaying),
      seconds,
      show: show.value as View,
      a,
      b,
      ...(claim ? { claim: claim.value } : {}),
      ...(send ? { send: readSend(send) } : {}),
    }
  }

  const lines = linesOf(markdown, refuse)
  const steps: Step[] = []
  for (let from = 0; from < lines.length; ) {
    const next = lines.findIndex(({ name }, i) => i > from && name === 'step')
    const to = next < 0 ? lines.length : next
    const [first] = lines.slice(from) as [Line]
    if (first.name !== 'step') refuse(first.number, `a step begins with 'step: <title>'.`)
    steps.push(readStep(lines.slice(from, to), steps.at(-1)))
    from = to
  }
  return steps
}

/** The lines of all ```demo blocks, each with its number in the file; those that go on are joined. */
const linesOf = (markdown: string, refuse: (line: number, why: string) => never): Line[] => {
  const lines: Line[] = []
  let inside = false
  for (const [index, text] of markdown.split('\n').entries()) {
    const number = index + 1
    if (!inside) inside = text.trimEnd() === '```demo'
    else if (text.startsWith('```')) inside = false
    else if (text.trim() !== '') {
      const last = lines.at(-1)
      const [, name = '', value = ''] = /^([a-z]+):\s*(.*?)\s*$/.exec(text) ?? []
      if (/^\s/.test(text) && last) last.value = `${last.value} ${text.trim()}`.trim()
      else if (names.includes(name)) lines.push({ number, name, value })
      else
        refuse(
          number,
          `'${name || text.trim().slice(0, 40)}' is nothing that a step has.` +
            `${didYouMean(name, names)} There are: ${names.join(', ')}.`,
        )
    }
  }
  return lines
}
