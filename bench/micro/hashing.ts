// What a hash costs depends on what it is for. Those for integrity are to be fast; those for
// passwords are to be slow, and to need memory, so that nobody can try them by the million.
// FIPS 180-4 (SHA-256), RFC 2104 (HMAC), RFC 7914 (scrypt);
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
import { createHash, createHmac, scryptSync, webcrypto } from 'node:crypto'
import type { Comparison, MicroTools, MicroVariant } from './harness/comparison.ts'
import { ready } from './harness/comparison.ts'

const key = Buffer.from('0123456789abcdef0123456789abcdef')

/** A hash whose results are held to those of another implementation, the one of browsers. */
const fast = (
  title: string,
  hash: (text: string) => Buffer,
  other: (text: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>,
): MicroVariant => ({
  title,
  async open({ random }: MicroTools) {
    const inputs = Array.from({ length: 256 }, () => random.text(43))
    const right = new Map<string, Buffer>()
    for (const input of inputs) right.set(input, Buffer.from(await other(bytes(input))))
    return ready({
      inputs,
      call: hash,
      isRight: (output, input) => right.get(input)?.equals(output) === true,
    })
  },
})

/** scrypt, whose cost goes up with N, in time and in memory: 128 · r · N bytes. */
const scrypt = (title: string, N: number): MicroVariant => ({
  title,
  open({ random }: MicroTools) {
    const hash = (password: string, salt: string, cost = N) =>
      scryptSync(password, salt, 64, { N: cost, r: 8, p: 1, maxmem: 256 * 8 * cost })
    const inputs = Array.from({ length: 4 }, () => ({
      password: random.text(16),
      salt: random.text(22),
    }))
    let before = Buffer.alloc(0)
    return ready({
      inputs,
      call: ({ password, salt }) => hash(password, salt),
      isRight(output) {
        const isNew = output.length === 64 && !output.equals(before)
        before = output
        return isNew
      },
      check: () =>
        hash('pleaseletmein', 'SodiumChloride', 16_384).toString('hex').startsWith(vector)
          ? undefined
          : 'it does not compute the test vector of RFC 7914.',
    })
  },
})

/** RFC 7914, section 12: the beginning of scrypt (P="pleaseletmein", S="SodiumChloride", N=16384, r=8, p=1). */
const vector = '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2'

const bytes = (text: string) => new TextEncoder().encode(text)

export default {
  question: 'What does a hash cost, for a session id and for a password?',
  call: 'hash one text',
  variants: {
    sha256: fast(
      'SHA-256',
      (text) => createHash('sha256').update(text).digest(),
      (text) => webcrypto.subtle.digest('SHA-256', text),
    ),
    'hmac-sha256': fast(
      'HMAC with SHA-256',
      (text) => createHmac('sha256', key).update(text).digest(),
      async (text) =>
        webcrypto.subtle.sign(
          'HMAC',
          await webcrypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, [
            'sign',
          ]),
          text,
        ),
    ),
    'scrypt-n14': scrypt("scrypt, N = 2^14, Node's default", 2 ** 14),
    'scrypt-n17': scrypt("scrypt, N = 2^17, OWASP's advice", 2 ** 17),
  },
} satisfies Comparison
