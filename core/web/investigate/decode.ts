// What stands in a credential: cookies attribute by attribute, and tokens taken apart, for everybody
// who holds them can do the same.

export interface CookieLine {
  name: string
  value: string
  attributes: { name: string; value: string; means: string }[]
  /** What is not said, and what follows from that. */
  missing: { name: string; means: string }[]
}

const seconds = (count: number): string => {
  if (!Number.isFinite(count)) return 'for a time that cannot be read'
  if (count <= 0) return 'deleted at once'
  const [size, unit] =
    count >= 172_800
      ? [86_400, 'days']
      : count >= 7_200
        ? [3_600, 'hours']
        : count >= 120
          ? [60, 'minutes']
          : [1, 'seconds']
  return `kept for ${Math.round((10 * count) / size) / 10} ${unit}`
}

const sameSite = new Map(
  Object.entries({
    strict: 'sent only by pages of this very site',
    lax: 'not sent with forms and requests of other sites, but when somebody follows a link',
    none: 'sent by pages of every site',
  }),
)

const meanings = new Map<string, (value: string, nowMs: number) => string>(
  Object.entries({
    path: (value) =>
      value === '/' ? 'sent to every address here' : 'sent to addresses below this one only',
    domain: (value) => `sent to ${value} and everything below it`,
    httponly: () => 'scripts on the page cannot read it',
    secure: () => 'sent over HTTPS only',
    samesite: (value) => sameSite.get(value.toLowerCase()) ?? 'no value that a browser knows',
    'max-age': (value) => seconds(Number(value)),
    expires: (value, nowMs) => seconds((Date.parse(value) - nowMs) / 1_000),
    partitioned: () => 'kept apart for every site that embeds this one',
  }),
)

const missing: [name: string, unless: string[], means: string][] = [
  ['HttpOnly', ['httponly'], 'any script on the page can read it'],
  ['Secure', ['secure'], 'also sent over plain HTTP'],
  ['SameSite', ['samesite'], 'up to the browser whether other sites may send it'],
  ['Max-Age', ['max-age', 'expires'], 'kept until the browser is closed'],
]

/** Takes a Set-Cookie line apart (RFC 6265bis). */
export const readCookie = (line: string, nowMs = Date.now()): CookieLine => {
  const [first = '', ...rest] = line.split(';')
  const [name, value] = pair(first)
  const attributes = rest.map(pair).map(([name, value]) => {
    const means = meanings.get(name.toLowerCase())?.(value, nowMs) ?? ''
    return { name, value, means }
  })
  const said = attributes.map(({ name }) => name.toLowerCase())
  return {
    name,
    value,
    attributes,
    missing: missing
      .filter(([, unless]) => !unless.some((one) => said.includes(one)))
      .map(([name, , means]) => ({ name, means })),
  }
}

const pair = (text: string): [string, string] => {
  const at = text.indexOf('=')
  return at < 0 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

export interface Token {
  /** As it stood there. */
  text: string
  /** What is known of it: "signed, not encrypted: whoever holds it can read it". */
  says: string
  parts: { name: string; json: string }[]
}

const readable =
  'signed, not encrypted: whoever holds it can read it, and nobody can change it unnoticed'

/** Finds what can be read without a key in a header, a cookie or a body. */
export const findTokens = (text: string): Token[] => {
  // Longer than any credential; a body may be anything.
  const candidates = text.slice(0, 100_000).match(/[\w-]{16,}(?:\.[\w-]*)*/g) ?? []
  const tokens = [...new Set(candidates)].flatMap((candidate) => readToken(candidate) ?? [])
  return tokens.slice(0, 5)
}

const readToken = (text: string): Token | undefined => {
  const pieces = text.split('.')
  const [first, second] = pieces.map(jsonIn)
  if (!first) return undefined
  const shown = (name: string, json: object) => ({
    name,
    json: JSON.stringify(withTimes(json), null, 2),
  })
  if (pieces.length === 5)
    return {
      text,
      says: 'a token that is encrypted (JWE): only its header can be read',
      parts: [shown('header', first)],
    }
  if (pieces.length === 3 && second) {
    const unsigned = (first as { alg?: string }).alg === 'none' || pieces[2] === ''
    return {
      text,
      says: unsigned
        ? `a token (JWT) that nobody signed: whoever holds it can change it`
        : `a token (JWT), ${readable}`,
      parts: [shown('header', first), shown('payload', second)],
    }
  }
  if (pieces.length === 2)
    return {
      text,
      says: readable,
      parts: [shown('content', first)],
    }
  if (pieces.length === 1)
    return {
      text,
      says: `neither signed nor encrypted, only spelled in base64`,
      parts: [shown('content', first)],
    }
  return undefined
}

/** The object that a piece in base64url spells; undefined where it spells something else. */
const jsonIn = (piece: string): object | undefined => {
  try {
    const bytes = Uint8Array.from(atob(piece.replace(/-/g, '+').replace(/_/g, '/')), (c) =>
      c.charCodeAt(0),
    )
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** Seconds and milliseconds since 1970 are hard to read. */
const withTimes = (json: object): object =>
  Object.fromEntries(
    Object.entries(json).map(([name, value]) => {
      const atMs = /AtMs$/.test(name) ? value : 1_000 * value
      const isTime = /AtMs$|^(exp|iat|nbf|auth_time)$/.test(name) && Math.abs(atMs) < 1e14
      return [name, isTime ? `${value} (${new Date(atMs).toISOString().slice(0, 19)}Z)` : value]
    }),
  )
