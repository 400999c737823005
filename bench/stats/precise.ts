// Results are kept to ten digits: far more than any measurement has, and few enough to come out the
// same on every machine, whatever the last bit of its logarithm is.

/** `value` rounded to ten significant digits. */
export const precise = (value: number): number => Number(value.toPrecision(10))
