// What is to be sent, as the address says it, as the form has it, and as the API takes it.
import type { Sent, Suggestion, Suggestions } from '../../traffic/send.ts'

export interface Wanted {
  method: string
  path: string
  /** One `name: value` on each line. */
  headers: string
  body: string
  prepare: boolean
}

export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']

export const readWanted = (query: Readonly<Record<string, string>>, known: Suggestions): Wanted => {
  const [method = '', path = ''] = (query.send ?? '').split(/ (.*)/)
  const prepare = query.bare !== '1'
  if (methods.includes(method) && path.startsWith('/'))
    return { method, path, headers: query.headers ?? '', body: query.body ?? '', prepare }
  return { ...fromSuggestion(known.requests[0] ?? { method: 'GET', path: '/' }), prepare }
}

export const spellWanted = ({ method, path, headers, body, prepare }: Wanted) => ({
  send: `${method} ${path}`,
  headers: headers.trim(),
  body,
  bare: prepare ? '' : '1',
})

/** What was sent to prepare a side can also be sent by hand. */
export const withPrepared = (known: Suggestions, sent: readonly Sent[]): Suggestion[] => {
  const before = sent[0]?.before ?? []
  return known.requests.map((one) => {
    const same = before.find(
      ({ request }) => request.method === one.method && request.path === one.path,
    )
    return same?.request.body === undefined || one.body !== undefined
      ? one
      : { ...one, body: JSON.stringify(same.request.body) }
  })
}

export const fromSuggestion = ({ method, path, headers = {}, body = '' }: Suggestion) => ({
  method,
  path,
  headers: Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n'),
  body,
})

/** Throws where a line is no header. */
export const readHeaders = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const [, name = '', value = ''] = /^([^:]+):(.*)$/.exec(line) ?? []
        if (name === '') throw new Error(`'${line}' is no header; one looks like accept: text/html`)
        return [name.trim(), value.trim()]
      }),
  )
