// Scripted clients: what an owner, a thief, a forger and an admin do, and what
// comes back. The same scripts run against every variant, since all of them
// have the same addresses and only the credential differs.
import { createHmac, randomBytes } from 'node:crypto'
import type { Answer, Client, Exercise, Hands } from '#core/scenario'
import { people } from './people.ts'

type Name = (typeof people)[number]['name']
type Timed = Exercise<'sessionTtlMs'>

/** A thief takes a copy, the owner signs out, the thief tries the copy. */
export const stolenCopy: Exercise = async (hands) => {
  const owner = await signedIn(hands, 'ada')
  const thief = owner.copy()
  const before = await thief.get('/me')
  hands.assume(before.status === 200, 'before, a copy is as good as any')
  await signOut(hands, owner)
  await expectOut(hands, thief, 'a copy, after its owner signed out,')
  const page = await thief.get('/reports')
  hands.expect(page.status === 401, `for another page it gets ${told(page)}`)
}

/** A thief takes a copy; the owner signs in once more, and then out. */
export const signedInAgain: Exercise = async (hands) => {
  const owner = await signedIn(hands, 'ada')
  const thief = owner.copy()
  const again = await signIn(owner, 'ada')
  hands.assume(again.status === 200, `ada signs in again: ${told(again)}`)
  await signOut(hands, owner)
  await expectOut(hands, thief, 'a copy from before the second sign-in')
}

/** Comes back again and again, until long after the last end. */
export const lastEnd: Exercise = async (hands) => {
  const sinceMs = await startClock(hands)
  const person = await signedIn(hands, 'ada')
  const untilMs = Date.now() + 1.25 * lastsAtMostMs
  let last = await person.get('/me')
  hands.assume(last.status === 200, 'who comes back at once is let in')
  while (last.status === 200 && last.sentAtMs < untilMs) {
    await hands.waitMs(lastsAtMostMs / 10)
    const next = await person.get('/me')
    const gapMs = next.doneAtMs - last.sentAtMs
    hands.assume(gapMs < lastsAtMostMs / 2, `a gap of ${gapMs} ms`)
    last = next
  }
  const afterMs = last.doneAtMs - sinceMs
  const because = `who came back for ${afterMs} ms gets ${told(last)}`
  hands.expect(last.status === 401, because)
}

/** The longest that a sign-in lasts, where a claim is about its last end. */
export const lastsAtMostMs = 2_000

/** Signs in again and again, and looks for what the credentials share. */
export const nextCredential: Exercise = async (hands) => {
  const secrets: string[] = []
  for (let i = 0; i < 5; i++) {
    const credential = credentialOf(await signedIn(hands, 'ada'))
    secrets.push(credential.split('.').at(-1) ?? '')
    // Two of one person that end in the same millisecond may be the same.
    await hands.waitMs(2)
  }
  const least = Math.min(...secrets.map(({ length }) => length))
  const shares = secrets.slice(1).map((secret, i) => {
    const same = [...secret].filter((letter, at) => letter === secrets[i]?.[at])
    return same.length / secret.length
  })
  // Of 43 random letters one or two agree by chance, and never a third.
  const most = Math.round(100 * Math.max(...shares))
  const because = `of ${least} letters, up to ${most} % were as the time before`
  hands.expect(least >= 22 && most < 34, because)
}

/** Signs a token with the public key, as if that were a shared secret. */
export const confusedKey: Exercise = async (hands) => {
  const person = await signedIn(hands, 'cleo')
  const { status, text } = await person.get('/key')
  hands.note(status === 200 ? 'the public key is there' : 'no public key')
  const head = base64url({ alg: 'HS256', typ: 'JWT' })
  const signed = `${head}.${adminsContent()}`
  const mac = createHmac('sha256', text).update(signed).digest('base64url')
  const forger = holding(hands, `${signed}.${mac}`, person)
  await expectOut(hands, forger, 'a token signed with the public key')
}

/** The same, but the thief uses the copy for longer than a sign-in lasts. */
export const busyThief: Timed = async (hands) => {
  const sinceMs = await startClock(hands)
  const owner = await signedIn(hands, 'ada')
  const thief = owner.copy()
  await signOut(hands, owner)
  const last = await keepVisiting(hands, thief, sinceMs)
  const when = 'one lifetime after the sign-out'
  hands.expect(last.status === 401, `${when}, the thief gets ${told(last)}`)
}

/** Two devices of one person; on one of them, "sign out everywhere". */
export const everyDevice: Exercise = async (hands) => {
  const laptop = await signedIn(hands, 'ada')
  const phone = await signedIn(hands, 'ada')
  const friend = await signedIn(hands, 'ben')
  const left = await laptop.post('/sign-out-everywhere')
  hands.assume(left.status === 204, `signing out everywhere: ${told(left)}`)
  await expectIn(hands, friend, 'somebody else')
  await expectIn(hands, await signedIn(hands, 'ada'), 'who signs in anew')
  await expectOut(hands, phone, 'the other device')
}

/** Signs in at one process and asks another. */
export const knownElsewhere: Exercise = async (hands) => {
  const here = await signedIn(hands, 'ada', 1)
  await expectIn(
    hands,
    here.copy({ worker: 2 }),
    'whoever asks at the other process',
  )
}

/** Signs out at one process; a copy is shown to another. */
export const outElsewhere: Exercise = async (hands) => {
  const here = await signedIn(hands, 'ada', 1)
  const there = here.copy({ worker: 2 })
  await signOut(hands, here)
  await expectOut(hands, there, 'a copy at the other process')
}

/** Signs in; comes back after the servers were restarted. */
export const inAfterRestart: Exercise = async (hands) => {
  const person = await signedIn(hands, 'ada')
  await hands.restart()
  await expectIn(hands, person, 'whoever comes back after a restart')
}

/** Signs out; a copy is tried after the servers were restarted. */
export const outAfterRestart: Exercise = async (hands) => {
  const owner = await signedIn(hands, 'ada')
  const thief = owner.copy()
  await signOut(hands, owner)
  await hands.restart()
  await expectOut(hands, thief, 'a copy, after sign-out and restart,')
}

/** An admin makes an editor a reader, who then asks for the editors' page. */
export const roleTakenAway: Exercise = async (hands) => {
  const admin = await signedIn(hands, 'dora')
  const give = async (role: string) => {
    const answer = await admin.post('/people/ben/role', { role })
    hands.assume(answer.status === 204, `making ben a ${role}: ${told(answer)}`)
  }
  await give('editor')
  const editor = await signedIn(hands, 'ben')
  const before = await editor.get('/reports')
  hands.assume(before.status === 200, 'an editor may read the reports')
  await give('reader')
  const after = await editor.get('/reports')
  await give('editor')
  const because = `who is no editor any more gets ${told(after)}`
  hands.expect(after.status === 403 || after.status === 401, because)
}

/** Plants a credential of one's own in a browser whose owner then signs in. */
export const plantedId: Exercise = async (hands) => {
  const attacker = await signedIn(hands, 'cleo')
  for (const planted of [credentialOf(attacker), 'made-up-beforehand']) {
    const victim = holding(hands, planted, attacker)
    await signIn(victim, 'ada')
    const seen = await holding(hands, planted, attacker).get('/me')
    const because = `who planted '${planted.slice(0, 18)}' gets ${told(seen)}`
    hands.expect(seen.json?.name !== 'ada', because)
  }
}

/** Stays away for longer than a sign-in lasts. */
export const awayTooLong: Timed = async (hands) => {
  const person = await signedIn(hands, 'ada')
  const before = await person.get('/me')
  hands.assume(before.status === 200, 'who comes back at once is let in')
  await hands.waitMs(hands.knobs.sessionTtlMs * 1.5)
  await expectOut(hands, person, 'who was away too long')
}

/** Comes back again and again, for longer than a sign-in lasts. */
export const keepsComingBack: Timed = async (hands) => {
  const sinceMs = await startClock(hands)
  const person = await signedIn(hands, 'ada')
  const last = await keepVisiting(hands, person, sinceMs)
  const who = 'who came back all the time'
  hands.expect(last.status === 200, `${who} gets ${told(last)} in the end`)
}

/** Tries credentials that were changed, cut, guessed, or signed by others. */
export const forgeries: Exercise = async (hands) => {
  const person = await signedIn(hands, 'cleo')
  const before = await person.get('/me')
  hands.assume(before.status === 200, 'the true one is accepted')
  const isToken = person.headers.authorization !== undefined
  const forgeries = forgeriesOf(credentialOf(person), isToken)
  for (const [how, forged] of forgeries)
    await expectOut(hands, holding(hands, forged, person), how)
}

/** Tries tokens which say that they need no signature. */
export const algNone: Exercise = async (hands) => {
  const person = await signedIn(hands, 'cleo')
  const content = adminsContent()
  for (const alg of ['none', 'None', 'NONE', '', undefined])
    for (const end of ['.', '']) {
      const forged = `${base64url({ alg, typ: 'JWT' })}.${content}${end}`
      const forger = holding(hands, forged, person)
      await expectOut(hands, forger, `a token with alg '${alg}'`)
    }
}

/** Comes with nothing, with nonsense, after signing out, and too late. */
export const toldApart: Timed = async (hands) => {
  const sinceMs = await startClock(hands)
  const late = await signedIn(hands, 'ada')
  const out = await signedIn(hands, 'ben')
  const copy = out.copy()
  await signOut(hands, out)
  const ended = await copy.get('/me')
  const tookMs = ended.doneAtMs - sinceMs
  hands.assume(tookMs < hands.knobs.sessionTtlMs, `it was ended in good time`)
  const nonsense = holding(hands, 'nonsense', late)

  expectReason(hands, await hands.client().get('/me'), 'missing')
  expectReason(hands, await nonsense.get('/me'), 'invalid')
  expectReason(hands, ended, 'revoked')
  await hands.waitMs(hands.knobs.sessionTtlMs * 1.5)
  expectReason(hands, await late.get('/me'), 'expired')
}

/** Comes too late and looks at what the refusal says. */
export const toldExpired: Timed = async (hands) => {
  const person = await signedIn(hands, 'ada')
  await hands.waitMs(hands.knobs.sessionTtlMs * 1.5)
  expectReason(hands, await person.get('/me'), 'expired')
}

/** Reads what a copy says, without any key. */
export const readCopy: Exercise = async (hands) => {
  const credential = credentialOf(await signedIn(hands, 'ada'))
  const plain = credential
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString())
    .find((text) => text.includes('ada') || text.includes('editor'))
  hands.expect(plain === undefined, `the copy says ${plain ?? 'nothing'}`)
}

/** Signs in with what the variant hands out: a cookie, or a token. */
export const signIn = async (client: Client, name: Name): Promise<Answer> => {
  const password = people.find((person) => person.name === name)?.password
  const answer = await client.post('/sign-in', { name, password })
  const token = answer.json?.token
  if (token) client.headers.authorization = `Bearer ${token}`
  return answer
}

const signedIn = async (hands: Hands, name: Name, worker = 1) => {
  const client = hands.client({ worker })
  const answer = await signIn(client, name)
  hands.assume(answer.status === 200, `${name} signs in: ${told(answer)}`)
  return client
}

// The very first request opens files and connections, which is not to be
// counted against a short lifetime.
const startClock = async (hands: Hands): Promise<number> => {
  await hands.client().get('/me')
  return Date.now()
}

const signOut = async (hands: Hands, client: Client) => {
  const answer = await client.post('/sign-out')
  hands.assume(answer.status === 204, `the owner signs out: ${told(answer)}`)
}

const expectIn = async (hands: Hands, client: Client, who: string) => {
  const answer = await client.get('/me')
  hands.expect(answer.status === 200, `${who} gets ${told(answer)}`)
}

const expectOut = async (hands: Hands, client: Client, who: string) => {
  const answer = await client.get('/me')
  hands.expect(answer.status === 401, `${who} gets ${told(answer)}`)
}

const expectReason = (hands: Hands, answer: Answer, reason: string) =>
  hands.expect(
    answer.status === 401 && answer.json?.reason === reason,
    `who should be told '${reason}' gets ${told(answer)}`,
  )

// Visits until a whole lifetime has passed since the first visit, or until
// turned away. To be turned away after a gap as long as a lifetime, by a slow
// machine's fault, would prove nothing.
const keepVisiting = async (
  { knobs, waitMs, assume }: Hands<'sessionTtlMs'>,
  client: Client,
  sinceMs: number,
): Promise<Answer> => {
  const ttlMs = knobs.sessionTtlMs
  const visit = async (beforeMs: number) => {
    const answer = await client.get('/me')
    const gapMs = answer.doneAtMs - beforeMs
    const inTime = answer.status === 200 || gapMs < ttlMs * 0.9
    assume(inTime, `turned away, but after a gap of ${gapMs} ms`)
    return answer
  }
  const first = await visit(sinceMs)
  let last = first
  while (last.status === 200 && last.sentAtMs < first.doneAtMs + ttlMs) {
    await waitMs(ttlMs / 6)
    last = await visit(last.sentAtMs)
  }
  return last
}

const credentialOf = (client: Client): string =>
  client.headers.authorization?.slice('Bearer '.length) ??
  client.cookie('sid') ??
  ''

/** A new client that holds `credential` as `like` holds its own. */
const holding = (hands: Hands, credential: string, like: Client): Client => {
  const client = hands.client()
  if (like.headers.authorization)
    client.headers.authorization = `Bearer ${credential}`
  else client.setCookie('sid', credential)
  return client
}

const told = ({ status, json }: Answer): string => {
  const more = json?.reason ?? (json?.name && `as ${json.name}`)
  return more ? `${status} ${more}` : `${status}`
}

/** What a token of the admin's would say, in the words of every variant. */
const adminsContent = (): string => {
  const at = Date.now() / 1000
  return base64url({
    ...{ sub: 'dora', role: 'admin', aud: 'reports', jti: '1', gen: 9 },
    ...{ iat: at, exp: at + 3600, name: 'dora', expiresAtMs: at * 2000 },
  })
}

const base64url = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url')

// Characters are changed in the middle of a part: the last one of base64url
// carries bits that no decoder looks at, and changing those changes nothing.
function* forgeriesOf(
  credential: string,
  isToken: boolean,
): Generator<[string, string]> {
  const parts = credential.split('.')
  const signature = parts.at(-1) ?? ''
  const contents = parts.slice(0, -1)
  const { length } = credential

  for (const cut of [1, 2, length / 2, length - 5, length - 1])
    yield [`cut to ${cut | 0}`, credential.slice(0, cut)]
  yield ['cut at the front', credential.slice(1)]
  yield ['twice', `${credential}${credential}`]
  yield ['guessed', randomBytes(length).toString('base64url').slice(0, length)]

  for (const [index, part] of parts.entries()) {
    const changed = part.replace(/(?<=^.{9})./, (c) => (c === 'A' ? 'B' : 'A'))
    yield [`part ${index + 1} changed`, parts.with(index, changed).join('.')]
  }
  if (contents.length === 0) return

  // Decoders skip these, so another text would mean the same (RFC 7515, 2).
  const middle = length >> 1
  // No cookie can have white space in it.
  for (const extra of isToken ? [' ', '\t', '=', '+'] : ['=', '+'])
    yield [
      `'${extra}' in the middle`,
      credential.slice(0, middle) + extra + credential.slice(middle),
    ]
  yield ['padded', `${credential}=`]
  // The last letter has bits to spare, which decoders skip (RFC 4648, 3.5).
  for (const [index, part] of parts.entries())
    if (part.length % 4 > 1)
      yield [
        `part ${index + 1} with other spare bits`,
        parts.with(index, withOtherSpareBits(part)).join('.'),
      ]
  yield ['each part padded', parts.map((part) => `${part}=`).join('.')]
  yield ['another signature', [...contents, base64url('x')].join('.')]
  yield ['one more part', `${credential}.x`]
  const edited = contents.map(promoted).join('.')
  yield ['made an admin', `${edited}.${signature}`]
  for (const key of ['', 'secret', randomBytes(32)]) {
    const mac = createHmac('sha256', key).update(edited).digest('base64url')
    yield ['made an admin, signed with another key', `${edited}.${mac}`]
  }
}

const withOtherSpareBits = (part: string): string => {
  const letters =
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = letters.indexOf(part.at(-1) ?? '')
  return part.slice(0, -1) + letters.charAt(last ^ 1)
}

// The part that tells a role tells a better one; others stay as they are.
const promoted = (part: string): string => {
  const text = Buffer.from(part, 'base64url').toString()
  return text.includes('"role"')
    ? Buffer.from(text.replace('reader', 'admin')).toString('base64url')
    : part
}
