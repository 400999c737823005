// Figures of gates as their sentences spell them.

export const things = (count: number, what: string): string =>
  `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`

export const percent = (share: number | null): string =>
  share === null ? 'an unknown share' : `${Number((share * 100).toPrecision(3))} %`

export const ratio = (value: number | null): string =>
  value === null ? 'unknown' : value.toFixed(Math.abs(value - 1) < 0.05 ? 3 : 2)

export const milliseconds = (value: number | null): string =>
  value === null ? 'an unknown time' : `${Number(value.toPrecision(3))} ms`
