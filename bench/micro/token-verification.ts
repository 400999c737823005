// Who is there? A signature answers without asking anybody, a random id by looking it up. What does
// an answer cost the processor? RFC 7519 (JWT), RFC 7515 (JWS), RFC 8037 (EdDSA).
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import type { Comparison, MicroTools, MicroVariant } from './harness/comparison.ts'
import { ready } from './harness/comparison.ts'

const people = 64

interface Keys {
  sign: Uint8Array | KeyObject
  verify: Uint8Array | KeyObject
}

const signed = (title: string, alg: string, makeKeys: () => Keys): MicroVariant => ({
  title,
  async open({ random }: MicroTools) {
    const keys = makeKeys()
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
      await write('ada', makeKeys().sign),
    ]
    return ready({
      inputs: [...nameOf.keys()],
      call: verify,
      isRight: (output, input) => output !== undefined && output === nameOf.get(input),
      check: () => accepts(verify, forged),
    })
  },
})

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
    hs256: signed('JWT with HS256', 'HS256', () => {
      const secret = randomBytes(32)
      return { sign: secret, verify: secret }
    }),
    es256: signed('JWT with ES256', 'ES256', () =>
      pair(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
    ),
    eddsa: signed('JWT with EdDSA', 'EdDSA', () => pair(generateKeyPairSync('ed25519'))),
  },
} satisfies Comparison
