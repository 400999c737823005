// The comparisons that there are. Each is loaded only when it is asked for.
import { notThere, SeesawError } from '../../../core/errors.ts'
import type { Comparison } from './comparison.ts'

const comparisons: Record<string, () => Promise<{ default: Comparison }>> = {
  'cache-lookup': () => import('../cache-lookup.ts'),
  hashing: () => import('../hashing.ts'),
  'limiter-steps': () => import('../limiter-steps.ts'),
  noise: () => import('../noise.ts'),
  'token-verification': () => import('../token-verification.ts'),
}

/** The names of all comparisons of functions. */
export const microNames: readonly string[] = Object.keys(comparisons)

/** Loads a comparison. Throws COMPARISON_NOT_FOUND. */
export const loadComparison = async (name: string): Promise<Comparison> => {
  const load = Object.hasOwn(comparisons, name) ? comparisons[name] : undefined
  if (!load)
    throw new SeesawError(
      'COMPARISON_NOT_FOUND',
      notThere('comparison of functions', name, microNames),
    )
  return (await load()).default
}
