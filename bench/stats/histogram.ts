// Latencies in HDR histograms (Gil Tene, hdrhistogram.org): whole microseconds, three significant
// digits, so that a slot of any length fits into a line of text and slots can be merged. A quantile
// is taken from merged histograms, never averaged over slots: the mean of two p99 is no p99.
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js'

export type { Histogram }

/** An empty histogram of microseconds, from 1 µs upwards; values above 60 s make it grow. */
export const newHistogram = (): Histogram =>
  build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
    autoResize: true,
    bitBucketSize: 32,
  })

/** As text: compressed, base64. */
export const encodeHistogram = (histogram: Histogram): string =>
  encodeIntoCompressedBase64(histogram)

/** From what `encodeHistogram` wrote. An empty text is an empty histogram. */
export const decodeHistogram = (text: string): Histogram =>
  text === '' ? newHistogram() : decodeFromCompressedBase64(text, 32)

/** All that is in any of them, as one new histogram. */
export const mergeHistograms = (all: readonly (Histogram | string)[]): Histogram => {
  const merged = newHistogram()
  for (const one of all) merged.add(typeof one === 'string' ? decodeHistogram(one) : one)
  return merged
}

/** How many requests must lie beyond a quantile before it is printed. */
const beyond = 20

/** How many requests it takes for the quantile `p`: 2,000 for p99. */
export const requestsFor = (p: number): number => Math.ceil(beyond / (1 - p) - 1e-6)

/**
 * The quantile `p` (0.99) in milliseconds, which at least that share of the requests did not
 * exceed. Null where fewer than twenty requests lie beyond it: a p99 of 300 requests is the luck
 * of three.
 */
export const quantileMs = (histogram: Histogram, p: number): number | null =>
  histogram.totalCount < requestsFor(p) ? null : histogram.getValueAtPercentile(p * 100) / 1000

/** The mean in milliseconds; 0 of nothing. */
export const meanMs = (histogram: Histogram): number =>
  histogram.totalCount === 0 ? 0 : histogram.mean / 1000
