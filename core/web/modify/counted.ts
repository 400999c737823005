// A number of things in words.

export const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
