// What a contract is given: an adapter that it can open, in this process and in another one.
import { randomBytes } from 'node:crypto'
import type { Opened, Traits } from '#core/adapter'
import type { Kind, Kinds } from '#core/kinds'
import type { OtherProcess } from '../other-process.ts'

export interface Subject<K extends Kind> {
  traits: Traits
  /** Wrapped by the meter in this process; other processes open it as it is. */
  metered: boolean
  /** Opens the adapter; without `namespace` in one that no other test has. */
  open(options?: { namespace?: string; nowMs?: () => number }): Promise<Opened<K>>
  /** Another process that opens the same adapter, to be killed or ended. */
  fork(): OtherProcess<K>
  /** Another process (from 0) that opens the same adapter and lives on. */
  neighbour(index: number): Pick<OtherProcess<K>, 'call'>
  /** Kills the other processes, empties every namespace that was opened, closes everything. */
  tidy(): Promise<void>
}

/** A namespace that no other test has, with every sign in it that a namespace may have. */
export const freshNamespace = (): string =>
  `contract-${randomBytes(6).toString('hex')}/a_b.c@k=v,w~x=1:s`

/** The arguments of a method of a kind, as another process can be sent them: a step is named. */
export type Call<K extends Kind> = {
  [Name in keyof Kinds[K] & string]: { method: Name; args: readonly unknown[] }
}[keyof Kinds[K] & string]

export const waitMs = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms))

/**
 * How long after the end of a life a test waits before it says that something must be gone. The
 * backends of one machine share its clock, but some round it to whole milliseconds, and a timer
 * may fire one early.
 */
export const marginMs = 10

/**
 * Does `work` on things that live for `ttlMs`, which it is handed, and returns its result and the
 * ttlMs. A machine that was so busy that they may have ended meanwhile is asked again, for longer.
 */
export const withinLifeOf = async <Result>(
  ttlMs: number,
  work: (ttlMs: number) => Promise<Result>,
): Promise<{ result: Result; ttlMs: number }> => {
  const beganMs = Date.now()
  const result = await work(ttlMs)
  return Date.now() < beganMs + ttlMs ? { result, ttlMs } : withinLifeOf(ttlMs * 2, work)
}

/** The same JSON, as text: also the order of names, `__proto__`, and that -0 has become 0. */
export const sameJson = (got: unknown, wanted: unknown): boolean =>
  JSON.stringify(got) === JSON.stringify(wanted)

/** Strings that some store or other mixes up, cuts off, refuses or takes for something else. */
export const oddStrings: readonly string[] = [
  '',
  ' ',
  '  ',
  'a',
  'A',
  'a ',
  ' a',
  'a\0',
  'a\0b',
  '\0',
  '\\0',
  '\\u0000',
  '\n',
  '\r\n',
  '\t',
  '\u007f',
  '\u2028',
  '\ufeff',
  '\ufffd',
  '\ud800',
  '\udc00',
  '\udfff\ud800',
  '\\ud800',
  'x\ud83d',
  '\u{1f44d}',
  'caf\u00e9',
  'cafe\u0301',
  '\u043a\u043b\u044e\u0447',
  '\u9375',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'undefined',
  'null',
  '0',
  '-0',
  '1e3',
  '1000',
  '*',
  '?',
  '[a]',
  '%',
  '_',
  '$a',
  '$where',
  'a.b',
  'a:b',
  'a::b',
  ':',
  ':a',
  ':base64:YQ==',
  'a/b',
  '..',
  '../a',
  '/etc/passwd',
  'CON',
  '"',
  "'",
  "'; drop table cache; --",
  '\\',
  '\\\\',
  '{"a":1}',
  `${'x'.repeat(10_000)}1`,
  `${'x'.repeat(10_000)}2`,
  '\u9375'.repeat(5_000),
]

/** Values that some way of writing JSON or other loses. */
export const oddValues = [
  null,
  true,
  false,
  0,
  -0,
  0.1,
  -1.5,
  1e21,
  1e-7,
  5e-324,
  Number.MAX_VALUE,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  '',
  'null',
  '"',
  'a\0b',
  '\ud800',
  ':base64:aGVsbG8=',
  ':a',
  '2024-01-01T00:00:00.000Z',
  [],
  [[]],
  [null, [null], {}],
  {},
  { '': '' },
  { toJSON: 1 },
  { value: 1, expires: 0 },
  { $date: '2024-01-01T00:00:00.000Z', $oid: 'x', 'a.b': 1, $set: { a: 1 } },
  { b: 1, a: 2, 10: 'ten', 9: 'nine' },
  { 'a\0b': 1, '\ud800': 2, '"': 3, length: 0 },
  JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}'),
  JSON.parse(`${'['.repeat(200)}1${']'.repeat(200)}`),
  'x'.repeat(1_000_000),
  { text: '\u9375'.repeat(300_000) },
]
