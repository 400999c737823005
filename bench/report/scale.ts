// From a value to a place on a chart, and the values that an axis is labelled with.

export interface Scale {
  (value: number): number
  ticks: number[]
}

type Pair = readonly [number, number]

/** Equal steps are equally long. `ticks` is about how many there should be. */
export const linear = (domain: Pair, range: Pair, ticks = 5): Scale => {
  const [low, high] = widened(domain)
  const place = (value: number) => range[0] + ((value - low) / (high - low)) * (range[1] - range[0])
  const step = niceStep((high - low) / ticks)
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  const all = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
  return Object.assign(place, { ticks: all })
}

/** Equal factors are equally long: 1, 2, 5, 10, … Both ends of the domain lie above zero. */
export const logarithmic = (domain: Pair, range: Pair, ticks = 6): Scale => {
  const [low, high] = domain[0] === domain[1] ? [domain[0] / 1.1, domain[1] * 1.1] : domain
  const place = linear([Math.log(low), Math.log(high)], range)
  const between = (digits: number[]) =>
    decades(low, high)
      .flatMap((power) => digits.map((digit) => digit * 10 ** power))
      .filter((value) => value >= low * 0.9999 && value <= high * 1.0001)
  const lists = [[1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 6, 8], [1, 2, 5], [1, 3], [1]]
  const found = lists.map(between).find((list) => list.length <= ticks) ?? between([1])
  // Less than a factor of about two: powers of ten say nothing here.
  const chosen = found.length >= 3 ? found : linear([low, high], range, 6).ticks
  return Object.assign((value: number) => place(Math.log(value)), { ticks: thinned(chosen, ticks) })
}

/** Every second, third, … where there are too many. */
const thinned = (all: number[], most: number): number[] => {
  const step = Math.ceil(all.length / (most + 2))
  return all.filter((_, i) => i % step === 0)
}

const decades = (low: number, high: number): number[] => {
  const first = Math.floor(Math.log10(low))
  return Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => first + i)
}

const widened = ([low, high]: Pair): Pair => (high > low ? [low, high] : [low - 0.5, low + 0.5])

/** The smallest of 1, 2, 2.5, 5 times a power of ten that is at least `least`. */
const niceStep = (least: number): number => {
  const power = 10 ** Math.floor(Math.log10(least))
  return power * ([1, 2, 2.5, 5, 10].find((digit) => digit * power >= least * 0.999) ?? 10)
}
