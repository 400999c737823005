// A simulated machine, to see how often a method of comparing is wrong when the truth is known. Six
// kinds of noise, as they were met on shared machines; each gives the slowness of one short slice
// after the other, in time.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** A source of random numbers: evenly between 0 and 1, and standard normal. */
export interface Chance {
  uniform(): number
  normal(): number
}

/** The same numbers for the same seed. */
export const chance = (seed: number): Chance => {
  const random = xoroshiro128plus(seed)
  const uniform = () => uniformFloat64(random)
  return {
    uniform,
    // Box & Muller, Annals of Mathematical Statistics 29, 1958.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  }
}

/** Returns the logarithm of the slowness of the next slice, at every call. */
type Noise = (chance: Chance) => () => number

/** What a machine does to a slice, by name. */
export const noiseModels: Record<string, Noise> = {
  'independent, normal':
    ({ normal }) =>
    () =>
      0.08 * normal(),

  /** Student's t with two degrees of freedom: now and then a slice takes a multiple. */
  'heavy tails':
    ({ normal, uniform }) =>
    () =>
      (0.05 * normal()) / Math.sqrt(-Math.log(1 - uniform())),

  /** Neighbours come and go: slow stays slow for a while. */
  autoregressive: ({ normal }) => {
    const memory = 0.98
    let level = 0.25 * normal()
    return () => {
      level = memory * level + 0.25 * Math.sqrt(1 - memory ** 2) * normal()
      return level + 0.04 * normal()
    }
  },

  /** A machine that heats up: a third slower, or faster, after 200 slices. */
  'linear drift': ({ normal }) => {
    const perSlice = (0.3 * normal()) / 200
    let at = 0
    return () => perSlice * at++ + 0.05 * normal()
  },

  /** Half the speed from one moment to the next, for some 30 slices. */
  'two speeds': ({ normal, uniform }) => {
    let slow = uniform() < 0.5
    return () => {
      if (uniform() < 1 / 30) slow = !slow
      return (slow ? Math.log(2) : 0) + 0.05 * normal()
    }
  },

  /** Something else runs for the length of a slice, in one of twenty. */
  bursts:
    ({ normal, uniform }) =>
    () =>
      0.04 * normal() + (uniform() < 0.05 ? Math.log(1.5 + 4 * uniform()) : 0),
}

/** What is simulated. */
export interface Simulation {
  noise: Noise
  seed: number
  blocks: number
  /** Slices of each contender in each half of a block. */
  slices: number
  /** How much more B costs than A, as a share: 0.05. */
  effect: number
}

/** What A and B cost per request in every block. */
export interface Simulated {
  a: number[]
  b: number[]
}

/** As the harness measures: in every block in random order, then in the reverse, and so on. */
export const takeTurns = ({ noise, seed, blocks, slices, effect }: Simulation): Simulated => {
  const luck = chance(seed)
  const next = noise(luck)
  const costs: Simulated = { a: [], b: [] }
  for (let block = 0; block < blocks; block++) {
    const order =
      luck.uniform() < 0.5 ? (['a', 'b', 'b', 'a'] as const) : (['b', 'a', 'a', 'b'] as const)
    const sums = { a: 0, b: 0 }
    for (let slice = 0; slice < slices; slice++)
      for (const one of order) sums[one] += Math.exp(next())
    costs.a.push(sums.a / (2 * slices))
    costs.b.push((sums.b / (2 * slices)) * (1 + effect))
  }
  return costs
}

/** As it is usually done, in the same time: first all of A, then all of B. */
export const oneAfterTheOther = ({
  noise,
  seed,
  blocks,
  slices,
  effect,
}: Simulation): Simulated => {
  const next = noise(chance(seed))
  const measure = (cost: number) =>
    Array.from({ length: blocks }, () => {
      let sum = 0
      for (let slice = 0; slice < 2 * slices; slice++) sum += Math.exp(next())
      return (sum / (2 * slices)) * cost
    })
  return { a: measure(1), b: measure(1 + effect) }
}

/** log(b ÷ a) of every block. */
export const logRatios = ({ a, b }: Simulated): number[] =>
  b.map((cost, block) => Math.log(cost) - Math.log(a[block]!))
