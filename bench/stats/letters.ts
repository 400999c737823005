// Who can be told apart from whom, in letters: those that share a group cannot be. Piepho, "An
// algorithm for a letter-based representation of all-pairwise comparisons", Journal of
// Computational and Graphical Statistics 13, 2004 (insert and absorb).

/**
 * Groups of `count` contenders, numbered best first, so that two share a group exactly if they are
 * not `apart`. A contender may be in several groups: A like B and B like C makes not A like C.
 */
export const letterGroups = (
  count: number,
  apart: (i: number, j: number) => boolean,
): number[][] => {
  let groups = [Array.from({ length: count }, (_, i) => i)]
  for (let j = 1; j < count; j++)
    for (let i = 0; i < j; i++) {
      if (!apart(i, j)) continue
      groups = absorb(
        groups.flatMap((group) =>
          group.includes(i) && group.includes(j)
            ? [group.filter((one) => one !== j), group.filter((one) => one !== i)]
            : [group],
        ),
      )
    }
  return groups.sort(inOrder)
}

/** Without the groups that lie within another. */
const absorb = (groups: number[][]): number[][] =>
  groups.filter(
    (group, at) =>
      !groups.some(
        (other, where) =>
          where !== at &&
          group.every((one) => other.includes(one)) &&
          (group.length < other.length || where < at),
      ),
  )

const inOrder = (a: number[], b: number[]): number => {
  for (let at = 0; at < Math.min(a.length, b.length); at++)
    if (a[at] !== b[at]) return a[at]! - b[at]!
  return a.length - b.length
}
