// What may not run at the same time: a proof, a measurement and a load would each change what the
// others find out, and nobody could tell.
import { proofUnderWay } from '../proof/book.ts'
import { loadUnderWay } from '../traffic/live-load.ts'

const refusals = {
  proof: proofUnderWay,
  measurement: 'A measurement is under way; wait until it has ended, or cancel it.',
  load: loadUnderWay,
}

type Work = keyof typeof refusals

/** Returns, for each work, what says why it may not begin now: undefined where it may. */
export const turnstile = (underWay: Record<Work, () => boolean>) => {
  const works = Object.keys(refusals) as Work[]
  return (work: Work) => (): string | undefined => {
    const other = works.find((one) => one !== work && underWay[one]())
    return other && refusals[other]
  }
}
