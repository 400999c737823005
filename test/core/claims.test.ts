// Every claim of every scenario on every backend that can be used here, in both directions. The
// proof runs once, side by side; each test waits for its own verdict.
import assert from 'node:assert/strict'
import { isAsDeclared, type Proof, prove, type Verdict } from '#core/proof/prove'
import { findTargets } from '#core/proof/targets'
import type { AnyClaim } from '#core/scenario'
import { inQuiet } from '../quiet.ts'

const required = (process.env.REQUIRE_BACKENDS ?? '').split(',').filter(Boolean)
const targets = await findTargets({ backends: 'all' })

describe('claims', function () {
  // The whole proof, not one claim: every test may have to wait for all that run before its own.
  this.timeout(600_000)

  const arrived = new Map<string, Verdict>()
  const listeners = new Map<string, (verdict: Verdict) => void>()
  const key = ({ setup, claim }: Pick<Verdict, 'setup' | 'claim'>) => `${setup} ${claim}`
  let proof: Promise<Proof>

  before(() => {
    const onVerdict = (verdict: Verdict) => {
      arrived.set(key(verdict), verdict)
      listeners.get(key(verdict))?.(verdict)
    }
    const [alone, others] = [claimsThat((claim) => claim.alone), claimsThat((one) => !one.alone)]
    const proveAll = async (): Promise<Proof[]> => [
      await prove({ backends: 'all', claims: others, onVerdict }),
      // No test of this file begins meanwhile that would have to wait for another worker's.
      await inQuiet(() => prove({ backends: 'all', claims: alone, onVerdict })),
    ]
    proof = proveAll().then(([first, second]) => ({
      ok: Boolean(first?.ok && second?.ok),
      verdicts: [...(first?.verdicts ?? []), ...(second?.verdicts ?? [])],
      skipped: [...(first?.skipped ?? []), ...(second?.skipped ?? [])],
    }))
    proof.catch(() => {})
  })
  after(() => proof)

  const claimsThat = (is: (claim: AnyClaim) => boolean | undefined): string[] => {
    const all = targets.flatMap(({ scenario }) => Object.entries<AnyClaim>(scenario.claims))
    return [...new Set(all.flatMap(([id, claim]) => (is(claim) ? [id] : [])))]
  }

  const verdictOf = async (setup: string, claim: string): Promise<Verdict | undefined> => {
    const name = key({ setup, claim })
    const first = new Promise<Verdict>((resolve) => listeners.set(name, resolve))
    return arrived.get(name) ?? (await Promise.race([first, proof.then(() => arrived.get(name))]))
  }

  const isSecondTry = (test?: object) =>
    (test as { currentRetry(): number } | undefined)?.currentRetry() !== 0

  /** The verdict would be the same again: so this setup is proved by itself. */
  const proveAlone = async (setup: string, claim: string) => {
    const { verdicts } = await inQuiet(() => prove({ targets: [setup], claims: [claim] }))
    return verdicts.find((verdict) => verdict.claim === claim)
  }

  /** The end of a transcript, a line each, for it may have hundreds. */
  const lastLines = ({ transcript = [] }: Verdict) =>
    transcript
      .slice(-15)
      .map((entry) => JSON.stringify(entry).slice(0, 300))
      .join('\n')

  for (const { setup, scenario } of targets)
    describe(setup.id, () => {
      for (const [id, { says }] of Object.entries(scenario.claims))
        it(`${says} [${id}]`, async function () {
          const verdict = isSecondTry(this.test)
            ? await proveAlone(setup.id, id)
            : await verdictOf(setup.id, id)
          if (!verdict) {
            const { skipped } = await proof
            const reason = skipped.find((skip) => skip.setup === setup.id)?.reason
            const backends = Object.values(setup.backends)
            assert(reason, 'neither proved nor skipped')
            assert(!backends.some((name) => required.includes(name)), reason)
            this.test!.title += ` — skipped: ${reason}`
            this.skip()
          }
          assert(
            isAsDeclared(verdict),
            `${setup.id}: declared ${verdict.declared}, but ${verdict.verdict}: ` +
              `${verdict.because}\n${lastLines(verdict)}`,
          )
        })
    })
})
