// The normal distribution and Student's t, as far as intervals need them. Accurate to 1e-12 or so,
// which a test holds to SciPy's figures.

/**
 * The standard normal distribution function, by the series (near zero) or the continued fraction
 * (far out) of the incomplete gamma function (Numerical Recipes, section 6.2).
 */
export const normalCdf = (z: number): number => {
  const x = (z * z) / 2
  if (x < 3) return 0.5 + Math.sign(z) * (seriesGamma(x) / 2)
  const tail = fractionGamma(x) / 2
  return z < 0 ? tail : 1 - tail
}

/** The z below which a standard normal value lies with probability `p`. */
export const normalQuantile = (p: number): number => invert(normalCdf, p)

/** The t distribution function with `df` degrees of freedom. */
export const studentCdf = (t: number, df: number): number => {
  const tail = incompleteBeta(df / (df + t * t), df / 2, 0.5) / 2
  return t < 0 ? tail : 1 - tail
}

/** The t below which Student's t lies with probability `p`. */
export const studentQuantile = (p: number, df: number): number =>
  invert((t) => studentCdf(t, df), p)

/** Where a symmetric distribution function reaches `p`, by bisection: slow, and never wrong. */
const invert = (cdf: (x: number) => number, p: number): number => {
  if (p === 0.5) return 0
  if (p > 0.5) return -invert(cdf, 1 - p)
  let low = -1
  while (cdf(low) > p) low *= 2
  let high = 0
  for (let step = 0; step < 200 && low < high; step++) {
    const middle = (low + high) / 2
    if (middle === low || middle === high) break
    if (cdf(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** P(1/2, x), the regularised lower incomplete gamma function, for small x. */
const seriesGamma = (x: number): number => {
  if (x === 0) return 0
  let term = 2
  let sum = term
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= x / (0.5 + n)
    sum += term
  }
  return (sum * Math.exp(-x) * Math.sqrt(x)) / Math.sqrt(Math.PI)
}

/** Q(1/2, x), the upper one, for large x, by Lentz's method. */
const fractionGamma = (x: number): number => {
  const tiny = 1e-300
  let b = x + 0.5
  let c = 1 / tiny
  let d = 1 / b
  let h = d
  for (let i = 1; i < 1000; i++) {
    const a = -i * (i - 0.5)
    b += 2
    d = 1 / (a * d + b || tiny)
    c = b + a / c || tiny
    h *= d * c
    if (Math.abs(d * c - 1) < 1e-16) break
  }
  return (h * Math.exp(-x) * Math.sqrt(x)) / Math.sqrt(Math.PI)
}

/** The regularised incomplete beta function (Numerical Recipes, section 6.4). */
const incompleteBeta = (x: number, a: number, b: number): number => {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  )
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(x, a, b)) / a
    : 1 - (front * betaFraction(1 - x, b, a)) / b
}

const betaFraction = (x: number, a: number, b: number): number => {
  const tiny = 1e-300
  let c = 1
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny)
  let h = d
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / (1 + even * d || tiny)
    c = 1 + even / c || tiny
    h *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / (1 + odd * d || tiny)
    c = 1 + odd / c || tiny
    h *= d * c
    if (Math.abs(d * c - 1) < 1e-16) break
  }
  return h
}

/** ln Γ(x) for x > 0: shifted up to where Stirling's series is exact to double precision. */
const logGamma = (x: number): number => {
  let shift = 0
  let z = x
  for (; z < 15; z++) shift += Math.log(z)
  const square = 1 / (z * z)
  const series =
    (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / z
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift
}
