// Who is there? A signature answers without asking anybody, a random id by looking it up. What does
// an answer cost the processor? RFC 7519 (JWT), RFC 7515 (JWS), RFC 8037 (EdDSA).
import {
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  subtle,
  timingSafeEqual,
} from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import type { Comparison, MicroTools, MicroVariant } from './harness/comparison.ts'
import { ready } from './harness/comparison.ts'

const people = 64

type Key = CryptoKey | KeyObject
interface Keys {
  sign: Key
  verify: Key
}
type CryptoKey = Awaited<ReturnType<typeof subtle.importKey>>

const signed = (
  title: string,
  alg: string,
  makeKeys: () => Keys | Promise<Keys>,
): MicroVariant => ({
  title,
  async open({ random }: MicroTools) {
    const keys = await makeKeys()
    const write = (name: string, key: Keys['sign'] = keys.sign) =>
      new SignJWT({ role: 'editor' })
        .setProtectedHeader({ alg })
        .setSubject(name)
        .setIssuedAt()
        .setExpirationTime('2h')
        .sign(key)
    const nameOf = new Map<string, string>()
    for (let i = 0; i < people; i++) {
      const name = random.text(12)
      nameOf.set(await write(name), name)
    }
    // What a server would do: name the algorithm that it expects, and look at the times.
    const verify = async (token: string) => {
      const { payload } = await jwtVerify(token, keys.verify, { algorithms: [alg] })
      return payload.sub
    }
    const [token = ''] = nameOf.keys()
    const [head, body, signature = ''] = token.split('.')
    const another = signature.startsWith('A') ? 'B' : 'A'
    const forged = [
      `${head}.${body}.${another}${signature.slice(1)}`,
      await write('ada', (await makeKeys()).sign),
    ]
    return ready({
      inputs: [...nameOf.keys()],
      call: verify,
      isRight: (output, input) => output !== undefined && output === nameOf.get(input),
      check: () => accepts(verify, forged),
    })
  },
})

/** A token by HMAC; `verify` gets what was signed and the signature, and returns `result`. */
const byHmac = (
  title: string,
  result: 'name' | 'signature',
  verify: (secret: KeyObject, signed: string, mac: string) => string | undefined,
): MicroVariant => ({
  title,
  open({ random }: MicroTools) {
    const secret = createSecretKey(randomBytes(32))
    const head = encoded({ alg: 'HS256', typ: 'JWT' })
    const exp = Date.now() / 1000 + 7_200
    const write = (sub: string, key = secret) => {
      const signed = `${head}.${encoded({ role: 'editor', sub, aud: 'reports', exp })}`
      return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
    }
    const nameOf = new Map<string, string>()
    for (let i = 0; i < people; i++) {
      const name = random.text(12)
      nameOf.set(write(name), name)
    }
    const call = (token: string) => {
      const end = token.lastIndexOf('.')
      return verify(secret, token.slice(0, end), token.slice(end + 1))
    }
    const forged = [write('ada', createSecretKey(randomBytes(32)))]
    return ready({
      inputs: [...nameOf.keys()],
      call,
      isRight: (output, input) =>
        output === (result === 'name' ? nameOf.get(input) : input.split('.')[2]),
      check: () => accepts(async (token) => call(token), forged),
    })
  },
})

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

const isSignedBy = (secret: KeyObject, signed: string, mac: string): boolean => {
  const right = createHmac('sha256', secret).update(signed).digest()
  const shown = Buffer.from(mac, 'base64url')
  return shown.length === right.length && timingSafeEqual(shown, right)
}

/** The hash and its comparison, and nothing else. */
const hmacAlone = byHmac(
  'the HMAC of HS256 alone, by node:crypto',
  'signature',
  (secret, signed, mac) => (isSignedBy(secret, signed, mac) ? mac : undefined),
)

/** Everything that the variant asks jose for: form, algorithm, type, signature, audience, end. */
const synchronous = byHmac(
  'JWT with HS256, by node:crypto, all checks',
  'name',
  (secret, signed, mac) => {
    const [head = '', body = '', more] = signed.split('.')
    if (more !== undefined || !/^[\w-]+$/.test(head + body + mac)) return undefined
    if (!isSignedBy(secret, signed, mac)) return undefined
    const { alg, typ } = JSON.parse(Buffer.from(head, 'base64url').toString())
    if (alg !== 'HS256' || typ !== 'JWT') return undefined
    const { sub, aud, exp } = JSON.parse(Buffer.from(body, 'base64url').toString())
    return aud === 'reports' && exp > Date.now() / 1000 ? sub : undefined
  },
)

const opaque: MicroVariant = {
  title: 'a random id, looked up in a Map',
  open({ random }: MicroTools) {
    const sessions = new Map<string, { sub: string; endsAtMs: number }>()
    const endsAtMs = Date.now() + 7_200_000
    for (let i = 0; i < people; i++)
      sessions.set(random.text(43), { sub: random.text(12), endsAtMs })
    const find = (id: string) => {
      const session = sessions.get(id)
      return session && session.endsAtMs > Date.now() ? session.sub : undefined
    }
    return ready({
      inputs: [...sessions.keys()],
      call: find,
      isRight: (output, input) => output !== undefined && output === sessions.get(input)?.sub,
      check: () => accepts(async (id) => find(id), [random.text(43)]),
    })
  },
}

/** Says so where something forged is taken for somebody. */
const accepts = async (verify: (token: string) => Promise<unknown>, forged: string[]) => {
  for (const token of forged) {
    const found = await verify(token).catch(() => undefined)
    if (found !== undefined) return 'it accepts what was forged.'
  }
  return undefined
}

const pair = ({
  privateKey,
  publicKey,
}: {
  privateKey: KeyObject
  publicKey: KeyObject
}): Keys => ({
  sign: privateKey,
  verify: publicKey,
})

export default {
  question: 'What does it cost to see that a token is good?',
  call: 'verify one token',
  variants: {
    opaque,
    'hmac-alone': hmacAlone,
    'hs256-sync': synchronous,
    // Imported once, as the variants do: given bytes, jose would import them at every call.
    hs256: signed('JWT with HS256, by jose over WebCrypto', 'HS256', async () => {
      const algorithm = { name: 'HMAC', hash: 'SHA-256' }
      const usages = ['sign', 'verify'] as const
      const key = await subtle.importKey('raw', randomBytes(32), algorithm, false, [...usages])
      return { sign: key, verify: key }
    }),
    es256: signed('JWT with ES256', 'ES256', () =>
      pair(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
    ),
    eddsa: signed('JWT with EdDSA', 'EdDSA', () => pair(generateKeyPairSync('ed25519'))),
  },
} satisfies Comparison
