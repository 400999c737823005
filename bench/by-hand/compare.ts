// How much more does A cost than B, on a machine whose speed changes while it is measured? Both are
// up at once and take turns in short slices, in an order that is mirrored within every block, so
// that a drift hits both alike; then only figures of the same block are compared.
// Estimate and interval: Hodges and Lehmann 1963, by exact inversion of Wilcoxon's signed-rank test.

/** What one slice used, and for how many requests or decisions. */
export interface Slice {
  cost: number
  count: number
}

export interface Ratio {
  /** How often as much the first costs; 1 = the same. */
  ratio: number
  /** The 95 % interval, for six pairs or more; below that the widest there is. */
  low: number
  high: number
  pairs: number
}

/**
 * Measures `names` in `blocks` blocks and returns the cost of one request per block. In a block
 * each has two slices: all in random order, then all in the reverse of it.
 */
export const inBlocks = async <Name extends string>(
  names: readonly Name[],
  blocks: number,
  slice: (name: Name) => Promise<Slice>,
): Promise<Record<Name, number[]>> => {
  const figures = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >
  for (let block = 0; block < blocks; block++) {
    const sums = new Map<Name, Slice>(names.map((name) => [name, { cost: 0, count: 0 }]))
    const order = shuffled(names)
    for (const name of [...order, ...order.toReversed()]) {
      const sum = sums.get(name) as Slice
      const { cost, count } = await slice(name)
      sum.cost += cost
      sum.count += count
    }
    for (const [name, { cost, count }] of sums) figures[name].push(cost / count)
  }
  return figures
}

/** The same in another order. */
export const shuffled = <T>(all: readonly T[]): T[] =>
  all
    .map((value) => ({ value, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value)

/** Compares figures that were measured pair by pair. */
export const ratioOf = (ours: readonly number[], theirs: readonly number[]): Ratio => {
  const logs = ours.map((figure, i) => Math.log(figure / (theirs[i] as number)))
  const averages = logs
    .flatMap((a, i) => logs.slice(i).map((b) => (a + b) / 2))
    .sort((a, b) => a - b)
  const cut = signedRankCut(logs.length)
  return {
    ratio: Math.exp(median(averages)),
    low: Math.exp(averages[cut] as number),
    high: Math.exp(averages[averages.length - 1 - cut] as number),
    pairs: logs.length,
  }
}

/** How many of the sorted pair averages lie outside on each side: P(rank sum < cut) ≤ 2.5 %. */
const signedRankCut = (n: number): number => {
  // chance[s]: of the ranks 1…n, each counted or not by the toss of a coin, those counted add up to s.
  let chance = [1]
  for (let rank = 1; rank <= n; rank++) {
    const next = new Array<number>(chance.length + rank).fill(0)
    for (const [sum, p] of chance.entries()) {
      next[sum] = (next[sum] as number) + p / 2
      next[sum + rank] = (next[sum + rank] as number) + p / 2
    }
    chance = next
  }
  let cut = 0
  for (let below = chance[0] as number; below <= 0.025; below += chance[cut] as number) cut++
  return cut
}

/** The middle of a sample; of an even one, the middle of both in the middle. */
export const median = (sample: readonly number[]): number => {
  const sorted = [...sample].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const upper = sorted[half] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2
}

/** `+3.1 % [+2.0, +4.2], 8 pairs` */
export const inPercent = ({ ratio, low, high, pairs }: Ratio): string =>
  `${percent(ratio)} % [${percent(low)}, ${percent(high)}], ${pairs} pairs`

const percent = (ratio: number): string =>
  `${ratio < 1 ? '−' : '+'}${Math.abs((ratio - 1) * 100).toFixed(1)}`

/** Lines up columns: the first to the left, the others to the right. */
export const table = (rows: string[][]): string => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}
